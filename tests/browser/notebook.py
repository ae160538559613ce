"""An open notebook: its cells are run and looked at."""

from contextlib import suppress

from browser.faults import FAULTS, SETTLED

RUN = """async () => {
  await window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs');  // what was stored is not what ran
  window.jupyterapp.commands.execute('notebook:run-all-cells');
}"""

RAN = """() => {
  const cells = window.panel.content.widgets.filter(cell => cell.model.type === 'code' && cell.model.sharedModel.source.trim());
  const failed = cell => cell.model.outputs.toJSON().some(one => one.output_type === 'error')
    && !(cell.model.getMetadata('tags') ?? []).includes('raises-exception');
  return cells.every(cell => cell.model.executionCount !== null) || cells.some(failed);
}"""
"""Whether every cell ran, or one failed, after which none runs. The command's own promise may resolve long before."""

POLLING = 200
"""Milliseconds between looks at all outputs of a notebook: at each frame, as usual, a look at them takes a processor's time."""

IDLE = "() => window.panel.sessionContext.session?.kernel?.status === 'idle'"


LAID_OUT = "() => window.panel.node.getBoundingClientRect().right > innerWidth - 100"
"""Whether the notebook reaches as far as the window does, but for the bar at its right edge."""


class Notebook:
    """An open notebook."""

    def __init__(self, desk):
        self.desk, self.page = desk, desk.page

    def run(self, seconds=120):
        """Run all cells, as by Run › Run All Cells; TimeoutError if the last is not done in so many seconds."""
        self.desk.do(RUN)
        self.page.wait_for_function(RAN, timeout=seconds * 1000, polling=POLLING)
        self.page.wait_for_function(IDLE)

    def widen(self):
        """The window as it was at first, and JupyterLab in it: that lays itself out anew only a moment later."""
        self.page.set_viewport_size(self.desk.shape["viewport"])
        self.page.wait_for_function(LAID_OUT)

    def cell(self, index):
        """The cell of this number, from 0, Markdown's included."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell").nth(index)

    def begins(self, source):
        """The first cell whose source begins so."""
        found = self.page.evaluate(
            "source => window.panel.content.widgets.findIndex(cell => cell.model.sharedModel.source.startsWith(source))", source
        )
        assert found >= 0, f"no cell begins with {source}"
        return self.cell(found)

    def outputs(self, index):
        """What a cell shows, without its source."""
        return self.cell(index).locator(".jp-OutputArea-output")

    def faults(self):
        """What a student would call broken, in words: see faults.py; and what the page itself complained of."""
        from playwright.sync_api import TimeoutError as NotSettled

        with suppress(NotSettled):  # what is still loading is listed
            self.page.wait_for_function(SETTLED, polling=POLLING)
        return self.page.evaluate(FAULTS) + self.desk.problems
