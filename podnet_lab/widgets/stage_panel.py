"""The panel of a stage: its steps, what is done and what is to do, and buttons to run, verify and undo them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

import ipywidgets

from podnet_lab.errors import BadInput, LabGone, PodnetError
from podnet_lab.model import Cluster
from podnet_lab.recipes.net_effect import needed
from podnet_lab.recipes.results import Result
from podnet_lab.show import html
from podnet_lab.show.changes import changes, same
from podnet_lab.steps.base import Step
from podnet_lab.widgets.picture import WIDGET, problem_html

if TYPE_CHECKING:
    from podnet_lab.widgets.watched_lab import WatchedLab

AS_OF = "<p><i>As of before the last change: Verify asks again.</i></p>"

AT_ONCE = 20
"""Of a long list, Run all runs so many steps at a time, and shows how far it is after each part."""

MOST_WHOLE = 60
"""A list of so many steps, as of any stage of three nodes, stands whole in the page; a longer one scrolls by itself."""

SIGNS = {"done": "✔ done", "failed": "✘ failed", "to do": "○ to do"}
COLOURS = {"done": "var(--jp-success-color1,#2e7d32)", "failed": "var(--jp-error-color1,#c62828)", "to do": "inherit"}


class StagePanel(ipywidgets.VBox):
    """The steps of one stage; each is judged on the kernel, so that what was typed in a terminal counts, too."""

    def __init__(self, lab: WatchedLab, stage: str, node: str | None = None) -> None:
        nodes = [each for each in lab.plan.nodes if node in (None, each.name)]
        if not nodes:
            raise BadInput(f"{node} has no stage: it is not in the cluster")
        self._lab, self.stage = lab, stage
        self._steps: list[tuple[str, Step]] = [(each.name, step) for each in nodes for step in lab.network.steps(stage, each, lab.plan)]
        self._evidence: dict[int, list[str]] = {}
        self._failures: dict[int, str] = {}
        self._fresh: set[int] = set()
        self._shown: list[str] = []
        self._verified_in: Cluster | None = None
        self._guard = threading.RLock()
        self._list, self._message = ipywidgets.HTML(), ipywidgets.HTML()
        self._bar = ipywidgets.IntProgress(min=0, max=len(self._steps), layout={"visibility": "hidden", "width": "200px"})
        self._buttons = [self._button(*button) for button in BUTTONS]
        super().__init__([ipywidgets.HBox([*self._buttons, self._bar], layout={"flex_flow": "row wrap"}), self._message, self._list])
        self.refresh()

    def _button(self, words: str, does: str, title: str) -> ipywidgets.Button:
        button = ipywidgets.Button(description=words, tooltip=title, layout={"width": "auto"})
        button.on_click(lambda _: self._do(getattr(self, f"_{does}")))
        return button

    def _do(self, work: Callable[[], None]) -> None:
        with self._guard:
            for button in self._buttons:
                button.disabled = True
            self._message.value, self._verified_in = "", None
            self._safely(work)
            for button in self._buttons:
                button.disabled = False
            self._safely(self.refresh)

    def _safely(self, work: Callable[[], None]) -> None:
        """Nobody sees what a callback raises, and in the watcher's thread it would end the other widgets: the panel says it."""
        try:
            work()
        except Exception as problem:  # noqa: BLE001 - whatever it is, it must be seen, and end nothing
            self._message.value = problem_html(problem)

    @property
    def status(self) -> list[str]:
        """Of each step in order: "done", "to do" or "failed", as the kernels say now."""
        return self._status(self._lab.snapshot())

    def _status(self, cluster: Cluster) -> list[str]:
        to_do: list[bool] = []
        for name in dict.fromkeys(name for name, _ in self._steps):
            to_do += needed([step for node, step in self._steps if node == name], cluster[name])
        return ["done" if not wanted else "failed" if at in self._failures else "to do" for at, wanted in enumerate(to_do)]

    def refresh(self) -> None:
        """Look at the kernels, and show what they say."""
        with self._guard:
            try:
                cluster = self._lab.snapshot()
            except LabGone:
                self._message.value = "<p><b>The lab is closed.</b></p>"
                return
            status = self._status(cluster)
            if self._verified_in is not None:
                said = self._message.value.removeprefix(AS_OF)
                self._message.value = said if same(cluster, self._verified_in) else AS_OF + said
            for at, word in enumerate(status):
                if word == "done":
                    self._failures.pop(at, None)
                else:
                    self._evidence.pop(at, None)
            self._shown = status
            rows = "".join(self._row(at, word) for at, word in enumerate(status))
            done = status.count("done")
            head = f"<div><b>Stage {escape(self.stage)}</b>: {done} of {len(status)} steps are done</div>"
            scrolls = "max-height:420px;overflow:auto;" if len(status) > MOST_WHOLE else ""
            value = f'{head}<div style="{scrolls}line-height:1.5"><ol style="margin:4px 0">{rows}</ol></div>'
            if value != self._list.value:
                self._list.value = value

    def on_change(self) -> None:
        """The kernels say that something changed."""
        if not self._lab.busy:
            self._safely(self.refresh)

    def _row(self, at: int, word: str) -> str:
        node, step = self._steps[at]
        lines = self._evidence.get(at, [])
        shown = self._fold(at, node, lines) if lines else ""
        failed = f"<div>{escape(self._failures[at])}</div>" if word == "failed" else ""
        sign = f'<span style="color:{COLOURS[word]};display:inline-block;min-width:70px">{SIGNS[word]}</span>'
        return f"<li>{sign} <code>{escape(node)}# {escape(step.command)}</code>{failed}{shown}</li>"

    def _fold(self, at: int, node: str, lines: list[str]) -> str:
        text, title = escape("\n".join(lines)), f"what its run changed on {escape(node)}"
        return f"<details{' open' if at in self._fresh else ''}><summary>{title}</summary><pre>{text}</pre></details>"

    # What the buttons do

    def _run(self) -> None:
        self._run_some(self._to_do()[:1])

    def _run_all(self) -> None:
        to_do = self._to_do()
        self._bar.max, self._bar.value = max(len(to_do), 1), 0
        self._bar.layout.visibility = "visible"
        try:
            size = AT_ONCE  # few are one run, and undone as one
            for start in range(0, len(to_do), size):
                self._run_some(to_do[start : start + size])
                self._bar.value = start + size
        finally:
            self._bar.layout.visibility = "hidden"

    def _run_some(self, places: list[int]) -> None:
        if not places:
            self._message.value = "<p>Nothing is left to do.</p>"
            return
        recipe: dict[str, list[Step]] = {}
        for at in places:
            recipe.setdefault(self._steps[at][0], []).append(self._steps[at][1])
        self._fresh.clear()
        try:
            result = self._lab.run(recipe)
        except PodnetError as problem:
            self._failures[self._at(places, problem)] = str(problem)
            raise
        self._keep(places, result)

    def _keep(self, places: list[int], result: Result) -> None:
        """What is different now: below the last step of each node."""
        for name in {self._steps[at][0] for at in places}:
            last = max(at for at in places if self._steps[at][0] == name)
            self._evidence[last] = changes(result.before[name], result.after[name])
            self._fresh.add(last)

    def _at(self, places: list[int], problem: PodnetError) -> int:
        """Which of the steps that were run together did not work."""
        which = (getattr(problem, "node", None), getattr(problem, "command", None))
        return next((at for at in places if (self._steps[at][0], self._steps[at][1].command) == which), places[0])

    def _to_do(self) -> list[int]:
        return [at for at, word in enumerate(self.status) if word != "done"]

    def _verify(self) -> None:
        now = self._lab.snapshot()
        self._message.value, self._verified_in = html.checks(self._lab.check(self.stage)), now

    def _undo(self) -> None:
        result = self._lab.undo()
        self._message.value = html.result(result)

    def _repr_mimebundle_(self, **_: object) -> tuple[dict, dict]:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"text/plain": repr(self), "text/html": self._list.value, WIDGET: view}, {}

    def __repr__(self) -> str:
        lines = (f"  {SIGNS[word]:<8}  {node}# {step.command}" for (node, step), word in zip(self._steps, self._shown, strict=True))
        return "\n".join([f"stage {self.stage}", *lines])


BUTTONS = (
    ("Run", "run", "run the next step that is to do"),
    ("Run all", "run_all", "run all steps that are to do"),
    ("Verify", "verify", "ask the kernels whether what this stage is for is true"),
    ("Undo", "undo", "take back the last run, of one step or of all"),
)
"""Of each button: its words, what it does, and its tooltip."""
