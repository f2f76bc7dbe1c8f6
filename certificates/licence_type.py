"""What a licence type is: its catalogue row (GB/T 36902-2018), fields, rules and place on paper."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict
from pydantic import Field as Constraint

from certificates.licence_types.layout import Layout

_STRICT = ConfigDict(extra="forbid")

Name = Annotated[str, Constraint(min_length=1, max_length=256)]
Uscc = Annotated[str, Constraint(pattern=r"^[0-9A-HJ-NP-RTUW-Y]{18}$")]
TypeCode = Annotated[str, Constraint(pattern=r"^[0-9A-HJ-NP-RTUW-Y]{18}[0-9]{3}$")]
ShortName = Annotated[str, Constraint(pattern=r"^KZ_[A-Z0-9]{1,24}$")]
Slug = Annotated[str, Constraint(pattern=r"^[a-z][a-z-]{2,40}$")]
Millimetres = Annotated[float, Constraint(gt=0, lt=420)]


#: GB/T 36903-2018, annex A: kinds of holder code.
HOLDER_CODE_TYPES = {
    "001": "统一社会信用代码",
    "099": "其他法人或其他组织有效证件代码",
    "111": "公民身份号码",
    "114": "中国人民解放军军官证号码",
    "115": "中国人民武装警察部队警官证号码",
    "118": "中国人民解放军士兵证号码",
    "119": "中国人民武装警察部队士兵证号码",
    "120": "中国人民解放军文职干部证号码",
    "122": "中国人民武装警察部队文职干部证号码",
    "411": "外交护照号码",
    "412": "公务护照号码",
    "413": "公务普通护照号码",
    "414": "普通护照号码",
    "511": "台湾居民来往大陆通行证号码",
    "516": "港澳居民来往内地通行证号码",
    "999": "其他自然人有效证件代码",
}
#: Kinds of holder code that are no person's secret.
ORGANISATION_CODES = ("001", "099")


class Step(StrEnum):
    """What comes between entering an application and approving it."""

    CHECK = "check"
    REVIEW = "review"


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
    #: As `number_format` says (certificates.licence_types.number_format).
    FORMAT = "format"


class Term(StrEnum):
    """How long a licence of the type lasts."""

    LONG = "long"
    YEARS = "years"


@dataclass(frozen=True, slots=True)
class Field:
    """One extension item. `max_length` counts characters of one value (of one entry in a list).

    Of the fields that share a `group`, exactly one must be given. A list that is `per_holder` has
    an entry for each holder. `public` is shown to anyone, `restricted` only to an office whose
    right names the field; everything else to offices with a right to the type.
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
    restricted: bool = False
    per_holder: bool = False


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
    """A kind of licence: one version of it, which never changes once it is published.

    `steps` must precede approval. Of the holders there may be up to `holders_max`; without
    `layout` the page has a template of its own. `number_format` is the rule's, where it has one.
    """

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
    steps: tuple[Step, ...] = ()
    holders_max: Annotated[int, Constraint(ge=1, le=20)] = 1
    number_format: Annotated[str, Constraint(max_length=80)] = ""
    layout: Layout | None = None

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

    def number_is_personal(self, code_type: str) -> bool:
        """Whether the printed number is a natural person's own number, to be veiled with it.

        With a format of its own it is the other way round: the licence's number serves as the code
        of a holder who has none yet.
        """
        own = self.number_rule is NumberRule.HOLDER_CODE and not self.number_format
        return own and code_type not in ORGANISATION_CODES

    def register_number(self, number: str, code_type: str) -> str:
        """The number as the register keeps it in the clear: veiled where it is a person's own,
        whose licences are found by their holder."""
        return masked(number, Mask.CODE) if self.number_is_personal(code_type) else number

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
