"""Regions that publish lists, made without a database: real keys, real signatures, a fake web."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509 as pyca
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from trust import lists
from trust.crypto import x509
from trust.crypto.algorithms import Algorithm
from trust.fetch import AnswerTooLong, FetchFailed
from trust.lists_model import ListContent, Pointer, Service, ServiceStatus, ServiceType

#: When the tests take place.
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Key:
    """A P-256 key with its self-signed certificate."""

    private: ec.EllipticCurvePrivateKey
    der: bytes

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message, ec.ECDSA(SHA256()))

    @property
    def certificate(self) -> x509.Certificate:
        return x509.parse_certificate(self.der)


def make_key(
    unit: str, *, since: datetime = NOW - 100 * DAY, until: datetime = NOW + 1000 * DAY,
    ca: bool = False,
) -> Key:  # fmt: skip
    private = ec.generate_private_key(ec.SECP256R1())
    parts = [
        pyca.NameAttribute(
            NameOID.COMMON_NAME, f"key {private.public_key().public_numbers().x:x}"[:40]
        )
    ]
    if unit:
        parts.insert(0, pyca.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    name = pyca.Name(parts)
    made = (
        pyca.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(private.public_key()).serial_number(pyca.random_serial_number())
        .not_valid_before(since).not_valid_after(until)
        .add_extension(pyca.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(private, SHA256())
    )  # fmt: skip
    return Key(private, made.public_bytes(Encoding.DER))


@dataclass
class Publisher:
    """A region with its list signer."""

    code: str
    key: Key
    number: int = 0
    services: tuple[Service, ...] = ()

    @property
    def uri(self) -> str:
        return f"https://{self.code}.example/trust-list"

    def service(self, key: Key | None = None, *, kind: ServiceType = ServiceType.LIST_SIGNER,
                status: ServiceStatus = ServiceStatus.GRANTED, since: datetime = NOW - 50 * DAY,
                ) -> Service:  # fmt: skip
        return Service(kind, "a service", since, (key or self.key).der, status=status)

    def content(
        self, *, number: int | None = None, at: datetime = NOW, life: timedelta = 7 * DAY,
        pointers: tuple[Pointer, ...] = (), services: tuple[Service, ...] | None = None,
        region: str = "",
    ) -> ListContent:  # fmt: skip
        if number is None:
            self.number = number = self.number + 1
        said = (self.service(),) if services is None else services
        return ListContent(
            region or self.code, f"region {self.code}", number, at, at + life,
            (*said, *self.services), pointers,
        )  # fmt: skip

    def sign(self, content: ListContent, *, by: Key | None = None) -> bytes:
        signer = by or self.key
        return lists.write(
            content, algorithm=Algorithm.ES256, kid="k", x5c=(signer.der,), sign=signer.sign
        )

    def list(self, *, by: Key | None = None, **said: object) -> bytes:
        return self.sign(self.content(**said), by=by)  # type: ignore[arg-type]

    def pointer(self, data: bytes | None = None, *, signers: tuple[Key, ...] = ()) -> Pointer:
        """To this list, and to `data` as the one in force."""
        found = lists.parse(data) if data is not None else None
        ders = tuple(each.der for each in signers or (self.key,))
        return Pointer(
            self.code, f"region {self.code}", self.uri, ders,
            found.sequence if found else None, found.digest if found else "",
        )  # fmt: skip


def publisher(code: str) -> Publisher:
    return Publisher(code, make_key(code))


@dataclass
class Web:
    """What is published where; a missing page cannot be fetched. `asked` counts."""

    pages: dict[str, bytes] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)

    def __call__(
        self, url: str, *, body: bytes | None = None, media_type: str = "", cap: int = 0
    ) -> bytes:
        self.asked[url] = self.asked.get(url, 0) + 1
        if url not in self.pages:
            raise FetchFailed("no route")
        if len(self.pages[url]) > cap:
            raise AnswerTooLong(f"more than {cap}")
        return self.pages[url]
