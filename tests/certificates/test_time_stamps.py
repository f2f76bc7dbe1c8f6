"""Revocations before and after the time-stamp, stamps of others, and stamps that cannot be had."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ca import signers
from ca.ocsp import Responder
from ca.revoke import Reason
from ca.timestamp import Stamper
from certificates import evidence, issue, long_term
from certificates.models import Application, ApplicationState, Licence
from certificates.verify import verify_file
from seal.apply import Suites
from seal.long_term import AuthorityChanged, Chains, NoEvidence, NoTimeStamp
from server.provision import RegionPlan
from tests.certificates.lasting import (
    RSA,
    SM2,
    YEARS_LATER,
    authority_of,
    codes,
    impression,
    indications,
    licence,
    old_style,
    region,
    resealed,
    revoke,
    spoilt,
    tools,
)
from tests.certificates.mutated_evidence import token_of, with_time_stamp, with_tokens
from tests.certificates.mutated_signatures import refilled, signatures
from tests.certificates.test_attacks import both
from tests.certificates.test_life import offline
from tests.regions import Region, build
from trust import anchors, signing_time
from trust.access import SYSTEM
from trust.anchors import Anchors
from trust.chain import Word
from trust.clock import utc_now
from trust.crypto import hashes, tst, x509
from trust.crypto.algorithms import KeyKind
from trust.crypto.hashes import Digest
from trust.report import Outcome

__all__ = ["licence", "region", "spoilt"]


# --- revocation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sm2", "rsa"])
def test_a_certificate_revoked_before_the_stamp_fails_the_file_by_whoever_knows(
    spoilt: Region, tmp_path: Path, kind: str
) -> None:
    """The evidence in it was good when it was made, and no more when it was sealed."""
    pdf = spoilt.file(spoilt.issued())
    kept = spoilt.platform.long_term
    mine = impression(spoilt)
    gone = mine.sm2_certificate if kind == "sm2" else mine.rsa_certificate
    revoke(spoilt, x509.parse_certificate(gone), Reason.SUPERSEDED,
           at=utc_now() - timedelta(seconds=2))  # fmt: skip
    late = resealed(spoilt, pdf, kept)
    by_crls = offline(spoilt, tmp_path)
    for known in (spoilt.platform.knowledge, by_crls):
        found = verify_file(late, known, at=utc_now())
        assert found.outcome is Outcome.FAILED
        assert "revoked" in codes(found, "revocation")
        assert ("TOTAL-FAILED", "REVOKED") in indications(found)
    # CRLs of then are believed years later, when they say that something was revoked.
    found = verify_file(late, by_crls, at=utc_now() + timedelta(days=30))
    assert "revoked" in codes(found, "revocation")


@pytest.mark.parametrize("reason", [Reason.SUPERSEDED, Reason.KEY_COMPROMISE])
def test_a_revocation_after_the_stamp_does_not_touch_what_was_sealed(
    spoilt: Region, tmp_path: Path, reason: Reason
) -> None:
    stamped, claimed = spoilt.file(spoilt.issued()), old_style(spoilt)
    mine = impression(spoilt)
    later = utc_now() + timedelta(seconds=3)
    for der in (mine.sm2_certificate, mine.rsa_certificate):
        revoke(spoilt, x509.parse_certificate(der), reason, at=later)
    away = offline(spoilt, tmp_path, at=later)
    at = later + timedelta(minutes=1)
    found = verify_file(stamped, away, at=at)
    assert found.outcome is Outcome.PASSED, found.checks
    assert codes(found, "revocation")[:2] == ["revoked_since", "revoked_since"]
    old = verify_file(claimed, away, at=at)
    if reason is Reason.KEY_COMPROMISE:
        assert old.outcome is Outcome.INDETERMINATE
        assert ("INDETERMINATE", "REVOKED_NO_POE") in indications(old)
    else:
        assert old.outcome is Outcome.PASSED, old.checks


def test_a_compromised_authority_proves_no_time_and_the_registry_can_still_confirm(
    spoilt: Region, tmp_path: Path
) -> None:
    pdf = spoilt.file(spoilt.issued())
    later = utc_now() + timedelta(seconds=3)
    revoke(spoilt, authority_of(spoilt, RSA), Reason.KEY_COMPROMISE, at=later)
    away = offline(spoilt, tmp_path, at=later)
    at = later + timedelta(minutes=1)
    found = verify_file(pdf, away, at=at)
    assert found.outcome is Outcome.INDETERMINATE
    assert codes(found, "time") == ["time_stamped", "compromised"]
    assert found.signatures[1].word is Word.CLAIMED
    at_home = verify_file(pdf, spoilt.platform.knowledge, at=at)
    assert at_home.outcome is Outcome.PASSED, at_home.checks
    assert "confirmed_by_registry" in codes(at_home, "time")


def test_an_authority_revoked_before_it_stamped_is_not_believed(spoilt: Region) -> None:
    pdf = spoilt.file(spoilt.issued())
    kept = spoilt.platform.long_term
    stamped = verify_file(pdf, spoilt.platform.knowledge, at=utc_now()).signatures[0].at
    assert stamped is not None
    revoke(spoilt, authority_of(spoilt, SM2), Reason.SUPERSEDED, at=stamped - timedelta(seconds=2))
    found = verify_file(pdf, spoilt.platform.knowledge, at=utc_now())
    assert found.outcome is Outcome.FAILED
    assert codes(found, "time") == ["time_stamp_untrusted", "time_stamped"]
    with pytest.raises(NoTimeStamp):
        resealed(spoilt, pdf, kept)


def test_a_closing_stamp_that_is_not_believed_proves_nothing_of_the_evidence(
    spoilt: Region, tmp_path: Path
) -> None:
    """Else a broken authority's key would make old evidence good for seals stamped by others."""
    pdf = spoilt.file(spoilt.issued())
    later = utc_now() + timedelta(seconds=3)
    revoke(spoilt, authority_of(spoilt, RSA), Reason.KEY_COMPROMISE, at=later)
    known = anchors.load(tmp_path) if offline(spoilt, tmp_path, at=later) else None
    assert known is not None
    late = later + YEARS_LATER
    crls = [replace(one, next_update=late + timedelta(days=1)) for one in known.crls
            if "RSA" in x509.name_text(one.issuer)]  # fmt: skip
    away = Anchors(known.roots, (), tuple(crls))
    found = verify_file(pdf, evidence.offline(away, evidence.store_of(away)), at=late)
    assert codes(found, "time")[1] == "compromised"
    assert {outcome for outcome, _ in indications(found)} == {"INDETERMINATE"}


# --- other people's time-stamps ------------------------------------------------------------------


def stamp_of(region: Region, value: bytes, digest: Digest) -> bytes:
    platform = region.platform
    stamper = Stamper(platform.sessions, platform.reading, platform.keys, clock=utc_now)
    imprint = tst.imprint(digest, hashes.digest(digest, value))
    token = tst.parse_response(stamper.answer(tst.write_request(imprint)))
    assert isinstance(token, bytes)
    return token


def test_a_stamp_of_another_region_is_not_this_ones(
    region: Region, licence: Licence, spoilt: Region, tmp_path: Path
) -> None:
    """Both regions are trusted; neither's authority stamps for the other."""
    pdf = region.file(licence)
    closing = signatures(pdf)[-1]
    _, value, digest = long_term.time_stamp(closing)
    forged = refilled(pdf, closing, with_tokens(closing, stamp_of(spoilt, value, digest)))
    offline(region, tmp_path / "one")
    other = build(tmp_path / "other", plan=RegionPlan("621100", "定西市"))
    theirs = refilled(pdf, closing, with_tokens(closing, stamp_of(other, value, digest)))
    known = both(region, other, tmp_path / "both")
    away = evidence.offline(known, evidence.store_of(known))
    found = verify_file(theirs, away, at=utc_now())
    assert found.outcome is Outcome.FAILED
    assert "time_stamp_untrusted" in codes(found, "time")
    # A stranger's is worth nothing either.
    assert verify_file(forged, away, at=utc_now()).outcome is not Outcome.PASSED


def test_a_later_stamp_over_the_same_signature_is_noticed_by_the_registry(
    region: Region, licence: Licence, tmp_path: Path
) -> None:
    """Anybody can have a signature stamped again: it then was there at the later time."""
    pdf = region.file(licence)
    closing = signatures(pdf)[-1]
    _, value, digest = long_term.time_stamp(closing)
    again = refilled(pdf, closing, with_tokens(closing, stamp_of(region, value, digest)))
    assert again != pdf
    at_home = verify_file(again, region.platform.knowledge, at=utc_now())
    assert "differs_from_registry" in [check.code for check in at_home.checks]


def test_a_stamp_of_hours_later_or_of_before_the_claimed_time_does_not_pass(
    region: Region, licence: Licence
) -> None:
    token, value, digest = long_term.time_stamp(signatures(region.file(licence))[-1])
    store = region.platform.knowledge.store
    at = signing_time.read(token or b"", value, digest).info.at
    for claimed, code in (
        (at - timedelta(hours=2), "time_stamp_disagrees"),
        (at + timedelta(minutes=6), "time_stamp_disagrees"),
        (at - timedelta(minutes=59), "time_stamped"),
        (at + timedelta(minutes=4), "time_stamped"),
    ):
        found = signing_time.establish(
            "", token, value, digest, claimed=claimed, store=store, now=at + YEARS_LATER
        )
        assert found.check.code == code
        assert (found.word is Word.STAMPED) == (code == "time_stamped")


def test_a_stamp_taken_away_is_missed_where_evidence_says_there_was_one(
    region: Region, licence: Licence
) -> None:
    pdf = region.file(licence)
    closing = signatures(pdf)[-1]
    without = refilled(pdf, closing, with_tokens(closing))
    found = verify_file(without, region.platform.knowledge, at=utc_now())
    assert found.outcome is Outcome.FAILED
    assert codes(found, "time") == ["time_stamped", "time_stamp_missing"]
    sm2 = resealed(region, pdf, region.platform.long_term, Suites.SM2)
    (seal,) = signatures(sm2)
    token_of(seal)
    stripped = refilled(sm2, seal, with_time_stamp(seal, None))
    assert codes(verify_file(stripped, region.platform.knowledge, at=utc_now()), "time") == [
        "time_stamp_missing"
    ]


# --- nothing half-done ---------------------------------------------------------------------------


def refusing(_request: bytes) -> bytes:
    return tst.rejected(tst.FailureInfo.SYSTEM_FAILURE, "not today")


def garbage(_request: bytes) -> bytes:
    return b"\x30\x03\x02\x01\x00"


@pytest.mark.parametrize("ask", [refusing, garbage])
def test_without_a_time_stamp_nothing_is_issued(
    region: Region, ask: Callable[[bytes], bytes]
) -> None:
    workshop = replace(region.platform.workshop(at=utc_now()), long_term=tools(region, ask=ask))
    key, by = region.approved(), region.caller("market.approver")
    with pytest.raises(NoTimeStamp):
        issue.issue(workshop, key, by=by, at=utc_now())
    with region.platform.reading() as session:
        assert session.get_one(Application, key).state == ApplicationState.APPROVED
    assert issue.issue(region.platform.workshop(at=utc_now()), key, by=by, at=utc_now())


def test_a_revoked_signer_has_no_evidence_and_seals_nothing(spoilt: Region) -> None:
    mine = impression(spoilt)
    revoke(spoilt, x509.parse_certificate(mine.rsa_certificate), Reason.SUPERSEDED, at=utc_now())
    workshop, key = spoilt.platform.workshop(at=utc_now()), spoilt.approved()
    with pytest.raises(NoEvidence):
        issue.issue(workshop, key, by=spoilt.caller("market.approver"), at=utc_now())


@pytest.mark.parametrize("kind", [KeyKind.SM2, KeyKind.RSA])
def test_an_authority_that_gets_another_key_is_followed(spoilt: Region, kind: KeyKind) -> None:
    workshop = spoilt.platform.workshop(at=utc_now())
    by = spoilt.caller("market.approver")
    issue.issue(workshop, spoilt.approved(), by=by, at=utc_now())
    signers.create(
        spoilt.platform.sessions, "tsa", key_id=f"tsa-new-{kind.value.lower()}", kind=kind,
        subject=authority_of(spoilt, SM2).subject, issuer=f"issuing-{kind.value.lower()}",
        keys=spoilt.platform.keys, by=SYSTEM, at=utc_now(),
    )  # fmt: skip
    made = issue.issue(workshop, spoilt.approved(), by=by, at=utc_now())
    found = verify_file(spoilt.file(made), spoilt.platform.knowledge, at=utc_now())
    assert [one.level for one in found.signatures] == ["B-LT", "B-LT"]


def test_an_authority_that_changes_its_key_every_time_is_refused(region: Region) -> None:
    kept = tools(region)
    suite, value = RSA, b"value"
    kept.stamps.stamp(suite, value)
    with pytest.raises(AuthorityChanged):
        kept.stamps.expected(suite, value, authority_of(region, SM2))


def test_evidence_is_asked_for_once_a_minute(region: Region) -> None:
    asked: list[bytes] = []

    class Counting(Responder):
        def answer(self, data: bytes, *, at: datetime):  # type: ignore[no-untyped-def]
            asked.append(data)
            return super().answer(data, at=at)

    platform = region.platform
    now = [utc_now()]
    chains = Chains(
        platform.reading, Counting(platform.reading, platform.keys), clock=lambda: now[0]
    )
    leaf = x509.parse_certificate(impression(region).rsa_certificate)
    first = chains.evidence(leaf)
    assert len(asked) == len(first.answers) == 2
    now[0] += timedelta(seconds=59)
    assert chains.evidence(leaf) is first
    now[0] += timedelta(seconds=2)
    assert chains.evidence(leaf) is not first
    assert len(asked) == 4
