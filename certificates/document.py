"""The licence as a page: PDF/A-3b by typst, `licence.json` attached, the same items in XMP.

Nothing here is signed; the seal is put on by `seal` at the places the licence type names.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from threading import Lock

from typst import Compiler, Fonts, TypstError

from certificates import holders, qr_drawing, xmp
from certificates.catalogue import seal_places, valid_from, valid_until
from certificates.content import check_photo, parse_date
from certificates.licence_type import HOLDER_CODE_TYPES, Kind, LicenceType, Mask, masked
from trust import fonts
from trust.errors import Invalid, Unavailable

TEMPLATES = Path(__file__).parent / "templates"
ATTACHMENT_MAX = 256 * 1024
CODE_LABELS = {
    "001": ("统一社会信用代码", "Unified social credit code"),
    "111": ("公民身份号码", "Identity number"),
}


class UnprintableLicence(Invalid):
    """The licence cannot be set on its one page as it is."""

    code = "unprintable_licence"


class Renderer:
    """Renders licences; one in a process. Calls from several threads wait for one another."""

    def __init__(self, *, fallback: Path | None = None) -> None:
        """`fallback`: a font file for characters that the packaged typeface lacks."""
        folders = [fonts.DIRECTORY]
        self._families = [fonts.FAMILY]
        if fallback is not None:
            folders.append(fallback.parent)
            self._families.append(fonts.family(fallback))
        self._lock = Lock()
        # Neither installed fonts nor typst's own: the page must look the same everywhere.
        only = Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
        if not {*self._families} <= {*only.families()}:
            # Without its font typst would set no text at all, and say nothing.
            raise Unavailable("a font of the licence page cannot be loaded")
        self._compiler = Compiler(root=TEMPLATES, font_paths=only)

    def render(
        self,
        licence_type: LicenceType,
        metadata: Mapping[str, object],
        *,
        attachment: bytes,
        qr_text: str,
        verify_at: str,
        at: datetime,
        photo: bytes | None = None,
    ) -> bytes:
        """One page of PDF/A-3b; the same arguments give the same bytes.

        `metadata` holds the GB/T 36903 short names and the type's KZ_ items, ZZBFJG a name or a
        list of up to three. `attachment` is UTF-8 JSON. `at` must have a zone. Raises
        UnprintableLicence or Invalid.
        """
        if at.tzinfo is None:
            raise Invalid("the time of making needs a zone")
        face = face_of(licence_type, metadata, photo)
        face |= {
            "families": self._families,
            "qr": qr_drawing.draw(qr_text),
            "verify-at": verify_at,
            "attachment": utf8(attachment),
        }
        page = self._compile(licence_type.template, face, at)
        return xmp.add_items(page, public_items(licence_type, metadata))

    def page(self, template: str, face: Mapping[str, object], *, at: datetime) -> bytes:
        """A page of ours that is no licence, in the same typeface: PDF/A-3b."""
        return self._compile(template, {"families": self._families, **face}, at)

    def _compile(self, template: str, face: Mapping[str, object], at: datetime) -> bytes:
        try:
            with self._lock:
                made = self._compiler.compile(
                    input=TEMPLATES / f"{template}.typ",
                    format="pdf",
                    sys_inputs={"licence": json.dumps(face, ensure_ascii=False)},
                    pdf_standards=["a-3b"],
                    timestamp=int(at.timestamp()),
                )
        except TypstError as error:
            raise UnprintableLicence(_reason(error)) from error
        if not isinstance(made, bytes):
            raise UnprintableLicence("the template made no page")
        return made


def face_of(
    licence_type: LicenceType, metadata: Mapping[str, object], photo: bytes | None
) -> dict[str, object]:
    """What the template shows, all of it plain text."""
    authorities = _names(metadata["ZZBFJG"])
    issued = parse_date("ZZBFRQ", metadata["ZZBFRQ"])
    photo_format = None if photo is None else check_photo("photo", photo)
    return {
        "title": licence_type.name,
        "title-en": licence_type.name_en,
        "type-code": licence_type.code,
        "number": _shown_number(licence_type, metadata),
        "identifier": str(metadata["ZZBS"]),
        "holder-code": _shown_code(metadata),
        "authorities": authorities,
        "issued": _day(issued),
        "places": [
            {"x_mm": place.x_mm, "y_mm": place.y_mm}
            for place in seal_places(licence_type, len(authorities))
        ],
        "fields": _fields(licence_type, metadata, issued),
        "photo": None if photo is None else list(photo),
        "photo-format": photo_format,
        "holders": _holder_table(licence_type, metadata),
        "layout": None if licence_type.layout is None else licence_type.layout.face(),
    }


def _fields(
    licence_type: LicenceType, metadata: Mapping[str, object], issued: date
) -> dict[str, dict[str, str]]:
    """Short name -> labels and text of everything that may be printed."""
    (first, *_) = holders.of(metadata)
    code_label = CODE_LABELS.get(first.code_type, ("证件号码", "Document number"))
    end = valid_until(licence_type, metadata, issued=issued)
    start = valid_from(licence_type, metadata, issued=issued)
    term = f"{_day(start)} 至 {'长期' if end is None else _day(end)}"
    names = "、".join(_names(metadata["CZZT"]))
    shown = {
        "CZZT": (licence_type.holder_zh, licence_type.holder_en, names),
        "CZZTDM": (*code_label, _shown_code(metadata)),
        "ZZBH": ("许可证编号", "Licence number", _shown_number(licence_type, metadata)),
        "TERM": ("有效期限", "Valid", term),
    }
    for entry in licence_type.fields:
        if entry.printed and entry.kind is not Kind.PHOTO and entry.name in metadata:
            text = _text(entry.kind, entry.choices, metadata[entry.name])
            shown[entry.name] = (entry.zh, entry.en, text)
    return {key: {"zh": zh, "en": en, "text": text} for key, (zh, en, text) in shown.items()}


def _text(kind: Kind, choices: Mapping[str, str], value: object) -> str:
    if isinstance(value, list | tuple):
        return "；".join(str(part) for part in value)
    if kind is Kind.DATE:
        return _day(parse_date("date", value))
    if kind is Kind.CITIZEN_ID:
        return masked(str(value), Mask.CODE)
    return choices.get(str(value), str(value)) if kind is Kind.CODE else str(value)


def public_items(licence_type: LicenceType, metadata: Mapping[str, object]) -> dict[str, str]:
    """The items for XMP: no photo, and what names a natural person masked."""
    kinds = {entry.name: entry for entry in licence_type.fields}
    items: dict[str, str] = {}
    for key, value in metadata.items():
        entry = kinds.get(key)
        if entry is not None and entry.kind is Kind.PHOTO:
            continue
        text = "；".join(_names(value))
        if key == "CZZTDM":
            text = _shown_code(metadata)
        if key == "ZZBH":
            text = _shown_number(licence_type, metadata)
        if entry is not None and entry.kind is Kind.CITIZEN_ID:
            text = masked(text, Mask.CODE)
        items[key] = text
    return items


def _shown_code(metadata: Mapping[str, object]) -> str:
    """The holders' codes, those of natural persons masked."""
    return "、".join(holder.shown_code for holder in holders.of(metadata))


def _shown_number(licence_type: LicenceType, metadata: Mapping[str, object]) -> str:
    """The number, masked when it is a natural person's own."""
    (first, *_) = holders.of(metadata)
    number = str(metadata["ZZBH"])
    return masked(number, Mask.CODE) if licence_type.number_is_personal(first.code_type) else number


def _holder_table(
    licence_type: LicenceType, metadata: Mapping[str, object]
) -> dict[str, list[list[str]]]:
    """Column labels, and a row for each holder: name, kind of code, code, what is said of each."""
    each = [entry for entry in licence_type.fields if entry.per_holder and entry.name in metadata]
    labels = [[licence_type.holder_zh, licence_type.holder_en], ["证件种类", "Document"],
              ["证件号", "Number"]]  # fmt: skip
    labels += [[entry.zh, entry.en] for entry in each]
    rows = [
        [holder.name, HOLDER_CODE_TYPES[holder.code_type], holder.shown_code,
         *(_names(metadata[entry.name])[at] for entry in each)]
        for at, holder in enumerate(holders.of(metadata))
    ]  # fmt: skip
    return {"labels": labels, "rows": rows}


def _names(value: object) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list | tuple) else [str(value)]


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def utf8(attachment: bytes) -> str:
    if len(attachment) > ATTACHMENT_MAX:
        raise Invalid(f"the attachment is larger than {ATTACHMENT_MAX} bytes")
    try:
        return attachment.decode()
    except UnicodeDecodeError as error:
        raise Invalid("the attachment must be UTF-8") from error


def _reason(error: TypstError) -> str:
    if "OVERFULL" in error.message:
        return "the text does not fit on the page, even in the smallest type"
    if "could not be displayed" in error.message:
        return "a character has no glyph in the fonts of this service"
    return "the licence page could not be made"
