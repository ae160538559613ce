"""What `podnet prove` plays is told, and ended if it takes too long; what goes wrong in it stops nothing else."""

import re
import signal
from types import SimpleNamespace

import pytest

pytest.importorskip("fcntl", reason="podnet_lab.grading needs a Unix")

from podnet_lab.errors import LabError, LessonFailed, ShellFailed
from podnet_lab.exercises import Check, Exercise, Mistake, attempts, progress
from podnet_lab.exercises.solution import Solution, prove
from podnet_lab.exercises.task import Task
from podnet_lab.grading.playing import playing
from podnet_lab.networks import registry as networks

HINTS = ("a?", "b", "c")


def endless(_):
    while True:
        pass


class Lab(dict):
    """A lab whose nodes only remember what was typed."""

    plan = SimpleNamespace(nodes=[SimpleNamespace(name="node1")])
    broken = task = None
    network = networks.find(networks.LESSON)

    def __init__(self):
        super().__init__()
        self.typed, self.kept = [], []
        self["node1"] = SimpleNamespace(shell=self.type)
        self[attempts.PLACE] = SimpleNamespace(read_file=lambda *_: None, shell=self.keep)

    def type(self, script):
        """Run a script; "false" fails."""
        self.typed.append(script)
        if script == "false":
            raise ShellFailed("node1: the shell ended with status 1")

    def keep(self, script):
        """What is written down."""
        self.kept.append(script)

    def __missing__(self, name):
        raise LabError(f"no node is called {name!r}")

    def goto(self, _):
        """Begin anew."""
        self.typed.clear()

    def snapshot(self, *names):
        """Nothing to be seen."""
        return dict.fromkeys(names, "snapshot")

    def exercise(self, exercise):
        """Begin one."""
        self.task = Task(self, exercise)
        self.task._known = lambda: attempts.Records(exercise.name, {exercise.name: attempts.Record()})
        return self.task


def claims(solution, check=lambda lab: [Check("it is typed", None if "right" in lab.typed else "it is not")], **more):
    exercise = Exercise("x-1", "t", "t", check, HINTS, **more)
    return list(prove(Lab(), exercise, solution))


def lines(found):
    """What was found, as it is printed; where this file's own lab raises is not told with a number."""
    return [re.sub(r"line \d+", "line N", str(claim)) for claim in found]


def test_an_answer_that_fails_is_told_and_stops_no_other():
    found = claims(
        Solution(right={"typo": {"node1": "false"}, "nowhere": {"node9": "right"}, "ok": {"node1": "right"}, "code": lambda _: 1 / 0})
    )
    assert lines(found)[1:4] == [
        "FAIL  x-1: 'typo' solves it: test_playing.py, line N: node1: the shell ended with status 1",
        "FAIL  x-1: 'nowhere' solves it: test_playing.py, line N: no node is called 'node9'",
        "ok    x-1: 'ok' solves it",
    ]
    assert lines(found)[4] == "FAIL  x-1: 'code' solves it: the answer failed: test_playing.py, line N: ZeroDivisionError: division by zero"


def test_what_the_exercise_refuses_is_told_with_its_line():
    def check(lab):
        yield Check("node9 is there", lab["node9"] and None)

    def prepare(lab):
        lab["node1"].shell("false")

    untouched, solved = lines(claims(Solution(right={"ok": {}}), check))
    assert untouched.endswith("could not test: the answer can be judged: test_playing.py, line N: no node is called 'node9'")
    assert solved == "FAIL  x-1: 'ok' solves it: the answer can be judged: test_playing.py, line N: no node is called 'node9'"
    untouched, _ = lines(claims(Solution(right={"ok": {}}), prepare=prepare))
    assert untouched.endswith("prepare of x-1 failed: test_playing.py, line N: node1: the shell ended with status 1")


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (lambda cluster: False, "nothing was recognised"),
        (lambda cluster: cluster["node1"] == "else", "nothing was recognised"),
        (
            lambda cluster: cluster["node9"],
            "nothing was recognised; the mistake 'm' failed: test_playing.py, line [0-9]+: KeyError: 'node9'",
        ),
    ],
)
def test_a_mistake_that_is_not_recognised_says_whether_it_failed(seen, words):
    last = claims(Solution(right={"ok": {"node1": "right"}}, wrong={"m": {}}), mistakes=(Mistake("m", seen, "h"),))[-1]
    assert re.fullmatch(words, last.problem)


def test_playing_solutions_is_nobodys_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert claims(Solution(right={"ok": {"node1": "right"}}))[1]
    assert progress.read() == {}


def test_what_never_ends_is_ended_and_named_with_its_line():
    told = []
    line = endless.__code__.co_firstlineno
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGALRM)]
    where = rf"it did not end within 0.2 s, and was at test_playing.py, line ({line + 1}|{line + 2})$"
    with pytest.raises(LessonFailed, match=where), playing("the claim", 0.2, told.append, 0.05):
        endless(None)
    assert told == ["the claim"]
    with playing("another", 60, told.append, 30):
        pass
    with playing("at once", 60, told.append, 0):
        pass
    assert told == ["the claim", "at once"]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGALRM)] == before


def test_a_persons_interrupt_is_no_end_of_time():
    with pytest.raises(KeyboardInterrupt), playing("the claim", 60, lambda _: None, 30):
        signal.raise_signal(signal.SIGINT)


def test_a_check_that_fails_is_written_down_as_that():
    task = Lab().exercise(Exercise("x-1", "t", "t", lambda _: 1 // 0, HINTS))
    records = attempts.Records("x-1", {"x-1": attempts.Record()})
    task._known = lambda: records
    kept = task.lab.kept
    kept.clear()
    with pytest.raises(LessonFailed):
        task.check()
    assert '"verdict": "checking"' in kept[0]
    assert (records.records["x-1"].verdict, records.records["x-1"].tries) == ("could not test", 1)
    assert "ZeroDivisionError" in records.records["x-1"].why
    assert '"verdict": "could not test"' in kept[-1]
