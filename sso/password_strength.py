"""What makes a password weak (GB/T 22239-2019, 8.1.4.1 a; NIST SP 800-63B, 3.1.1.2).

Ten characters of three classes are easily had from "Password123!", so what counts is what is left
when the parts that guessing programs try first are taken out: words of the packaged list, keyboard
walks, runs, dates, one character repeated. Each such part counts as one character, a digit by
itself as half of one.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from trust.errors import Invalid

SHORTEST = 10
#: From here on a text is a passphrase and needs no classes of characters.
PASSPHRASE = 16
LONGEST = 256
CLASSES = 3
#: Characters that are not part of something predictable; such a part counts as one.
UNPREDICTABLE = 6

_LIST = Path(__file__).parent / "data" / "common-passwords.txt"
_LEET = str.maketrans("@4310$57!", "aaeiosst" + "i")
#: The shifted digits, so that "!@#$" is the walk it is.
_UNSHIFTED = str.maketrans('!@#$%^&*()_+{}|:"<>?~', "1234567890-=[]\\;',./`")
_ROWS = ("`1234567890-=", "qwertyuiop[]\\", "asdfghjkl;'", "zxcvbnm,./")
_DATE = re.compile(
    r"(19|20)[0-9]{2}[-./]?(0[1-9]|1[0-2])[-./]?(0[1-9]|[12][0-9]|3[01])"
    r"|(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(19|20)[0-9]{2}"
    r"|(19|20)[0-9]{2}"
)
#: From one character to the next: how far, or None where they are no neighbours.
_Step = Callable[[str, str], object]
_SHORTEST_PART = 3
_LONGEST_WORD = 24


class WeakPassword(Invalid):
    """A password that breaks a rule; `rule` is a stable slug: length, characters, classes, own,
    common, predictable, repeated. The message never holds the password."""

    code = "weak_password"

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def check_strength(text: str, *, account_words: Iterable[str]) -> None:
    """Refuse a weak password with WeakPassword, which says the rule.

    `account_words`: what belongs to its holder and must not be in it: account name, name, ID
    number, mobile, e-mail address.
    """
    normal = unicodedata.normalize("NFKC", text[: LONGEST + 1])
    _check_shape(normal)
    _check_own(normal.casefold(), account_words)
    folded = normal.casefold()
    if folded in _common() or folded.translate(_LEET) in _common():
        raise WeakPassword("common", "这是常见口令 / this is one of the passwords everybody tries")
    if _unpredictable(folded) < UNPREDICTABLE:
        raise WeakPassword(
            "predictable",
            "口令主要由常见词、键盘顺序、日期或重复字符组成 / "
            "mostly common words, keyboard walks, dates or repetition",
        )


def _check_shape(text: str) -> None:
    if not SHORTEST <= len(text) <= LONGEST:
        raise WeakPassword(
            "length", f"口令为 {SHORTEST} 至 {LONGEST} 个字符 / {SHORTEST} to {LONGEST} characters"
        )
    if not text.isprintable():
        raise WeakPassword("characters", "口令只能含可见字符 / printable characters only")
    if len(text) < PASSPHRASE and _classes(text) < CLASSES:
        raise WeakPassword(
            "classes",
            f"须含大写、小写、数字、符号中的三类,或不少于 {PASSPHRASE} 个字符 / three of upper "
            f"case, lower case, digits and others, or {PASSPHRASE} characters and more",
        )


def _classes(text: str) -> int:
    """How many of: upper case, lower case, digits, everything else (Chinese too)."""
    kinds = {
        "upper" if c.isupper() else "lower" if c.islower() else "digit" if c.isdigit() else "other"
        for c in text
    }
    return len(kinds)


def _check_own(folded: str, account_words: Iterable[str]) -> None:
    """A word is in it when all of it is; of a number six characters in a row are enough (a birth
    date, the end of a mobile)."""
    for word in account_words:
        own = unicodedata.normalize("NFKC", word).casefold().partition("@")[0]
        digits = sum(c.isdigit() for c in own)
        size = 6 if digits >= 8 else len(own)
        if size < (2 if own and ord(own[0]) > 0x2E7F else _SHORTEST_PART):
            continue
        if any(own[at : at + size] in folded for at in range(len(own) - size + 1)):
            raise WeakPassword(
                "own",
                "口令不得含账户名、姓名、证件号码或手机号 / it must not contain your account, "
                "name, ID number or mobile",
            )


def _unpredictable(folded: str) -> float:
    """Characters outside predictable parts, digits for half of one, plus one for each part; by the
    way to divide the text that gives the least."""
    spelled, walked = folded.translate(_LEET), folded.translate(_UNSHIFTED)
    least = [0.0] * (len(folded) + 1)
    for at in reversed(range(len(folded))):
        sizes = _words(folded, at) | _words(spelled, at)
        sizes |= {_date(folded, at), _run(folded, at), _walk(walked, at)} - {0}
        alone = (0.5 if folded[at].isdigit() else 1) + least[at + 1]
        least[at] = min([alone, *(1 + least[at + size] for size in sizes)])
    return least[0]


def _words(text: str, at: int) -> set[int]:
    """The lengths of the listed words that begin here."""
    sizes = range(2, min(_LONGEST_WORD, len(text) - at) + 1)
    return {size for size in sizes if text[at : at + size] in _common()}


def _date(text: str, at: int) -> int:
    found = _DATE.match(text, at)
    return found.end() - at if found else 0


def _run(text: str, at: int) -> int:
    """aaaa, abcd, 9876: the same step between neighbours, at most one."""
    return _stretch(text, at, lambda a, b: ord(b) - ord(a) if abs(ord(b) - ord(a)) < 2 else None)


def _walk(text: str, at: int) -> int:
    """qwer, 1qaz, poiu: neighbours on the keyboard, in one direction."""
    places = _places()

    def step(a: str, b: str) -> object:
        if a not in places or b not in places:
            return None
        (row, column), (next_row, next_column) = places[a], places[b]
        moved = (next_row - row, next_column - column)
        return moved if moved in ((0, 1), (0, -1), (1, 0), (-1, 0)) else None

    return _stretch(text, at, step)


def _stretch(text: str, at: int, step: _Step) -> int:
    """How far every step is the same, at least three characters; else 0."""
    end = at + 1
    first = step(text[at], text[end]) if end < len(text) else None
    if first is None:
        return 0
    while end < len(text) and step(text[end - 1], text[end]) == first:
        end += 1
    return end - at if end - at >= _SHORTEST_PART else 0


@cache
def _places() -> dict[str, tuple[int, int]]:
    return {
        character: (row, column)
        for row, characters in enumerate(_ROWS)
        for column, character in enumerate(characters if row == 0 else " " + characters)
    }


@cache
def _common() -> frozenset[str]:
    """The packaged list; lines that begin with "# " are about it."""
    lines = _LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("# "))
