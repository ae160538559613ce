"""The list of running labs is this user's own, whatever others have put in its place, and can be kept whatever a umask has taken."""

import errno
import os
import stat
from types import SimpleNamespace

import pytest

pytest.importorskip("fcntl", reason="podnet_lab.lab needs a Unix")

from podnet_lab.backends import labs_folder, limits, running_labs
from podnet_lab.errors import LabError


@pytest.fixture(autouse=True)
def base(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def umask():
    before = os.umask(0o777)
    yield
    os.umask(before)


def usual(base):
    return base / labs_folder.folder_name(os.geteuid())


@pytest.fixture
def somebodys(base, monkeypatch):
    """A name that somebody else has taken: what has it is told to have another owner."""
    usual(base).mkdir()
    lstat = type(base).lstat

    def told(path):
        there = lstat(path)
        return SimpleNamespace(st_uid=there.st_uid + 1, st_mode=there.st_mode) if path == usual(base) else there

    monkeypatch.setattr(type(base), "lstat", told)
    return usual(base)


def test_where_somebody_else_has_taken_its_name_the_list_has_another(base, somebodys):
    assert running_labs.labs() == []
    path = running_labs.register("lab", {"node1": {"pid": 2}}, baseline={"node1": {}})

    assert path.parent not in (somebodys, base)
    assert path.parent.name.startswith(f"{somebodys.name}.")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert labs_folder.folder() == path.parent
    (found,) = running_labs.labs()
    assert running_labs.baseline(found) == {"node1": {}}
    assert list(somebodys.iterdir()) == []
    running_labs.unregister(path)
    assert list(base.iterdir()) == [somebodys]


def test_labs_are_found_in_all_folders_of_this_user(base):
    first = running_labs.register("first", {})
    other = base / f"{usual(base).name}.x7"
    first.parent.rename(other)  # as when the name was somebody's when it was opened, and is free again
    running_labs.register("second", {})

    assert {entry.name for entry in running_labs.labs()} == {"first", "second"}


def test_a_folder_that_is_called_alike_and_open_to_others_is_passed_over(base):
    (base / f"{usual(base).name}.backup").mkdir(mode=0o755)
    (base / f"{usual(base).name}.backup").chmod(0o755)

    assert labs_folder.folders() == []
    assert labs_folder.folder() == usual(base)


@pytest.mark.usefixtures("umask")
def test_a_list_can_be_kept_under_any_umask():
    path = running_labs.register("lab", {}, baseline={"node1": {}})

    modes = {one: stat.S_IMODE(one.stat().st_mode) for one in (path.parent, path, path.with_suffix(".baseline"))}
    assert list(modes.values()) == [0o700, 0o600, 0o600]


def test_a_list_that_a_umask_has_shut_is_opened(base):
    usual(base).mkdir(mode=0)
    usual(base).chmod(0)

    assert stat.S_IMODE(labs_folder.folder().stat().st_mode) == 0o700


@pytest.mark.parametrize("hindered", ["a folder in its place", "a list that can't be changed"])
def test_a_lab_whose_entry_can_not_be_taken_off_the_list_ends_all_the_same(hindered):
    path = running_labs.register("lab", {}, baseline={"node1": {}})
    if hindered == "a folder in its place":
        path.unlink()
        path.mkdir()
    else:
        path.parent.chmod(0o500)
    running_labs.unregister(path)
    if path.parent.exists():  # not where root could remove all of it
        path.parent.chmod(0o700)

    assert [entry.name for entry in running_labs.labs()] in ([], ["lab"])  # listed, at most, until its process ends


def test_an_entry_that_can_not_be_swept_hinders_nobody(base):
    running_labs.register("lab", {})
    (usual(base) / "1-other.json").mkdir()
    (usual(base) / "1-other.json.new").mkdir()

    assert [entry.name for entry in running_labs.labs()] == ["lab"]


def test_a_file_that_can_not_be_written_is_named(base):
    usual(base).mkdir(mode=0o700)
    (usual(base) / f"{os.getpid()}-lab.json.new").mkdir()

    with pytest.raises(LabError, match=r"lab\.json can't be written: Is a directory"):
        running_labs.register("lab", {})


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOTDIR])
def test_a_permission_has_nothing_to_do_with_limits(monkeypatch, number):
    monkeypatch.setattr(limits, "low", lambda: [("limit of open files", "`ulimit -n` allows 17", "raise it")])

    assert limits.why(OSError(number, "why", "/tmp/x")) == f"[Errno {number}] why: '/tmp/x'"
    assert "ulimit -n" in limits.why(OSError(errno.EAGAIN, "why"))
