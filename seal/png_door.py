"""A PNG of a seal traced to outlines, in a process of its own (`trust.confined`).

Runs as `python -m seal.png_door < picture` and prints an SVG: what is inked (not nearly white, not
transparent) becomes closed polygons in the red of seals. Any error ends it.
"""

import io
import sys

from PIL import Image, ImageChops

from seal.picture import RED
from trust import confined

SECONDS, MEMORY = 5, 512 * 1024 * 1024
SIDE_MIN, SIDE_MAX, KEPT_MAX = 150, 4000, 900
#: A pixel is ink when its darkest colour is this far from white.
INK = 110
EDGES_MAX = 150_000
#: Pixels that an outline may be off.
TOLERANCE = 0.6

Point = tuple[int, int]


def ink_of(data: bytes) -> Image.Image:
    """Ink as 255 in a grey picture with a white rim of one pixel; ValueError for a wrong size."""
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        if not all(SIDE_MIN <= side <= SIDE_MAX for side in image.size):
            raise ValueError(f"a picture is {SIDE_MIN} to {SIDE_MAX} pixels a side")
        image.thumbnail((KEPT_MAX, KEPT_MAX))
        clear = image.convert("RGBA")
    page = Image.new("RGBA", clear.size, "white")
    page.alpha_composite(clear)
    red, green, blue, _ = page.split()
    darkest = ImageChops.darker(ImageChops.darker(red, green), blue)
    ink = darkest.point([255 if 255 - level > INK else 0 for level in range(256)])
    framed = Image.new("L", (ink.width + 2, ink.height + 2), 0)
    framed.paste(ink, (1, 1))
    return framed


def edges(ink: Image.Image) -> dict[Point, list[Point]]:
    """The borders between ink and paper, a pixel each, ink always to the right; by their start."""
    found: dict[Point, list[Point]] = {}
    width, raw = ink.width, ink.tobytes()
    count = 0
    for offset in (1, width):
        marked = bytes(a ^ b for a, b in zip(raw[offset:], raw, strict=False))
        at = marked.find(255)
        while at >= 0:
            y, x = divmod(at + offset, width)
            inside = raw[at + offset] == 255
            if offset == 1:  # paper left, ink right: upwards; else downwards
                start, end = ((x, y + 1), (x, y)) if inside else ((x, y), (x, y + 1))
            else:
                start, end = ((x, y), (x + 1, y)) if inside else ((x + 1, y), (x, y))
            found.setdefault(start, []).append(end)
            count += 1
            if count > EDGES_MAX:
                raise ValueError("the picture has too many borders")
            at = marked.find(255, at + 1)
    return found


def loops(found: dict[Point, list[Point]]) -> list[list[Point]]:
    """The borders joined to closed lines."""
    closed = []
    while found:
        start = next(iter(found))
        line, here = [start], start
        while True:
            nexts = found[here]
            here = nexts.pop()
            if not nexts:
                del found[line[-1]]
            if here == start:
                break
            line.append(here)
        closed.append(line)
    return closed


def simplify(line: list[Point]) -> list[Point]:
    """Ramer, Douglas and Peucker's: no dropped point is further than TOLERANCE from what stays."""
    far = max(range(len(line)), key=lambda n: _distance(line[n], line[0], line[0]))
    kept, waiting = {0, far}, [(0, far), (far, len(line))]
    whole = [*line, line[0]]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        middle = max(
            range(first + 1, last), key=lambda n: _distance(whole[n], whole[first], whole[last])
        )
        if _distance(whole[middle], whole[first], whole[last]) > TOLERANCE:
            kept.add(middle)
            waiting += [(first, middle), (middle, last)]
    return [line[n] for n in sorted(kept)]


def _distance(point: Point, first: Point, last: Point) -> float:
    """From a point to the line through two others, or to the one when they are the same."""
    (x, y), (x0, y0), (x1, y1) = point, first, last
    across, down = x1 - x0, y1 - y0
    length = (across**2 + down**2) ** 0.5
    if not length:
        return float(((x - x0) ** 2 + (y - y0) ** 2) ** 0.5)
    return float(abs(across * (y0 - y) - down * (x0 - x)) / length)


def trace(data: bytes) -> str:
    """The picture as SVG, a unit a pixel."""
    ink = ink_of(data)
    lines = [simplify(line) for line in loops(edges(ink)) if len(line) > 6]
    drawn = "".join(
        "M" + "L".join(f"{x - 1} {y - 1}" for x, y in line) + "Z" for line in lines if len(line) > 2
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {ink.width - 2} {ink.height - 2}">'
        f'<path fill="{RED}" fill-rule="evenodd" d="{drawn}"/></svg>'
    )


if __name__ == "__main__":
    confined.limit(seconds=SECONDS, memory=MEMORY)
    sys.stdout.write(trace(sys.stdin.buffer.read()))
