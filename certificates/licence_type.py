"""What a licence type is: its catalogue row (GB/T 36902-2018), fields, rules and place on paper."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict
from pydantic import Field as Constraint

_STRICT = ConfigDict(extra="forbid")

Name = Annotated[str, Constraint(min_length=1, max_length=256)]
Uscc = Annotated[str, Constraint(pattern=r"^[0-9A-HJ-NP-RTUW-Y]{18}$")]
TypeCode = Annotated[str, Constraint(pattern=r"^[0-9A-HJ-NP-RTUW-Y]{18}[0-9]{3}$")]
ShortName = Annotated[str, Constraint(pattern=r"^KZ_[A-Z0-9]{1,24}$")]
Slug = Annotated[str, Constraint(pattern=r"^[a-z][a-z-]{2,40}$")]
Millimetres = Annotated[float, Constraint(gt=0, lt=420)]


class Kind(StrEnum):
    """How a field's value is written on the wire and checked."""

    TEXT = "text"
    LIST = "list"
    DATE = "date"
    CODE = "code"
    MONEY = "money-text"
    USCC = "uscc"
    CITIZEN_ID = "citizen-id"
    PHOTO = "photo"


class Mask(StrEnum):
    """How a value is veiled where the public may look."""

    NONE = "none"
    NAME = "name"
    CODE = "code"
    ADDRESS = "address"


class HolderCategory(StrEnum):
    """GB/T 36902, CertificateHolderCategory."""

    NATURAL = "自然人"
    LEGAL = "法人"
    MIXED = "混合"


class NumberRule(StrEnum):
    """How the number printed on the licence (ZZBH) is made."""

    HOLDER_CODE = "holder-code"
    FOOD = "food"
    DIVISION_SEQUENCE = "division-sequence"


class Term(StrEnum):
    """How long a licence of the type lasts."""

    LONG = "long"
    YEARS = "years"


@dataclass(frozen=True, slots=True)
class Field:
    """One extension item. `max_length` counts characters of one value (of one entry in a list).

    Of the fields that share a `group`, exactly one must be given.
    """

    __pydantic_config__ = _STRICT

    name: ShortName
    zh: Name
    en: Name
    kind: Kind
    max_length: Annotated[int, Constraint(ge=1, le=80_000)]
    required: bool = False
    printed: bool = True
    public: bool = False
    mask: Mask = Mask.NONE
    choices: Mapping[str, str] = field(default_factory=dict)
    group: str = ""


@dataclass(frozen=True, slots=True)
class Validity:
    """LONG: no end, unless the date in `end_field` is given. YEARS: at most `years`, less a day.

    `start_field` names the item that says when it began, where the type has one.
    """

    __pydantic_config__ = _STRICT

    term: Term
    years: Annotated[int, Constraint(ge=0, le=50)] = 0
    end_field: str = ""
    start_field: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Centre of a seal: millimetres from the page's left and bottom edge."""

    __pydantic_config__ = _STRICT

    x_mm: Millimetres
    y_mm: Millimetres
    page: int = 1


@dataclass(frozen=True, slots=True)
class Seals:
    """Where the seals go: `places` has one row for each number of sealing authorities."""

    __pydantic_config__ = _STRICT

    max_diameter_mm: Millimetres
    places: Mapping[int, tuple[Place, ...]]


@dataclass(frozen=True, slots=True)
class Definer:
    """The authority that defined the type; level 1 nation .. 4 county, 5 other."""

    __pydantic_config__ = _STRICT

    name: Name
    code: Uscc
    level: Annotated[str, Constraint(pattern="^[1-5]$")]


@dataclass(frozen=True, slots=True)
class LicenceType:
    """A kind of licence, read from `types/*.json`."""

    __pydantic_config__ = _STRICT

    code: TypeCode
    slug: Slug
    name: Name
    name_en: Name
    version: Annotated[str, Constraint(pattern=r"^[0-9]{3}$")]
    definer: Definer
    items: Mapping[str, str]
    holder_category: HolderCategory
    holder_masks: Mapping[str, Mask]
    issuing_levels: tuple[str, ...]
    validity_range: tuple[str, ...]
    validity: Validity
    number_rule: NumberRule
    fields: tuple[Field, ...]
    template: Slug
    seals: Seals
    holder_zh: Name = "名称"
    holder_en: Name = "Name"
    note: str = ""

    @property
    def holder_code_types(self) -> tuple[str, ...]:
        """The kinds of holder code allowed (GB/T 36903-2018, annex A)."""
        return tuple(self.holder_masks)

    def extension(self, name: str) -> Field | None:
        """The extension item of that short name, if the type has it."""
        return next((entry for entry in self.fields if entry.name == name), None)

    def public_holder(self, holder: str, code_type: str) -> str:
        """The holder's name as the QR claim and the public may show it."""
        return masked(holder, self.holder_masks.get(code_type, Mask.NAME))

    def catalogue_row(self) -> dict[str, object]:
        """The row for the type catalogue, in the words of GB/T 36902-2018."""
        return {
            "CertificateTypeName": self.name,
            "CertificateTypeCode": self.code,
            "CertificateDefineAuthorityName": self.definer.name,
            "CertificateDefineAuthorityCode": self.definer.code,
            "CertificateDefineAuthorityLevel": self.definer.level,
            "ItemName": list(self.items.values()),
            "ItemCode": list(self.items),
            "CertificateHolderCategory": self.holder_category.value,
            "ValidityRange": list(self.validity_range),
            "CertificateIssuingAuthorityLevel": list(self.issuing_levels),
        }


def masked(value: str, mask: Mask) -> str:
    """Veil a value: a name keeps its first character, a code its first 3 and last 2, an address
    its first 6."""
    if mask is Mask.NAME:
        return value[:1] + "*" * max(len(value) - 1, 1)
    if mask is Mask.CODE:
        return value[:3] + "*" * max(len(value) - 5, 4) + value[-2:]
    if mask is Mask.ADDRESS:
        return value[:6] + "****"
    return value
