"""OCSP answers, time-stamps and certificates: against the bare HTTP route, and against openssl."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import SecretStr
from starlette.types import Message, Scope

from benchmarks import openssl
from ca import issue
from ca.issue import Order
from ca.issuers import SUITES
from ca.ocsp import Responder
from ca.timestamp import Stamper
from server import provision
from server.app import create_app
from server.platform import Platform
from server.provision import RegionPlan
from trust.access import SYSTEM
from trust.anchors import pem, read_pem
from trust.clock import utc_now
from trust.crypto import hashes, ocsp, private_keys, tst, x509, x509_write
from trust.crypto.algorithms import KeyKind
from trust.crypto.hashes import Digest
from trust.crypto.private_keys import PrivateKey
from trust.settings import Settings

Row = tuple[str, float, str]
SECONDS = 1.0
BATCH = 50
#: Turns of what is stated as a ratio of two parts of ours.
ROUNDS = 5


def rate(work: Callable[[], object]) -> float:
    """Times a second of CPU time."""
    work()
    began, done = time.process_time(), 0
    while time.process_time() - began < SECONDS:
        work()
        done += 1
    return done / (time.process_time() - began)


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(
            home=Path(directory) / "home", key_passphrase=SecretStr("bench"), development=True
        )
        platform = Platform(settings)
        plan = RegionPlan("542500", "阿里地区")
        provision.create_region(platform, plan, clock=utc_now)
        yield from _ocsp(platform, Path(directory))
        yield from _stamps(platform, Path(directory))
        yield from _certificates(platform, Path(directory))
        platform.engine.dispose()


def _ocsp(platform: Platform, directory: Path) -> Iterator[Row]:
    with platform.reading() as session:
        issuers = {
            suite: x509.parse_certificate(issue.find_issuer(session, f"root-{suite}").certificate)
            for suite in ("sm2", "rsa")
        }
        below = {
            suite: x509.parse_certificate(
                issue.find_issuer(session, f"issuing-{suite}").certificate
            )
            for suite in issuers
        }
    responder = Responder(platform.reading, platform.keys)
    app = create_app(platform.settings, platform=platform)
    for suite, issuer in issuers.items():
        wanted = ocsp.cert_id(issuer, below[suite].serial)
        kept, live = ocsp.write_request(wanted), ocsp.write_request(wanted, nonce=bytes(16))
        cached = rate(lambda body=kept: responder.answer(body, at=utc_now()))  # type: ignore[misc]
        signed = rate(lambda body=live: responder.answer(body, at=utc_now()))  # type: ignore[misc]
        yield (
            f"OCSP {suite}, kept: answers/s",
            cached,
            "function alone, the registry read each time",
        )
        yield f"OCSP {suite}, live: answers/s", signed, "signed for each nonce"
    with _Served(app) as ask:
        taken = [
            (rate(lambda: ask("POST", "/ocsp", b"")), rate(lambda: ask("POST", "/ocsp", kept)))
            for _ in range(ROUNDS)
        ]
    over = BATCH * statistics.median(over for _, over in taken)
    cost = statistics.median(bare / over for bare, over in taken)
    yield "OCSP kept, over HTTP: answers/s", over, "in process, all middleware"
    yield "… cost against the bare route", cost, "the same POST, refused unread = 1; aim 1.5"
    each, served = _peer_ocsp(directory)
    yield "… against openssl ocsp", over / each, f"times as many; {each:.0f}/s, a process each"
    yield "… against openssl ocsp -port", over / served, f"{served:.0f}/s, its own HTTP server"


def _peer_ocsp(directory: Path) -> tuple[float, float]:
    """openssl's answers a second, a process each and by its server (CPU of that alone).

    It answers for a certificate of a CA of its own, RSA-3072, and signs each time.
    """
    request = ("req", "-x509", "-newkey", "rsa:3072", "-nodes", "-keyout", "ocsp.key")
    openssl.run(directory, *request, "-out", "ocsp.pem", "-subj", "/CN=openssl")
    ((_, der),) = read_pem((directory / "ocsp.pem").read_bytes(), name="ocsp.pem")
    (directory / "index.txt").write_text("V\t350101000000Z\t\t1001\tunknown\t/CN=bench\n")
    asked = ocsp.write_request(ocsp.cert_id(x509.parse_certificate(der), 0x1001))
    (directory / "asked.der").write_bytes(asked)
    known = ("-index", "index.txt", "-CA", "ocsp.pem", "-rsigner", "ocsp.pem", "-rkey", "ocsp.key")
    words = ("ocsp", *known, "-reqin", "asked.der", "-respout", "answer.der", "-ndays", "1")
    each = openssl.rate(directory, *words)
    return each, openssl.served_rate(directory, [*known, "-ndays", "1"], asked)


class _Served:
    """The application spoken to without sockets, its lifespan running."""

    def __init__(self, app: Callable[..., object]) -> None:
        self._app, self._loop = app, asyncio.new_event_loop()
        self._life = self._app.router.lifespan_context(app)  # type: ignore[attr-defined]

    def __enter__(self) -> Callable[[str, str, bytes], bytes]:
        self._loop.run_until_complete(self._life.__aenter__())
        return lambda method, path, body: self._loop.run_until_complete(
            self._ask_often(method, path, body)
        )

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self._life.__aexit__(None, None, None))
        self._loop.close()

    async def _ask_often(self, method: str, path: str, body: bytes) -> bytes:
        """In one task, as a server runs: worker threads live as long as the task."""
        for _ in range(BATCH):
            answer = await self._ask(method, path, body)
        return answer

    async def _ask(self, method: str, path: str, body: bytes) -> bytes:
        scope: Scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
            "root_path": "", "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
        }  # fmt: skip
        got: list[bytes] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            got.append(message.get("body", b""))

        await self._app(scope, receive, send)  # type: ignore[misc]
        return b"".join(got)


def _stamps(platform: Platform, directory: Path) -> Iterator[Row]:
    stamper = Stamper(platform.sessions, platform.reading, platform.keys, clock=utc_now)
    for digest in (Digest.SM3, Digest.SHA256):
        asked = tst.write_request(tst.imprint(digest, hashes.digest(digest, b"x")))
        stamped = rate(lambda body=asked: stamper.answer(body))  # type: ignore[misc]
        yield f"time-stamps over {digest}: tokens/s", stamped, "signed and stored"
    ours = rate(lambda: stamper.answer(asked))
    theirs = _openssl(platform, directory, asked)
    yield "openssl ts -reply: tokens/s", theirs, "RSA-3072, a process each"
    yield "… ours against it", ours / theirs, "stored in the registry as well"


def _openssl(platform: Platform, directory: Path, asked: bytes) -> float:
    """openssl answers the same request by a key and certificate of the same kind."""
    key = private_keys.generate(KeyKind.RSA, bits=3072)
    name = x509_write.name([(x509.COMMON_NAME, "openssl")])
    made = issue.issue(
        platform.sessions, Order("tsa", name, key.spki), issuer="issuing-rsa",
        keys=platform.keys, by=SYSTEM, at=utc_now(),
    )  # fmt: skip
    (directory / "tsa.pem").write_bytes(pem("CERTIFICATE", made.der))
    (directory / "tsa.key").write_bytes(pem("PRIVATE KEY", key.pkcs8()))
    (directory / "query.tsq").write_bytes(asked)
    (directory / "serial").write_text("01\n")
    (directory / "tsa.cnf").write_text(
        "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\nsigner_digest = sha256\n"
        "default_policy = 1.2.3\ndigests = sha256\naccuracy = secs:1\n"
        "ess_cert_id_alg = sha256\n"
    )
    command = ("ts", "-reply", "-config", "tsa.cnf", "-section", "t", "-queryfile", "query.tsq")
    key_words = ("-signer", "tsa.pem", "-inkey", "tsa.key", "-out", "reply.tsr")
    return openssl.rate(directory, *command, *key_words)


def _certificates(platform: Platform, directory: Path) -> Iterator[Row]:
    """Ours: request proved, serial reserved, rehearsed, linted, signed, recorded: two commits."""
    rates = {}
    for suite, kind in (("sm2", KeyKind.SM2), ("rsa", KeyKind.RSA)):
        key = private_keys.generate(kind, bits=2048)
        request = _request(key, kind)
        rates[suite] = rate(lambda body=request, of=suite: _issue(platform, body, of))  # type: ignore[misc]
        remark = "request proved, rehearsed, linted, signed, recorded"
        yield f"certificates by issuing-{suite}: issued/s", rates[suite], remark
    (directory / "asked.csr").write_bytes(pem("CERTIFICATE REQUEST", request))
    command = ("x509", "-req", "-in", "asked.csr", "-CA", "ocsp.pem", "-CAkey", "ocsp.key")
    theirs = openssl.rate(directory, *command, "-set_serial", "1", "-days", "1", "-out", "made.pem")
    yield "openssl x509 -req: issued/s", theirs, "RSA-3072, a process each, nothing recorded"
    yield "… ours (RSA) against it", rates["rsa"] / theirs, "signs twice: once in rehearsal"


def _request(key: PrivateKey, kind: KeyKind) -> bytes:
    algorithm = SUITES[kind]
    subject = x509_write.name([(x509.COMMON_NAME, "bench")])
    tbs = x509_write.tbs_request(subject, key.spki)
    return x509_write.signed(tbs, algorithm.row.oid, key.sign(algorithm, tbs))


def _issue(platform: Platform, request: bytes, suite: str) -> None:
    issue.issue_from_request(
        platform.sessions, request, profile="signing",
        subject=x509_write.name([(x509.COMMON_NAME, "bench")]), issuer=f"issuing-{suite}",
        keys=platform.keys, by=SYSTEM, at=utc_now(),
    )  # fmt: skip


if __name__ == "__main__":
    for what, value, remark in rows():
        print(f"  {what:42} {value:8.2f}  {remark}")
