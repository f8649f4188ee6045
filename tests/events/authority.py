"""A time-stamping authority: openssl behind a web server on loopback."""

from __future__ import annotations

import contextlib
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

_CONFIGURATION = """
[tsa]
default_tsa = one
[one]
serial = serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
signer_cert = tsa.pem
signer_key = tsa.key
ordering = no
tsa_name = no
ess_cert_id_chain = no
[req]
distinguished_name = dn
prompt = no
[dn]
CN = tsa
[ext]
extendedKeyUsage = critical,timeStamping
"""


@contextlib.contextmanager
def time_stamping(folder: Path) -> Iterator[str]:
    """Its address; its certificate is `tsa.pem` in the folder."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed here")
    folder.mkdir(exist_ok=True)
    (folder / "tsa.cnf").write_text(_CONFIGURATION)
    (folder / "serial").write_text("01\n")
    made = "req -x509 -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.pem -config tsa.cnf -extensions ext"
    subprocess.run(["openssl", *made.split()], cwd=folder, check=True, capture_output=True)
    one_at_a_time = threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with one_at_a_time:
                (folder / "q.tsq").write_bytes(self.rfile.read(int(self.headers["content-length"])))
                answer = "ts -reply -queryfile q.tsq -config tsa.cnf -section one -out r.tsr"
                subprocess.run(["openssl", *answer.split()], cwd=folder, check=True, capture_output=True)
                body = (folder / "r.tsr").read_bytes()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
