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
_KEYS = {
    "years", "ca", "path_length", "key_usage", "extended_key_usage", "policies",
    "critical_purpose", "ocsp_nocheck",
}  # fmt: skip
YEARS_MAX = 40


class BadProfile(Invalid):
    code = "bad_profile"


@dataclass(frozen=True, slots=True)
class Profile:
    """What a certificate of this kind holds. `key_usage` are bit positions (RFC 5280, 4.2.1.3).

    `critical_purpose` makes the extended key usage critical, as RFC 3161, 2.3 wants of a TSA;
    `ocsp_nocheck` spares an OCSP signer from being asked about (RFC 6960, 4.2.2.2.1).
    """

    name: str
    lifetime: timedelta
    ca: bool
    path_length: int | None
    key_usage: frozenset[int]
    extended_key_usage: tuple[str, ...]
    policies: tuple[str, ...]
    critical_purpose: bool
    ocsp_nocheck: bool

    def not_after(self, not_before: datetime, *, issuer_ends: datetime | None) -> datetime:
        """A certificate never outlives its issuer."""
        end = not_before + self.lifetime
        return end if issuer_ends is None else min(end, issuer_ends)

    def extensions(self, *, policies: tuple[str, ...] = ()) -> list[Extension]:
        """The extensions that the profile decides; `policies` come on top of its own."""
        found = [x509_write.key_usage(set(self.key_usage))]
        if self.ca:
            found.insert(0, x509_write.basic_constraints(path_length=self.path_length))
        if self.extended_key_usage:
            found.append(
                x509_write.extended_key_usage(
                    list(self.extended_key_usage), critical=self.critical_purpose
                )
            )
        if named := list(dict.fromkeys((*self.policies, *policies))):
            found.append(x509_write.certificate_policies(named))
        if self.ocsp_nocheck:
            found.append(x509_write.ocsp_nocheck())
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
    if content.get("critical_purpose") and len(content.get("extended_key_usage", ())) != 1:
        raise BadProfile(f"profile {name}: critical_purpose wants exactly one extended key usage")
    return Profile(
        name=name, lifetime=timedelta(days=365 * years + years // 4), ca=ca,
        path_length=content.get("path_length"), key_usage=usage,
        extended_key_usage=tuple(content.get("extended_key_usage", ())),
        policies=tuple(content.get("policies", ())),
        critical_purpose=bool(content.get("critical_purpose", False)),
        ocsp_nocheck=bool(content.get("ocsp_nocheck", False)),
    )  # fmt: skip


def purpose(name: str) -> str:
    """The one extended key usage by which verifiers recognise a certificate of this profile."""
    return load(name).extended_key_usage[0]
