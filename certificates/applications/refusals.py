"""Why an act on an application or a licence is refused, and that every refusal is written down.

Messages are Chinese, then English, with a slash between: pages and problem documents show both.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from trust import audit
from trust.access import Caller
from trust.db import Sessions
from trust.errors import Conflict, Forbidden, Invalid, TrustError

REASON_MAX: Final = 500


class OwnApplication(Forbidden):
    """Somebody who took part in an application earlier decides on it."""

    code = "own_application"


class TypeNotOfAuthority(Forbidden):
    """The authority does not issue licences of this type."""

    code = "type_not_of_authority"


class NotOfAuthority(Forbidden):
    """The caller acts for an authority that has no part in this."""

    code = "not_of_authority"


class WrongRole(Forbidden):
    """The caller's roles do not include this act."""

    code = "wrong_role"


class NotGrantedToAct(Forbidden):
    """No grant in force lets the caller's authority act for the issuing one."""

    code = "not_granted_to_act"


class WrongState(Conflict):
    """The application is not in a state for this act; the message names its state."""

    code = "application_state"


class StepsMissing(Conflict):
    """The type wants a check or a review before the approval."""

    code = "steps_missing"


class ContentChanged(Conflict):
    """The content was corrected after it had been looked at."""

    code = "content_changed"


class PreviousRequired(Invalid):
    """A licence that follows another one names it, any other names none."""

    code = "previous_required"


class PreviousNotFound(Conflict):
    """There is no such licence of this type and authority."""

    code = "previous_not_found"


class HolderDiffers(Conflict):
    """The licence that is followed belongs to somebody else."""

    code = "holder_differs"


class JointInvalid(Invalid):
    """Those who are to seal jointly cannot."""

    code = "joint_invalid"


class ConsentMissing(Conflict):
    """A joint authority has not agreed yet."""

    code = "consent_missing"


class AlreadyConsented(Conflict):
    """The authority has agreed before."""

    code = "already_consented"


class ReasonNeeded(Invalid):
    """The act is owed a reason or a legal basis."""

    code = "reason_needed"


class ItemOfOtherTypes(Conflict):
    """The service item is bound to other types of licence."""

    code = "item_of_other_types"


class PaperNumberTaken(Conflict):
    """The paper of that number is tied to another licence of the type."""

    code = "paper_number_taken"


#: Names of fields are ours; a key that somebody made up may hold anything.
_FIELD: Final = re.compile(r"[A-Z]{2}(?:[A-Z]{2,10}|_[A-Z]{1,24})")


@contextmanager
def recording_refusals(
    sessions: Sessions, act: str, *, subject: str, by: Caller, at: datetime
) -> Iterator[None]:
    """Around the transaction of an act: its refusal is in the audit log before the caller hears of
    it, committed on its own, while the act itself is undone.

    `subject` is the application's id, the licence's identifier or the type's code. A crash in
    between leaves the act undone and not noted.
    """
    try:
        yield
    except TrustError as error:
        note_refusal(sessions, act, error, subject=subject, by=by, at=at)
        raise


def note_refusal(
    sessions: Sessions, act: str, error: TrustError, *, subject: str, by: Caller, at: datetime
) -> None:
    """The audit entry of one refusal, in a transaction of its own: act, code and the field's name,
    never what was handed in."""
    details: dict[str, audit.JSON] = {"act": act, "reason": error.code}
    field = str(getattr(error, "field", ""))
    if _FIELD.fullmatch(field):
        details["field"] = field
    known = subject if 0 < len(subject) <= 200 and subject.isprintable() else "unknown"
    with sessions.begin() as session:
        audit.record(session, "act.refused", subject=known, by=by, at=at, details=details)


def check_reason(reason: str, *, what: tuple[str, str] = ("理由", "a reason")) -> str:
    """The text without blanks around it: 1 to REASON_MAX printable characters, or ReasonNeeded."""
    text = reason.strip()
    if not 1 <= len(text) <= REASON_MAX or not text.isprintable():
        zh, en = what
        raise ReasonNeeded(
            f"须写明{zh}，1 至 {REASON_MAX} 字，不分行 / "
            f"{en} of 1 to {REASON_MAX} characters is needed, on one line"
        )
    return text
