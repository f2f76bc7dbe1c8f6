"""The numbers printed on a block of licences, counted together."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from certificates import catalogue, licence_json, registry
from certificates.content import parse_date
from certificates.licence_type import LicenceType


@dataclass(frozen=True, slots=True)
class Unnumbered:
    """A licence to be; `number` is its own when it brings one, `division` its authority's."""

    licence_type: LicenceType
    content: Mapping[str, object]
    division: str
    number: str | None


def numbers(session: Session, wanted: Sequence[Unnumbered], *, at: datetime) -> list[str]:
    """The number of each: its own, or the next of its type's sequence, in the caller's
    transaction."""
    days = [
        parse_date("ZZBFRQ", licence_json.dates(each.licence_type, each.content, at=at)["ZZBFRQ"])
        for each in wanted
    ]
    counted: dict[str, list[int]] = defaultdict(list)
    for index, (each, day) in enumerate(zip(wanted, days, strict=True)):
        if each.number is None:
            name = catalogue.sequence_name(each.licence_type, each.division, on=day)
            counted[name].append(index)
    found = [each.number or "" for each in wanted]
    for name, indexes in counted.items():
        values = registry.next_numbers(session, name, len(indexes))
        for index, value in zip(indexes, values, strict=True):
            each = wanted[index]
            found[index] = catalogue.number(
                each.licence_type, each.content, value, each.division, on=days[index]
            )
    return found
