"""A specimen of a licence type: made-up content that passes its checks, and its page as a picture.

For the editor: whoever designs a type sees the page before anything is issued of it.
"""

import base64
import json
from collections.abc import Mapping
from datetime import date, datetime
from io import BytesIO
from typing import Any, Final

import pypdfium2
from PIL import Image, ImageDraw, ImageFont

from certificates import catalogue
from certificates.document import Renderer
from certificates.identifier import Identifier
from certificates.licence_type import Field, Kind, LicenceType, NumberRule
from certificates.licence_types import number_format
from trust import fonts
from trust.clock import CHINA
from trust.errors import Invalid

#: Synthetic: numbers that pass their checks and belong to nobody.
_ORGANISATION: Final = ("样例科技发展有限公司", "91542523MA9QTE513G", "001")
_PEOPLE: Final = (
    ("张样例", "542523198804120012", "111"),
    ("李样例", "542523199108260024", "111"),
)
_AUTHORITY: Final = ("样例市行政审批服务局", "1154252199900011XY")
_DIVISION: Final = "542523"
_SEQUENCE: Final = 37
_MARK: Final = "样张 SAMPLE"
WIDTH_MAX: Final = 960


def content(licence_type: LicenceType, *, today: date) -> dict[str, object]:
    """A content that `catalogue.check` accepts; Invalid where the type's own rules leave none."""
    made = _holders(licence_type)
    count = len(made["CZZT"]) if isinstance(made["CZZT"], list) else 1
    groups: set[str] = set()
    for entry in licence_type.fields:
        if entry.group and entry.group in groups:
            continue
        groups.add(entry.group)
        made[entry.name] = _value(entry, count, today)
    _number(licence_type, made)
    return catalogue.check(licence_type, made, today=today)


def _holders(licence_type: LicenceType) -> dict[str, Any]:
    allowed = licence_type.holder_code_types
    if "111" in allowed:
        chosen = _PEOPLE[: min(2, licence_type.holders_max)]
    elif "001" in allowed:
        chosen = (_ORGANISATION,)
    else:
        chosen = (("王样例", "E12345678", allowed[0]),)
    rows = list(zip(*chosen, strict=True))
    keys = ("CZZT", "CZZTDM", "CZZTDMLXDM")
    several = len(chosen) > 1
    return {key: list(row) if several else row[0] for key, row in zip(keys, rows, strict=True)}


def _value(entry: Field, holders: int, today: date) -> object:
    if entry.kind is Kind.DATE:
        return f"{today.replace(day=1):%Y%m%d}"
    if entry.kind is Kind.CODE:
        return next(iter(entry.choices))
    if entry.kind is Kind.PHOTO:
        return _photo()
    if entry.kind is Kind.USCC:
        return _ORGANISATION[1]
    if entry.kind is Kind.CITIZEN_ID:
        return _PEOPLE[0][1]
    if entry.kind is Kind.MONEY:
        return "壹佰万元整"[: entry.max_length]
    text = f"{entry.zh.partition('（')[0]}样例"[: entry.max_length]
    if entry.kind is Kind.LIST:
        return [text] * holders if entry.per_holder else [text, text[: entry.max_length]]
    return text


def _number(licence_type: LicenceType, made: dict[str, Any]) -> None:
    """A number from outside has to be made up too."""
    if not licence_type.number_format or number_format.is_made_here(licence_type.number_format):
        return
    given = number_format.example(licence_type.number_format)
    key = "CZZTDM" if licence_type.number_rule is NumberRule.HOLDER_CODE else "ZZBH"
    made[key] = given


def _photo() -> str:
    """A grey portrait, 240 by 320."""
    image = Image.new("L", (240, 320), 232)
    draw = ImageDraw.Draw(image)
    draw.ellipse((30, 225, 210, 420), fill=150)
    draw.ellipse((72, 66, 168, 206), fill=176)
    out = BytesIO()
    image.save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def page(
    renderer: Renderer, licence_type: LicenceType, *, at: datetime,
    example: Mapping[str, object] | None = None,
) -> bytes:  # fmt: skip
    """The page of a specimen as PDF/A; `example` in the place of what is made up, when it fits.

    Raises Invalid, UnprintableLicence.
    """
    today = at.astimezone(CHINA).date()
    try:
        filled = catalogue.check(licence_type, example or {}, today=today)
    except Invalid:
        filled = content(licence_type, today=today)
    filled |= {"ZZBFRQ": f"{today:%Y%m%d}"}
    if "ZZBH" not in filled:
        filled["ZZBH"] = catalogue.number(licence_type, filled, _SEQUENCE, _DIVISION)
    known = Identifier(licence_type.code, _AUTHORITY[1], "SAMPLE000000")
    filled |= {
        "ZZMC": licence_type.name, "ZZLXDM": licence_type.code, "ZZBS": str(known),
        "ZZBFJG": _AUTHORITY[0], "ZZBFJGDM": _AUTHORITY[1],
    }  # fmt: skip
    photo = next((each.name for each in licence_type.fields if each.kind is Kind.PHOTO), "")
    return renderer.render(
        licence_type, filled, attachment=json.dumps({"specimen": True}).encode(),
        qr_text="SAMPLE " * 40, verify_at="SAMPLE", at=at,
        photo=base64.b64decode(str(filled[photo])) if photo in filled else None,
    )  # fmt: skip


def picture(pdf: bytes) -> bytes:
    """A page as PNG, marked as a specimen so that nobody takes it for a licence."""
    pages = pypdfium2.PdfDocument(pdf)  # type: ignore[no-untyped-call]
    try:
        scale = WIDTH_MAX / pages[0].get_width()
        image = pages[0].render(scale=scale).to_pil().convert("RGBA")
    finally:
        pages.close()  # type: ignore[no-untyped-call]
    font = ImageFont.truetype(str(fonts.BOLD), 78)
    layer = Image.new("RGBA", image.size, (255, 255, 255, 0))
    centre = (image.width // 2, image.height // 2)
    ImageDraw.Draw(layer).text(centre, _MARK, font=font, fill=(179, 32, 32, 70), anchor="mm")
    layer = layer.rotate(24, center=centre, resample=Image.Resampling.BICUBIC)
    out = BytesIO()
    marked = Image.alpha_composite(image, layer).convert("RGB")
    marked.quantize(96, dither=Image.Dither.NONE).save(out, "PNG")
    return out.getvalue()
