"""`trust seal inspect`: what anyone's seal, seal signature, OFD or PDF is and whether it holds.

Nothing here trusts a file to be of the kind that its name says. What cannot be judged is named and
INDETERMINATE; it never passes.
"""

from dataclasses import replace
from datetime import datetime

from seal import asn1, ber, legs, ofd, ofd_integrity
from seal.inspection import Inspection, Signed, shown
from seal.judgement import Judge
from seal.kinds import form_of, unwrapped
from seal.ofd import BadOfd, Ofd, OfdSignature
from seal.ofd_integrity import Integrity
from seal.pdf import anyone
from seal.pdf.anyone import TIME_STAMP_FILTER, Found
from seal.pdf.errors import BadPdf
from seal.time_legs import check_time_stamp
from trust.anchors import Anchors
from trust.crypto.errors import Malformed
from trust.report import failed, passed
from trust.validation import TrustStore

_NO_ANCHORS = Anchors(())
_BER = "written in BER, not DER"


def inspect(
    data: bytes, *, now: datetime, anchors: Anchors = _NO_ANCHORS, original: bytes | None = None
) -> Inspection:
    """The report. `original` is what a lone seal signature is over, where it is at hand.

    Never raises for what is in `data`: a file that cannot be read is a failed check.
    """
    judge = Judge(TrustStore(anchors.roots, anchors.intermediates, anchors.revocation()), now)
    try:
        if data.startswith(b"PK\x03\x04"):
            return _ofd(judge, ofd.read(data))
        if data.lstrip(b"\x00\t\n\r ").startswith(b"%PDF-"):
            return _pdf(judge, data)
        return _value(judge, data, original)
    except BadOfd as error:
        return judge.nothing("ofd", failed("structure", error.code, shown(error.detail)))
    except BadPdf as error:
        return judge.nothing("pdf", failed("structure", error.code, shown(error.detail)))
    except Malformed as error:
        return judge.nothing("unknown", failed("structure", "malformed", shown(str(error))))


def _value(judge: Judge, data: bytes, original: bytes | None) -> Inspection:
    data, was_ber = ber.to_der(unwrapped(data))
    form = form_of(data)
    if form == "seal":
        return judge.seal(asn1.parse_seal(data))
    if form in ("certificate", "request"):
        return judge.certificate(form, data)
    signed = judge.signature("", form, data, original)
    odd = (_BER,) if was_ber else ()
    return Inspection(form, judge.now, None, (signed,), (), odd)


# --- OFD ---------------------------------------------------------------------------------------


def _ofd(judge: Judge, found: Ofd) -> Inspection:
    integrity = ofd_integrity.read(found.package)
    if not found.signatures and integrity is None:
        return judge.nothing("ofd", failed("structure", "no_signature"))
    checks = [passed("structure", "well_formed")]
    signed = [
        _ofd_signature(judge, f".{number}", found, one, integrity)
        for number, one in enumerate(found.signatures, 1)
    ]
    if integrity is not None:
        checks += legs.check_integrity(found, integrity)
        signed.append(_in_place(
            judge, ".integrity", integrity.value, integrity.document, ofd_integrity.INTEGRITY
        ))  # fmt: skip
    return Inspection("ofd", judge.now, None, tuple(signed), tuple(checks))


def _ofd_signature(
    judge: Judge, label: str, found: Ofd, one: OfdSignature, integrity: Integrity | None
) -> Signed:
    covering = [
        legs.check_references(label, found, one),
        legs.check_coverage(label, found, one, integrity),
    ]
    signed = _in_place(
        judge, label, one.value, one.document, one.path, claimed=legs.parse_ofd_time(one.time)
    )
    if signed.form == "stamp" and one.seal is not None:
        covering.append(legs.check_seal_file(label, one))
    return Signed(
        signed.form, signed.place, signed.signer, signed.at, signed.seal,
        (*covering, *signed.checks), (*signed.oddities, *legs.deviations(one, signed.form)),
    )  # fmt: skip


def _in_place(
    judge: Judge, label: str, value: bytes, original: bytes, place: str, *,
    claimed: datetime | None = None,
) -> Signed:  # fmt: skip
    """A signature value of a document; one that cannot be read is a failed check."""
    place = shown(place)
    try:
        value, was_ber = ber.to_der(value)
        signed = judge.signature(
            label, form_of(value), value, original, place=place, claimed=claimed
        )
        return replace(signed, oddities=(*signed.oddities, _BER)) if was_ber else signed
    except Malformed as error:
        check = failed(f"signature{label}", "signature_malformed", shown(str(error)))
        return Signed("unknown", place, "", None, None, (check,))


# --- PDF ---------------------------------------------------------------------------------------


def _pdf(judge: Judge, data: bytes) -> Inspection:
    found = anyone.signatures(data)
    if not found:
        return judge.nothing("pdf", failed("structure", "no_signature"))
    signed = [_pdf_signature(judge, f".{n}", data, one) for n, one in enumerate(found, 1)]
    return Inspection("pdf", judge.now, None, tuple(signed), (passed("structure", "well_formed"),))


def _pdf_signature(judge: Judge, label: str, data: bytes, one: Found) -> Signed:
    place, claimed = shown(one.field), legs.parse_pdf_time(one.time)
    if one.problem:
        check = failed(f"byte_range{label}", "byte_range", one.problem)
        return Signed("unknown", place, "", claimed, None, (check,))
    covering = (passed(f"byte_range{label}", "covers_revision"), legs.check_after(label, one))
    if one.sub_filter == TIME_STAMP_FILTER:
        stamped, at = check_time_stamp(
            label, one.value, one.covered(data), store=judge.store, now=judge.now
        )
        return Signed("time_stamp", place, "", at, None, (*covering, *stamped))
    signed = _in_place(judge, label, one.value, one.covered(data), one.field, claimed=claimed)
    return Signed(
        signed.form, place, signed.signer, signed.at, signed.seal,
        (*covering, *signed.checks), (*signed.oddities, *_pdf_oddities(one, signed.form)),
    )  # fmt: skip


_FORMS = {"GM.sm2seal": "stamp", "GM.sm2cms.detached": "cms", "adbe.pkcs7.detached": "cms",
          "ETSI.CAdES.detached": "cms"}  # fmt: skip


def _pdf_oddities(one: Found, form: str) -> tuple[str, ...]:
    """A value is judged by what it is, whatever SubFilter says it should be."""
    expected = _FORMS.get(one.sub_filter)
    if expected is None:
        return (f"SubFilter {shown(one.sub_filter)}",)
    return (f"SubFilter {one.sub_filter} over a {form}",) if form != expected else ()
