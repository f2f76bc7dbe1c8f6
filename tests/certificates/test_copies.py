"""Purpose-marked copies (加注件): what they say, and everything that must not pass for one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from certificates import identifier, qr, qr_reading, states
from certificates.document import Renderer
from certificates.licence_types import registry as type_registry
from certificates.models import Authority, Licence
from certificates.press.workshop import Workshop
from certificates.purpose import purpose
from certificates.qr import BadClaim, Claim, CopyMark
from certificates.verify import verify_file
from certificates.verify_claim import Verification, verify_claim
from certificates.verify_content import read_content
from certificates.wallet import copies, copy_mark, watermark
from certificates.wallet.copies import Copy, NoCopySeal, NotCopied
from certificates.wallet.copy_models import LicenceCopy
from seal import apply as seal_apply
from seal import cancel, freeze, ledger
from seal.apply import Impression
from seal.models import Seal
from seal.pdf import attachments, document
from seal.pdf.sealing import Place
from server import provision_copies
from server.holders import copy_workshop
from tests.certificates import samples, test_qr
from tests.certificates.test_life import codes, offline
from tests.regions import Region
from tests.seal import living
from trust.anchors import key_id
from trust.clock import utc_now
from trust.crypto import hashes
from trust.crypto.errors import Malformed
from trust.errors import Invalid, NotFound
from trust.report import Outcome

WHY = purpose("办理食品经营许可", item_code="XK-1", matter="食品经营许可核发")
MAKER = "阿里地区卫生健康委员会"
DAYS = timedelta(days=30)


def copy(region: Region, licence: Licence, *, until: datetime | None = None) -> Copy:
    at = utc_now()
    return copies.make(
        copy_workshop(region.platform, at=at), licence.identifier, purpose=WHY, maker=MAKER,
        until=until or at + DAYS, by=region.caller("market.clerk"), at=at,
    )  # fmt: skip


def claim_of(region: Region, made: Copy) -> str:
    with region.platform.reading() as session:
        return session.get_one(LicenceCopy, made.number).claim


def check(region: Region, pdf: bytes, *, at: datetime | None = None) -> Verification:
    return verify_file(pdf, region.platform.knowledge, at=at or utc_now())


@pytest.fixture(scope="module")
def licence(sqlite_region: Region) -> Licence:
    return sqlite_region.issued("food-business-licence")


@pytest.fixture(scope="module")
def made(sqlite_region: Region, licence: Licence) -> Copy:
    return copy(sqlite_region, licence)


def test_a_copy_and_its_code_pass_and_say_what_they_are_for(region: Region) -> None:
    licence = region.issued("food-business-licence")
    found = copy(region, licence)
    for report in (
        check(region, found.pdf),
        verify_claim(claim_of(region, found), region.platform.knowledge, at=utc_now()),
    ):
        assert report.outcome is Outcome.PASSED, report.checks
        assert {"copy_in_force", "copy_matches_registry", "original_matches"} <= codes(report)
        assert report.licence is not None
        told = (report.licence["copy_number"], report.licence["copy_purpose"],
                report.licence["copy_maker"], report.licence["identifier"])  # fmt: skip
        assert told == (found.number, WHY.cause, MAKER, licence.identifier)


def test_the_items_of_the_standard_are_in_the_copy_and_not_in_the_original(
    sqlite_region: Region, licence: Licence, made: Copy
) -> None:
    def items(pdf: bytes) -> dict[str, Any]:
        raw = attachments.find(document.read(pdf).at(1), "licence.json", cap=1 << 20)
        assert raw is not None
        found: dict[str, Any] = read_content(raw)["licence"]
        return found

    of_copy, of_original = items(made.pdf), items(sqlite_region.file(licence))
    assert of_copy[copy_mark.CAUSE] == WHY.cause
    assert of_copy[copy_mark.MAKER] == MAKER
    assert of_copy[copy_mark.UNTIL] == copy_mark.stamp(made.until)
    assert set(of_copy) - set(of_original) == set(copy_mark.ITEMS)
    assert WHY.cause.encode() in made.pdf, "and in the XMP"


def test_a_copy_passes_without_the_registry_too(
    sqlite_region: Region, made: Copy, tmp_path: Path
) -> None:
    away = offline(sqlite_region, tmp_path)
    for report in (
        verify_file(made.pdf, away, at=utc_now()),
        verify_claim(claim_of(sqlite_region, made), away, at=utc_now()),
    ):
        assert report.outcome is Outcome.PASSED, report.checks
        assert "copy_in_force" in codes(report)


def test_a_copy_ends_with_its_day_while_the_original_goes_on(
    sqlite_region: Region, licence: Licence, made: Copy
) -> None:
    after = made.until + timedelta(seconds=1)
    claim = claim_of(sqlite_region, made)
    for report in (
        check(sqlite_region, made.pdf, at=after),
        verify_claim(claim, sqlite_region.platform.knowledge, at=after),
    ):
        assert report.outcome is Outcome.FAILED
        assert {"copy_expired", "in_force"} <= codes(report)
    assert check(sqlite_region, made.pdf, at=made.until).outcome is Outcome.PASSED
    assert check(sqlite_region, sqlite_region.file(licence), at=after).outcome is Outcome.PASSED


def test_a_copy_tells_at_once_that_its_original_was_suspended_resumed_and_revoked(
    region: Region,
) -> None:
    licence = region.issued()
    found = copy(region, licence)

    def move(act: Callable[..., object]) -> None:
        with region.platform.sessions.begin() as session:
            act(
                session, licence.identifier, basis="试验", reason="试验", at=utc_now(),
                by=region.caller("market.approver"), vault=region.platform.vault,
            )  # fmt: skip

    for act, code in (
        (states.suspend, "suspended"), (states.resume, "in_force"), (states.revoke, "void"),
    ):  # fmt: skip
        move(act)
        for report in (
            check(region, found.pdf),
            verify_claim(claim_of(region, found), region.platform.knowledge, at=utc_now()),
        ):
            assert code in codes(report)
            assert (report.outcome is Outcome.PASSED) == (code == "in_force")
    with pytest.raises(NotCopied):
        copy(region, licence)


# --- what must not pass --------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_changed_byte_passes(sqlite_region: Region, made: Copy, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(made.pdf) - 1))
    changed = bytearray(made.pdf)
    changed[at] ^= 1 << data.draw(st.integers(0, 7))
    report = check(sqlite_region, bytes(changed))
    assert report.outcome is not Outcome.PASSED, at


def pressed(
    region: Region, licence: Licence, raw: bytes, items: dict[str, Any], claim: str,
    seal: Impression, at: datetime,
) -> bytes:  # fmt: skip
    """A file of our own making in every respect but one."""
    workshop = region.platform.workshop(at=at)
    with region.platform.reading() as session:
        licence_type = type_registry.of(session, licence.type_code, licence.type_version)
    page = workshop.renderer.render(
        licence_type, items, attachment=raw, qr_text=claim, verify_at="http://x/verify", at=at
    )
    return seal_apply.apply(
        watermark.add(page, ["加注件"]), [(seal, Place(1, 60, 60))], keys=workshop.keys, at=at,
        long_term=workshop.long_term,
    )  # fmt: skip


def marked(
    region: Region, licence: Licence, number: str, until: datetime, at: datetime
) -> tuple[bytes, dict[str, Any]]:
    raw = region.platform.vault.unseal(licence.content_box, context=f"licence/{licence.identifier}")
    return copy_mark.write(
        raw, number=number, digest=licence.digest, file_digest=licence.file_digest, purpose=WHY,
        maker=MAKER, until=until, at=at,
    )  # fmt: skip


def signed(
    workshop: Workshop, licence: Licence, raw: bytes, mark: CopyMark | None, at: datetime
) -> str:
    """A claim by the workshop's signer: as a copy's, or with `mark` None as an original's."""
    claim = Claim(
        region=workshop.region.code, identifier=identifier.parse(licence.identifier), holder="张*",
        made_at=at, issued=licence.issued_on, valid_from=licence.valid_from,
        valid_until=licence.valid_until, status_list=licence.status_list,
        status_index=licence.status_index, digest=hashes.sm3(raw)[:16], copy=mark,
    )  # fmt: skip
    signer = workshop.claim_signer
    return qr.write(
        claim, base_url=workshop.region.base_url, algorithm=signer.algorithm,
        kid=key_id(signer.certificate.spki), sign=signer.sign,
    )  # fmt: skip


def seals(region: Region, at: datetime) -> tuple[Impression, Impression]:
    """The platform's for copies, and the issuer's own."""
    platform = region.platform
    with platform.reading() as session:
        code = platform.workshop(at=at).region.code
        authority = session.scalars(select(Authority).where(Authority.seal.is_not(None))).first()
        assert authority is not None
        return (
            copies.copy_seal(session, code, at=at),
            seal_apply.impression(session, authority.seal or "", at=at),
        )


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("nothing but the register", "copy_not_in_registry"),
        ("the original's code", "qr_differs"),
        ("another copy's code", "qr_differs"),
        ("the issuer's seal", "copy_seal_mismatch"),
        ("the claim signer's claim", "key_usage"),
        ("another end than its claim's", "qr_differs"),
    ],
)
def test_a_file_that_is_a_copy_in_all_but_one_thing_fails(
    sqlite_region: Region, licence: Licence, made: Copy, fault: str, code: str
) -> None:
    region, at = sqlite_region, utc_now().replace(microsecond=0)
    number, until = copy_mark.new_number(), at + DAYS
    raw, items = marked(region, licence, number, until, at)
    mark = CopyMark(number, until, licence.digest[:16])
    platform_seal, issuers = seals(region, at)
    workshop = copy_workshop(region.platform, at=at)
    if fault == "the claim signer's claim":
        workshop = region.platform.workshop(at=at)
    if fault == "another end than its claim's":
        mark = replace(mark, until=until + DAYS)
    claim = signed(workshop, licence, raw, mark, at)
    claim = {
        "the original's code": licence.claim, "another copy's code": claim_of(region, made)
    }.get(fault, claim)  # fmt: skip
    seal = issuers if fault == "the issuer's seal" else platform_seal
    report = check(region, pressed(region, licence, raw, items, claim, seal, at))
    assert report.outcome is Outcome.FAILED
    assert code in codes(report), report.checks


def test_a_copys_code_on_an_original_is_refused_by_name(
    sqlite_region: Region, licence: Licence, made: Copy
) -> None:
    region, at = sqlite_region, utc_now().replace(microsecond=0)
    raw = region.platform.vault.unseal(licence.content_box, context=f"licence/{licence.identifier}")
    items = read_content(raw)["licence"]
    _, issuers = seals(region, at)
    pdf = pressed(region, licence, raw, items, claim_of(region, made), issuers, at)
    report = check(region, pdf)
    assert report.outcome is Outcome.FAILED
    assert "copy_claim" in codes(report)


def test_the_copy_signer_signs_for_no_original(sqlite_region: Region, licence: Licence) -> None:
    region, at = sqlite_region, utc_now().replace(microsecond=0)
    raw = region.platform.vault.unseal(licence.content_box, context=f"licence/{licence.identifier}")
    claim = signed(copy_workshop(region.platform, at=at), licence, raw, None, at)
    report = verify_claim(claim, region.platform.knowledge, at=utc_now())
    assert report.outcome is Outcome.FAILED
    assert "key_usage" in codes(report)
    assert report.licence is None


def test_a_copy_of_another_original_does_not_agree_with_the_registry(
    sqlite_region: Region, licence: Licence
) -> None:
    region, at = sqlite_region, utc_now().replace(microsecond=0)
    mark = CopyMark(copy_mark.new_number(), at + DAYS, bytes(16))
    claim = signed(copy_workshop(region.platform, at=at), licence, b"{}", mark, at)
    report = verify_claim(claim, region.platform.knowledge, at=utc_now())
    assert {"original_differs", "copy_not_in_registry"} <= codes(report)


def test_what_the_registry_holds_of_the_copy_decides(sqlite_region: Region, made: Copy) -> None:
    """A claim with the copy's number but of other bytes: a second one was signed for it."""
    region, at = sqlite_region, utc_now().replace(microsecond=0)
    licence = region.issued("food-business-licence")
    mark = CopyMark(made.number, made.until, licence.digest[:16])
    claim = signed(copy_workshop(region.platform, at=at), licence, b"{}", mark, at)
    report = verify_claim(claim, region.platform.knowledge, at=utc_now())
    assert "copy_differs_from_registry" in codes(report)


@pytest.mark.parametrize(
    "mark",
    [
        {qr.K_COPY_NUMBER: "JZ0123456789ABCD"},
        {qr.K_COPY_NUMBER: "jz", qr.K_COPY_EXPIRY: 1, qr.K_COPY_ORIGINAL: bytes(16)},
        {qr.K_COPY_NUMBER: "JZ0123456789ABCD", qr.K_COPY_EXPIRY: -1, qr.K_COPY_ORIGINAL: bytes(16)},
        {qr.K_COPY_NUMBER: "JZ0123456789ABCD", qr.K_COPY_EXPIRY: 1 << 62,
         qr.K_COPY_ORIGINAL: bytes(16)},
        {qr.K_COPY_NUMBER: "JZ0123456789ABCD", qr.K_COPY_EXPIRY: 1, qr.K_COPY_ORIGINAL: bytes(15)},
        {qr.K_COPY_NUMBER: "JZ0123456789ABCD", qr.K_COPY_EXPIRY: True,
         qr.K_COPY_ORIGINAL: bytes(16)},
    ],
    ids=["one-of-three", "number", "negative", "beyond-calendars", "short", "boolean"],
)  # fmt: skip
def test_a_copys_claim_of_another_form_is_refused(mark: dict[int, Any]) -> None:
    with pytest.raises(BadClaim) as refusal:
        qr.parse(test_qr.signed(test_qr.payload_of(test_qr.write(test_qr.CLAIM)) | mark))
    assert refusal.value.code == "claim_malformed"


# --- making --------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [-1, 0, 400], ids=["past", "now", "too-long"])
def test_a_copy_ends_in_the_future_and_within_a_year(
    sqlite_region: Region, licence: Licence, days: int
) -> None:
    with pytest.raises(Invalid):
        copy(sqlite_region, licence, until=utc_now() + timedelta(days=days))


def test_of_a_licence_that_is_not_there_no_copy_is_made(
    sqlite_region: Region, licence: Licence
) -> None:
    with pytest.raises(NotFound):
        copy(sqlite_region, Licence(identifier=licence.identifier + "X"))


def test_a_frozen_copy_seal_seals_nothing(sqlite_region: Region, licence: Licence) -> None:
    region, at = sqlite_region, utc_now()
    es_id = seals(region, at)[0].es_id
    administrator = living.region_administrator(region)
    with region.platform.sessions.begin() as session:
        freeze.freeze(session, es_id, reason="试验", by=administrator, at=utc_now())
    try:
        with pytest.raises(NoCopySeal):
            copy(region, licence)
    finally:
        with region.platform.sessions.begin() as session:
            freeze.unfreeze(session, es_id, reason="试验", by=administrator, at=utc_now())


def test_each_copy_is_in_the_seals_ledger_and_the_register(
    sqlite_region: Region, licence: Licence, made: Copy
) -> None:
    with sqlite_region.platform.reading() as session:
        es_id = seals(sqlite_region, utc_now())[0].es_id
        (used,) = ledger.page(session, es_id, ledger.Filter(case=made.number))
        listed = copies.of_licence(session, licence.identifier)
    assert used.digest == hashes.sha256(made.pdf)
    assert made.number in {row.number for row in listed}
    assert sqlite_region.platform.store.get(made.number) == made.pdf


def test_setting_up_again_makes_no_second_seal(sqlite_region: Region) -> None:
    platform = sqlite_region.platform

    def count() -> int:
        owner = copy_mark.sealer(platform.workshop(at=utc_now()).region.code)
        with platform.reading() as session:
            return session.scalar(select(func.count()).where(Seal.owner == owner)) or 0

    provision_copies.create(platform, at=utc_now())
    assert count() == 1


def test_an_ended_copy_seal_is_followed_by_another_and_what_it_sealed_still_passes(
    sqlite_region: Region, licence: Licence
) -> None:
    region, platform = sqlite_region, sqlite_region.platform
    before, old = copy(region, licence), seals(region, utc_now())[0].es_id
    administrator = living.region_administrator(region)
    with platform.sessions.begin() as session:
        cancel.cancel(
            session, old, reason="试验", keys=platform.keys, by=administrator, at=utc_now()
        )
    with pytest.raises(NoCopySeal):
        copy(region, licence)
    provision_copies.create(platform, at=utc_now())
    after = copy(region, licence)
    assert seals(region, utc_now())[0].es_id != old
    for made in (before, after):
        report = check(region, made.pdf)
        assert report.outcome is Outcome.PASSED, report.checks


def test_the_watermark_takes_whatever_a_purpose_may_say() -> None:
    """Long lines are cut, characters without a glyph stand as boxes or not at all."""
    licence_type, items = samples.licence("food-business-licence")
    page = Renderer().render(
        licence_type, items, attachment=b"{}", qr_text=samples.QR_TEXT,
        verify_at=samples.VERIFY_AT, at=samples.AT,
    )  # fmt: skip
    lines = ["𠮷😀 " + "饕" * 200, "x", " "]
    marked = watermark.add(page, lines)
    assert qr_reading.from_pdf(marked) == samples.QR_TEXT, "the code is read through it"
    assert watermark.add(page, lines) == marked, "the same bytes every time"


MARKED: dict[str, Any] = {
    "licence": {copy_mark.MADE_AT: "20261122103000", copy_mark.MAKER: "某局",
                copy_mark.CAUSE: "办理", copy_mark.UNTIL: "20261222235959"},
    "copy": {"number": "JZ0123456789ABCD", "original": "00" * 32, "file": "00" * 32},
}  # fmt: skip


def test_a_mark_is_read_whole_or_not_at_all() -> None:
    found = copy_mark.read(MARKED)
    assert found is not None
    assert (found.number, found.cause, found.maker) == ("JZ0123456789ABCD", "办理", "某局")
    assert copy_mark.stamp(found.until) == "20261222235959"
    assert copy_mark.read({"licence": {}}) is None


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("licence", copy_mark.MAKER, None), ("licence", copy_mark.UNTIL, "2026-12-22"),
        ("licence", copy_mark.UNTIL, "20261322235959"), ("licence", copy_mark.CAUSE, 1),
        ("copy", "number", "JZ1"), ("copy", "number", None), ("copy", "original", "00" * 31),
        ("copy", "original", "ZZ" * 32), ("copy", "original", 0),
    ],
    ids=["no-maker", "another-form", "no-month", "a-number", "short-number", "unnumbered",
         "short-digest", "no-digest", "a-zero"],
)  # fmt: skip
def test_half_a_mark_is_malformed(part: str, key: str, value: object) -> None:
    changed = {name: dict(content) for name, content in MARKED.items()}
    changed[part].pop(key)
    if value is not None:
        changed[part][key] = value
    with pytest.raises(Malformed):
        copy_mark.read(changed)
    without = {"licence": MARKED["licence"]} if part == "copy" else {"licence": {}, "copy": {}}
    with pytest.raises(Malformed):
        copy_mark.read(without)
