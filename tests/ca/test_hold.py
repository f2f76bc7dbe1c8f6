"""Suspension and renewal, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from ca import crl, hold, renew, revoke
from ca.hold import NotOnHold
from ca.models import Certificate, CertificateState, Signer
from ca.renew import CannotRenew
from ca.revoke import CertificateNotInForce, Reason
from ca.status import RegistryLookup
from tests.ca.requests import authority, certify, request_for
from tests.regions import Region
from trust.access import SYSTEM
from trust.audit import AuditEntry
from trust.clock import utc_now
from trust.crypto import private_keys, x509
from trust.crypto.algorithms import KeyKind
from trust.errors import NotFound
from trust.validation import Standing, Status

ISSUER = "issuing-sm2"


def put_on_hold(region: Region, serial: int) -> None:
    with region.platform.sessions.begin() as session:
        hold.hold(session, issuer=ISSUER, serial=serial, by=SYSTEM, at=utc_now())


def let_go(region: Region, serial: int) -> None:
    with region.platform.sessions.begin() as session:
        hold.release(session, issuer=ISSUER, serial=serial, by=SYSTEM, at=utc_now())


def standing(region: Region, certificate: x509.Certificate) -> Status:
    lookup = RegistryLookup(region.platform.reading)
    return lookup.status(certificate, authority(region, ISSUER), at=utc_now())


def listed(region: Region) -> x509.RevocationList:
    with region.platform.sessions.begin() as session:
        return x509.parse_crl(
            crl.publish(session, ISSUER, keys=region.platform.keys, by=SYSTEM, at=utc_now())
        )


def test_a_held_certificate_counts_as_revoked_until_it_is_released(region: Region) -> None:
    made = certify(region, "sm2")
    put_on_hold(region, made.serial)
    found = standing(region, made)
    assert (found.standing, found.reason) == (Standing.REVOKED, 6)
    assert listed(region).entries[made.serial].reason == 6
    let_go(region, made.serial)
    assert standing(region, made).standing is Standing.GOOD
    assert made.serial not in listed(region).entries


def test_the_audit_log_remembers_a_hold_that_is_over(region: Region) -> None:
    made = certify(region, "sm2")
    put_on_hold(region, made.serial)
    let_go(region, made.serial)
    with region.platform.reading() as session:
        acts = session.scalars(
            select(AuditEntry.act)
            .where(AuditEntry.subject == f"{made.serial:x}")
            .order_by(AuditEntry.sequence)
        ).all()
    assert acts[-2:] == ["certificate.held", "certificate.released"]


def test_only_what_is_in_force_is_held_and_only_what_is_held_is_released(region: Region) -> None:
    made = certify(region, "sm2")
    with pytest.raises(NotOnHold):
        let_go(region, made.serial)
    put_on_hold(region, made.serial)
    with pytest.raises(CertificateNotInForce):
        put_on_hold(region, made.serial)
    with pytest.raises(NotFound):
        put_on_hold(region, 1)


def test_a_held_certificate_that_is_revoked_is_so_since_the_hold(region: Region) -> None:
    made = certify(region, "sm2")
    put_on_hold(region, made.serial)
    since = standing(region, made).at
    with region.platform.sessions.begin() as session:
        revoke.revoke(
            session, issuer=ISSUER, serial=made.serial, reason=Reason.KEY_COMPROMISE, by=SYSTEM,
            at=utc_now() + timedelta(seconds=2),
        )  # fmt: skip
    found = standing(region, made)
    assert (found.at, found.reason) == (since, 1)
    with pytest.raises(NotOnHold):
        let_go(region, made.serial)


def test_a_renewed_certificate_is_of_the_same_key_and_names_the_old_one(region: Region) -> None:
    old = certify(region, "sm2")
    new = renew.renew(
        region.platform.sessions, issuer=ISSUER, serial=old.serial, keys=region.platform.keys,
        by=SYSTEM, at=utc_now(),
    )  # fmt: skip
    assert (new.subject, new.spki) == (old.subject, old.spki)
    assert x509.extended_key_usage(new) == x509.extended_key_usage(old)
    assert new.serial != old.serial
    with region.platform.reading() as session:
        row = session.scalars(
            select(Certificate).where(Certificate.serial == f"{new.serial:x}")
        ).one()
    assert row.renews == f"{old.serial:x}"


def test_a_renewal_may_take_a_new_key_that_is_proved(region: Region) -> None:
    old, key = certify(region, "sm2"), private_keys.generate(KeyKind.SM2)
    new = renew.renew(
        region.platform.sessions, issuer=ISSUER, serial=old.serial, keys=region.platform.keys,
        by=SYSTEM, at=utc_now(), request=request_for(key),
    )  # fmt: skip
    assert new.spki == key.spki


@pytest.mark.parametrize("state", [CertificateState.REVOKED, CertificateState.HELD])
def test_what_is_not_in_force_is_not_renewed(region: Region, state: CertificateState) -> None:
    old = certify(region, "sm2")
    put_on_hold(region, old.serial)
    if state is CertificateState.REVOKED:
        with region.platform.sessions.begin() as session:
            revoke.revoke(
                session, issuer=ISSUER, serial=old.serial, reason=Reason.SUPERSEDED, by=SYSTEM,
                at=utc_now(),
            )  # fmt: skip
    with pytest.raises(CannotRenew):
        renew.renew(
            region.platform.sessions, issuer=ISSUER, serial=old.serial,
            keys=region.platform.keys, by=SYSTEM, at=utc_now(),
        )  # fmt: skip


def test_the_platforms_own_keys_are_rotated_and_not_renewed(sqlite_region: Region) -> None:
    with sqlite_region.platform.reading() as session:
        row = session.get_one(Signer, "tsa-sm2")
    with pytest.raises(CannotRenew):
        renew.renew(
            sqlite_region.platform.sessions, issuer=ISSUER,
            serial=x509.parse_certificate(row.certificate).serial,
            keys=sqlite_region.platform.keys, by=SYSTEM, at=utc_now(),
        )  # fmt: skip
