import errno
import inspect
import os
import re

import pytest

from podnet_lab import errors
from podnet_lab.errors import HINTS, BadInput, CheckFailed, PodnetError, StepConflict, StepFailed

CLASSES = [one for _, one in inspect.getmembers(errors, inspect.isclass) if one.__module__ == errors.__name__]


@pytest.mark.parametrize("code", HINTS, ids=errno.errorcode.get)
def test_every_hint_is_a_question(code):
    assert HINTS[code].endswith("?")
    assert HINTS[code][0].isupper()


def test_only_error_numbers_that_every_system_has_are_named():
    linux_only = {"EXFULL", "ENONET", "EBADE", "ENOTUNIQ", "EBADFD", "EUCLEAN", "ENOKEY", "ERFKILL", "EREMCHG"}
    assert not linux_only & set(re.findall(r"errno\.(E\w+)", inspect.getsource(errors)))


@pytest.mark.parametrize("one", CLASSES, ids=lambda one: one.__name__)
def test_every_error_derives_from_the_one_and_stands_in_the_tree(one):
    assert issubclass(one, PodnetError)
    assert re.search(rf"^ *[│├└─ ]*{one.__name__}\b", errors.__doc__, re.MULTILINE)


def test_the_tree_is_drawn_as_it_is():
    above = [(-1, "Exception")]
    drawn = {}
    for line in errors.__doc__.splitlines():
        if found := re.match(r"([│├└─ ]*)([A-Z]\w+)(?:\s{2,}|$)", line):
            depth, name = len(found[1]), found[2]
            while above[-1][0] >= depth:
                above.pop()
            drawn[name] = above[-1][1]
            above.append((depth, name))
    assert drawn == {one.__name__: one.__bases__[0].__name__ for one in CLASSES}


def test_bad_input_is_a_value_error_and_a_failed_check_an_assertion():
    assert issubclass(BadInput, ValueError)
    assert issubclass(CheckFailed, AssertionError)


def test_a_refused_step_says_node_command_the_kernels_word_and_a_question():
    failure = StepFailed.refused("node1", "ip link add v-net-0 type bridge", errno.EEXIST, "more")
    assert str(failure) == f"node1# ip link add v-net-0 type bridge: {os.strerror(errno.EEXIST)}. {HINTS[errno.EEXIST]}"
    assert (failure.node, failure.command, failure.code) == ("node1", "ip link add v-net-0 type bridge", errno.EEXIST)
    assert failure.__notes__ == ["The kernel adds: more"]


def test_a_refusal_without_a_hint_still_has_the_kernels_word():
    failure = StepFailed.refused("node1", "ip link", errno.EIO)
    assert str(failure) == f"node1# ip link: {os.strerror(errno.EIO)}."
    assert failure.question == ""


def test_a_conflict_is_no_failure():
    conflict = StepConflict("node1", "ip link add x type bridge", "x is a veth interface", "Is that what you want to keep?")
    assert not isinstance(conflict, StepFailed)
    assert str(conflict).endswith("x is a veth interface. Is that what you want to keep?")
