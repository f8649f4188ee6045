"""A model on loopback that answers at once: without end, or as many kilobytes as it is asked for.

`python -m benchmarks._model` prints its port and serves until it is ended. A message with `answer 100 t7` in it is
answered with 100 KB of Markdown, as fast as they are taken, that end with the word `END-t7`; everything else with
150 pieces a second that never end. It speaks Chat Completions and Responses, so that most programs can be measured
with it, and runs in a process of its own, so that its work is in nobody's figures.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.render_speed import answer

RATE = 150
PIECE = 32
"""Characters in a piece: as many as a fast provider sends at once."""
WORDS = ["streamed", "words", "of", "an", "**answer**", "that", "goes", "on,", "with", "`code`", "in", "it.\n\n"]
NAME = "endless"


def pieces(body: bytes) -> Iterator[str]:
    """What is said to a request."""
    if b'"tools"' not in body:  # a title for the session, a summary: programs ask for these by themselves
        yield "A title"
    elif wanted := re.findall(rb"answer (\d+) (t\d+)", body):
        size, name = int(wanted[-1][0]) * 1024, wanted[-1][1].decode()
        text = answer(size)
        # A listing or a table that was cut off is closed, so that the last word stands by itself.
        text = text[: text.rindex("\n## ")] + f"\n\nEND-{name}\n" if size > 1024 else f"Words. END-{name}"
        for at in range(0, len(text), PIECE):
            yield text[at : at + PIECE]
    else:
        due, number = time.monotonic(), 0
        while True:
            yield WORDS[number % len(WORDS)] + " "
            number += 1
            due += 1 / RATE
            time.sleep(max(0.0, due - time.monotonic()))


def chat(texts: Iterator[str]) -> Iterator[dict[str, Any]]:
    """The frames of Chat Completions."""
    about = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": NAME}
    for text in texts:
        yield about | {"choices": [{"index": 0, "delta": {"role": "assistant", "content": text}}]}
    usage = {"prompt_tokens": 100, "completion_tokens": 100, "total_tokens": 200}
    yield about | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage}


def responses(texts: Iterator[str]) -> Iterator[dict[str, Any]]:
    """The frames of Responses."""
    item = {"type": "message", "id": "m", "role": "assistant"}
    yield {"type": "response.created", "response": {"id": "r"}}
    yield {"type": "response.output_item.added", "output_index": 0, "item": item | {"content": []}}
    said = []
    for text in texts:
        said.append(text)
        place = {"item_id": "m", "output_index": 0, "content_index": 0}
        yield {"type": "response.output_text.delta", "delta": text} | place
    whole = {"type": "output_text", "text": "".join(said), "annotations": []}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item | {"content": [whole]}}
    usage = {"input_tokens": 100, "output_tokens": 100, "total_tokens": 200}
    yield {"type": "response.completed", "response": {"id": "r", "usage": usage, "output": []}}


class Model(BaseHTTPRequestHandler):
    """Lists one model and answers."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The list of models."""
        self._send({"object": "list", "data": [{"id": NAME, "object": "model"}]})

    def do_POST(self) -> None:
        """An answer, streamed if that is asked for."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not re.search(rb'"stream": ?true', body):
            message = {"role": "assistant", "content": "A title"}
            self._send({"id": "c", "object": "chat.completion", "created": 1, "model": NAME,
                        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})  # fmt: skip
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        frames = responses if self.path.endswith("/responses") else chat
        try:
            for frame in frames(pieces(body)):
                name = f"event: {frame['type']}\n" if "type" in frame else ""
                self.wfile.write(f"{name}data: {json.dumps(frame)}\n\n".encode())
                self.wfile.flush()
            if frames is chat:
                self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            return

    def _send(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve on a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
