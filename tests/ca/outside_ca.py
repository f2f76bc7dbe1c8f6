"""An outside CA: openssl with an RSA root and a CA under it, and an address that answers for it."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.tools import find_tool
from trust.anchors import pem, read_pem
from trust.crypto import x509

CONFIGURATION = """
[ca]
default_ca = this
[this]
dir = .
new_certs_dir = .
database = index.txt
serial = serial
crlnumber = crlnumber
default_md = sha256
default_days = 365
default_crl_days = 7
policy = anything
unique_subject = no
copy_extensions = none
[anything]
countryName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[middle]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[issuing]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
{points}
[seal]
keyUsage = critical, digitalSignature, nonRepudiation
extendedKeyUsage = 1.3.6.1.5.5.7.3.36
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
{points}
[tsa]
keyUsage = critical, digitalSignature, nonRepudiation
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
{points}
"""


@dataclass
class OutsideCa:
    """`openssl ca` in a folder of its own; one level, its root signs."""

    directory: Path
    crl_url: str = ""

    def run(self, *words: str) -> bytes:
        said = subprocess.run(
            [find_tool("openssl"), *words], cwd=self.directory, capture_output=True, check=False
        )
        assert said.returncode == 0, said.stderr.decode()
        return said.stdout

    def begin(self) -> None:
        self.directory.mkdir()
        points = f"crlDistributionPoints = URI:{self.crl_url}" if self.crl_url else ""
        (self.directory / "ca.cnf").write_text(CONFIGURATION.replace("{points}", points))
        (self.directory / "index.txt").touch()
        for name in ("serial", "crlnumber"):
            (self.directory / name).write_text(
                "4A3B2C1D0E0F1A2B3C\n" if name == "serial" else "01\n"
            )
        self.run(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-days", "3650", "-subj", "/C=CN/O=Outside/CN=E-Government Root", "-config", "ca.cnf",
            "-extensions", "root",
        )  # fmt: skip

    @property
    def root(self) -> x509.Certificate:
        return self.read("ca.pem")

    def read(self, name: str) -> x509.Certificate:
        data = (self.directory / name).read_bytes()
        return x509.parse_certificate(read_pem(data, name=name)[0][1])

    def certify(self, request: bytes, profile: str) -> x509.Certificate:
        (self.directory / "in.csr").write_bytes(pem("CERTIFICATE REQUEST", request))
        self.run(
            "ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile",
            "ca.key", "-in", "in.csr", "-out", "out.pem", "-extensions", profile,
        )  # fmt: skip
        return self.read("out.pem")

    def revoke(self, certificate: x509.Certificate, reason: str = "keyCompromise") -> None:
        (self.directory / "gone.pem").write_bytes(pem("CERTIFICATE", certificate.der))
        self.run(
            "ca", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-revoke",
            "gone.pem", "-crl_reason", reason,
        )  # fmt: skip

    def crl(self) -> bytes:
        self.run(
            "ca", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-gencrl", "-out",
            "ca.crl",
        )  # fmt: skip
        return read_pem((self.directory / "ca.crl").read_bytes(), name="ca.crl")[0][1]

    def ocsp(self, request: bytes) -> bytes:
        """What `openssl ocsp` answers, signed by the CA itself."""
        (self.directory / "asked").write_bytes(request)
        self.run(
            "ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ca.pem", "-rkey",
            "ca.key", "-reqin", "asked", "-respout", "answer", "-ndays", "1",
        )  # fmt: skip
        return (self.directory / "answer").read_bytes()


@dataclass
class Answers:
    """What the outside CA's address answers, always the same or made of what is asked; `asked`
    counts."""

    body: bytes = b""
    made: Callable[[bytes], bytes] | None = None
    status: int = 200
    asked: list[str] = field(default_factory=list)


@contextmanager
def serving(answers: Answers) -> Iterator[str]:
    """A URL on a loopback port of its own that gives `answers`."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            asked = self.rfile.read(length)
            answers.asked.append(self.path)
            body = answers.made(asked) if answers.made is not None else answers.body
            self.send_response(answers.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 - the names that the library looks for

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/outside.crl"
    finally:
        server.shutdown()
        server.server_close()


def now() -> datetime:
    return datetime.now(UTC)
