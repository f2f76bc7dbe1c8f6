"""Numbers printed on licences, by a format: text with places in braces.

`{division}` six digits (GB/T 2260), `{province}` the province's one-character name, `{place}` the
division's own name, `{year}` and `{date}` of issue, `{sequence:N}` N digits, `{KZ_X}` an item of
the licence. `{letter}` and `{digits:N}` are given from outside: a number with one of them is never
made here.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache

from trust import identifiers
from trust.errors import Invalid

#: The names by which provinces go in numbers (the letters of number plates), by division prefix.
PROVINCES = {
    "11": "京", "12": "津", "13": "冀", "14": "晋", "15": "蒙", "21": "辽", "22": "吉", "23": "黑",
    "31": "沪", "32": "苏", "33": "浙", "34": "皖", "35": "闽", "36": "赣", "37": "鲁", "41": "豫",
    "42": "鄂", "43": "湘", "44": "粤", "45": "桂", "46": "琼", "50": "渝", "51": "川", "52": "贵",
    "53": "云", "54": "藏", "61": "陕", "62": "甘", "63": "青", "64": "宁", "65": "新", "71": "台",
    "81": "港", "82": "澳",
}  # fmt: skip
_PLACE = re.compile(r"\{([^{}]*)\}")
_COUNTED = re.compile(r"(sequence|digits):([1-9]|1[0-2])")
_ITEM = re.compile(r"KZ_[A-Z0-9]{1,24}")
_PATTERNS = {
    "division": "[1-9][0-9]{5}", "province": f"[{''.join(PROVINCES.values())}]",
    "place": r"[\u4e00-\u9fff]{2,20}", "year": "(?:19|20)[0-9]{2}", "date": "[0-9]{8}",
    "letter": "[A-Z]",
}  # fmt: skip
_OUTSIDE = ("letter", "digits")


class BadNumberFormat(Invalid):
    """A number format has a place that is not known, or no closing brace."""

    code = "bad_number_format"


@lru_cache(maxsize=256)
def parse(text: str) -> tuple[tuple[str, str], ...]:
    """(literal text, place) in turn, the last place maybe ""; BadNumberFormat."""
    parts = _PLACE.split(text)
    literals, places = parts[0::2], parts[1::2]
    if not places or any("{" in each or "}" in each for each in literals):
        raise BadNumberFormat(
            "编号格式须含 {division} 之类的占位 / "
            "a number format is text with places such as {division} in it"
        )
    for place in places:
        if place not in _PATTERNS and not _COUNTED.fullmatch(place) and not _ITEM.fullmatch(place):
            raise BadNumberFormat(
                f"编号格式没有占位 {{{place[:30]}}} / a number format has no place {{{place[:30]}}}"
            )
    if places.count("place") > 1:
        # Of varying length: several of them in one number can be told apart in a million ways.
        raise BadNumberFormat(
            "编号格式中 {place} 至多一处 / a number format has {place} once at most"
        )
    return tuple(zip(literals, [*places, ""], strict=True))


def items(text: str) -> tuple[str, ...]:
    """The KZ_ items that a number of this format is made of."""
    return tuple(place for _, place in parse(text) if place.startswith("KZ_"))


def is_made_here(text: str) -> bool:
    """Whether the number can be made from what is known at issue."""
    return not any(place.partition(":")[0] in _OUTSIDE for _, place in parse(text))


def resets(text: str) -> str:
    """How often the sequence begins anew: "date", "year" or "" for never."""
    places = [place for _, place in parse(text)]
    return next((each for each in ("date", "year") if each in places), "")


def write(
    text: str, content: Mapping[str, object], *, sequence: int, division: str, on: date
) -> str:
    """The number; Invalid when the sequence has run out of digits or an item is missing."""
    return "".join(
        literal + (_written(place, content, sequence, division, on) if place else "")
        for literal, place in parse(text)
    )


def _written(
    place: str, content: Mapping[str, object], sequence: int, division: str, on: date
) -> str:
    if place.startswith("sequence:"):
        digits = int(place.partition(":")[2])
        if not 1 <= sequence < 10**digits:
            raise Invalid(f"the sequence of the licence number has {digits} digits")
        return f"{sequence:0{digits}d}"
    if place.startswith("KZ_"):
        if place not in content:
            raise Invalid(f"the licence number is made of {place}, which is missing")
        return str(content[place])
    if place == "division":
        identifiers.check_division(division)
        return division
    if place == "province":
        return _province(division)
    if place == "place":
        return identifiers.division_name(division)
    if place in ("year", "date"):
        return f"{on:%Y}" if place == "year" else f"{on:%Y%m%d}"
    raise Invalid("the licence number is given from outside and cannot be made here")


def _province(division: str) -> str:
    found = PROVINCES.get(division[:2])
    if found is None:
        raise Invalid("a licence number of this kind needs a division of a province")
    return found


def example(text: str) -> str:
    """A made-up number of a format whose numbers are given from outside."""
    made = ""
    for literal, place in parse(text):
        kind, _, digits = place.partition(":")
        made += literal + {"letter": "T", "digits": "540120037000"[: int(digits or 0)]}.get(
            kind, ""
        )
    return made


def matches(text: str, number: str, content: Mapping[str, object]) -> str | None:
    """None when the number has the format; what is wrong with it otherwise."""
    match = re.fullmatch(_pattern(text, content), number)
    if match is None:
        return f"must look like {shown(text)}"
    for name, found in match.groupdict().items():
        if name.startswith("date"):
            try:
                datetime.strptime(found, "%Y%m%d")  # noqa: DTZ007 - a day has no zone
            except ValueError:
                return "no such day in the number"
        if name.startswith("division") and found[:2] not in PROVINCES:
            return "no such division in the number"
    return None


def _pattern(text: str, content: Mapping[str, object]) -> str:
    made = ""
    for at, (literal, place) in enumerate(parse(text)):
        made += re.escape(literal)
        if place.startswith("KZ_"):
            made += re.escape(str(content[place])) if place in content else "[^\\s]{1,40}"
        elif ":" in place:
            made += f"[0-9]{{{place.partition(':')[2]}}}"
        elif place:
            made += f"(?P<{place}{at}>{_PATTERNS[place]})"
    return made


def shown(text: str) -> str:
    """The format for people: `{sequence:7}` as NNNNNNN."""
    words = {
        "division": "行政区划 6 位", "province": "省简称", "place": "市县名", "year": "年",
        "date": "日期 8 位", "letter": "字母",
    }  # fmt: skip
    made = ""
    for literal, place in parse(text):
        made += literal
        if ":" in place:
            made += "N" * int(place.partition(":")[2])
        elif place:
            made += f"<{words.get(place, place)}>"
    return made
