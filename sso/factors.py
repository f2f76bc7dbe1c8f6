"""Which proofs a sign-in has, which it still needs.

Methods are amr values (RFC 8176): pwd, otp (authenticator application), sms, pop with user and hwk
or swk (passkey), pop with sc (certificate), mca (approved on a phone by QR code), mfa (two kinds),
fed (a login through another identity system). `recovery` is ours: a code from paper, which lets
its holder in to put a new factor in place and counts for no strength.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from sso import totp
from sso.credential_models import CertificateCredential, Passkey, PasswordCredential, RecoveryCode
from sso.models import AccountRole
from sso.policy import Policy
from trust.access import Role

#: The kinds of thing a method shows: known, had. A passkey shows both at once (`mfa` is in it).
_KNOWN = frozenset({"pwd"})
_HAD = frozenset({"otp", "sms", "pop", "mca", "recovery"})
_CRYPTOGRAPHIC = frozenset({"pop", "otp"})
_FED = "fed:"
#: Who keeps seals and authorities signs in with a key of their own.
_KEY_HOLDERS = frozenset({Role.SEAL_ADMIN, Role.CA_ADMIN})


class Missing(StrEnum):
    """What a sign-in needs before it may go on."""

    NOTHING = "nothing"
    SECOND_FACTOR = "second_factor"
    ENROL_FACTOR = "enrol_factor"


def combine(*proved: Iterable[str]) -> tuple[str, ...]:
    """The methods of several proofs as one, in their order; mfa where two kinds of thing were
    shown."""
    methods = dict.fromkeys(method for each in proved for method in each)
    if methods.keys() & _KNOWN and methods.keys() & _HAD:
        methods["mfa"] = None
    return tuple(methods)


def strength(methods: Iterable[str]) -> bool:
    """Whether a cryptographic factor is among them (GB/T 22239-2019, 8.1.4.1 d): a passkey, a
    certificate or an authenticator application."""
    return not _CRYPTOGRAPHIC.isdisjoint(methods)


def second_factors(session: Session, account: str) -> frozenset[str]:
    """What an account can prove itself with besides a password: totp, passkey, certificate,
    recovery."""
    rows = {
        "passkey": exists().where(Passkey.account == account),
        "certificate": exists().where(CertificateCredential.account == account),
        "recovery": exists().where(RecoveryCode.account == account, RecoveryCode.used_at.is_(None)),
    }
    found = {kind for kind, row in rows.items() if session.scalar(select(row))}
    return frozenset(found | ({"totp"} if totp.enrolled(session, account) else set()))


def fed(level: int) -> str:
    """The method of a login through another identity system that is believed up to `level`."""
    return f"{_FED}{level}"


def federated(methods: Iterable[str]) -> int | None:
    """The level up to which a login through another system is believed; None without one."""
    levels = [int(each.removeprefix(_FED)) for each in methods if _is_fed(each)]
    return min(levels) if levels else None


def told(methods: Iterable[str]) -> list[str]:
    """The methods as platforms read them (`amr`): how far we believe another system is ours."""
    return ["fed" if _is_fed(each) else each for each in methods]


def _is_fed(method: str) -> bool:
    return method.startswith(_FED) and method[len(_FED) :].isdigit()


def missing(
    session: Session, account: str, methods: Iterable[str], *, policy: Policy, at: datetime
) -> Missing:
    """What is still needed of an account that proved `methods`.

    A person is asked for an authenticator or passkey if there is one. Staff need a cryptographic
    factor and enrol one if they have none; seal and CA administrators a passkey or certificate. An
    account that has a factor is never let enrol another on its password alone, and none without
    something of its own (`is_own`).
    """
    proved = frozenset(methods)
    if "pop" in proved:
        return Missing.NOTHING
    found = _missing(session, account, proved, policy=policy)
    if found is Missing.ENROL_FACTOR and not is_own(session, account, proved):
        return Missing.SECOND_FACTOR
    return found


def is_own(session: Session, account: str, methods: Iterable[str]) -> bool:
    """Whether something of the account's own was shown here, so that it may make another key.

    The word of another identity system or of a phone elsewhere is not enough, or whoever is
    believed a little would soon have a key that is believed entirely; a text message only where
    there is no password yet.
    """
    proved = frozenset(methods)
    if strength(proved) or "recovery" in proved:
        return True
    if "mca" in proved or "pwd" in proved:
        return "mca" not in proved  # a phone hands its own `pwd` on
    has_password = exists().where(PasswordCredential.account == account)
    return federated(proved) is None and not session.scalar(select(has_password))


def _missing(session: Session, account: str, proved: frozenset[str], *, policy: Policy) -> Missing:
    roles = _roles(session, account)
    if "recovery" in proved:
        return Missing.ENROL_FACTOR if roles else Missing.NOTHING
    enrolled = second_factors(session, account)
    if policy.administrators_by_key and roles & _KEY_HOLDERS:
        return _missing_key(proved, enrolled)
    if "otp" in proved:
        return Missing.NOTHING
    if not roles and {"mca", "mfa"} <= proved:
        return Missing.NOTHING  # the phone that approved had shown both
    if enrolled & {"totp", "passkey"} or (roles and "certificate" in enrolled):
        return Missing.SECOND_FACTOR
    return Missing.ENROL_FACTOR if roles else Missing.NOTHING


def _missing_key(proved: frozenset[str], enrolled: frozenset[str]) -> Missing:
    """Of somebody who must have a key: it is asked for; who has none enrols it, after a code of
    the authenticator if there is one."""
    if enrolled & {"passkey", "certificate"}:
        return Missing.SECOND_FACTOR
    if "totp" in enrolled and "otp" not in proved:
        return Missing.SECOND_FACTOR
    return Missing.ENROL_FACTOR


def offered(
    session: Session, account: str, methods: Iterable[str], *, policy: Policy
) -> frozenset[str]:
    """The factors that would take a sign-in further: what a page that asks for one offers."""
    proved, enrolled = frozenset(methods), second_factors(session, account)
    key_only = policy.administrators_by_key and bool(_roles(session, account) & _KEY_HOLDERS)
    if key_only and enrolled & {"passkey", "certificate"}:
        return enrolled - {"totp"}
    return enrolled - ({"totp"} if "otp" in proved else set())


def is_staff(session: Session, account: str) -> bool:
    return bool(_roles(session, account))


def _roles(session: Session, account: str) -> frozenset[str]:
    return frozenset(
        session.scalars(select(AccountRole.role).where(AccountRole.account == account))
    )
