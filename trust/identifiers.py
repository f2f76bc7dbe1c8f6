"""National identifiers, checked and explained: USCC (GB 32100-2015), citizen ID (GB 11643-1999),
division codes (GB/T 2260).

One encoding each: upper case, no spaces, no separators. A check returns None or raises
InvalidIdentifier, which names the broken rule and never repeats the number: a citizen ID is
personal data and refusals end up in logs.
"""

from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from trust.errors import Invalid

USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
DIGITS: Final = "0123456789"
ALPHANUMERIC: Final = DIGITS + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

#: GB 32100-2015, table 1 and its amendments: who registers. The second character's tables grow
#: (village committees became 54, collectives N1..N3), so only its range is checked.
USCC_DEPARTMENTS: Final = "123456789ANY"
USCC_CATEGORIES: Final = "123456789"
#: Bodies registered by the centre itself.
NATIONAL_DIVISION: Final = "100000"
#: Residence permits number people from Hong Kong, Macao and Taiwan in the citizen ID's shape
#: (State Council 2018, 港澳台居民居住证申领发放办法); only Taiwan's prefix is not in GB/T 2260.
TAIWAN_RESIDENTS: Final = "830000"

_USCC_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_WEIGHTS: Final = tuple(pow(2, 17 - place, 11) for place in range(17))
_CITIZEN_CHECKS: Final = "10X98765432"

_KINDS: Final = {
    "uscc": ("统一社会信用代码", "unified social credit code"),
    "citizen_id": ("公民身份号码", "citizen ID"),
    "division": ("行政区划代码", "division code"),
}
_RULES: Final = {
    "length": ("长度不符", "wrong length"),
    "alphabet": ("含有不允许的字符", "a character outside the alphabet"),
    "lower_case": ("字母须为大写", "letters must be upper case"),
    "department": ("第 1 位登记管理部门代码不存在", "no such registering department (position 1)"),
    "category": ("第 2 位机构类别代码不存在", "no such category (position 2)"),
    "division": ("行政区划代码不存在", "no such administrative division"),
    "organisation_check": (
        "主体标识码校验码不符(第 17 位)",
        "the organisation code's own check character (position 17) does not match",
    ),
    "date": ("出生日期不存在", "no such birth date"),
    "future_date": ("出生日期晚于今天", "the birth date lies in the future"),
    "sequence": ("顺序码不得为 000", "the sequence number must not be 000"),
    "check_character": ("校验码不符(第 18 位)", "the check character (position 18) does not match"),
}


class InvalidIdentifier(Invalid):
    """A number that breaks a rule of its standard.

    `identifier_kind` is "uscc", "citizen_id" or "division"; `rule` is a stable slug: length,
    alphabet, department, category, division, organisation_check, date, sequence, check_character.
    The message is Chinese, then English, and holds no part of the number.
    """

    code = "invalid_identifier"

    def __init__(self, kind: str, rule: str, *, hint: str | None = None) -> None:
        (kind_zh, kind_en), (rule_zh, rule_en) = _KINDS[kind], _RULES[hint or rule]
        super().__init__(f"{kind_zh}:{rule_zh} / {kind_en}: {rule_en}")
        self.identifier_kind = kind
        self.rule = rule


def check_uscc(text: str) -> None:
    """Check a unified social credit code, 18 characters (GB 32100-2015, section 4).

    Of the division only the province is checked: development zones register companies under
    codes that GB/T 2260 never had (320594 Suzhou Industrial Park).
    """
    _check_shape("uscc", text, length=18, alphabet=USCC_ALPHABET)
    if text[0] not in USCC_DEPARTMENTS:
        raise InvalidIdentifier("uscc", "department")
    if text[1] not in USCC_CATEGORIES:
        raise InvalidIdentifier("uscc", "category")
    division = text[2:8]
    if not division.isdigit() or not _is_province_or_nation(division):
        raise InvalidIdentifier("uscc", "division")
    if organisation_check_character(text[8:16]) != text[16]:
        raise InvalidIdentifier("uscc", "organisation_check")
    if uscc_check_character(text[:17]) != text[17]:
        raise InvalidIdentifier("uscc", "check_character")


def check_citizen_id(text: str, *, today: date | None = None) -> None:
    """Check a citizen ID, 18 characters (GB 11643-1999).

    The division is that of first registration, so abolished codes are good. With `today` (a date
    in China) a birth date after it is refused, with the rule "date".
    """
    _check_shape("citizen_id", text, length=18, alphabet=DIGITS + "X")
    if not text[:17].isdigit():
        raise InvalidIdentifier("citizen_id", "alphabet")
    if text[:6] not in _divisions() and text[:6] != TAIWAN_RESIDENTS:
        raise InvalidIdentifier("citizen_id", "division")
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        raise InvalidIdentifier("citizen_id", "date") from None  # the cause would quote the date
    if today is not None and born > today:
        raise InvalidIdentifier("citizen_id", "date", hint="future_date")
    if text[14:17] == "000":
        raise InvalidIdentifier("citizen_id", "sequence")
    total = sum(w * int(digit) for w, digit in zip(_CITIZEN_WEIGHTS, text, strict=False))
    if _CITIZEN_CHECKS[total % 11] != text[17]:
        raise InvalidIdentifier("citizen_id", "check_character")


def check_division(code: str) -> None:
    """Check a six-digit division code that is, or once was, in GB/T 2260."""
    _check_shape("division", code, length=6, alphabet=DIGITS)
    if code not in _divisions():
        raise InvalidIdentifier("division", "division")


def check_division_in_force(code: str) -> None:
    """Check a six-digit division code and refuse an abolished one."""
    check_division(code)
    if not _divisions()[code][1]:
        raise InvalidIdentifier("division", "division")


@lru_cache(maxsize=8192)
def division_name(code: str) -> str:
    """The division's own name, without those above it; an abolished one's last name."""
    check_division(code)
    return _divisions()[code][0]


def uscc_check_character(body17: str) -> str:
    """The 18th character of a USCC (GB 32100-2015, 5.2: weights 3^i mod 31)."""
    _check_shape("uscc", body17, length=17, alphabet=USCC_ALPHABET)
    total = sum(
        weight * USCC_ALPHABET.index(character)
        for weight, character in zip(_USCC_WEIGHTS, body17, strict=True)
    )
    return USCC_ALPHABET[-total % 31]


def organisation_check_character(body8: str) -> str:
    """The ninth character of an organisation code (GB 11714-1997, 3.3), over 0-9 A-Z."""
    _check_shape("uscc", body8, length=8, alphabet=ALPHANUMERIC)
    total = sum(
        weight * ALPHANUMERIC.index(character)
        for weight, character in zip(_ORGANISATION_WEIGHTS, body8, strict=True)
    )
    return (DIGITS + "X")[-total % 11]


def iso7064_mod37_36(text: str) -> str:
    """The check character of `text`, 0-9 A-Z (ISO/IEC 7064, hybrid system MOD 37,36)."""
    return _iso7064_hybrid(text, alphabet=ALPHANUMERIC)


def iso7064_mod11_10(digits: str) -> str:
    """The check digit of `digits`, 0-9 (ISO/IEC 7064, hybrid system MOD 11,10)."""
    return _iso7064_hybrid(digits, alphabet=DIGITS)


def _iso7064_hybrid(text: str, *, alphabet: str) -> str:
    """ISO/IEC 7064, section 8: MOD M+1,M over an alphabet of M characters."""
    modulus = len(alphabet)
    steps = _iso7064_steps(alphabet)
    state = modulus
    try:
        for character in text:
            state = steps[state][character]
    except KeyError as error:
        raise Invalid("a check character is computed over 0-9 and A-Z only") from error
    return alphabet[(1 - state) % modulus]


@cache
def _iso7064_steps(alphabet: str) -> tuple[dict[str, int], ...]:
    """For each state and character the next state: a licence is never shown without this sum."""
    modulus = len(alphabet)
    return tuple(
        {
            character: ((state + value) % modulus or modulus) * 2 % (modulus + 1)
            for value, character in enumerate(alphabet)
        }
        for state in range(modulus + 1)
    )


def _check_shape(kind: str, text: str, *, length: int, alphabet: str) -> None:
    """Length first, so that nothing below ever sees a long input."""
    if len(text) != length:
        raise InvalidIdentifier(kind, "length")
    strange = {character for character in text if character not in alphabet}
    if strange:
        lower = all(
            "a" <= character <= "z" and character.upper() in alphabet for character in strange
        )
        raise InvalidIdentifier(kind, "alphabet", hint="lower_case" if lower else None)


def _is_province_or_nation(division: str) -> bool:
    return division == NATIONAL_DIVISION or division[:2] + "0000" in _divisions()


@cache
def _divisions() -> dict[str, tuple[str, bool]]:
    """Code -> (name, in force), read once from the packaged table."""
    table: dict[str, tuple[str, bool]] = {}
    for line in Path(__file__).with_name("divisions.txt").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            code, name = line.lstrip("-").split(" ", 1)
            table[code] = (name, not line.startswith("-"))
    return table
