"""`trust seal inspect`: what anyone's seal, seal signature, OFD or PDF is and whether it holds.

Nothing here trusts a file to be of the kind that its name says. Kinds of value that are not judged
yet are named and INDETERMINATE; they never pass.
"""

from collections.abc import Sequence
from datetime import datetime

from seal import asn1, legs, ofd
from seal.asn1 import Seal, Stamp
from seal.inspection import Inspection, Signed, facts, shown, subject
from seal.ofd import BadOfd, Ofd, OfdSignature
from seal.pdf import anyone
from seal.pdf.anyone import Found
from seal.pdf.errors import BadPdf
from seal.verify import verify_value
from trust import chain
from trust.anchors import Anchors
from trust.crypto import cms, der, hashes, x509
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate
from trust.report import Check, failed, passed, unknown
from trust.validation import TrustStore, read_chain

TIME_STAMP_FILTER = "ETSI.RFC3161"
_NO_ANCHORS = Anchors(())
_SIGNED_DATA = frozenset(dress.value[0] for dress in cms.Dress)


def inspect(
    data: bytes, *, now: datetime, anchors: Anchors = _NO_ANCHORS, original: bytes | None = None
) -> Inspection:
    """The report. `original` is what a lone seal signature is over, where it is at hand.

    Never raises for what is in `data`: a file that cannot be read is a failed check.
    """
    store = TrustStore(anchors.roots, anchors.intermediates, anchors.revocation())
    judge = _Judge(store, now)
    try:
        if data.startswith(b"PK\x03\x04"):
            return judge.ofd(ofd.read(data))
        if data.lstrip(b"\x00\t\n\r ").startswith(b"%PDF-"):
            return judge.pdf(data)
        return judge.value(data, original)
    except BadOfd as error:
        return judge.nothing("ofd", failed("structure", error.code, shown(error.detail)))
    except BadPdf as error:
        return judge.nothing("pdf", failed("structure", error.code, shown(error.detail)))
    except Malformed as error:
        return judge.nothing("unknown", failed("structure", "malformed", shown(str(error))))


def form_of(value: bytes) -> str:
    """`seal`, `stamp`, `cms` or `bare` by structure alone; Malformed for anything else."""
    parts = der.children(der.parse(value, tag=der.SEQUENCE, cap=asn1.STAMP_MAX))
    tags = [part.tag for part in parts[:2]]
    if tags[:1] == [der.OID]:
        if der.read_oid(parts[0]) not in _SIGNED_DATA:
            raise Malformed("a CMS structure that is no SignedData")
        return "cms"
    if tags == [der.INTEGER, der.INTEGER] and len(parts) == 2:
        return "bare"
    if tags[:1] != [der.SEQUENCE]:
        raise Malformed("neither a seal nor a signature")
    first = der.children(parts[0])
    return "stamp" if first and first[0].tag == der.INTEGER else "seal"


class _Judge:
    """Carries whom to trust and the present time through the checks."""

    def __init__(self, store: TrustStore, now: datetime) -> None:
        self.store, self.now = store, now

    def nothing(self, kind: str, check: Check) -> Inspection:
        return Inspection(kind, self.now, None, (), (check,))

    # --- lone values ---------------------------------------------------------------------------

    def value(self, data: bytes, original: bytes | None) -> Inspection:
        form = form_of(data)
        if form == "seal":
            return self._seal_alone(asn1.parse_seal(data))
        signed = self._signed("", form, data, original, in_pdf=False)
        return Inspection(form, self.now, None, (signed,), ())

    def _seal_alone(self, seal: Seal) -> Inspection:
        info, now = seal.info, self.now
        validity = passed("validity", "seal_in_force")
        if now > info.valid_until:
            validity = failed("validity", "seal_over")
        elif now < info.valid_from:
            validity = failed("validity", "seal_not_yet")
        checks = (*self._maker("", seal, at=now), validity)
        return Inspection("seal", now, facts(seal), (), checks)

    def _maker(self, label: str, seal: Seal, *, at: datetime) -> list[Check]:
        """The seal's own signature and the chain of who made it."""
        name = f"seal{label}"
        try:
            maker = x509.parse_certificate(seal.maker)
            verify_value(seal.algorithm, maker.spki, seal.signed, seal.signature)
        except InvalidSignature:
            return [failed(name, "seal_signature_invalid")]
        except UnknownAlgorithm as error:
            return [failed(name, "algorithm_refused", shown(str(error)))]
        except Malformed as error:
            return [failed(name, "signature_malformed", str(error))]
        good = passed(name, "seal_signature_valid", subject(seal.maker))
        checks = [good, *self._chain(f".maker{label}", maker, at=at)]
        if seal.time_stamp is not None:
            checks.append(unknown(f"seal_time_stamp{label}", "not_judged", "[0] timeStamp"))
        return checks

    def _chain(
        self, label: str, leaf: Certificate, *, at: datetime, extra: Sequence[Certificate] = ()
    ) -> list[Check]:
        try:
            return chain.judge(
                label, leaf, store=self.store, at=at, now=self.now, purpose=None, extra=extra
            )
        except Malformed as error:
            return [failed(f"chain{label}", "chain_malformed", str(error))]

    # --- one signature -------------------------------------------------------------------------

    def _signed(
        self, label: str, form: str, value: bytes, original: bytes | None, *, in_pdf: bool,
        place: str = "", claimed: datetime | None = None,
    ) -> Signed:  # fmt: skip
        if form == "stamp":
            return self._stamp(label, asn1.parse_stamp(value), original, place)
        if form == "cms" and in_pdf and original is not None:
            return self._cms(label, value, original, place, claimed)
        names = {"cms": "GB/T 35275 SignedData", "bare": "SM2 {r,s}", "seal": "SESeal"}
        check = unknown(f"signature{label}", "not_judged", names[form])
        return Signed(form, place, "", claimed, None, (check,))

    def _stamp(self, label: str, stamp: Stamp, original: bytes | None, place: str) -> Signed:
        at = stamp.at or self.now
        checks = [
            legs.check_value(label, stamp), legs.check_digest(label, stamp, original),
            legs.check_listed(label, stamp), *self._maker(label, stamp.seal, at=at),
            legs.check_seal_in_force(label, stamp),
        ]  # fmt: skip
        checks += self._signer(label, stamp.signer, stamp.at)
        if stamp.time_stamp is not None:
            checks.append(unknown(f"time_stamp{label}", "not_judged", "[0] timeStamp"))
        return Signed(
            "stamp", place or shown(stamp.property_info), subject(stamp.signer), stamp.at,
            facts(stamp.seal), tuple(checks), stamp.oddities,
        )  # fmt: skip

    def _signer(self, label: str, certificate: bytes, at: datetime | None) -> list[Check]:
        try:
            signer = x509.parse_certificate(certificate)
        except Malformed as error:
            return [failed(f"chain{label}", "chain_malformed", str(error))]
        checks = [legs.check_certificate(label, signer, at)]
        return checks + self._chain(label, signer, at=at or self.now)

    def _cms(
        self, label: str, value: bytes, covered: bytes, place: str, claimed: datetime | None
    ) -> Signed:
        name = f"signature{label}"
        try:
            signed = cms.parse(value)
            if signed.dress is not cms.Dress.RFC5652:
                check = unknown(name, "not_judged", "GM/T 0010 SignedData")
                return Signed("cms", place, "", claimed, None, (check,))
            if signed.content is not None:
                raise Malformed("the signed content is inside, not the document")
            digest = hashes.digest(cms.digest_name(signed), covered)
            signer = cms.verify(signed, digest, covered)
        except InvalidSignature:
            return Signed("cms", place, "", claimed, None, (failed(name, "signature_invalid"),))
        except UnknownAlgorithm as error:
            check = failed(name, "algorithm_refused", shown(str(error)))
            return Signed("cms", place, "", claimed, None, (check,))
        except Malformed as error:
            check = failed(name, "signature_malformed", shown(str(error)))
            return Signed("cms", place, "", claimed, None, (check,))
        shown_name = shown(x509.name_text(signer.subject))
        checks = [
            passed(name, "signature_valid", shown_name),
            legs.check_certificate(label, signer, claimed),
        ]
        extra = read_chain(signed.certificates)
        checks += self._chain(label, signer, at=claimed or self.now, extra=extra)
        return Signed("cms", place, shown_name, claimed, None, tuple(checks))

    # --- documents -----------------------------------------------------------------------------

    def ofd(self, found: Ofd) -> Inspection:
        if not found.signatures and not found.integrity:
            return self.nothing("ofd", failed("structure", "no_signature"))
        checks = [passed("structure", "well_formed")]
        if found.integrity:
            checks.append(unknown("integrity", "not_judged", "GM/T 0099 OFDEntries.xml"))
        signed = [
            self._ofd_signature(f".{number}", found, one)
            for number, one in enumerate(found.signatures, 1)
        ]
        return Inspection("ofd", self.now, None, tuple(signed), tuple(checks))

    def _ofd_signature(self, label: str, found: Ofd, one: OfdSignature) -> Signed:
        covering = [
            legs.check_references(label, found, one),
            legs.check_coverage(label, found, one),
        ]
        try:
            signed = self._signed(
                label, form_of(one.value), one.value, one.document, in_pdf=False,
                place=shown(one.path),
            )  # fmt: skip
            if signed.form == "stamp" and one.seal is not None:
                covering.append(legs.check_seal_file(label, one))
        except Malformed as error:
            check = failed(f"signature{label}", "signature_malformed", shown(str(error)))
            signed = Signed("unknown", shown(one.path), "", None, None, (check,))
        return Signed(
            signed.form, signed.place, signed.signer, signed.at, signed.seal,
            (*covering, *signed.checks), (*signed.oddities, *legs.deviations(one)),
        )  # fmt: skip

    def pdf(self, data: bytes) -> Inspection:
        found = anyone.signatures(data)
        if not found:
            return self.nothing("pdf", failed("structure", "no_signature"))
        signed = [self._pdf_signature(f".{n}", data, one) for n, one in enumerate(found, 1)]
        return Inspection(
            "pdf", self.now, None, tuple(signed), (passed("structure", "well_formed"),)
        )

    def _pdf_signature(self, label: str, data: bytes, one: Found) -> Signed:
        place, claimed = shown(one.field), legs.parse_pdf_time(one.time)
        if one.problem:
            check = failed(f"byte_range{label}", "byte_range", one.problem)
            return Signed("unknown", place, "", claimed, None, (check,))
        covering = (passed(f"byte_range{label}", "covers_revision"), legs.check_after(label, one))
        if one.sub_filter == TIME_STAMP_FILTER:
            check = unknown(f"signature{label}", "not_judged", "RFC 3161")
            return Signed("cms", place, "", claimed, None, (*covering, check))
        try:
            signed = self._signed(
                label, form_of(one.value), one.value, one.covered(data), in_pdf=True, place=place,
                claimed=claimed,
            )  # fmt: skip
        except Malformed as error:
            check = failed(f"signature{label}", "signature_malformed", shown(str(error)))
            signed = Signed("unknown", place, "", claimed, None, (check,))
        return Signed(
            signed.form, place, signed.signer, signed.at, signed.seal,
            (*covering, *signed.checks), signed.oddities,
        )  # fmt: skip
