"""What a verifier carries where there is no network: each region's trust list and status lists,
bundled and signed by the region whose verifier it is.

`{"bundle": {version, made_at, region, regions, next_signers}, "signature": "<protected>..<…>"}`, a
detached JWS (`typ` offline-bundle+jws) over canonical JSON, by the list signer. For each region:
its signed trust list as published, the certificates that may have signed it (the bundle's signer
vouches for these alone, all else is signed by the region itself), its status lists, its CRLs and
the names of its licence types.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from trust.crypto import jose
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import Malformed
from trust.crypto.jose import Jws

TYPE: Final = "offline-bundle+jws"
VERSION: Final = 1
BUNDLE_MAX: Final = 64 * 1024 * 1024
REGIONS_MAX: Final = 400
_ENTRY: Final = frozenset(
    {"region", "name", "trust_list", "list_signers", "status", "crls", "types"}
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One region. `trust_list` is the JSON document as published, `list_signers` and `crls` are
    DER, `status` the JWTs, `types` names by type code."""

    region: str
    name: str
    trust_list: bytes
    list_signers: tuple[bytes, ...]
    status: tuple[str, ...] = ()
    crls: tuple[bytes, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "region": self.region, "name": self.name,
            "trust_list": jose.load_json(self.trust_list),
            "list_signers": [_text(each) for each in self.list_signers],
            "status": list(self.status), "crls": [_text(each) for each in self.crls],
            "types": dict(self.types),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as read; its signature is the caller's to check (`jws`)."""

    jws: Jws
    region: str
    made_at: datetime
    entries: tuple[Entry, ...]


def write(
    entries: Sequence[Entry], *, region: str, at: datetime, algorithm: Algorithm, kid: str,
    x5c: tuple[bytes, ...], sign: Callable[[bytes], bytes], next_signers: Sequence[bytes] = (),
) -> bytes:  # fmt: skip
    """The signed bundle; `next_signers` are certificates that will sign bundles later."""
    content = {
        "version": VERSION, "region": region,
        "made_at": at.replace(microsecond=0).isoformat().replace("+00:00", "Z"),
        "next_signers": [_text(each) for each in next_signers],
        "regions": [entry.as_json() for entry in entries],
    }  # fmt: skip
    payload = jose.canonical_json(content)
    compact = jose.sign(payload, algorithm=algorithm, sign=sign, typ=TYPE, kid=kid, x5c=x5c)
    return jose.canonical_json({"bundle": content, "signature": jose.detach(compact)})


def parse(data: bytes) -> Bundle:
    """Read a bundle; Malformed."""
    document = jose.load_json(data, cap=BUNDLE_MAX)
    try:
        content = document["bundle"]
        payload = jose.canonical_json(content)
        if set(document) != {"bundle", "signature"} or content["version"] != VERSION:
            raise Malformed("an offline bundle of an unknown form")
        if not 1 <= len(content["regions"]) <= REGIONS_MAX:
            raise Malformed(f"a bundle has 1 to {REGIONS_MAX} regions")
        jws = jose.parse(jose.attach(document["signature"], payload), typ=TYPE)
        made_at = datetime.fromisoformat(content["made_at"])
        if made_at.tzinfo is None:
            raise Malformed("a bundle without a time")
        entries = tuple(_entry(item) for item in content["regions"])
        return Bundle(jws, str(content["region"]), made_at, entries)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise Malformed("not an offline bundle") from error


def _entry(item: dict[str, Any]) -> Entry:
    if set(item) != _ENTRY:
        raise Malformed("a region of an unknown form")
    return Entry(
        region=str(item["region"]), name=str(item["name"]),
        trust_list=jose.canonical_json(item["trust_list"]),
        list_signers=tuple(_bytes(each) for each in item["list_signers"]),
        status=tuple(str(each) for each in item["status"]),
        crls=tuple(_bytes(each) for each in item["crls"]),
        types={str(code): str(name) for code, name in item["types"].items()},
    )  # fmt: skip


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: Any) -> bytes:
    return base64.b64decode(text, validate=True)
