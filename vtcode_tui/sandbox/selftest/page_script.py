"""A program that has a browser without a screen load a page of a server on loopback, whose script changes it.

    python3 page_script.py BROWSER...

Fails unless what the script fetched from the server and reckoned stands in the page.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PAGE = b"""<!doctype html><p id=answer></p><script>
fetch("/word").then(reply => reply.text()).then(word => { answer.textContent = word + " " + 6 * 7 })
</script>"""


class Site(BaseHTTPRequestHandler):
    """The page, and the word that its script asks for."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Type", "text/plain" if self.path == "/word" else "text/html")
        self.end_headers()
        self.wfile.write(b"here" if self.path == "/word" else _PAGE)

    def log_message(self, *_: object) -> None:
        """Nothing: only the outcome counts."""


def main(*browser: str) -> None:
    """Load the page, and fail unless its script ran."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # Its own sandbox needs namespaces, which no run may make, and is refused to root anywhere.
    switches = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=9000", "--dump-dom"]
    done = subprocess.run(
        [*browser, *switches, f"http://127.0.0.1:{server.server_port}/"], capture_output=True, text=True
    )
    assert "here 42" in done.stdout, (done.stdout + done.stderr)[-800:]


if __name__ == "__main__":
    main(*sys.argv[1:])
