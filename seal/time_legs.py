"""Time-stamps met in an inspection: on seals, seal signatures, CMS values and whole documents."""

from datetime import datetime

from seal.inspection import shown
from trust import chain, timestamps
from trust.chain import all_passed
from trust.crypto import x509
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.report import Check, failed, passed, unknown
from trust.validation import TrustStore, read_chain


def check_time_stamp(
    label: str, token: bytes, message: bytes | None, *, store: TrustStore, now: datetime
) -> tuple[list[Check], datetime | None]:
    """The checks of a token over `message`, and its time where its authority is trusted.

    Without the message the token itself is judged, and `document_withheld` said.

    Names: `time_stamp<label>`, `chain.time_stamp<label>`, `revocation.time_stamp<label>`.
    """
    name = f"time_stamp{label}"
    try:
        found = (
            timestamps.verify_message(token, message, known=store.intermediates)
            if message is not None
            else timestamps.verify(
                token, timestamps.read(token).info.imprint, known=store.intermediates
            )
        )
    except InvalidSignature:
        return [failed(name, "time_stamp_invalid")], None
    except (Malformed, UnknownAlgorithm) as error:
        return [failed(name, "time_stamp_malformed", shown(str(error)))], None
    if found.info.at > now:
        return [failed(name, "time_stamp_disagrees", ("在未来", "it is in the future"))], None
    said = f"{found.info.at:%Y-%m-%dT%H:%M:%SZ}, {x509.name_text(found.signer.subject)}"
    try:
        legs = chain.judge(
            f".time_stamp{label}", found.signer, store=store, at=found.info.at, now=now,
            purpose=timestamps.TIME_STAMPING, extra=read_chain(found.certificates),
        )  # fmt: skip
    except Malformed as error:
        legs = [failed(f"chain.time_stamp{label}", "chain_malformed", shown(str(error)))]
    checks = [passed(name, "time_stamped", shown(said)), *legs]
    if message is None:
        checks.append(unknown(f"digest{label}", "document_withheld"))
    return checks, found.info.at if all_passed(checks) else None


def check_seal_time_stamp(
    label: str, token: bytes, signature: bytes, created: datetime, *, store: TrustStore,
    now: datetime,
) -> list[Check]:  # fmt: skip
    """The [0] of a seal of 2025: over the maker's signature, and not before the seal was made."""
    checks, at = check_time_stamp(f".seal{label}", token, signature, store=store, now=now)
    if at is not None and created > at:
        checks.append(failed(f"seal_time{label}", "time_stamp_disagrees", "createDate"))
    return checks
