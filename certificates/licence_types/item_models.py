"""Service items (事项), the organisations that handle them, and which licence types an item is
given for: imported from files, kept with dates."""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime

_OPEN = text("until IS NULL")


class Organisation(Base):
    """A body of the administration, by its unified social credit code; `parent` the one above."""

    __tablename__ = "organisation"

    code: Mapped[str] = mapped_column(String(18), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    division: Mapped[str] = mapped_column(String(6), index=True)
    parent: Mapped[str | None] = mapped_column(String(18), index=True)
    imported_at: Mapped[datetime] = mapped_column(UTCDateTime)


class ServiceItem(Base):
    """A service item of the catalogue of items. `category` is as the catalogue has it (行政许可,
    公共服务 ...)."""

    __tablename__ = "service_item"

    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    organisation: Mapped[str] = mapped_column(ForeignKey("organisation.code"), index=True)
    category: Mapped[str] = mapped_column(String(40), default="", server_default="")
    imported_at: Mapped[datetime] = mapped_column(UTCDateTime)


class ItemBinding(Base):
    """Those who handle `item` may look at licences of `type_code`, from `since` to `until`, both
    days included."""

    __tablename__ = "item_binding"
    __table_args__ = (
        Index(
            "uq_item_binding_open", "item", "type_code", unique=True,
            sqlite_where=_OPEN, postgresql_where=_OPEN,
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(ForeignKey("service_item.code"), index=True)
    type_code: Mapped[str] = mapped_column(String(21), index=True)
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    bound_by: Mapped[str] = mapped_column(String(64))
    unbound_by: Mapped[str | None] = mapped_column(String(64))
