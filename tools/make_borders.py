"""Draw the guilloche ornaments of the licence templates: cubic Béziers, written once as small SVG.

    python tools/make_borders.py

A tile repeats along the frame (a page holds it once as a form and places it many times), a corner
closes it, a rosette lies pale under the text. The template puts its colour for INK.
"""

import math
from collections.abc import Callable
from pathlib import Path

OUT = Path(__file__).parents[1] / "certificates" / "templates"
Curve = Callable[[float], tuple[float, float]]
STEP = 1e-4


def path(curve: Curve, start: float, end: float, pieces: int) -> str:
    """Hermite pieces of a smooth curve as cubic Béziers."""

    def slope(t: float) -> tuple[float, float]:
        (ax, ay), (bx, by) = curve(t - STEP), curve(t + STEP)
        return (bx - ax) / (2 * STEP), (by - ay) / (2 * STEP)

    h = (end - start) / pieces
    x, y = curve(start)
    parts = [f"M{x:.3f} {y:.3f}"]
    for i in range(pieces):
        t, u = start + i * h, start + (i + 1) * h
        (x0, y0), (x1, y1) = curve(t), curve(u)
        (dx0, dy0), (dx1, dy1) = slope(t), slope(u)
        controls = (x0 + dx0 * h / 3, y0 + dy0 * h / 3, x1 - dx1 * h / 3, y1 - dy1 * h / 3, x1, y1)
        parts.append("C" + " ".join(f"{value:.3f}" for value in controls))
    return "".join(parts)


def svg(width: float, height: float, paths: list[tuple[str, float]]) -> str:
    """An SVG in millimetres; each path with its stroke width."""
    body = "".join(
        f'<path d="{d}" fill="none" stroke="INK" stroke-width="{stroke}"/>' for d, stroke in paths
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm" '
        f'viewBox="0 0 {width} {height}">{body}</svg>\n'
    )


def tile(period: float = 12.0, repeats: int = 4, band: float = 8.0) -> str:
    """A stretch of the band: two braids of phase-shifted waves between rules, ends meeting."""
    middle, length = band / 2, period * repeats
    paths: list[tuple[str, float]] = []
    for strand in range(6):
        phase = strand * math.pi / 3 + math.pi / 6

        def wave(x: float, phase: float = phase) -> tuple[float, float]:
            turn = 2 * math.pi * x / period
            reach = 2.2 + 0.75 * math.cos(2 * turn)
            return x, middle + reach * math.sin(turn + phase)

        paths.append((path(wave, 0, length, 8 * repeats), 0.12))
    for strand in range(2):
        phase = strand * math.pi

        def fine(x: float, phase: float = phase) -> tuple[float, float]:
            turn = 2 * math.pi * x / period
            return x, middle + 1.15 * math.sin(2 * turn + phase)

        paths.append((path(fine, 0, length, 8 * repeats), 0.1))
    for y, stroke in ((0.15, 0.3), (0.6, 0.1), (band - 0.6, 0.1), (band - 0.15, 0.3)):
        paths.append((f"M0 {y}H{length}", stroke))
    return svg(length, band, paths)


def corner(side: float = 8.0) -> str:
    """A small rosette in a square, as wide as the band."""
    middle = side / 2
    paths: list[tuple[str, float]] = []
    for radius, depth, petals, stroke in ((2.35, 0.85, 8, 0.12), (1.3, 0.75, 8, 0.1)):
        for turn in (0.0, math.pi / petals):

            def petal(
                t: float,
                radius: float = radius,
                depth: float = depth,
                petals: int = petals,
                turn: float = turn,
            ) -> tuple[float, float]:
                reach = radius + depth * math.cos(petals * (t + turn))
                return middle + reach * math.cos(t), middle + reach * math.sin(t)

            paths.append((path(petal, 0, 2 * math.pi, petals * 4) + "Z", stroke))
    for inset, stroke in ((0.15, 0.3), (0.6, 0.1)):
        far = side - inset
        paths.append((f"M{inset} {inset}H{far}V{far}H{inset}Z", stroke))
    return svg(side, side, paths)


def rosette(side: float = 120.0, petals: int = 24) -> str:
    """The pale ground: hypotrochoid rings, each one closed curve."""
    middle = side / 2
    paths: list[tuple[str, float]] = []
    for radius, depth, count in ((46, 12, petals), (30, 10, petals), (17, 7, petals // 2)):
        for turn in range(4):
            shift = turn * math.pi / (2 * count)

            def ring(
                t: float,
                radius: float = radius,
                depth: float = depth,
                n: int = count,
                shift: float = shift,
            ) -> tuple[float, float]:
                reach = radius + depth * math.cos(n * (t + shift))
                return middle + reach * math.cos(t), middle + reach * math.sin(t)

            paths.append((path(ring, 0, 2 * math.pi, count * 4) + "Z", 0.16))
    return svg(side, side, paths)


if __name__ == "__main__":
    for name, drawing in (("tile", tile()), ("corner", corner()), ("rosette", rosette())):
        (OUT / f"{name}.svg").write_text(drawing, encoding="utf-8")
