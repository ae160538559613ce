"""A page of JupyterLab, in which notebooks are opened, run and looked at, one after the other."""

from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from browser.faults import FAULTS, SETTLED

OPEN = """async path => {
  const lab = window.jupyterapp;
  const panel = window.panel = await lab.commands.execute('docmanager:open', { path, factory: 'Notebook' });
  await panel.context.ready;
  await panel.sessionContext.ready;
}"""

RUN = """async () => {
  await window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs');  // what was stored is not what ran
  window.jupyterapp.commands.execute('notebook:run-all-cells');
}"""

CLOSE = """async () => {
  await window.panel.context.save();
  window.panel.dispose();  // close() would ask
  await window.jupyterapp.serviceManager.sessions.shutdownAll();
}"""

RAN = """() => {
  const cells = window.panel.content.widgets.filter(cell => cell.model.type === 'code' && cell.model.sharedModel.source.trim());
  const failed = cell => cell.model.outputs.toJSON().some(one => one.output_type === 'error')
    && !(cell.model.getMetadata('tags') ?? []).includes('raises-exception');
  return cells.every(cell => cell.model.executionCount !== null) || cells.some(failed);
}"""
"""Whether every cell ran, or one failed, after which none runs. The command's own promise may resolve long before."""

IDLE = "() => window.panel.sessionContext.session?.kernel?.status === 'idle'"


class Notebook:
    """An open notebook."""

    def __init__(self, desk):
        self.desk, self.page = desk, desk.page

    def run(self, seconds=120):
        """Run all cells, as by Run › Run All Cells; TimeoutError if the last is not done in so many seconds."""
        self.desk.do(RUN)
        self.page.wait_for_function(RAN, timeout=seconds * 1000)
        self.page.wait_for_function(IDLE)

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
            self.page.wait_for_function(SETTLED)
        return self.page.evaluate(FAULTS) + self.desk.problems


class Desk:
    """One page for all notebooks; a new one after whatever could have left it in disorder."""

    def __init__(self, browser, url, **context):
        self.url, self.browser = url, browser
        self.shape = {"viewport": {"width": 1280, "height": 1600}, "service_workers": "block"} | context
        self.origin = f"http://{urlsplit(url).netloc}/"
        self.problems, self.page, self.context = [], None, None

    @contextmanager
    def notebook(self, path):
        """A notebook, opened by its path below JupyterLab's folder; its kernel ends with this."""
        self.page = self.page or self._new_page()
        self.problems.clear()
        try:
            self.do(OPEN, str(path))
            self.page.wait_for_function(IDLE)
            yield Notebook(self)
            self.do(CLOSE)
        except BaseException:
            self.close()
            raise

    def do(self, script, argument=None, seconds=60):
        """Run an async function in the page: what it resolves to, or TimeoutError. page.evaluate alone would wait for ever."""
        self.page.evaluate(
            f"""argument => {{
              window.did = null;
              ({script})(argument).then(() => window.did = 'done', error => window.did = String(error));
            }}""",
            argument,
        )
        self.page.wait_for_function("() => window.did !== null", timeout=seconds * 1000)
        assert (did := self.page.evaluate("() => window.did")) == "done", did

    def theme(self, dark):
        """Choose JupyterLab's own light or dark theme."""
        name = "JupyterLab Dark" if dark else "JupyterLab Light"
        self.do("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", name)
        self.page.wait_for_selector(f"body[data-jp-theme-light='{str(not dark).lower()}']", state="attached")

    def close(self):
        """Close the page, and end every kernel that it may have left."""
        if self.context is not None:
            try:
                self.do("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
            finally:
                self.context.close()
                self.page = self.context = None

    def _new_page(self):
        self.context = self.browser.new_context(**self.shape)
        self.context.set_default_timeout(30_000)
        self.context.route(lambda url: not url.startswith((self.origin, "data:", "blob:")), self._refuse)
        self.context.route_web_socket(lambda url: not url.startswith(self.origin.replace("http", "ws", 1)), self._refuse_socket)
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.problems.append(f"the page raised {error}"))
        page.on("console", lambda said: self.problems.append(f"the console says {said.text}") if said.type == "error" else None)
        page.goto(self.url)
        page.wait_for_function("() => window.jupyterapp?.restored")
        page.evaluate("() => window.jupyterapp.restored")
        return page

    def _refuse(self, route):
        self.problems.append(f"asked for {route.request.url}")
        route.abort()

    def _refuse_socket(self, wire):
        self.problems.append(f"asked for {wire.url}")
        wire.close()
