"""Name constraints along a path (RFC 5280, 4.2.1.10 and 6.1.3 (b), (c)).

Judged: directoryName, dNSName, rfc822Name, URI and iPAddress. A constraint of another form refuses
every certificate that has a name of that form. `COMPARISONS` bounds the work of one path.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trust.crypto import der, names, x509
from trust.crypto.errors import Malformed
from trust.crypto.names import GeneralName
from trust.crypto.x509 import Certificate, Extension
from trust.path_errors import PathFailed, PathUnknown

COMPARISONS = 20_000
#: Subtrees in one certificate.
SUBTREES = 1024
_EMAIL_ADDRESS = "1.2.840.113549.1.9.1"
_HOST = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?", re.ASCII)
_URI = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/?#@\[\]]*@)?([^/?#@:\[\]]+)(?::[0-9]*)?(?:[/?#].*)?")
_ADDRESS = re.compile(r"[0-9.]+")


@dataclass(frozen=True, slots=True)
class NameConstraints:
    """What a CA certificate allows and forbids to the names below it."""

    permitted: tuple[GeneralName, ...]
    excluded: tuple[GeneralName, ...]


@dataclass(frozen=True, slots=True)
class NameFacts:
    """One certificate of the path; `exempt` when it is self-issued (but for the last)."""

    certificate: Certificate
    constraints: NameConstraints | None
    exempt: bool


def read_constraints(extension: Extension) -> NameConstraints:
    """Read the extension's value; Malformed for what RFC 5280 does not allow in it."""
    found: dict[int, tuple[GeneralName, ...]] = {}
    for part in der.children(der.parse(extension.value, tag=der.SEQUENCE)):
        if part.tag not in (0xA0, 0xA1) or part.tag in found:
            raise Malformed("name constraints of another form")
        found[part.tag] = tuple(_subtree(item) for item in der.children(part))
    if sum(map(len, found.values())) > SUBTREES:
        raise Malformed(f"more than {SUBTREES} name constraints")
    if not any(found.values()):
        raise Malformed("name constraints without a subtree")
    return NameConstraints(found.get(0xA0, ()), found.get(0xA1, ()))


def _subtree(item: der.Value) -> GeneralName:
    parts = der.children(der.expect(item, der.SEQUENCE))
    if len(parts) != 1:
        raise Malformed("a subtree with minimum or maximum is not used (RFC 5280, 4.2.1.10)")
    return names.general_name(parts[0])


def check_names(path: Sequence[NameFacts]) -> None:
    """Hold every certificate to the constraints of all above it; `path` begins with the anchor.

    PathFailed (`name_constraints`), PathUnknown (`path_work`).
    """
    above: list[NameConstraints] = []
    budget = _Budget()
    for at, facts in enumerate(path):
        if above and not (facts.exempt and at < len(path) - 1):
            for name in _names_of(facts.certificate):
                for constraints in above:
                    _check_name(name, constraints, budget)
        if facts.constraints is not None:
            above.append(facts.constraints)


def _names_of(certificate: Certificate) -> list[GeneralName]:
    """The subject, its e-mail addresses, and the alternative names.

    RFC 5280 asks for the addresses in the subject only where there are no alternative names; here
    they always count, or an unrelated alternative name would hide them.
    """
    found = []
    try:
        if der.parse(certificate.subject, tag=der.SEQUENCE).content:
            found.append(GeneralName(names.DIRECTORY, certificate.subject))
        for oid, text in x509.name_values(certificate.subject):
            if oid == _EMAIL_ADDRESS:
                found.append(GeneralName(names.RFC822, text.encode()))
        extension = certificate.extensions.get(x509.ALTERNATIVE_NAME)
        if extension is not None:
            found += names.general_names(der.parse(extension.value, tag=der.SEQUENCE))
    except (Malformed, ValueError) as error:
        raise PathFailed("name_constraints", "a name that is constrained is malformed") from error
    return found


class _Budget:
    def __init__(self) -> None:
        self.left = COMPARISONS

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise PathUnknown("path_work", "the chain's names take more work than is allowed")


def _check_name(name: GeneralName, constraints: NameConstraints, budget: _Budget) -> None:
    permitted = _of_form(name, constraints.permitted, budget)
    excluded = _of_form(name, constraints.excluded, budget)
    if not permitted and not excluded:
        return
    within = _WITHIN.get(name.number)
    if within is None:
        raise PathFailed("name_constraints", "a form of name is constrained that is not judged")
    try:
        if any(within(name.value, base.value, True) for base in excluded):
            raise PathFailed("name_constraints", "an issuer in the chain forbids a name below it")
        if permitted and not any(within(name.value, base.value, False) for base in permitted):
            raise PathFailed("name_constraints", "an issuer in the chain does not allow a name")
    except Malformed as error:
        raise PathFailed("name_constraints", "a name that is constrained is malformed") from error


def _of_form(
    name: GeneralName, subtrees: tuple[GeneralName, ...], budget: _Budget
) -> list[GeneralName]:
    """The subtrees the name is to be compared with; long ones cost more."""
    found = []
    for subtree in subtrees:
        budget.spend(1)
        if subtree.number == name.number:
            budget.spend((len(name.value) + len(subtree.value)) // 64)
            found.append(subtree)
    return found


# Each answers whether a name lies within a subtree. `forbidding`: it is asked for an excluded
# one, where a name that stands for many counts as soon as one of them lies within.


def _directory_within(name: bytes, base: bytes, _forbidding: bool) -> bool:
    above = names.read_name(base)
    return names.read_name(name)[: len(above)] == above


def _text(value: bytes) -> str:
    try:
        return value.decode("ascii")
    except UnicodeDecodeError as error:
        raise Malformed("a name outside IA5String") from error


def _host(text: str) -> str:
    lower = text.lower()
    if not _HOST.fullmatch(lower):
        raise Malformed("a host name of no known form")
    return lower.rstrip(".")


def _dns_within(name: bytes, base: bytes, forbidding: bool) -> bool:
    host, above = _host(_text(name)), _text(base).lower().removeprefix(".")
    if not above:
        return True
    above = _host(above)
    if forbidding and host.startswith("*.") and above.endswith(host[1:]):
        return True
    return host == above or host.endswith(f".{above}")


def _host_within(host: str, base: str) -> bool:
    """A base with a leading dot takes the hosts below it, one without takes that host only."""
    if base.startswith("."):
        return host.endswith(f".{_host(base[1:])}")
    return host == _host(base)


def _mailbox(text: str) -> tuple[str, str]:
    local, at, host = text.rpartition("@")
    if not at or not local or "@" in local:
        raise Malformed("a mail address of no known form")
    return local, _host(host)


def _rfc822_within(name: bytes, base: bytes, _forbidding: bool) -> bool:
    (local, host), above = _mailbox(_text(name)), _text(base)
    if "@" in above:
        return (local, host) == _mailbox(above)
    return not above or _host_within(host, above)


def _uri_within(name: bytes, base: bytes, _forbidding: bool) -> bool:
    found = _URI.fullmatch(_text(name).lower())
    if found is None or _ADDRESS.fullmatch(found[1]):
        raise Malformed("a URI without a host name")  # RFC 5280, 4.2.1.10: MUST be rejected.
    above = _text(base)
    host = _host(found[1])
    return not above or _host_within(host, above)


def _ip_within(name: bytes, base: bytes, _forbidding: bool) -> bool:
    if len(name) not in (4, 16) or len(base) not in (8, 32):
        raise Malformed("an IP address of no known length")
    size = len(base) // 2
    mask = int.from_bytes(base[size:], "big")
    inverse = mask ^ ((1 << 8 * size) - 1)
    if inverse & (inverse + 1):
        raise Malformed("an IP mask that is no prefix")
    if len(name) != size:
        return False
    both = int.from_bytes(name, "big") ^ int.from_bytes(base[:size], "big")
    return both & mask == 0


_WITHIN: dict[int, Callable[[bytes, bytes, bool], bool]] = {
    names.DIRECTORY: _directory_within, names.DNS: _dns_within, names.RFC822: _rfc822_within,
    names.URI: _uri_within, names.IP: _ip_within,
}  # fmt: skip
