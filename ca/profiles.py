"""Certificate profiles: from an open file to a closed, checked value."""

import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from trust.crypto import x509, x509_write
from trust.crypto.x509 import Extension
from trust.errors import Invalid, NotFound

DIRECTORY = Path(__file__).parent / "profiles"
_KEYS = {"years", "ca", "path_length", "key_usage", "extended_key_usage", "policies"}
YEARS_MAX = 40


class BadProfile(Invalid):
    code = "bad_profile"


@dataclass(frozen=True, slots=True)
class Profile:
    """What a certificate of this kind holds. `key_usage` are bit positions (RFC 5280, 4.2.1.3)."""

    name: str
    lifetime: timedelta
    ca: bool
    path_length: int | None
    key_usage: frozenset[int]
    extended_key_usage: tuple[str, ...]
    policies: tuple[str, ...]

    def not_after(self, not_before: datetime, *, issuer_ends: datetime | None) -> datetime:
        """A certificate never outlives its issuer."""
        end = not_before + self.lifetime
        return end if issuer_ends is None else min(end, issuer_ends)

    def extensions(self) -> list[Extension]:
        """The extensions that the profile alone decides."""
        found = [x509_write.key_usage(set(self.key_usage))]
        if self.ca:
            found.insert(0, x509_write.basic_constraints(path_length=self.path_length))
        if self.extended_key_usage:
            found.append(
                x509_write.extended_key_usage(list(self.extended_key_usage), critical=False)
            )
        if self.policies:
            found.append(x509_write.certificate_policies(list(self.policies)))
        return found


@cache
def load(name: str) -> Profile:
    """The packaged profile of that name; NotFound or BadProfile."""
    if not name.replace("-", "").isalnum() or not (path := DIRECTORY / f"{name}.toml").exists():
        raise NotFound(f"no certificate profile {name!r}")
    try:
        return check(name, tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise BadProfile(f"profile {name} is not TOML: {error}") from error


def check(name: str, content: dict[str, Any]) -> Profile:
    """Refuse what no certificate may be, so that nothing later doubts a profile."""
    unknown = set(content) - _KEYS
    if unknown:
        raise BadProfile(f"profile {name}: unknown key {min(unknown)!r}")
    years, ca = content.get("years"), content.get("ca", False)
    if not isinstance(years, int) or not 1 <= years <= YEARS_MAX:
        raise BadProfile(f"profile {name}: years must be 1 to {YEARS_MAX}")
    usage = frozenset(content.get("key_usage", []))
    if not usage or not usage <= set(range(9)):
        raise BadProfile(f"profile {name}: key_usage must name bits 0 to 8")
    if ca != bool(usage & {x509.KEY_CERT_SIGN, x509.CRL_SIGN}):
        raise BadProfile(f"profile {name}: only a CA signs certificates and CRLs")
    if ca and content.get("extended_key_usage"):
        raise BadProfile(f"profile {name}: a CA has no extended key usage here")
    return Profile(
        name=name, lifetime=timedelta(days=365 * years + years // 4), ca=ca,
        path_length=content.get("path_length"), key_usage=usage,
        extended_key_usage=tuple(content.get("extended_key_usage", ())),
        policies=tuple(content.get("policies", ())),
    )  # fmt: skip


def purpose(name: str) -> str:
    """The one extended key usage by which verifiers recognise a certificate of this profile."""
    return load(name).extended_key_usage[0]
