"""The picture of a personal seal: a square with two to four characters, read down, from the right.

By practice (私章): 20 mm a side, red, a rim; three characters have 印 as the fourth, two have 之印.
"""

from pathlib import Path

from seal.outlines import UndrawableSeal, glyph, plain
from seal.picture import RED

SIDE_MM = 20.0
_RIM, _GAP = 1.0, 0.7
_LONGEST = 4


def draw(name: str, *, fallback: Path | None = None) -> bytes:
    """The seal as an SVG of `<path>` elements, in millimetres; UndrawableSeal."""
    if not 2 <= len(name) <= _LONGEST:
        raise UndrawableSeal(f"a personal seal is drawn for 2 to {_LONGEST} characters: upload it")
    words = name + {2: "之印", 3: "印"}.get(len(name), "")
    cell = (SIDE_MM - 2 * (_RIM + _GAP)) / 2
    first, second = _RIM + _GAP + cell / 2, SIDE_MM - _RIM - _GAP - cell / 2
    centres = ((second, first), (second, second), (first, first), (first, second))
    inner, outer = plain(_RIM), plain(SIDE_MM - _RIM)
    side = plain(SIDE_MM)
    # The inner square runs the other way round, so that only the rim between them is filled.
    rim = (
        f"M0 0L{side} 0L{side} {side}L0 {side}Z"
        f"M{inner} {inner}L{inner} {outer}L{outer} {outer}L{outer} {inner}Z"
    )
    paths = [rim] + [
        glyph(character, x, y, 0.0, cell, cell, fallback)
        for character, (x, y) in zip(words, centres, strict=True)
    ]
    body = "".join(f'<path fill="{RED}" d="{path}"/>' for path in paths)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}mm" height="{side}mm" '
        f'viewBox="0 0 {side} {side}">{body}</svg>'
    ).encode()
