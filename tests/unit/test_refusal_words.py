"""An error without a number is none of the kernel's, and is never told as success."""

import errno
import json

import pytest

pytest.importorskip("fcntl", reason="podnet_lab.kernel needs a Unix")

from podnet_lab.backends.agent_client import Refusal
from podnet_lab.errors import StepFailed
from podnet_lab.kernel import agent_channel, feature_probe
from podnet_lab.kernel.netlink import Refused


class Raising:
    """An agent whose only call raises."""

    def __init__(self, error):
        self._error = error

    def call(self):
        raise self._error


def told(error):
    """What a lab says of an error that its agent met."""
    result = json.loads(agent_channel.answer(Raising(error), json.dumps({"do": "call"}).encode()))
    return str(Refusal(result["code"], result["position"], result["detail"]))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError("timed out"), "timed out"),
        (TimeoutError(), "TimeoutError"),
        (OSError("no answer"), "no answer"),
        (Refused(0, 0, "nobody knows"), "nobody knows"),
        (Refused(0), "it did not work, and nobody says why"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "the kernel refused: Connection refused"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/run/x"), "the kernel refused: No such file or directory (/run/x)"),
        (OSError(errno.ENODEV, "no card is left"), "the kernel refused: No such device (no card is left)"),
        (Refused(errno.EINVAL, 3, "a detail"), "the kernel refused: Invalid argument (a detail)"),
    ],
)
def test_an_error_is_told_by_its_number_or_by_its_words(error, words):
    assert told(error) == words


def test_a_step_that_failed_without_a_number_says_so():
    assert "Success" not in str(StepFailed.refused("node1", "ip link", 0, ""))
    assert "timed out" in str(StepFailed.refused("node1", "ip link", 0, "timed out"))
    assert str(Refused(0, 0, "nobody knows")).endswith("nobody knows")


def test_a_probe_that_timed_out_says_so():
    def late():
        raise TimeoutError("timed out")

    assert feature_probe._try(late) == "timed out"
