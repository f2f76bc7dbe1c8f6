"""SM2 SignedData as the makers write it: judged alone, in an OFD and in a PDF; no way cheats."""

import io
from collections.abc import Callable
from datetime import timedelta

import pikepdf
import pytest

from seal import ber
from seal.inspect import inspect
from seal.inspection import Inspection
from seal.pdf.foreign import add_signature
from seal.pdf.sealing import Field
from tests.seal import vendors
from tests.seal.packages import signed_ofd
from tests.seal.vendors import MADE, MAKERS, Signer
from trust.anchors import Anchors
from trust.crypto import cms, der, tst, x509
from trust.report import Outcome

NOW = MADE + timedelta(days=30)
DOCUMENT = b"<ofd:Signature>the document</ofd:Signature>"


@pytest.fixture(scope="module")
def by() -> Signer:
    return vendors.signer()


def trusting(by: Signer) -> Anchors:
    return Anchors((x509.parse_certificate(by.certificate),))


def look(value: bytes, by: Signer, original: bytes | None = DOCUMENT) -> Inspection:
    return inspect(value, now=NOW, anchors=trusting(by), original=original)


def codes(found: Inspection) -> dict[str, str]:
    return {check.name: check.code for check in found.signatures[0].checks}


every_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
Make = Callable[[Signer, bytes], bytes]


@every_maker
def test_each_makers_value_is_judged_and_holds(by: Signer, make: Make) -> None:
    got = codes(look(make(by, DOCUMENT), by))
    assert (got["signature"], got["digest"]) == ("signature_valid", "digest_matches")
    assert got["chain"] == "chain_valid"


@every_maker
def test_over_another_document_it_fails(by: Signer, make: Make) -> None:
    found = look(make(by, DOCUMENT), by, DOCUMENT + b" ")
    assert found.outcome is Outcome.FAILED
    assert {"digest_mismatch", "signature_invalid"} & set(codes(found).values())


@every_maker
def test_without_the_document_it_never_passes(by: Signer, make: Make) -> None:
    found = look(make(by, DOCUMENT), by, None)
    assert found.outcome is Outcome.INDETERMINATE
    named = set(codes(found).values())
    assert "document_withheld" in named or "content_inside" in named


@every_maker
def test_one_bit_of_the_value_makes_it_fail(by: Signer, make: Make) -> None:
    good = make(by, DOCUMENT)
    signature = cms.parse(good).signature
    at = good.rindex(signature) + len(signature) - 1
    found = look(good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :], by)
    assert found.outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("make", "oddity"),
    [
        ("dianju", "the content is the original's digest"), ("dianju", ".501"),
        ("tongzhi", "r then s, raw"), ("ofdrw_base64", "in Base64"),
        ("gomain", "content type 1.2.840.113549.1.7.1"), ("itext", "RFC 5652"),
        ("odd_name", "is called 1.2.156.10197.1.301"),
    ],
)  # fmt: skip
def test_each_oddity_is_named(by: Signer, make: str, oddity: str) -> None:
    found = look(MAKERS[make](by, DOCUMENT), by)
    assert oddity in " ".join(found.signatures[0].oddities)


def in_ber(data: bytes, *, depth: int = 3) -> bytes:
    """The same value with indefinite lengths in its outer elements, as many libraries write it."""
    value = der.read(data)
    if not value.tag & 0x20 or not depth:
        return value.raw
    inner = b"".join(in_ber(part.raw, depth=depth - 1) for part in der.children(value))
    return bytes((value.tag, 0x80)) + inner + b"\x00\x00"


@every_maker
def test_a_value_in_ber_is_read_and_said_to_be(by: Signer, make: Make) -> None:
    found = look(in_ber(make(by, DOCUMENT)), by)
    assert codes(found)["signature"] == "signature_valid"
    assert found.oddities == ("written in BER, not DER",)
    pdf = signed_pdf(by, lambda key, covered: in_ber(make(key, covered)), "GM.sm2cms.detached")
    found = inspect(pdf, now=NOW, anchors=trusting(by))
    assert codes(found)["signature.1"] == "signature_valid"
    assert "written in BER, not DER" in found.signatures[0].oddities


def test_octets_in_pieces_are_joined_and_endless_ones_refused(by: Signer) -> None:
    pieces = b"\x24\x80" + der.octets(b"ab") + der.octets(b"c") + b"\x00\x00"
    assert ber.to_der(pieces) == (der.octets(b"abc"), True)
    assert ber.to_der(b"\x30\x81\x02\x05\x00\x00\x00") == (b"\x30\x02\x05\x00", True)
    endless = b"\x30\x80" + b"\x05\x00" * 30_000 + b"\x00\x00"
    for bad in (b"\x30\x80" * 40, b"\x30\x80", b"\x04\x80\x00\x00", b"\x30\x03\x02\x05", endless,
                b"\x30\x84\xff\xff\xff\xff", b"\x30\x80\x00\x00x"):  # fmt: skip
        assert ber.to_der(bad) == (bad, False)
        assert inspect(bad, now=NOW).outcome is Outcome.FAILED


def test_attributes_passed_off_as_content_are_refused(by: Signer) -> None:
    """A value over signed attributes, presented without them: the SET itself is the 'document'."""
    held = vendors.attributes(DOCUMENT)
    forged = vendors.signed_data(by, over=held, content=None, algorithm=cms.SM2_SIGN)
    assert codes(look(forged, by, held))["signature"] == "signature_malformed"


def test_a_time_stamps_signature_is_no_document_signature(by: Signer) -> None:
    for kind, inner in ((tst.TST_INFO, vendors.GM_DATA), (vendors.GM_DATA, "1.2.3.4")):
        forged = vendors.signed_data(
            by, over=b"", held=vendors.attributes(DOCUMENT, kind=kind), content=None,
            algorithm=cms.SM2_SIGN, inner=inner,
        )  # fmt: skip
        assert codes(look(forged, by))["signature"] == "signature_malformed"


def test_the_digest_of_other_content_inside_fails(by: Signer) -> None:
    held, inside = vendors.attributes(b"another"), DOCUMENT
    forged = vendors.signed_data(by, over=b"", held=held, content=inside, algorithm=cms.SM2_SIGN)
    assert codes(look(forged, by))["signature"] == "signature_invalid"


def test_a_signer_who_is_not_inside_is_found_among_the_anchors(by: Signer) -> None:
    value = vendors.suwell(by, DOCUMENT)
    bare = value.replace(by.certificate, b"")
    content = der.children(der.parse(value))[1].content
    body = [part.raw for part in der.children(der.parse(content))]
    bare = der.sequence(
        der.oid(vendors.GM_SIGNED), der.explicit(0, der.sequence(*body[:3], body[4]))
    )
    known = Anchors((), (x509.parse_certificate(by.certificate),))
    found = inspect(bare, now=NOW, anchors=known, original=DOCUMENT)
    assert codes(found)["signature"] == "signature_valid"
    assert "the signer's certificate is not inside" in found.signatures[0].oddities
    assert codes(look(bare, vendors.signer(), DOCUMENT))["signature"] == "signer_not_at_hand"


def test_a_bare_value_holds_by_a_certificate_at_hand(by: Signer) -> None:
    value = by.sign(DOCUMENT)
    assert codes(look(value, by))["signature"] == "signature_valid"
    assert codes(look(value, by, DOCUMENT + b"x"))["signature"] == "signer_not_at_hand"
    assert codes(look(value, by, None))["signature"] == "document_withheld"


# --- in documents --------------------------------------------------------------------------------


def blank_pdf() -> bytes:
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(300, 400))
        pdf.save(out)
    return out.getvalue()


def signed_pdf(by: Signer, make: Make, sub_filter: str) -> bytes:
    field = Field("Sig", ("DJ.GMPkiLite", sub_filter), "a maker", 4000, None)
    return add_signature(blank_pdf(), field, lambda covered, _: make(by, covered), at=MADE)


@every_maker
def test_a_pdf_that_a_maker_signed_is_judged_whole(by: Signer, make: Make) -> None:
    pdf = signed_pdf(by, make, "GM.sm2cms.detached")
    found = inspect(pdf, now=NOW, anchors=trusting(by))
    got = codes(found)
    assert (got["byte_range.1"], got["signature.1"]) == ("covers_revision", "signature_valid")
    assert (got["digest.1"], got["changes.1"]) == ("digest_matches", "unchanged")
    changed = inspect(pdf.replace(b"300 400", b"300 401"), now=NOW, anchors=trusting(by))
    assert changed.outcome is Outcome.FAILED


def test_a_sub_filter_that_says_another_kind_is_named(by: Signer) -> None:
    found = inspect(signed_pdf(by, vendors.dianju, "GM.sm2seal"), now=NOW, anchors=trusting(by))
    assert "SubFilter GM.sm2seal over a cms" in found.signatures[0].oddities


@every_maker
def test_an_ofd_that_a_maker_signed_is_judged_whole(by: Signer, make: Make) -> None:
    found = inspect(signed_ofd(by, [make]), now=NOW, anchors=trusting(by))
    got = codes(found)
    assert (got["references.1"], got["coverage.1"]) == ("references_match", "covers_all")
    assert (got["signature.1"], got["digest.1"]) == ("signature_valid", "digest_matches")


def test_several_signatures_of_an_ofd_are_each_judged(by: Signer) -> None:
    found = inspect(signed_ofd(by, list(MAKERS.values())), now=NOW, anchors=trusting(by))
    assert len(found.signatures) == len(MAKERS)
    for number, signed in enumerate(found.signatures, 1):
        got = {check.name: check.code for check in signed.checks}
        assert got[f"signature.{number}"] == "signature_valid"
        assert got[f"coverage.{number}"] == "covers_all"


def test_an_integrity_file_tells_what_was_smuggled_in_and_taken_out(by: Signer) -> None:
    whole = signed_ofd(by, [vendors.suwell], integrity=True)
    good = inspect(whole, now=NOW, anchors=trusting(by))
    assert [c.code for c in good.checks] == ["well_formed", "files_listed"]
    more = inspect(
        signed_ofd(by, [vendors.suwell], integrity=True, smuggled={"Doc_0/Pages/P9.xml": b"x"}),
        now=NOW, anchors=trusting(by),
    )  # fmt: skip
    assert "files_unlisted" in [c.code for c in more.checks]
    assert more.outcome is Outcome.FAILED
    less = inspect(
        signed_ofd(by, [], integrity=True, dropped="Doc_0/Document.xml"), now=NOW,
        anchors=trusting(by),
    )  # fmt: skip
    assert "references_differ" in [c.code for c in less.checks]


def test_an_integrity_file_alone_never_passes_for_it_holds_no_content(by: Signer) -> None:
    found = inspect(signed_ofd(by, [], integrity=True), now=NOW, anchors=trusting(by))
    assert "files_uncovered" in [c.code for c in found.checks]
    assert found.outcome is Outcome.INDETERMINATE
