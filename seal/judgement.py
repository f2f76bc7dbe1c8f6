"""Single values judged: seals, seal signatures, CMS and bare SM2 values, each leg a check."""

from collections.abc import Sequence
from datetime import datetime

from seal import asn1, legs, oddities, signed_data
from seal.asn1 import Seal, Stamp
from seal.inspection import Inspection, Signed, facts, shown, subject
from seal.signed_data import NoOriginal, NoSigner, Verified
from seal.time_legs import check_seal_time_stamp, check_time_stamp
from seal.verify import verify_value
from trust import chain
from trust.crypto import signatures, x509
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate
from trust.report import Check, Outcome, failed, passed, unknown
from trust.validation import TrustStore, verify_signed

#: A bare value names no signer: so many certificates at hand are tried.
_TRIED_MAX = 64


class Judge:
    """Carries whom to trust and the present time through the checks."""

    def __init__(self, store: TrustStore, now: datetime) -> None:
        self.store, self.now = store, now

    def nothing(self, kind: str, check: Check) -> Inspection:
        return Inspection(kind, self.now, None, (), (check,))

    # --- seals ---------------------------------------------------------------------------------

    def seal(self, seal: Seal) -> Inspection:
        info, now = seal.info, self.now
        validity = passed("validity", "seal_in_force")
        if now > info.valid_until:
            validity = failed("validity", "seal_over")
        elif now < info.valid_from:
            validity = failed("validity", "seal_not_yet")
        checks = (*self._maker("", seal, at=now), validity)
        return Inspection("seal", now, facts(seal), (), checks, oddities.of_seal(seal))

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
        checks = [good, *self.chain(f".maker{label}", maker, at=at)]
        if seal.time_stamp is not None:
            checks += check_seal_time_stamp(
                label, seal.time_stamp, seal.signature, seal.info.created, store=self.store,
                now=self.now,
            )  # fmt: skip
        return checks

    def chain(
        self, label: str, leaf: Certificate, *, at: datetime, extra: Sequence[Certificate] = ()
    ) -> list[Check]:
        try:
            return chain.judge(
                label, leaf, store=self.store, at=at, now=self.now, purpose=None, extra=extra
            )
        except Malformed as error:
            return [failed(f"chain{label}", "chain_malformed", str(error))]

    def certificate(self, form: str, data: bytes) -> Inspection:
        """A certificate (its key, its chain now) or a request for one (its key, its own value)."""
        is_request = form == "request"
        read = x509.parse_request(data) if is_request else x509.parse_certificate(data)
        name, odd = shown(x509.name_text(read.subject)), oddities.of_certificate(data)
        try:
            checks = [passed("key", "key_accepted", f"{signatures.kind_of(read.spki)}, {name}")]
        except (UnknownAlgorithm, Malformed) as error:
            checks = [failed("key", "algorithm_refused", shown(str(error)))]
        if isinstance(read, Certificate):
            checks += self.chain("", read, at=self.now)
        else:
            checks.append(_possession(read, name))
        return Inspection(form, self.now, None, (), tuple(checks), odd)

    # --- signatures ----------------------------------------------------------------------------

    def signature(
        self, label: str, form: str, value: bytes, original: bytes | None, *, place: str = "",
        claimed: datetime | None = None,
    ) -> Signed:  # fmt: skip
        """One signature of form `stamp`, `cms`, `time_stamp` or `bare`; Malformed when it cannot
        be read.

        `claimed` is the time that the document gives, for values that hold none.
        """
        if form == "stamp":
            return self._stamp(label, asn1.parse_stamp(value), original, place)
        if form == "cms":
            return self._cms(label, value, original, place, claimed)
        if form == "bare":
            return self._bare(label, value, original, place, claimed)
        if form == "time_stamp":
            checks, at = check_time_stamp(label, value, original, store=self.store, now=self.now)
            return Signed("time_stamp", place, "", at, None, tuple(checks))
        raise Malformed(f"a {form} where a signature belongs")

    def _stamp(self, label: str, stamp: Stamp, original: bytes | None, place: str) -> Signed:
        value = legs.check_value(label, stamp)
        stamped, proved = (
            check_time_stamp(
                label, stamp.time_stamp, stamp.signature, store=self.store, now=self.now
            )
            if stamp.time_stamp is not None
            else ([], None)
        )
        # A trusted authority's time is proof, the signer's own is a claim.
        at = (proved if value.outcome is Outcome.PASSED else None) or stamp.at
        checks = [
            value, *stamped, legs.check_digest(label, stamp, original),
            legs.check_listed(label, stamp), *self._maker(label, stamp.seal, at=at or self.now),
            legs.check_seal_in_force(label, stamp, at),
        ]  # fmt: skip
        checks += self._signer(label, stamp.signer, at)
        return Signed(
            "stamp", place or shown(stamp.property_info), subject(stamp.signer), at,
            facts(stamp.seal), tuple(checks), oddities.of_stamp(stamp),
        )  # fmt: skip

    def _signer(self, label: str, certificate: bytes, at: datetime | None) -> list[Check]:
        try:
            signer = x509.parse_certificate(certificate)
        except Malformed as error:
            return [failed(f"chain{label}", "chain_malformed", str(error))]
        checks = [legs.check_certificate(label, signer, at)]
        return checks + self.chain(label, signer, at=at or self.now)

    def _cms(
        self, label: str, value: bytes, original: bytes | None, place: str,
        claimed: datetime | None,
    ) -> Signed:  # fmt: skip
        name = f"signature{label}"
        try:
            found = signed_data.verify(value, original, known=self.store.intermediates)
        except NoSigner:
            refusal = unknown(name, "signer_not_at_hand")
        except NoOriginal:
            refusal = unknown(name, "document_withheld")
        except InvalidSignature:
            refusal = failed(name, "signature_invalid")
        except UnknownAlgorithm as error:
            refusal = failed(name, "algorithm_refused", shown(str(error)))
        except Malformed as error:
            refusal = failed(name, "signature_malformed", shown(str(error)))
        else:
            return self._verified(label, found, place, claimed)
        return Signed("cms", place, "", claimed, None, (refusal,))

    def _verified(
        self, label: str, found: Verified, place: str, claimed: datetime | None
    ) -> Signed:
        holder = shown(x509.name_text(found.signer.subject))
        checks = [passed(f"signature{label}", "signature_valid", holder), _original(label, found)]
        at = found.at or claimed
        for token in found.time_stamps:
            stamped, proved = check_time_stamp(
                label, token, found.value, store=self.store, now=self.now
            )
            checks += stamped
            at = proved or at
        checks.append(legs.check_certificate(label, found.signer, at))
        checks += self.chain(label, found.signer, at=at or self.now, extra=found.certificates)
        odd = (*found.oddities, *oddities.of_certificate(found.signer.der))
        return Signed("cms", place, holder, at, None, tuple(checks), odd)

    def _bare(
        self, label: str, value: bytes, original: bytes | None, place: str,
        claimed: datetime | None,
    ) -> Signed:  # fmt: skip
        """r and s alone: whoever of those at hand signed, if anyone."""
        name, odd = f"signature{label}", ("a signature value alone, without its signer",)
        if original is None:
            check = unknown(name, "document_withheld")
            return Signed("bare", place, "", claimed, None, (check,), odd)
        for signer in (*self.store.intermediates, *self.store.roots)[:_TRIED_MAX]:
            try:
                verify_value(Algorithm.SM2_SM3.row.oid, signer.spki, original, value)
            except (InvalidSignature, UnknownAlgorithm, Malformed):
                continue
            holder = shown(x509.name_text(signer.subject))
            checks = [
                passed(name, "signature_valid", holder),
                legs.check_certificate(label, signer, claimed),
                *self.chain(label, signer, at=claimed or self.now),
            ]  # fmt: skip
            return Signed("bare", place, holder, claimed, None, tuple(checks), odd)
        check = unknown(name, "signer_not_at_hand")
        return Signed("bare", place, "", claimed, None, (check,), odd)


def _possession(request: x509.Request, name: str) -> Check:
    try:
        verify_signed(request, request.spki)
    except InvalidSignature:
        return failed("signature", "signature_invalid")
    except (UnknownAlgorithm, Malformed) as error:
        return failed("signature", "algorithm_refused", shown(str(error)))
    return passed("signature", "signature_valid", name)


def _original(label: str, found: Verified) -> Check:
    name = f"digest{label}"
    if found.over_original is not None:
        return (
            passed(name, "digest_matches")
            if found.over_original
            else failed(name, "digest_mismatch")
        )
    if found.content_is_digest:
        return unknown(name, "document_withheld")
    return passed(name, "content_inside")
