"""Shell cells, and shells from another terminal: what comes out, what ends them, and what they never hold up."""

import threading
import time

import pytest

from live.helpers import VMS, podnet, until
from podnet_lab import Lab, errors
from podnet_lab.jupyter.magic import node_magic
from podnet_lab.kernel import cell_output, shell


@pytest.fixture
def cell(lab, capsys):
    """Run a cell as a notebook does; returns what it printed, on which of the two."""

    def cell(text, line="node1"):
        node_magic(line, text)
        return tuple(capsys.readouterr())

    return cell


def test_both_outputs(cell):
    assert cell("echo to out; echo to err >&2") == ("to out\n", "to err\n")
    assert cell("hostname", "node2") == ("node2\n", "")
    assert cell("hostname", "outside") == ("outside\n", "")
    assert cell("") == ("", "")


def test_what_a_node_is_asked_for_comes_in_the_order_in_which_it_was_printed(lab):
    said = lab["node1"].shell("for i in {1..300}; do echo $i; echo $i >&2; done")
    assert said.split() == [str(i) for i in range(1, 301) for _ in range(2)]


def test_characters_that_are_cut_in_two(cell):
    assert cell(r"printf '\xe2\x9c'; sleep 0.1; printf '\x93\xc3'; sleep 0.1; printf '\xbc\n'")[0] == "✓ü\n"
    assert cell(r"printf 'a\xffb'")[0] == "a\ufffdb"
    assert len(cell("for i in {1..20000}; do echo -n 🐝; done")[0]) == 20000
    assert cell(r"printf 'cut \xe2\x9c'")[0] in ("cut \ufffd", "cut ")


def test_a_status_is_an_error_unless_it_may_be(cell, capsys):
    with pytest.raises(errors.ShellFailed, match="node1: the shell ended with status 3"):
        cell("echo before; exit 3")
    assert capsys.readouterr().out == "before\n"
    assert "status 3" in cell("exit 3", "node1 --may-fail")[0]
    assert "status 3" in cell("exit 3", "--may-fail node1")[0]
    with pytest.raises(errors.ShellFailed, match="iproute2"):
        cell("no-such-command-at-all")
    with pytest.raises(errors.ShellFailed, match=r"-15|143|SIGTERM"):
        cell("kill $$")
    with pytest.raises(errors.ShellFailed, match="status 2"):
        cell("if")


def test_a_job_in_the_background_holds_nothing(cell, lab):
    start = time.monotonic()
    assert cell("sleep 1000 & echo started; echo $! > /run/one")[0] == "started\n"
    assert "(a job goes on in the background" in cell("(while :; do echo noise; done) & echo $! > /run/two")[1]
    assert time.monotonic() - start < 5
    jobs = "$(cat /run/one /run/two)"
    alive = cell(f"for one in {jobs}; do kill -0 $one && echo yes; done; kill {jobs}", "node1 --may-fail")[0]
    assert alive.split() == ["yes", "yes"]
    assert lab.snapshot()


SERVER = 'python3 -uc \'for line in open("/run/asked"): print(line, end="")\''
"""Like a server that writes down what it is asked: a line for each that comes through a pipe."""


def test_what_a_job_in_the_background_prints_after_its_cell_is_in_a_file_that_the_cell_names(lab, cell):
    lab.reset()
    out, err = cell(f"mkfifo /run/asked; {SERVER} & echo started")
    assert out == "started\n"
    assert "(a job goes on in the background; what it prints is in /run/podnet-cells/1 on this node" in err
    cell("exec 3>/run/asked; for i in 1 2 3; do echo request $i >&3; done")  # the first would end one that prints into nothing
    until(lambda: cell("cat /run/podnet-cells/1")[0] == "request 1\nrequest 2\nrequest 3\n", 5)
    assert cell("sleep 1000 >/dev/null 2>&1 & echo no word of one that prints elsewhere") == ("no word of one that prints elsewhere\n", "")
    assert lab["node1"].shell("(while :; do echo noise; sleep 0.01; done) & sleep 0.1; echo done").count("done") == 1
    assert lab["node1"].shell("ls /run/podnet-cells") == "1\n2\n"
    assert "(ended: " in str(lab.reset())
    assert "podnet-cells" not in lab["node1"].shell("rm /run/asked; ls /run")


def test_a_job_in_the_background_that_never_stops_printing_leaves_a_file_of_a_bounded_size(lab, cell):
    def sizes():
        return [int(size) for size in lab["node1"].shell("stat -c %s /run/podnet-cells/*").split()]

    assert "what it prints is in /run/podnet-cells/" in cell("yes &")[1]
    until(lambda: sizes()[-1] > cell_output.MOST_KEPT // 2, 5)
    assert all(max(sizes()) <= cell_output.MOST_KEPT for _ in range(20))
    lab.reset()
    assert lab["node1"].shell("pgrep -x yes", may_fail=True) == ""


def test_a_cell_that_prints_much_is_cut_and_says_where_the_end_is(lab, cell):
    out, err = cell("yes 0123456789abcde | head -c 3000000; echo END; echo over >&2")
    assert len(out) == shell.MOST_SHOWN
    assert (
        "(cut: 256 KB are shown. The command goes on until it ends, or is interrupted; the end of the rest is in /run/podnet-cells/" in err
    )
    # Of what a command prints in two ways nobody knows the order: what was told as an error may come before the last of the rest.
    assert sorted(lab["node1"].shell("tail -c 100000 $(ls -t /run/podnet-cells/* | head -1) | grep -x -e END -e over").split()) == [
        "END",
        "over",
    ]


def test_a_cell_that_prints_without_end_is_cut_goes_on_and_is_interrupted(lab):
    printed = []

    def output(number, data):
        printed.append((number, data))
        if number == 2:
            raise KeyboardInterrupt  # as soon as it says that it is cut

    with pytest.raises(KeyboardInterrupt):
        lab.shell("node1", "yes", output)
    assert sum(len(data) for number, data in printed if number == 1) == shell.MOST_SHOWN
    until(lambda: lab["node1"].shell("pgrep -x yes", may_fail=True) == "", 5)


def test_a_call_that_returns_text_stops_what_prints_without_end(lab):
    with pytest.raises(errors.LabError, match="printed more than 64 MB, and was stopped"):
        lab["node1"].shell("yes")
    until(lambda: lab["node1"].shell("pgrep -x yes", may_fail=True) == "", 5)


def test_five_megabytes_arrive_whole(lab):
    said = lab["node1"].shell("yes 0123456789abcde | head -c 5242880")
    assert len(said) == 5242880
    assert set(said.split()) == {"0123456789abcde"}
    assert len(lab["node1"].shell("head -c 300000 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero | tr '\\0' y >&2")) == 600000


def test_every_cell_is_a_fresh_shell_and_files_stay(cell):
    cell("x=1; cd /run; export Y=2; echo kept > /run/file")
    assert cell("echo $x$Y; pwd; cat /run/file")[0] == "\n/\nkept\n"
    with pytest.raises(errors.ShellFailed):
        cell("cat /run/file 2>/dev/null", "node2")
    assert cell("rm /run/file; read line; echo $?")[0] == "1\n"


def test_cells_that_keep_go_on_where_the_last_one_ended_until_reset(cell, lab):
    keep = "node1 --keep"
    assert cell("cd /etc; x='a  b'; export Y=6; f() { echo f \"$x\"; }", keep) == ("", "")
    assert cell("pwd; f; env | grep ^Y", keep) == ("/etc\nf a  b\nY=6\n", "")
    with pytest.raises(errors.ShellFailed, match="status 3"):
        cell("x=changed; exit 3", keep)
    assert cell('pwd; echo "$x"', keep) == ("/etc\nchanged\n", "")
    assert cell("pwd; echo x$x") == ("/\nx\n", "")
    assert cell("pwd", "node2 --keep") == ("/\n", "")
    lab.reset()
    assert cell("pwd; echo x$x", keep) == ("/\nx\n", "")


def test_an_interrupted_cell_that_keeps_has_kept_what_it_had(cell, lab):
    def output(number, data):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lab.shell("node1", "cd /run; z=1; echo begun; sleep 1000", output, True)
    assert cell("pwd; echo $z", "node1 --keep") == ("/run\n1\n", "")
    lab.reset()


@pytest.mark.parametrize(("text", "last"), [("cd /etc", "cd /etc"), ("ls >/dev/null\nx=5\n", "x=5"), ("export Y=6", "export Y=6")])
def test_a_cell_that_ends_with_what_the_next_one_does_not_know_says_so(cell, text, last):
    assert cell(text) == ("", f"(each cell is a fresh bash in /: the next one does not know of {last!r}; %%node node1 --keep does)\n")


@pytest.mark.parametrize("text", ["cd /etc; ls >/dev/null", "cd /etc && true", "x=5; echo $x >/dev/null", "x=5 true", "cd /etc\ntrue"])
def test_a_cell_that_uses_its_directory_and_variables_is_told_nothing(cell, text):
    assert cell(text) == ("", "")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("node1 --mayfail", r"no option --mayfail; did you mean '--may-fail'\?"),
        ("node1 --keeep", r"did you mean '--keep'\?"),
        ("node1 --zebra", r"no option --zebra: %%node NAME"),
        ("noed1", r"did you mean 'node1'\?"),
        ("node1 --lab", "--lab is followed by"),
    ],
)
def test_a_line_that_is_one_slip_off_says_what_was_meant(cell, line, words):
    with pytest.raises(errors.BadInput, match=words):
        cell("true", line)


def test_what_a_cell_holds_is_bashs_alone(cell):
    hard = """echo "a 'b' \\"c\\" \\$d" '$e' $((1+1)); cat <<'EOF'\n$f `g` \\n\nEOF\n"""
    assert cell(hard)[0] == "a 'b' \"c\" $d $e 2\n$f `g` \\n\n"


@pytest.mark.parametrize("line", ["", "node1 node2", "node9", "lab", "--may-fail", "node1 --lab", "node1 --lab other", "'"])
def test_a_line_that_can_not_be(cell, line):
    with pytest.raises((errors.BadInput, errors.NoLab)):
        cell("echo never >/run/never", line)
    assert "never" not in cell("ls /run")[0]


def test_a_pod_is_no_node_but_it_is_said_where_it_is_and_how_to_get_there(wired, cell):
    with pytest.raises(errors.BadInput, match=r"pod-1-2 is a Pod on node1: begin with `%%node node1`.* `ip netns exec pod-1-2 COMMAND`"):
        cell("hostname", "pod-1-2")
    assert "10.244.1.2" in cell("ip netns exec pod-1-2 hostname -I")[0] + cell("ip netns exec pod-1-2 ip addr")[0]
    with pytest.raises(errors.BadInput, match="none has one of that name"):
        cell("hostname", "pod-1-9")


def test_no_lab_and_several(running, cell):
    with Lab.open(nodes=1, pods=1, name="second", where="namespaces"):
        with pytest.raises(errors.NoLab, match="tests, second"):
            cell("hostname")
        assert cell("hostname; ls /sys/class/net | wc -l", "node1 --lab second")[0] == "node1\n2\n"
        assert "several labs" in podnet("shell", "node1", "--", "hostname").stderr
        assert podnet("shell", "node1", "--lab", "second", "--", "hostname").stdout == "node1\n"
        assert podnet("labs").stdout.count("\n") == 2


def test_agents_answer_while_a_shell_runs(wired):
    said, script = [], "touch /run/busy; while [ -e /run/busy ]; do sleep 0.01; done; echo over"
    thread = threading.Thread(target=lambda: said.append(wired["node1"].shell(script)))
    thread.start()
    try:
        until(lambda: podnet("shell", "node1", "--", "ls", "/run/busy").returncode == 0, 10)
        assert wired.snapshot()
        assert wired.ping("pod-1-2", "pod-2-2")
        assert wired["node1"].shell("echo beside") == "beside\n"
        assert wired.undo()
        assert said == []
    finally:
        wired["node1"].shell("rm -f /run/busy")
        thread.join(5)
    assert said == ["over\n"]


def test_another_terminal(wired):
    done = podnet("shell", "node2", "--", "sh", "-c", "hostname; ip -br netns; ip -n pod-2-2 -4 -o addr; touch /run/there; id -u")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("node2\n")
    assert done.stdout.endswith("\n0\n")
    assert "pod-2-2" in done.stdout
    assert "10.244.2.2/24" in done.stdout
    seen = wired["node2"].shell("ls /run; rm /run/there").split()
    assert "there" in seen if VMS else seen == ["netns", "podnet-node", "there"]
    assert podnet("shell", "node2", "--", "sh", "-c", "exit 7").returncode == 7
    assert podnet("shell", "outside", "--", "hostname").stdout == "outside\n"


@pytest.mark.parametrize(("words", "status"), [(("node9",), 2), (("lab",), 2), (("",), 2), (("node1", "--lab", "none"), 3)])
def test_another_terminal_where_there_is_no_such_thing(lab, words, status):
    done = podnet("shell", *words, "--", "true")
    assert done.returncode == status
    assert done.stdout == ""
    assert done.stderr.startswith("Error: no ")
    assert len(done.stderr.splitlines()) == 1


def test_another_terminal_without_a_lab(tmp_path):
    done = podnet("shell", "node1", "--", "true", XDG_RUNTIME_DIR=str(tmp_path))
    assert (done.returncode, done.stderr.splitlines()[0][:24]) == (3, "Error: no lab is running")
    assert podnet("labs", XDG_RUNTIME_DIR=str(tmp_path)).stdout == "no lab is running\n"


def test_single_commands_of_steps_do_what_the_step_does(lab):
    """A cell of one line: bash becomes the command itself, and `$$` is then its own number."""
    node = lab["node1"]
    node.shell("ip netns add p; ip link add cable1 type veth peer name cable2 netns p")
    node.shell("ip -n p link set cable2 netns $$")
    assert "cable2" in node.snapshot().own.links
