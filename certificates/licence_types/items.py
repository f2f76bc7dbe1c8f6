"""Which licence types a service item (事项) is given for: bound, unbound, asked for a day."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from certificates.licence_types import registry
from certificates.licence_types.item_models import ItemBinding, Organisation, ServiceItem
from trust import audit
from trust.access import Caller, Role
from trust.clock import CHINA
from trust.errors import Conflict, Forbidden, Invalid, NotFound

ITEM_CODE_MAX = 64
#: No binding begins earlier than this, nor further ahead.
EARLIEST, AHEAD = date(2000, 1, 1), timedelta(days=3660)


class AlreadyBound(Conflict):
    """The item is bound to that type, or was during some of those days."""

    code = "item_already_bound"


class NotBound(Conflict):
    """The item is not bound to that type, or no longer."""

    code = "item_not_bound"


def types_for_item(session: Session, item_code: str, *, on: date) -> tuple[str, ...]:
    """The codes of the types that the item is bound to on that day, in order; empty for none."""
    return tuple(
        session.scalars(
            select(ItemBinding.type_code)
            .where(
                ItemBinding.item == item_code[:ITEM_CODE_MAX], ItemBinding.since <= on,
                or_(ItemBinding.until.is_(None), ItemBinding.until >= on),
            )
            .order_by(ItemBinding.type_code)
            .distinct()
        )
    )  # fmt: skip


def items_for_type(session: Session, type_code: str, *, on: date) -> dict[str, str]:
    """Code and name of the items that are bound to the type on that day (GB/T 36902, ItemCode and
    ItemName)."""
    rows = session.execute(
        select(ServiceItem.code, ServiceItem.name)
        .join(ItemBinding, ItemBinding.item == ServiceItem.code)
        .where(
            ItemBinding.type_code == type_code, ItemBinding.since <= on,
            or_(ItemBinding.until.is_(None), ItemBinding.until >= on),
        )
        .order_by(ServiceItem.code)
    )  # fmt: skip
    return {row.code: row.name for row in rows}


def bind(
    session: Session, item_code: str, type_key: str, *, since: date, by: Caller, at: datetime
) -> ItemBinding:
    """Bind an item to a type from a day on.

    Raises Forbidden, NotFound, TypeNotPublished, Invalid (the day), AlreadyBound.
    """
    _require_admin(by)
    type_code = registry.current(session, type_key).code
    row = begin(session, item_code, type_code, since=since, by=by, at=at)
    _note(session, "bound", item_code, type_code, day=since, by=by, at=at)
    return row


def begin(
    session: Session, item_code: str, type_code: str, *, since: date, by: Caller, at: datetime
) -> ItemBinding:
    """`bind` without its audit entry, for a caller who has one for many."""
    if session.get(ServiceItem, item_code[:ITEM_CODE_MAX]) is None:
        raise NotFound(f"没有事项 {item_code[:64]} / no service item of that code")
    if not EARLIEST <= since <= at.astimezone(CHINA).date() + AHEAD:
        raise Invalid("起始日期超出范围 / that first day is out of range")
    _refuse_overlap(session, item_code, type_code, since)
    row = ItemBinding(item=item_code, type_code=type_code, since=since, bound_by=by.account)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise AlreadyBound("该事项已关联此类型 / the item is bound to that type") from error
    return row


def unbind(
    session: Session, item_code: str, type_code: str, *, until: date, by: Caller, at: datetime
) -> ItemBinding:
    """End a binding; `until` is its last day. Raises Forbidden, NotBound, Invalid."""
    _require_admin(by)
    held = end(session, item_code, type_code, until=until, by=by, at=at)
    _note(session, "unbound", item_code, type_code, day=until, by=by, at=at)
    return held


def end(
    session: Session, item_code: str, type_code: str, *, until: date, by: Caller, at: datetime
) -> ItemBinding:
    """`unbind` without its audit entry."""
    held = session.scalar(
        select(ItemBinding).where(
            ItemBinding.item == item_code, ItemBinding.type_code == type_code,
            ItemBinding.until.is_(None),
        )
    )  # fmt: skip
    if held is None:
        raise NotBound("该事项未关联此类型 / the item is not bound to that type")
    if not held.since - timedelta(days=1) <= until <= at.astimezone(CHINA).date() + AHEAD:
        raise Invalid("截止日期早于起始日期 / the last day lies before the first")
    won = session.execute(
        update(ItemBinding)
        .where(ItemBinding.id == held.id, ItemBinding.until.is_(None))
        .values(until=until, unbound_by=by.account)
        .returning(ItemBinding.id)
    ).one_or_none()
    if won is None:
        raise NotBound("该关联已由他人解除 / somebody else ended it meanwhile")
    session.refresh(held)
    return held


def page(
    session: Session, *, text: str = "", after: str = "", limit: int = 50
) -> Sequence[ServiceItem]:
    """Items by code, those whose code or name begins with or holds `text`."""
    wanted = select(ServiceItem).where(ServiceItem.code > after).order_by(ServiceItem.code)
    if text:
        wanted = wanted.where(
            or_(
                ServiceItem.code.startswith(text, autoescape=True),
                ServiceItem.name.contains(text, autoescape=True),
            )
        )
    return session.scalars(wanted.limit(limit)).all()


def bindings(session: Session, item_codes: Sequence[str]) -> Sequence[ItemBinding]:
    """All bindings of these items, past ones too, the newest first."""
    return session.scalars(
        select(ItemBinding)
        .where(ItemBinding.item.in_(item_codes))
        .order_by(ItemBinding.item, ItemBinding.since.desc(), ItemBinding.id.desc())
    ).all()


def organisations(session: Session, *, after: str = "", limit: int = 50) -> Sequence[Organisation]:
    return session.scalars(
        select(Organisation).where(Organisation.code > after).order_by(Organisation.code)
        .limit(limit)
    ).all()  # fmt: skip


def count(session: Session) -> tuple[int, int]:
    """How many items and organisations there are."""
    found = [
        session.scalar(select(func.count()).select_from(model)) or 0
        for model in (ServiceItem, Organisation)
    ]
    return found[0], found[1]


def _refuse_overlap(session: Session, item_code: str, type_code: str, since: date) -> None:
    overlapping = session.scalar(
        select(ItemBinding.id)
        .where(
            ItemBinding.item == item_code, ItemBinding.type_code == type_code,
            or_(ItemBinding.until.is_(None), ItemBinding.until >= since),
        )
        .limit(1)
    )  # fmt: skip
    if overlapping is not None:
        raise AlreadyBound("该事项在此期间已关联此类型 / the item is bound to that type then")


def _require_admin(by: Caller) -> None:
    if not by.has(Role.SYSTEM_ADMIN):
        raise Forbidden("items and their types are kept by a system administrator")


def _note(
    session: Session, what: str, item_code: str, type_code: str, *, day: date, by: Caller,
    at: datetime,
) -> None:  # fmt: skip
    session.flush()
    audit.record(
        session, f"item.{what}", subject=item_code, by=by, at=at,
        details={"type": type_code, "day": day.isoformat()},
    )  # fmt: skip
