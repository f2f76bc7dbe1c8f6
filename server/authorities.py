"""CAs and signers besides those of `trust init`: made here, certified outside, followed by others.

Each step is done once and skipped when it is there; a command that was cut short is said again.
"""

import itertools
import re
from datetime import datetime

from sqlalchemy import select

from ca import crl, import_certificate, issuers, outside, profiles, request, signers
from ca import issue as ca_issue
from ca.import_certificate import Delivery, Imported
from ca.models import Issuer, KeyRequest, Signer
from certificates import registry
from server.platform import Platform
from server.provision import RegionPlan, subject_name
from trust.access import SYSTEM, Caller
from trust.crypto import x509
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.errors import Conflict, Invalid, NotFound
from trust.fetch import Fetcher
from trust.keys import check_key_id

#: An OCSP signer is named after its CA, and an outside CA's row begins with OUTSIDE.
NAME_MAX = 50


def create_ca(
    platform: Platform, name: str, *, kind: KeyKind, parent: str | None, subject: bytes | None,
    by: Caller, at: datetime,
) -> x509.Certificate:  # fmt: skip
    """A further CA of the region: a root, or with `parent` an issuing CA under one of our roots.

    With its OCSP signer and first CRL, so that what it issues can be asked about at once. Conflict
    when the name is taken; CannotSign when the parent may not.
    """
    _check_name(name, kind)
    plan, base_url = _region(platform)
    wanted = subject or subject_name(plan, name)
    with platform.reading() as session:
        row = session.get(Issuer, name)
    if row is not None and (row.parent != parent or row.algorithm != str(issuers.SUITES[kind])):
        raise Conflict(f"there is a CA {name} of another kind or under another one")
    if row is not None:
        certificate = x509.parse_certificate(row.certificate)
    elif parent is None:
        certificate = ca_issue.create_root(
            platform.sessions, name, subject=wanted, kind=kind, keys=platform.keys, by=by, at=at
        )
    else:
        with platform.reading() as session:
            issuers.check_signs(session, issuers.find(session, parent), at=at)
        certificate = ca_issue.create_issuing(
            platform.sessions, name, parent=parent, subject=wanted, kind=kind, keys=platform.keys,
            by=by, at=at, base_url=base_url,
        )  # fmt: skip
    _equip(platform, name, kind, plan, base_url, by=by, at=at)
    return certificate


def ask_outside(
    platform: Platform, key_id: str, *, purpose: str, kind: KeyKind, subject: bytes | None,
    by: Caller, at: datetime,
) -> bytes:  # fmt: skip
    """The PKCS#10 request (DER) with which an outside CA is asked to certify a key of ours."""
    if profiles.load(purpose).ca:
        _check_name(key_id, kind)
    plan, _ = _region(platform)
    return request.create(
        platform.sessions, key_id, purpose=purpose, kind=kind,
        subject=subject or subject_name(plan, key_id), keys=platform.keys, by=by, at=at,
        bits=2048 if purpose == "seal" else 3072,
    )  # fmt: skip


def take_in(
    platform: Platform, key_id: str, sent: Delivery, *, by: Caller, at: datetime
) -> Imported:
    """What came back from the outside CA, put to use: stored, its CA asked for the first time, a
    CA of ours equipped. What fails after the storing is tried again by the running service."""
    made = import_certificate.import_certificate(
        platform.sessions, key_id, sent, keys=platform.keys, by=by, at=at
    )
    with platform.reading() as session:
        asked = outside.due(session, at=at)
        found = session.get_one(KeyRequest, key_id)
        purpose, kind = found.purpose, Algorithm(found.algorithm).row.key
    for name in asked:
        outside.ask(platform.sessions, name, fetch=Fetcher(), at=at)
    if profiles.load(purpose).ca:
        plan, base_url = _region(platform)
        _equip(platform, key_id, kind, plan, base_url, by=by, at=at)
    return made


def rotate_signer(platform: Platform, name: str, *, at: datetime, by: Caller = SYSTEM) -> str:
    """A further key for a signer of that name, or for the one it takes over from; its key id.

    NotFound; CannotSign when an outside CA has certified it: that one is asked anew.
    """
    plan, base_url = _region(platform)
    base = re.sub(r"-[0-9]+$", "", name)
    with platform.reading() as session:
        old = session.get(Signer, name)
        # A signer that was rotated before has a number, and the next one the next number.
        name = base if session.get(Signer, base) is not None else name
        if old is None:
            raise NotFound(f"no signer {name}")
        purpose, issuer = old.purpose, old.issuer
        kind = Algorithm(old.algorithm).row.key
        issuers.check_signs(session, issuers.find(session, issuer), at=at)
        taken = {*session.scalars(select(Signer.key_id)), *platform.keys.ids()}
    number = next(n for n in itertools.count(2) if f"{name}-{n}" not in taken)
    key_id = f"{name}-{number}"
    signers.create(
        platform.sessions, purpose, key_id=key_id, kind=kind, subject=subject_name(plan, key_id),
        issuer=issuer, keys=platform.keys, by=by, at=at, base_url=base_url,
    )  # fmt: skip
    return key_id


def _equip(
    platform: Platform, name: str, kind: KeyKind, plan: RegionPlan, base_url: str, *, by: Caller,
    at: datetime,
) -> None:  # fmt: skip
    """The CA's OCSP signer and its first CRL, where they are missing."""
    responder = f"ocsp-{name}"
    with platform.reading() as session:
        there = session.get(Signer, responder) is not None
        listed = crl.newest(session, name) is not None
    if not there:
        signers.create(
            platform.sessions, "ocsp-signer", key_id=responder, kind=kind,
            subject=subject_name(plan, responder), issuer=name, keys=platform.keys, by=by, at=at,
            base_url=base_url,
        )  # fmt: skip
    if not listed:
        with platform.sessions.begin() as session:
            crl.publish(session, name, keys=platform.keys, by=by, at=at)


def _check_name(name: str, kind: KeyKind) -> None:
    check_key_id(name)
    if len(name) > NAME_MAX or "." in name:
        raise Invalid(f"a CA's name is at most {NAME_MAX} of a-z 0-9 -")
    if kind not in issuers.SUITES:
        raise Invalid("a CA has an SM2 or an RSA key")


def _region(platform: Platform) -> tuple[RegionPlan, str]:
    with platform.reading() as session:
        found = registry.region(session)
        return RegionPlan(found.code, found.name), found.base_url
