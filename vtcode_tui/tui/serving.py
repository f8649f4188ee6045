"""The app in a browser on this machine, by textual-serve: whoever has the page can approve, so few can have it.

The page is served on loopback only. The address that is printed holds a token that works once: it is exchanged for
a cookie that no script can read and no other site can send. For a browser the other ports of this machine are the
same site, and their servers are sent its cookies: the page lies under a path that nobody can guess, and the cookie
is for that path alone. No page can show this one within itself, and lay it under a click. Requests under another
host name (DNS rebinding) or from another origin are refused. Each tab that is opened is a session of its own.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import shlex
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

from vtcode_tui.common.errors import UsageError

try:
    from aiohttp import web
    from textual_serve.server import Server
except ImportError as error:
    raise UsageError("`vtcode serve` needs textual-serve: pip install 'vtcode-tui[serve]'") from error

HOST = "127.0.0.1"
COOKIE = "vtcode_serve"
CLOSED = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What every answer says: no other page may show it, hold it open, load parts of it or be told its path."""
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Door:
    """Lets in who has the token, once, and afterwards who has the cookie that was given for it."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(24)
        self._cookie = secrets.token_urlsafe(24)
        self.room = f"/{secrets.token_urlsafe(24)}"
        """The path that everything lies under."""
        self._used = False
        self.port = 0

    def opens(self, given: str) -> bool:
        """Take the token; it works once."""
        if self._used or not hmac.compare_digest(given.encode(), self.token.encode()):
            return False
        self._used = True
        return True

    def knows(self, cookie: str) -> bool:
        """Whether a cookie is the one that was given for the token."""
        return self._used and hmac.compare_digest(cookie.encode(), self._cookie.encode())

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse whoever does not belong here, before anything is started for them."""
        ours = {f"{HOST}:{self.port}", f"localhost:{self.port}"}
        origin = request.headers.get("Origin")
        if request.headers.get("Host") not in ours or (origin and origin.partition("://")[2] not in ours):
            raise web.HTTPForbidden(text="this page belongs to this machine\n")
        if "token" in request.query and self.opens(request.query["token"]):
            answer = web.HTTPSeeOther(f"{self.room}/")
            answer.set_cookie(COOKIE, self._cookie, httponly=True, samesite="Strict", path=f"{self.room}/")
            return answer
        if not self.knows(request.cookies.get(COOKIE, "")):
            raise web.HTTPForbidden(text="the address that `vtcode serve` printed works once, in one browser\n")
        return await handler(request)


class _Served(Server):
    """textual-serve's own pages behind our door."""

    def __init__(self, command: str, door: Door) -> None:
        super().__init__(command, host=HOST, port=0, title="vtcode")
        self._door = door

    async def application(self) -> web.Application:
        """The pages, with the door before each of them."""
        app = web.Application(middlewares=[self._door.check])
        app.add_subapp(self._door.room, await self._make_app())
        app.on_response_prepare.append(_close)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: the address is printed with its token by `serve`."""


async def _close(request: web.Request, answer: web.StreamResponse) -> None:
    answer.headers.update(CLOSED)


async def _serve(root: Path, port: int, say: Callable[[str], None]) -> None:
    door = Door()
    command = shlex.join([sys.executable, "-m", "vtcode_tui", "app", "--served", str(root)])
    served = _Served(command, door)
    runner = web.AppRunner(await served.application(), access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            raise UsageError(f"port {port} of {HOST} cannot be had: {error.strerror}") from error
        door.port = runner.addresses[0][1]
        served.public_url = f"http://{HOST}:{door.port}"
        say("Whoever opens this page can approve what the agent wants to do. It works once, in one browser:")
        say(f"  http://{HOST}:{door.port}/?token={door.token}")
        over, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, over.set)
        await over.wait()
    finally:
        await runner.cleanup()


def serve(root: Path, port: int, say: Callable[[str], None]) -> int:
    """See `vtcode_tui.tui.serve_app`."""
    asyncio.run(_serve(root, port, say))
    return 0
