"""A model that never ends: 150 pieces of Markdown a second over the OpenAI wire, on loopback.

`python -m benchmarks._streaming` prints its port and serves until it is ended; `benchmarks.startup --stream` starts
it, in a process of its own, so that its work is in nobody's figures.
"""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RATE = 150
WORDS = ["streamed", "words", "of", "an", "**answer**", "that", "goes", "on,", "with", "`code`", "in", "it.\n\n"]


class Model(BaseHTTPRequestHandler):
    """Lists one model, and answers everything with the same words."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The list of models."""
        body = json.dumps({"object": "list", "data": [{"id": "endless", "object": "model"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """An answer that goes on until nobody reads it."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        due, number = time.monotonic(), 0
        try:
            while True:
                choice = {"index": 0, "delta": {"role": "assistant", "content": WORDS[number % len(WORDS)] + " "}}
                about = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "endless"}
                piece = about | {"choices": [choice]}
                self.wfile.write(f"data: {json.dumps(piece)}\n\n".encode())
                self.wfile.flush()
                number += 1
                due += 1 / RATE
                time.sleep(max(0.0, due - time.monotonic()))
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve on a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
