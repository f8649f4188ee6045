"""A program that asks a language server where the last word `two` of a file is defined, or what is wrong with it.

    python3 language_client.py FILE LANGUAGE SERVER...

Fails unless the server answers as the protocol (LSP 3.17) says, over its standard streams.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


class Server:
    """The server's process, and the number of the question that was asked last."""

    def __init__(self, argv: list[str]) -> None:
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._asked = 0

    def ask(self, method: str, parameters: dict[str, Any] | None = None) -> Any:
        """The result of a request; what the server asks meanwhile is answered with nothing."""
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": parameters})
        while True:
            message = self._read()
            if "method" not in message:
                assert message["id"] == self._asked and "error" not in message, message
                return message["result"]
            if "id" in message:
                items = (message.get("params") or {}).get("items", [])
                self._send({"id": message["id"], "result": [None] * len(items) if items else None})

    def tell(self, method: str, parameters: dict[str, Any] | None = None) -> None:
        """A notification."""
        self._send({"method": method, "params": parameters})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps(
            {"jsonrpc": "2.0", **{k: v for k, v in message.items() if v is not None or k == "result"}}
        )
        assert self.process.stdin is not None
        self.process.stdin.write(f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        self.process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while header := self.process.stdout.readline().strip():
            name, _, value = header.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the server ended before it answered"
        message = json.loads(self.process.stdout.read(length))
        assert isinstance(message, dict)
        return message


def main(file: str, language: str, *argv: str) -> None:
    """Ask, and fail unless there is an answer."""
    path = Path(file).absolute()
    text = path.read_text()
    document = {"uri": path.as_uri()}
    server = Server(list(argv))
    root: dict[str, Any] = {"processId": None, "rootUri": path.parent.as_uri(), "capabilities": {}}
    offered = server.ask("initialize", root)["capabilities"]
    server.tell("initialized", {})
    server.tell(
        "textDocument/didOpen", {"textDocument": {**document, "languageId": language, "version": 1, "text": text}}
    )
    if offered.get("definitionProvider"):
        before = text[: text.rindex("two")]
        position = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        answer = server.ask("textDocument/definition", {"textDocument": document, "position": position})
    else:
        answer = server.ask("textDocument/diagnostic", {"textDocument": document})["items"]
    assert answer, "the server knows nothing of the file"
    server.ask("shutdown")
    server.tell("exit")
    assert server.process.wait() == 0


if __name__ == "__main__":
    main(*sys.argv[1:])
