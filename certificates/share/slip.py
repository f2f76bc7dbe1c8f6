"""A slip for the file of a case: what was verified at an office's desk, when, by whom, and how it
came out. Sealed by the platform's own seal; its QR code leads to what the register says of it.

1. note the verification (its row)  2. when asked, render  3. seal  4. store  5. record. A crash
before 5 leaves at most a stored file that the next asking takes up again.
"""

import re
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from certificates import qr_drawing
from certificates.models import Authority
from certificates.press.workshop import Workshop
from certificates.share.models import VerificationSlip
from certificates.verify_claim import Verification
from certificates.wallet import copies
from seal import apply as seal_apply
from seal import ledger
from seal.apply import Impression, Suites
from seal.ledger import Outcome as SealOutcome
from seal.ledger import Use
from seal.ledger_models import UseResult
from seal.pdf.sealing import Place
from trust import audit
from trust.access import Caller
from trust.clock import CHINA
from trust.crypto.hashes import sha256
from trust.errors import Conflict, NotFound
from trust.reasons import REASONS

#: Crockford's base 32: the number may be typed.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: Where a sentence names a detail: details may name somebody, a slip does not.
_BLANK: Final = re.compile(r"[：:（(，]?\s*\{\}[)）]?")
#: Lower right corner, where the template leaves room.
_PLACE: Final = Place(1, 114.0, 31.0)
TITLE: Final = "电子证照核验单"
_WORST: Final = ("FAILED", "INDETERMINATE", "PASSED")
_HOW: Final = {"pdf": "证照文件", "picture": "二维码图片", "qr": "二维码文本"}
_VERDICTS: Final = {
    "PASSED": ("通过", "Passed", "各项检查全部通过。"),
    "FAILED": ("不通过", "Failed", "至少一项检查不通过，请勿采信。"),
    "INDETERMINATE": (
        "无法确定",
        "Indeterminate",
        "有检查项得不出结论：既不能认定有效，也不能认定无效。",
    ),
}


class NoSuchSlip(NotFound):
    """There is no slip of that number, or it is another office's."""

    code = "no_such_slip"


def note(
    session: Session, report: Verification, *, how: str, subject: bytes, by: Caller, at: datetime
) -> str:
    """Keep what a verification said, in the caller's transaction; the slip's number (70 bits).

    `subject` is the file or the code's text that was verified.
    """
    number = "HY" + "".join(secrets.choice(_ALPHABET) for _ in range(14))
    licence = report.licence or {}
    session.add(
        VerificationSlip(
            number=number, licence=str(licence.get("identifier", "")),
            type_name=str(licence.get("type", "")), outcome=str(report.outcome),
            checks=[[each.name, str(each.outcome), each.code] for each in report.checks], how=how,
            subject_digest=sha256(subject), office=by.authority, made_by=by.account, made_at=at,
        )
    )  # fmt: skip
    session.flush()
    return number


def find(session: Session, number: str, *, by: Caller | None = None) -> VerificationSlip:
    """The row of a slip; with `by` only of their own office. NoSuchSlip."""
    row = session.get(VerificationSlip, number) if len(number) <= 40 else None
    if row is None or (by is not None and not _is_theirs(row, by)):
        raise NoSuchSlip("no such slip")
    return row


def _is_theirs(row: VerificationSlip, by: Caller) -> bool:
    return row.made_by == by.account or (row.office is not None and row.office == by.authority)


def of_account(session: Session, account: str, *, limit: int = 50) -> list[VerificationSlip]:
    """An account's verifications, newest first."""
    mine = select(VerificationSlip).where(VerificationSlip.made_by == account)
    return list(session.scalars(mine.order_by(VerificationSlip.made_at.desc()).limit(limit)))


def pdf(
    workshop: Workshop, number: str, *, named: Callable[[str], str], by: Caller, at: datetime
) -> bytes:
    """The slip as a sealed page of A5, the same file however often it is asked for.

    `named` gives a check's name in words. Owns its transactions. NoSuchSlip, NoCopySeal, or
    Unavailable where no time-stamp is to be had.
    """
    at = at.replace(microsecond=0)
    with workshop.sessions() as session:
        row = find(session, number, by=by)
        if row.file_digest is not None:
            return workshop.store.get(number)
        seal = copies.copy_seal(session, workshop.region.code, at=at)
        office = session.get(Authority, row.office) if row.office else None
        face = _face(workshop, row, office.name if office is not None else "", named)
    page = workshop.renderer.page("slip", face, at=at)
    sealed = seal_apply.apply(
        page, [(seal, _PLACE)], suites=Suites.DUAL, keys=workshop.keys, at=at,
        long_term=workshop.long_term,
    )  # fmt: skip
    try:
        workshop.store.put(number, sealed)
    except Conflict:  # somebody else printed it meanwhile, or a crash left it
        sealed = workshop.store.get(number)
    with workshop.sessions.begin() as session:
        _record(session, number, sealed, seal, by=by, at=at)
    return sealed


def _record(
    session: Session, number: str, sealed: bytes, seal: Impression, *, by: Caller, at: datetime
) -> None:
    """Of several who print at once, one records it."""
    digest = sha256(sealed)
    won = session.scalar(
        update(VerificationSlip)
        .where(VerificationSlip.number == number, VerificationSlip.file_digest.is_(None))
        .values(file_digest=digest)
        .returning(VerificationSlip.licence)
    )
    if won is None:
        return
    use = Use(seal.es_id, "", number, f"{number}.pdf")
    done = SealOutcome(UseResult.USED, digest=digest, place=_PLACE)
    ledger.add(session, use, done, by=by, at=at)
    audit.record(
        session, "slip.printed", subject=number, by=by, at=at,
        details={"licence": won, "sha256": digest.hex()},
    )  # fmt: skip


def _face(
    workshop: Workshop, row: VerificationSlip, office: str, named: Callable[[str], str]
) -> dict[str, object]:
    verdict, verdict_en, meaning = _VERDICTS[row.outcome]
    address = f"{workshop.region.base_url}/slip/{row.number}"
    rows = [
        ("核验单编号", row.number),
        ("核验时间", f"{row.made_at.astimezone(CHINA):%Y-%m-%d %H:%M:%S} 北京时间"),
        ("核验单位", office or "–"),
        ("经办账号", row.made_by),
        ("核验对象", _HOW.get(row.how, row.how)),
        ("证照类型", row.type_name or "–"),
        ("电子证照标识", row.licence or "未能认定"),
        ("对象摘要", f"SHA-256 {row.subject_digest.hex()}"),
    ]
    return {
        "title": TITLE, "number": row.number, "office": office or "电子证照平台",
        "outcome": row.outcome, "verdict": verdict, "verdict-en": verdict_en, "meaning": meaning,
        "rows": [[name, value] for name, value in rows], "checks": _checks(row, named),
        "qr": qr_drawing.draw(address), "verify-at": address,
    }  # fmt: skip


def _checks(row: VerificationSlip, named: Callable[[str], str]) -> list[list[str]]:
    """One line for each kind of check, with the worst of its outcomes; what went wrong first."""
    worst: dict[str, tuple[str, str]] = {}
    for name, outcome, code in row.checks:
        kind = name if name.startswith("claim") else name.partition(".")[0]
        known = worst.get(kind)
        if known is None or _WORST.index(outcome) < _WORST.index(known[0]):
            worst[kind] = outcome, code
    told = [
        [named(kind), outcome, _BLANK.sub("", REASONS[code][0])]
        for kind, (outcome, code) in worst.items()
    ]
    return sorted(told, key=lambda each: _WORST.index(each[1]))
