"""A page of JupyterLab, in which notebooks are opened, run and looked at, one after the other."""

import re
from contextlib import contextmanager
from urllib.parse import urlsplit

from browser.notebook import IDLE, Notebook

OPEN = """async path => {
  const lab = window.jupyterapp;
  const panel = window.panel = await lab.commands.execute('docmanager:open', { path, factory: 'Notebook' });
  await panel.context.ready;
  await panel.sessionContext.ready;
}"""

CLOSE = """async () => {
  await window.panel.context.save();
  window.panel.dispose();  // close() would ask
  await window.jupyterapp.serviceManager.sessions.shutdownAll();
}"""


def beyond(*beginnings):
    """
    What matches an URL with none of these beginnings.

    Not a function of Python's: Playwright would hand every request, and each message of every WebSocket, out of the page and back.
    """
    return re.compile(f"^(?!{'|'.join(re.escape(one) for one in beginnings)})")


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
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

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
        self.context.route(beyond(self.origin, "data:", "blob:"), self._refuse)
        self.context.route_web_socket(beyond(self.origin.replace("http", "ws", 1)), self._refuse_socket)
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.problems.append(f"the page raised {error}"))
        page.on("console", self._said)
        page.goto(self.url)
        page.wait_for_function("() => window.jupyterapp?.restored")
        page.evaluate("() => window.jupyterapp.restored")
        return page

    def _said(self, said):
        if said.type == "error":
            where = f" ({said.location['url']})" if said.text.startswith("Failed to load") else ""
            self.problems.append(f"the console says {said.text}{where}")

    def _refuse(self, route):
        self.problems.append(f"asked for {route.request.url}")
        route.abort()

    def _refuse_socket(self, wire):
        self.problems.append(f"asked for {wire.url}")
        wire.close()
