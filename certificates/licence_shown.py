"""A registered licence as its authority's people see it at first: the holder and a person's own
number veiled."""

from sqlalchemy.orm import Session

from certificates.licence_type import LicenceType, Mask, NumberRule, masked
from certificates.licence_types import registry as type_registry
from certificates.models import Licence
from certificates.search import Found
from trust import identifiers
from trust.errors import Invalid


def type_of(session: Session, row: Found | Licence) -> LicenceType:
    """The type under whose version the licence was issued."""
    return type_registry.of(session, row.type_code, row.type_version)


def number(licence_type: LicenceType, printed: str) -> str:
    """The printed number; veiled where it is a natural person's own number."""
    if licence_type.number_rule is not NumberRule.HOLDER_CODE:
        return printed
    try:
        identifiers.check_uscc(printed)
    except Invalid:
        return masked(printed, Mask.CODE)
    return printed
