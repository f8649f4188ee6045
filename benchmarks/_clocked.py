"""A model in a process of its own that asks for the same call again and again, and looks at the clock between.

`python -m benchmarks._clocked TOOL ARGUMENTS COUNT THINK` says its port, and at its end the milliseconds of each
call: from the last byte of its message to the first byte of the next request.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any


def answers(tool: str, arguments: Mapping[str, Any], count: int) -> Iterator[bytes]:
    """The messages as they go over the wire: one call in each."""
    for number in range(count):
        # Another line in each, so that nobody takes it for going round in circles.
        given = dict(arguments)
        if "command" in given:
            given["command"] += f" {number}"
        elif tool == "read_file":
            given["limit"] = 100 + number
        else:
            given["number"] = number
        function = {"name": tool, "arguments": json.dumps(given)}
        call = {"index": 0, "id": f"call_{number}", "type": "function", "function": function}
        yield _message({"tool_calls": [call]}, "tool_calls")


def _message(delta: Mapping[str, Any], finish: str) -> bytes:
    pieces = [json.dumps(_piece([{"index": 0, "delta": delta, "finish_reason": None}]))]
    pieces.append(json.dumps(_piece([{"index": 0, "delta": {}, "finish_reason": finish}])))
    usage = {"prompt_tokens": 1200, "completion_tokens": 12, "total_tokens": 1212}
    pieces += [json.dumps({**_piece([]), "usage": usage}), "[DONE]"]
    text = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    for piece in pieces:
        data = f"data: {piece}\n\n".encode()
        text += f"{len(data):x}\r\n".encode() + data + b"\r\n"
    return text + b"0\r\n\r\n"


def _piece(choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": "scripted", "object": "chat.completion.chunk", "model": "scripted", "choices": choices}


_LAST = _message({"content": "Done."}, "stop")


def talk(connection: socket.socket, messages: Iterator[bytes], think: float) -> Iterator[float]:
    """Answer the requests of a connection; the milliseconds between an answer's end and the next request."""
    answered = 0.0
    while data := connection.recv(1 << 16):
        asked = time.perf_counter()
        while b"\r\n\r\n" not in data:
            data += connection.recv(1 << 16) or b"\r\n\r\n"
        head, _, body = data.partition(b"\r\n\r\n")
        if not head.startswith(b"POST"):  # what models there are, and the like
            connection.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            continue
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        left = int(fields.get(b"content-length", b"0")) - len(body)
        while left > 0 and (more := connection.recv(min(left, 1 << 16))):
            left -= len(more)
        if answered:
            yield (asked - answered) * 1000
        # No model answers at once, and what the fork server does between two calls is part of the design.
        time.sleep(think)
        message = next(messages, _LAST)
        connection.sendall(message)
        answered = time.perf_counter()
        if message is _LAST:
            return


def main() -> None:
    """Serve until the request behind the last message has come."""
    tool, arguments, count, think = sys.argv[1:]
    messages, times = answers(tool, json.loads(arguments), int(count)), list[float]()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(listening.getsockname()[1], flush=True)
        while len(times) < int(count):
            connection, _address = listening.accept()
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                times += talk(connection, messages, float(think))
    print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
