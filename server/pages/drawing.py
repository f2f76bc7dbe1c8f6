"""QR symbols for pages, as pictures inside the page: nothing is fetched, nothing is kept."""

import base64

from certificates import qr_drawing

_QUIET = 4


def qr(text: str) -> str:
    """A `data:` URL of the symbol as SVG, with its quiet zone (ISO/IEC 18004, 5.3.8)."""
    drawn = qr_drawing.draw(text)
    side = int(drawn.partition('width="')[2].partition('"')[0]) + 2 * _QUIET
    box = f"{-_QUIET} {-_QUIET} {side} {side}"
    framed = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side * 6}" height="{side * 6}" '
        f'viewBox="{box}" shape-rendering="crispEdges">'
        f'<rect x="{-_QUIET}" y="{-_QUIET}" width="{side}" height="{side}" fill="#fff"/>'
        f"{drawn}</svg>"
    )
    return "data:image/svg+xml;base64," + base64.b64encode(framed.encode()).decode()
