"""A certificate for somebody's own key, by their request and a profile (`trust ca issue`)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ca import csr, profiles
from ca import subject as subjects
from ca.issue import Order, issue
from trust.access import SYSTEM, Caller, Role
from trust.crypto import x509
from trust.db import Sessions
from trust.errors import Forbidden
from trust.keys import KeyStore

#: What others may hold: the rest are the platform's own keys, made by `trust init`, `trust ca init`
#: and `trust keys rotate`, and a stranger's key with such a certificate would speak for a region.
PROFILES: Final = frozenset({"signing", "encryption", "seal", "tsa"})


class NotByRequest(Forbidden):
    """The profile is for the platform's own keys."""

    code = "profile_not_by_request"


@dataclass(frozen=True, slots=True)
class Wish:
    """A PKCS#10 request (DER) and what is to be made of it. `subject` is a DER Name that replaces
    the request's; `region` the division code that this CA may certify names of."""

    request: bytes
    profile: str
    issuer: str
    region: str
    subject: bytes | None = None
    particulars: tuple[tuple[str, str], ...] = ()
    base_url: str = ""


def certify(
    sessions: Sessions, wish: Wish, *, keys: KeyStore, by: Caller, at: datetime
) -> x509.Certificate:
    """Certify the key of a request whose sender has proved possession of it.

    1. the request, its key and possession  2. who may, and by which profile  3. whose name
    4. `ca.issue`. Raises Malformed, UnknownAlgorithm (weak key), NoPossession, Forbidden,
    NotByRequest, NameNotYours, Invalid, and what `issue` raises.
    """
    proved = csr.prove(wish.request)
    if by != SYSTEM and not by.has(Role.CA_ADMIN):
        raise Forbidden("only a CA administrator has certificates issued")
    profiles.load(wish.profile)
    if wish.profile not in PROFILES:
        raise NotByRequest(f"{wish.profile} is for the platform's own keys")
    subject = wish.subject or proved.subject
    with sessions() as session:
        subjects.check(session, subject, region=wish.region, by=by)
    subjects.check_particulars(wish.particulars, by=by)
    order = Order(
        wish.profile, subject, proved.spki, base_url=wish.base_url, particulars=wish.particulars
    )
    return issue(sessions, order, issuer=wish.issuer, keys=keys, by=by, at=at)
