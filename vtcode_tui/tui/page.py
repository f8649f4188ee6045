"""The driver of an app that is drawn on a page of a browser: Textual's own, which ends when the page is gone."""

from __future__ import annotations

import contextlib

from textual.drivers.web_driver import WebDriver


class Page(WebDriver):
    """Keys come from the server's pipe; when that is closed nobody is there any more."""

    def run_input_thread(self) -> None:
        """Read until the pipe is closed, then leave: a session is never left open with nobody at it."""
        try:
            super().run_input_thread()
        finally:
            with contextlib.suppress(RuntimeError):
                # The loop may be closed already: then the app is ending anyway.
                self._loop.call_soon_threadsafe(self._app.exit, None, 129)
