"""Whose root's lab is, and which folders on the way to an interpreter are closed to that somebody."""

import builtins
import io
import sys
from pathlib import Path

import pytest

import podnet_lab

pytest.importorskip("fcntl", reason="podnet_lab.kernel needs a Unix")

from podnet_lab.kernel import nobodys_id


@pytest.mark.parametrize(
    ("maps", "first", "last"),
    [
        ("0 0 4294967295", nobodys_id.FIRST, nobodys_id.FIRST + nobodys_id.COUNT - 1),
        ("0 100000 65536", 65535 - 32767, 65535),  # a container's root
        ("0 0 1\n1 100000 65536", 65536 - 32767, 65536),
    ],
)
def test_a_number_is_one_that_this_namespace_has_and_nobody_uses(monkeypatch, maps, first, last):
    monkeypatch.setattr(builtins, "open", lambda *_: io.StringIO(maps + "\n"))
    drawn = [nobodys_id.free_id(number) for number in (0, 1, 2**24 - 2, 2**31, 12345)]
    assert min(drawn) >= first
    assert max(drawn) <= last
    assert len(set(drawn)) > 2


@pytest.mark.parametrize("maps", ["0 0 1", "0 1000 1\n1 5 100"])
def test_where_root_is_the_only_user_there_is_no_other(monkeypatch, maps):
    monkeypatch.setattr(builtins, "open", lambda *_: io.StringIO(maps + "\n"))
    assert nobodys_id.free_id(7) is None


def test_the_topmost_closed_folder_is_found(tmp_path, monkeypatch):
    inner = tmp_path / "home" / "venv" / "bin"
    inner.mkdir(parents=True)
    closed = {str(tmp_path / "home"), str(tmp_path / "home" / "venv")}
    monkeypatch.setattr(nobodys_id, "_passable", lambda folder: folder not in closed)
    assert nobodys_id.closed_to_others(str(inner)) == str(tmp_path / "home")
    assert nobodys_id.closed_to_others(str(tmp_path)) is None


def test_a_folder_is_passed_by_its_mode(tmp_path):
    folder = tmp_path / "one"
    folder.mkdir()
    for mode, passable in ((0o755, True), (0o711, True), (0o754, False), (0o700, False)):
        folder.chmod(mode)
        assert nobodys_id._passable(str(folder)) == passable


def test_what_a_python_needs_is_listed_once():
    needed = nobodys_id.needed()
    assert len(needed) == len(set(needed))
    assert str(Path(podnet_lab.__file__).parents[1]) in needed
    assert sys.prefix in needed
