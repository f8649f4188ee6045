"""An authority of a test's own, and the certificates, right and wrong, with which a server on loopback shows up."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)
_MAY_SIGN = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Authority:
    """Signs certificates; `file` is what a client trusts it by."""

    folder: Path
    name: str = "a test's authority"
    key: ec.EllipticCurvePrivateKey = field(default_factory=_key)

    @property
    def file(self) -> Path:
        """The authority's own certificate."""
        path = self.folder / f"{self.name}.pem"
        if not path.exists():
            own = self._builder(_name(self.name), self.key, -1, 1, issuer=self.name, signer=self.key)
            own = own.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            own = own.add_extension(_MAY_SIGN, critical=True)
            path.write_bytes(own.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path

    def certificate(
        self, *, first_day: int = -1, last_day: int = 1, host: x509.GeneralName = HERE, own: bool = False
    ) -> Path:
        """A certificate with its key: valid between two days from now, for a host; `own`: signed by itself."""
        key = _key()
        issuer, signer = ("test", key) if own else (self.name, self.key)
        builder = self._builder(_name("test"), key, first_day, last_day, issuer=issuer, signer=signer)
        builder = builder.add_extension(x509.SubjectAlternativeName([host]), critical=False)
        made = builder.sign(signer, hashes.SHA256())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self.folder / f"{made.serial_number}.pem"
        path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
        return path

    def _builder(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        first_day: int,
        last_day: int,
        *,
        issuer: str,
        signer: ec.EllipticCurvePrivateKey,
    ) -> x509.CertificateBuilder:
        """Python 3.13 verifies strictly by default: each certificate names its key and the one that signed it."""
        named = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(_name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + first_day * _DAY)
            .not_valid_after(now + last_day * _DAY)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(named, critical=False)
        )


def showing(file: Path) -> ssl.SSLContext:
    """A server's side of TLS with a certificate; loading another one into it changes what the next client sees."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
