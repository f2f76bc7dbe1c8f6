"""May this call have this? Rights, dates, address, category, purpose, item, the holder's leave, the
day's ceiling: in this order, each with a refusal of its own, all before anything is opened."""

import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, cast
from uuid import UUID

from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from certificates import looks
from certificates.licence_type import Field, LicenceType
from certificates.licence_types import items
from certificates.purpose import FOR_ITEM, Purpose
from certificates.share.models import ShareCall, ShareCount, ShareRight
from certificates.share.refusals import (
    BadQuery,
    ItemNotBound,
    NoShareRight,
    NotAuthorised,
    NotCovered,
    NotEntrusted,
    PurposeMissing,
    ShareAddressRefused,
    ShareCategoryRefused,
    ShareCeilingReached,
    ShareRightNotInForce,
)
from certificates.wallet import entrust, holder_grants
from trust.access import Caller
from trust.clock import CHINA
from trust.errors import Forbidden, Invalid, TrustError

_COUNT = cast(Table, ShareCount.__table__)
_CASE: Final = re.compile(r"[0-9A-Za-z一-鿿〔〕()（）._/-]{0,64}")
_PERSONAL: Final = re.compile(r"[0-9]{15,17}[0-9Xx]|(?<![0-9])1[3-9][0-9]{9}(?![0-9])")
GIVEN: Final = "given"
_OF_HOLDER: Final = frozenset({"CZZT", "CZZTDM"})
_TYPE: Final = re.compile(r"[0-9A-Z]{21}")


class Way(StrEnum):
    """On what an office relies: its duty (依职能), the holder's leave (依授权), an agent (委托)."""

    DUTY = looks.BY_DUTY
    GRANT = looks.BY_GRANT
    ENTRUSTED = looks.BY_ENTRUSTING


@dataclass(frozen=True, slots=True)
class Asking:
    """One call: who, from which address, when, what for. `agent` is the account of the agent whose
    live sign-in the door has seen, `case` the number of the matter (办件编号)."""

    by: Caller
    address: str
    at: datetime
    purpose: Purpose | None = None
    way: Way = Way.DUTY
    agent: str | None = None
    case: str = ""

    @property
    def day(self) -> date:
        return self.at.astimezone(CHINA).date()


@dataclass(frozen=True, slots=True)
class Right:
    """A right as a call finds it (`ShareRight`)."""

    id: UUID
    types: frozenset[str]
    fields: frozenset[str] | None
    original: bool
    ceiling: int | None

    def covers(self, entry: Field) -> bool:
        """Whether the right opens an item of the type: one that it names; without a list, all that
        the type does not restrict."""
        if self.fields is None:
            return not entry.restricted
        return entry.name in self.fields


def require_whole(right: Right, kind: LicenceType) -> None:
    """A file shows all of a licence at once: NotCovered unless the right covers every item, or is a
    right to originals without a list."""
    if right.fields is None and right.original:
        return
    named = right.fields is None or right.fields.issuperset(_OF_HOLDER)
    if not named or not all(map(right.covers, kind.fields)):
        raise NotCovered("the right does not cover all that stands in the file")


def check_case(text: str) -> str:
    """A case number as it may stand in records; BadQuery for what holds somebody's number."""
    found = text.strip()
    if not _CASE.fullmatch(found) or _PERSONAL.search(found):
        raise BadQuery("a case number is up to 64 letters, digits and -_./(), nobody's own number")
    return found


def rights(
    session: Session, asking: Asking, types: Collection[str] | None, *, needs_purpose: bool = True
) -> dict[str, Right]:
    """Type code -> the right by which this call may have it; of `types`, or of all there are.

    The refusal that stands last in the order, where nothing is left.
    """
    covering = [
        row for row in _held(session, asking.by)
        if types is None or not set(row.types).isdisjoint(types)
    ]  # fmt: skip
    if not covering:
        raise NoShareRight("nobody granted this caller a right to licences of this type")
    refused: list[tuple[int, TrustError]] = []
    good: list[Right] = []
    for row in covering:
        wrong = _wrong_with(row, asking, needs_purpose=needs_purpose)
        if wrong is None:
            good.append(_right(row))
        else:
            refused.append(wrong)
    if not good:
        raise max(refused, key=lambda each: each[0])[1]
    allowed = {
        code: each for each in reversed(good) for code in each.types
        if types is None or code in types
    }  # fmt: skip
    return _bound(session, asking, allowed)


def _held(session: Session, by: Caller) -> list[ShareRight]:
    """A platform's own rights; of people, those of their office. Ended ones come too, to be told
    apart from none."""
    mine = select(ShareRight)
    if by.client is not None:
        mine = mine.where(ShareRight.client == by.client)
    elif by.authority is not None:
        mine = mine.where(ShareRight.office == by.authority)
    else:
        return []
    return list(session.scalars(mine.order_by(ShareRight.granted_at, ShareRight.id).limit(500)))


def _wrong_with(
    row: ShareRight, asking: Asking, *, needs_purpose: bool
) -> tuple[int, TrustError] | None:
    """What is wrong with a right for this call, and its place in the order."""
    begun = row.since <= asking.day and (row.until is None or asking.day <= row.until)
    if row.ended_at is not None or not begun:
        return 1, ShareRightNotInForce("the right has ended, or has not begun")
    if row.networks and not _within(asking.address, row.networks):
        return 2, ShareAddressRefused("the right does not hold for this address")
    purpose = asking.purpose
    if purpose is None:
        if needs_purpose and not row.original:
            return 4, PurposeMissing("say what the licence is wanted for")
        return None
    if asking.way is Way.DUTY and purpose.category not in row.categories:
        return 3, ShareCategoryRefused("the right does not cover this category of calls")
    return None


def _within(address: str, networks: list[str]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in ipaddress.ip_network(each) for each in networks)


def _right(row: ShareRight) -> Right:
    fields = None if row.fields is None else frozenset(row.fields)
    return Right(row.id, frozenset(row.types), fields, row.original, row.ceiling)


def _bound(session: Session, asking: Asking, allowed: Mapping[str, Right]) -> dict[str, Right]:
    """By duty, for a service item: only the types bound to it on this day."""
    purpose = asking.purpose
    if asking.way is not Way.DUTY or purpose is None or purpose.category != FOR_ITEM:
        return dict(allowed)
    bound = items.types_for_item(session, purpose.item_code, on=asking.day)
    left = {code: right for code, right in allowed.items() if code in bound}
    if not left:
        raise ItemNotBound("the service item takes no licence of this type today")
    return left


def check_leave(session: Session, asking: Asking, licence: str) -> None:
    """By authorisation or entrustment: the holder's leave for this licence. NotAuthorised,
    NotEntrusted, PurposeMissing."""
    if asking.way is Way.DUTY:
        return
    if asking.purpose is None:
        raise PurposeMissing("say what the licence is wanted for")
    if asking.way is Way.GRANT:
        office, purpose = asking.by.authority or "", asking.purpose
        if holder_grants.granted(session, licence, office, purpose, asking.at) is None:
            raise NotAuthorised("the holder has given no leave for this licence and purpose")
    elif (
        asking.agent is None
        or entrust.entrusted(session, licence, agent=asking.agent, at=asking.at) is None
    ):
        raise NotEntrusted("the agent was not entrusted with this licence")


def may_find(session: Session, asking: Asking, licence: str) -> bool:
    """Whether the licence is found at all; without the leave that the call relies on it is not."""
    try:
        check_leave(session, asking, licence)
    except (Forbidden, Invalid):
        return False
    return True


def count(session: Session, right: Right, *, day: date) -> None:
    """Take one of the right's calls of the day; ShareCeilingReached.

    One statement decides: of calls that come at once no more than the ceiling get through.
    """
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    taking = insert(_COUNT).values(right_id=right.id, day=day, used=1)
    room = None if right.ceiling is None else _COUNT.c.used < right.ceiling
    taking = taking.on_conflict_do_update(
        index_elements=[_COUNT.c.right_id, _COUNT.c.day], set_={"used": _COUNT.c.used + 1},
        where=room,
    )  # fmt: skip
    if session.connection().execute(taking.returning(_COUNT.c.used)).first() is None:
        raise ShareCeilingReached("today's calls of this right are used up")


def note_call(
    session: Session, asking: Asking, verb: str, *, outcome: str, licence: str = "",
    type_code: str = "", right: Right | None = None,
) -> None:  # fmt: skip
    """The row of one call, in the caller's transaction."""
    purpose, by = asking.purpose, asking.by
    session.add(
        ShareCall(
            at=asking.at, account=by.account, client=by.client, office=by.authority,
            right_id=right.id if right is not None else None, verb=verb, how=str(asking.way),
            type_code=type_code if _TYPE.fullmatch(type_code) else "", licence=licence[:200],
            outcome=outcome[:64],
            cause=purpose.cause if purpose is not None else "",
            item_code=purpose.item_code if purpose is not None else "", case_number=asking.case,
        )
    )  # fmt: skip
