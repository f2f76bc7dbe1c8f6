"""A sealed licence judged at its signing time: after every certificate has ended, with the
evidence that it carries and without."""

from datetime import timedelta
from pathlib import Path

import pytest

from certificates import evidence, long_term
from certificates.models import Licence
from certificates.verify import verify_file
from seal.apply import Suites
from seal.pdf import document, dss
from seal.pdf.objects import Dict
from seal.pdf.update import Update
from tests.certificates.lasting import (
    RSA,
    SM2,
    YEARS_LATER,
    WithoutEvidence,
    authority_of,
    codes,
    impression,
    indications,
    licence,
    old_style,
    region,
    resealed,
    roots_alone,
    tools,
)
from tests.certificates.mutated_signatures import signatures
from tests.certificates.test_life import offline
from tests.regions import Region
from trust import anchors, signing_time
from trust.anchors import Anchors
from trust.chain import Word
from trust.clock import utc_now
from trust.crypto import x509
from trust.crypto.hashes import Digest
from trust.indications import Indication
from trust.report import Outcome

__all__ = ["licence", "region"]


# --- what a file carries -------------------------------------------------------------------------


@pytest.mark.parametrize("suites", list(Suites))
def test_a_sealed_file_is_stamped_and_carries_its_evidence_in_its_last_revision(
    region: Region, licence: Licence, suites: Suites
) -> None:
    pdf = resealed(region, region.file(licence), region.platform.long_term, suites)
    whole, sealed = document.read(pdf), signatures(pdf)
    assert all(long_term.is_stamped(one) for one in sealed)
    assert sealed[-1].locks
    assert sealed[-1].end == len(pdf)
    assert "DSS" not in whole.at(sealed[-1].revision - 1).catalog()
    carried = dss.read(whole)
    assert carried is not None
    held = {x509.parse_certificate(one) for one in carried.certificates}
    wanted = [authority_of(region, suite) for suite in (SM2, RSA)
              if suites is Suites.DUAL or (suite is SM2) == (suites is Suites.SM2)]  # fmt: skip
    mine = impression(region)
    if suites is not Suites.SM2:
        wanted.append(x509.parse_certificate(mine.rsa_certificate))
    if suites is not Suites.RSA:
        wanted.append(x509.parse_certificate(mine.sm2_certificate))
    assert held >= set(wanted)
    # One answer for each certificate that has an issuer in the path.
    assert len(carried.answers) == len(held)


def test_the_time_stamps_are_over_the_signature_values(region: Region, licence: Licence) -> None:
    seal, closing = signatures(region.file(licence))
    for signature, digest, suite in ((seal, Digest.SM3, SM2), (closing, Digest.SHA256, RSA)):
        token, value, named = long_term.time_stamp(signature)
        assert token is not None
        assert named is digest
        found = signing_time.read(token, value, digest)
        assert found.signer == authority_of(region, suite)


def test_the_report_says_the_level_the_time_and_whose_word_it_is(
    region: Region, licence: Licence
) -> None:
    found = verify_file(region.file(licence), region.platform.knowledge, at=utc_now())
    assert found.outcome is Outcome.PASSED, found.checks
    told = found.as_json()
    assert (told["indication"], told["sub_indication"]) == ("TOTAL-PASSED", None)
    for number, one in enumerate(told["signatures"], 1):
        assert (one["number"], one["level"], one["time_by"]) == (number, "B-LT", "time-stamp")
        assert (one["indication"], one["sub_indication"]) == ("TOTAL-PASSED", None)
        assert one["time"].startswith(f"{licence.issued_at:%Y-%m-%dT%H}")


def test_a_file_of_before_still_passes_and_its_time_is_called_a_claim(region: Region) -> None:
    pdf = old_style(region)
    found = verify_file(pdf, region.platform.knowledge, at=utc_now())
    assert found.outcome is Outcome.PASSED, found.checks
    assert codes(found, "time") == ["time_claimed", "time_claimed"]
    assert [(one.level, one.word) for one in found.signatures] == [("B-B", Word.CLAIMED)] * 2
    assert document.read(pdf).catalog().get("DSS") is None


# --- after everything has ended ------------------------------------------------------------------


def test_years_later_the_signatures_pass_by_the_file_and_the_roots_alone(
    region: Region, licence: Licence, tmp_path: Path
) -> None:
    away = roots_alone(region, tmp_path)
    late = utc_now() + YEARS_LATER
    mine = impression(region)
    ends = [x509.parse_certificate(one).not_after
            for one in (mine.sm2_certificate, mine.rsa_certificate)]  # fmt: skip
    ends += [authority_of(region, suite).not_after for suite in (SM2, RSA)]
    assert max(ends) < late
    for suites in Suites:
        pdf = resealed(region, region.file(licence), region.platform.long_term, suites)
        found = verify_file(pdf, away, at=late)
        assert found.indicated is not None
        assert found.indicated.indication is Indication.PASSED, found.checks
        assert {one.as_json()["indication"] for one in found.signatures} == {"TOTAL-PASSED"}
        assert set(codes(found, "revocation")) >= {"not_revoked"}


def test_years_later_the_whole_licence_passes_in_its_own_region(
    region: Region, licence: Licence
) -> None:
    found = verify_file(region.file(licence), region.platform.knowledge, at=utc_now() + YEARS_LATER)
    assert found.outcome is Outcome.PASSED, found.checks
    assert "seal_expired_now" in codes(found, "seal")


def test_years_later_a_file_without_evidence_is_indeterminate(
    region: Region, licence: Licence, tmp_path: Path
) -> None:
    """Stamped or not: that nothing was revoked is what nobody can tell any more."""
    offline(region, tmp_path)
    known = anchors.load(tmp_path)
    without_crls = Anchors(known.roots, known.intermediates)
    away = evidence.offline(without_crls, evidence.store_of(without_crls))
    page = region.file(licence)
    for kept, level in ((None, "B-B"), (tools(region, kind=WithoutEvidence), "B-T")):
        pdf = resealed(region, page, kept)
        assert [one.level for one in verify_file(pdf, away, at=utc_now()).signatures] == [level] * 2
        found = verify_file(pdf, away, at=utc_now() + YEARS_LATER)
        assert found.outcome is Outcome.INDETERMINATE, found.checks
        assert "revocation_unknown" in codes(found, "revocation")
        sub = "TRY_LATER" if level == "B-B" else "NO_POE"
        assert indications(found)[-1] == ("INDETERMINATE", sub)


def test_an_appended_empty_store_takes_nothing_away(
    region: Region, licence: Licence, tmp_path: Path
) -> None:
    pdf = region.file(licence)
    update = Update(document.read(pdf))
    empty: Dict = {"Certs": []}
    update.put(update.document.root, {**update.document.catalog(), "DSS": update.add(empty)})
    found = verify_file(
        pdf + update.write(), roots_alone(region, tmp_path), at=utc_now() + YEARS_LATER
    )
    assert {one.as_json()["indication"] for one in found.signatures} == {"TOTAL-PASSED"}
    assert codes(found, "changes") == ["long_term_data"]
    assert [one.level for one in found.signatures] == ["B-LT", "B-LT"]


def test_evidence_appended_after_its_signers_have_ended_proves_nothing(
    region: Region, licence: Licence, tmp_path: Path
) -> None:
    """Nobody knows that it was there while their keys were safe."""
    signed = dss.read(document.read(region.file(licence)))
    assert signed is not None
    stamped = resealed(region, region.file(licence), tools(region, kind=WithoutEvidence))
    update = Update(document.read(stamped))
    store = dss.add(update, signed)
    update.put(update.document.root, {**update.document.catalog(), "DSS": store})
    pdf, away = stamped + update.write(), roots_alone(region, tmp_path)
    assert verify_file(pdf, away, at=utc_now()).indicated
    soon = verify_file(pdf, away, at=utc_now() + timedelta(hours=1))
    late = verify_file(pdf, away, at=utc_now() + YEARS_LATER)
    assert {sub for _, sub in indications(soon)} == {None}
    assert {outcome for outcome, _ in indications(late)} == {"INDETERMINATE"}
