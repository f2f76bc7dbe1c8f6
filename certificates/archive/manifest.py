"""The manifest of an archive package: every part with its size and both digests; and who signed.

`manifest.json` is signed by two keys of the region's archive signer (SM2 with SM3, ECDSA P-256 with
SHA-256), each signature is time-stamped by an authority of its own suite. All are separate files,
so that any tool which knows the algorithm can check them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from trust.crypto import hashes, jose
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import Malformed
from trust.crypto.hashes import Digest

NAME: Final = "manifest.json"
VERSION: Final = 1
PURPOSE: Final = "archive-signer"
MANIFEST_MAX: Final = 512 * 1024
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Suite:
    """One of the two ways in which a manifest is signed, and the names of its files."""

    label: str
    algorithm: Algorithm
    stamped_by: Algorithm
    digest: Digest

    @property
    def signature(self) -> str:
        return f"signatures/manifest.{self.label}.der"

    @property
    def stamp(self) -> str:
        return f"signatures/manifest.{self.label}.tsr"

    @property
    def certificate(self) -> str:
        return f"signatures/{self.label}.pem"


SUITES: Final = (
    Suite("es256", Algorithm.ES256, Algorithm.RSA_SHA256, Digest.SHA256),
    Suite("sm2", Algorithm.SM2_SM3, Algorithm.SM2_SM3, Digest.SM3),
)
#: What the manifest cannot list: itself, and what is made over it.
UNLISTED: Final = frozenset(
    {NAME, *(name for each in SUITES for name in (each.signature, each.stamp))}
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a package says of itself. `parts` are (size, SHA-256, SM3) by name."""

    identifier: str
    region: str
    state: str
    made_at: datetime
    parts: dict[str, tuple[int, bytes, bytes]]


def write(
    parts: Mapping[str, bytes], *, identifier: str, region: str, state: str, made_at: datetime
) -> bytes:
    listed = [
        {"name": name, "size": len(data), "sha256": hashes.sha256(data).hex(),
         "sm3": hashes.sm3(data).hex()}
        for name, data in sorted(parts.items())
    ]  # fmt: skip
    return jose.canonical_json({
        "version": VERSION, "identifier": identifier, "region": region, "state": state,
        "made_at": f"{made_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", "parts": listed,
    })  # fmt: skip


def read(data: bytes) -> Manifest:
    """Malformed for anything else."""
    found: Any = jose.load_json(data, cap=MANIFEST_MAX)
    try:
        if found["version"] != VERSION:
            raise Malformed("a manifest of another version")
        parts = {
            str(each["name"]): (
                int(each["size"]), bytes.fromhex(each["sha256"]), bytes.fromhex(each["sm3"])
            )
            for each in found["parts"]
        }  # fmt: skip
        if len(parts) != len(found["parts"]):
            raise Malformed("a part is listed twice")
        made_at = datetime.strptime(found["made_at"], _TIME).replace(tzinfo=UTC)
        return Manifest(
            str(found["identifier"]), str(found["region"]), str(found["state"]), made_at, parts
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Malformed("not a manifest") from error
