import json
import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from podnet_lab.errors import BadInput, LabError, NoLab

pytest.importorskip("fcntl", reason="podnet_lab.lab needs a Unix")

from podnet_lab.backends import door, joined, labs_folder, plan_json, running_labs, vms
from podnet_lab.backends.netns_commands import lab_command
from podnet_lab.cli import main
from podnet_lab.plan import plan as planned

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="a process's birth is read from /proc")


@pytest.fixture(autouse=True)
def base(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def dead():
    """The number of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def write(file, /, **entry):
    path = running_labs.folder() / file
    path.write_text(json.dumps(entry))
    return path


def test_the_folder_is_the_users_own(base):
    path = running_labs.folder()
    assert path.parent == base
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert running_labs.folder() == path


def test_without_a_runtime_folder_the_temporary_one_is_taken(base, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(base / "missing"))
    monkeypatch.setattr(labs_folder.tempfile, "tempdir", str(base))
    assert running_labs.folder().parent == base


@pytest.mark.parametrize("trap", ["open", "link", "dangling", "file"])
def test_a_folder_that_somebody_else_may_have_made_is_refused(base, trap):
    path = base / labs_folder.folder_name(os.geteuid())
    other = base / "other"
    match trap:
        case "open":
            path.mkdir()
            path.chmod(0o770)
        case "link":
            other.mkdir(mode=0o700)
            path.symlink_to(other)
        case "dangling":
            path.symlink_to(other)
        case "file":
            path.write_text("")
    with pytest.raises(LabError, match="not this user's own folder"):
        running_labs.folder()
    assert not other.exists() or list(other.iterdir()) == []


@needs_proc
def test_a_registered_lab_is_found_by_name_and_by_process():
    path = running_labs.register("lab", {"node1": {"pid": 2}})
    (found,) = running_labs.labs()
    assert (found.name, found.owner, found.nodes) == ("lab", os.getpid(), {"node1": {"pid": 2}})
    assert found.alive
    assert found == running_labs.choose() == running_labs.choose("lab") == running_labs.choose(str(os.getpid()))
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@needs_proc
def test_entries_of_the_dead_and_rubbish_are_swept(dead):
    kept = running_labs.register("lab", {})
    swept = [
        write("a.json", name="dead", owner=dead, born=1, nodes={}),
        write("b.json", name="reused", owner=os.getpid(), born=1, nodes={}),
        write("c.json", name="nobody", owner="nobody", born=None, nodes={}),
        write("d.json", wrong="keys"),
        running_labs.folder() / "e.json",
        running_labs.folder() / "f.json",
    ]
    swept[4].write_text("{half a fi")
    swept[5].write_text("[]")
    assert [entry.name for entry in running_labs.labs()] == ["lab"]
    assert not [path for path in swept if path.exists()]
    assert kept.exists()


@needs_proc
def test_a_zombie_and_a_dead_process_have_no_birth(dead):
    assert running_labs.birth(dead) is None
    assert running_labs.birth(os.getpid()) == running_labs.birth(os.getpid()) > 0
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    assert running_labs.birth(zombie.pid) is None
    zombie.wait()


@needs_proc
def test_with_no_lab_or_several_there_is_a_clear_word():
    with pytest.raises(NoLab, match="no lab is running"):
        running_labs.choose()
    running_labs.register("one", {})
    running_labs.register("two", {})
    with pytest.raises(NoLab, match=r"several labs are running.*one of a program \(process \d+\), two"):
        running_labs.choose()
    with pytest.raises(NoLab, match=r"no running lab is called 'three'; there are one"):
        running_labs.choose("three")
    assert running_labs.choose("two").name == "two"


@needs_proc
def test_a_lab_that_a_program_has_for_itself_is_only_chosen_by_its_name():
    running_labs.register("_prove-1", {})
    with pytest.raises(NoLab, match="no lab is running"):
        running_labs.choose()
    assert running_labs.choose("_prove-1").name == "_prove-1"
    running_labs.register("lab", {})
    assert running_labs.choose().name == "lab"


@pytest.mark.parametrize("name", ["a/b", "../x", "", "a\0b", "x" * 300])
def test_a_lab_whose_name_is_no_files_is_refused(name):
    with pytest.raises(BadInput):
        running_labs.register(name, {})


def test_a_lab_whose_processes_are_gone_has_no_pid():
    with pytest.raises(NoLab, match="gone"):
        running_labs.host_pid({"pid": 2, "namespaces": {"pid": "pid:[0]", "net": "net:[0]"}})


@pytest.mark.parametrize(("privileged", "spaces"), [(False, "-Urnmpu"), (True, "-nmpu")])
def test_the_labs_command_dies_with_its_owner_and_sits_out_interrupts(privileged, spaces):
    words = shlex.split(lab_command("/usr/bin/python3", privileged))
    assert words[:5] == ["setpriv", "--pdeathsig", "KILL", "setsid", "unshare"]
    assert words[5] == spaces
    assert {"--fork", "--kill-child", "--mount-proc"} < set(words)
    assert words[words.index("--propagation") + 1] == "private"
    assert words[-2:] == ["/usr/bin/python3", "-P"]


def test_roots_lab_is_nobodys_before_it_is_in_a_user_namespace():
    words = shlex.split(lab_command("/usr/bin/python3", user=1879048200))
    begin = ["setpriv", "--pdeathsig", "KILL", "unshare", "-m", "--propagation", "private", "/usr/bin/python3", "-P", "-m"]
    assert words[: len(begin) + 3] == [*begin, "podnet_lab.kernel.nobodys_id", "1879048200", "/usr/bin/python3"]
    assert words[len(begin) + 3 :] == shlex.split(lab_command("/usr/bin/python3"))[3:]


@pytest.mark.parametrize("python", ["/home/a b/bin/python", "/home/o'neill/python"])
def test_a_python_in_any_folder_is_one_word_of_the_command(python):
    assert shlex.split(lab_command(python))[-2:] == [python, "-P"]


def test_a_lab_answers_to_its_notebook_too(monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "/somewhere/03_veth.ipynb")
    running_labs.register("one", {})
    monkeypatch.setenv("JPY_SESSION_NAME", "/somewhere/05_routes.ipynb")
    running_labs.register("two", {})

    assert running_labs.choose("03_veth").name == "one"
    assert running_labs.choose("05_routes.ipynb").name == "two"
    assert str(running_labs.choose("one")).startswith("one of 03_veth.ipynb (process ")
    assert running_labs.choose("03").name == "one"
    with pytest.raises(NoLab, match=r"say which with --lab \(like --lab 0[35]_\w+\)"):
        running_labs.choose("0")
    with pytest.raises(NoLab, match="no running lab is called 'veth'"):
        running_labs.choose("veth")


def test_the_list_goes_with_its_last_lab():
    one, two = running_labs.register("one", {}), running_labs.register("two", {})
    running_labs.unregister(one)
    assert one.parent.is_dir()
    running_labs.unregister(two)

    assert not one.parent.exists()


@needs_proc
def test_what_others_need_to_join_is_written_beside_and_goes_along(dead):
    wanted = planned(nodes=2, pods=5).with_uplinks({"node2": "enp0s8"})
    plan = plan_json.of_plan(wanted, "static_routes")
    path = running_labs.register("a.lab", {}, plan=plan, baseline={"node1": {"spaces": {}}})
    (found,) = running_labs.labs()
    assert plan_json.to_plan(found.plan) == wanted
    assert running_labs.baseline(found) == {"node1": {"spaces": {}}}
    assert sorted(one.suffix for one in path.parent.iterdir()) == [".baseline", ".json"]
    left = [running_labs.folder() / name for name in (f"{dead}-x.baseline", f"{dead}-x.json.new", f"{dead}-x.baseline.new")]
    kept = running_labs.folder() / f"{os.getpid()}-y.json.new"
    for one in (*left, kept):
        one.write_text("")
    running_labs.labs()
    assert [one.exists() for one in (*left, kept)] == [False, False, False, True]
    kept.unlink()
    running_labs.unregister(path)
    assert not path.parent.exists()
    with pytest.raises(NoLab, match="has ended, or another version"):
        running_labs.baseline(found)


@needs_proc
@pytest.mark.parametrize("plan", [None, {}, {"nodes": [{"name": "node1"}], "pods_per_node": 2}, {"nodes": 3, "pods_per_node": "x"}])
def test_an_entry_of_another_version_is_listed_but_can_not_be_joined(plan):
    write("a.json", name="other", owner=os.getpid(), born=running_labs.birth(os.getpid()), nodes={}, plan=plan, newer="something")
    (found,) = running_labs.labs()
    assert found.name == "other"
    with pytest.raises(NoLab, match="another version"):
        joined.find("other")


@pytest.mark.parametrize(("guarded", "word"), [(True, "guarded"), (False, "open")])
def test_what_forks_joined_agents_dies_with_its_owner_and_has_a_word_for_guarded(guarded, word):
    words = door.door_command("/home/o'neill/a b/python", 7, guarded)
    assert words[:5] == ["setpriv", "--pdeathsig", "KILL", "/home/o'neill/a b/python", "-P"]
    assert words[5:] == ["-m", "podnet_lab.backends.door_program", "7", word]


def test_labs_are_called_by_their_notebooks_where_these_tell_them_apart():
    def entry(name, owner, notebook=""):
        return running_labs.Entry(name, owner, 0, {}, notebook)

    several = [entry("lab", 1, "03_veth.ipynb"), entry("lab", 2, "05_routes.ipynb"), entry("lab", 3, "05_routes.ipynb"), entry("demo", 4)]
    assert running_labs.handles(several) == ["03_veth", "2", "3", "demo"]
    assert all(one.answers_to(name) for one, name in zip(several, running_labs.handles(several), strict=True))
    assert running_labs.handles([]) == []
    assert running_labs.handles([entry("lab", 1, "03_veth.ipynb"), entry("other", 1, "03_veth.ipynb")]) == ["lab", "other"]


HOSTILE = {
    "a line of its own": "03\nok    every rule holds",
    "colours": "\x1b[31mred",
    "right to left": "\u202egnp.exe\u200f",
    "no UTF-8": "\udcff",
    "an option": "--help",
    "two words": "my notebook",
    "a command": "$(touch x)",
    "a quote": "o'neill",
    "a backslash": "a\\nb",
}


@needs_proc
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_notebooks_name_is_one_line_that_can_be_shown_and_completed(monkeypatch, name):
    monkeypatch.setenv("JPY_SESSION_NAME", f"/somewhere/{name}.ipynb")
    running_labs.register("lab", {"node1": {"pid": 2}})
    (entry,) = running_labs.labs()
    listed = CliRunner().invoke(main, ["labs"]).output.removesuffix("\n")
    typed = {"_PODNET_COMPLETE": "bash_complete", "COMP_WORDS": "podnet shell --lab ", "COMP_CWORD": "3"}
    completed = CliRunner().invoke(main, [], prog_name="podnet", env=typed)

    assert listed.isprintable()
    assert entry.holder.isprintable()
    assert vms._holder().isprintable()
    assert running_labs.handles([entry]) == [str(os.getpid())]
    assert completed.output == f"plain,{os.getpid()}\n"
    for called in (name, entry.notebook, entry.notebook.removesuffix(".ipynb"), str(os.getpid())):
        assert running_labs.choose(called) == entry


def test_an_entry_that_somebody_else_wrote_is_shown_as_one_line():
    written = {"name": "a\nb", "owner": 1, "born": 1, "nodes": {}, "notebook": "\ud800\x1b[2J"}

    assert str(running_labs.entry_of(written)) == r"a\x0ab of \xed\xa0\x80\x1b[2J (process 1)"
    assert running_labs.entry_of(written | {"notebook": 3}) is None
    assert running_labs.handles([running_labs.Entry("lab", 4, 0, {}, "\u00fcbung_1.ipynb")]) == ["\u00fcbung_1"]
