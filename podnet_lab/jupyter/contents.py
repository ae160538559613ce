"""
How JupyterLab reads a notebook here: a stored live picture whose kernel has ended is shown as the still one beside it.

JupyterLab prefers a widget to all else that an output holds, and says "model not found" where no kernel has it. So a notebook
that no kernel runs is read without its widgets, where there is something else to show; its file stays as it is.
"""

from __future__ import annotations

from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

WIDGET = "application/vnd.jupyter.widget-view+json"


class Notebooks(AsyncLargeFileManager):
    """JupyterLab's own manager of files, which leaves out what nobody could show."""

    async def get(self, path: str, content: bool = True, *more: Any, **options: Any) -> dict[str, Any]:
        """What JupyterLab asks for when it opens a file."""
        model = await super().get(path, content, *more, **options)
        if content and model["type"] == "notebook" and not await self._is_running(path.strip("/")):
            model["content"] = without_widgets(model["content"])
        return model

    async def _is_running(self, path: str) -> bool:
        sessions = await self.parent.session_manager.list_sessions()
        return any(session["path"].strip("/") == path for session in sessions)


def without_widgets(notebook: Any) -> Any:
    """The notebook, without the widgets of those outputs that hold a picture or HTML, too."""
    for cell in notebook.get("cells", ()):
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if {"image/svg+xml", "text/html"} & set(data):
                data.pop(WIDGET, None)
    return notebook
