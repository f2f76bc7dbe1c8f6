"""Rebuild `trust/fonts/` from the packaged Noto Serif SC and the Unihan database.

    npm pack @expo-google-fonts/noto-serif-sc        # -> the tarball
    apt-get download unicode-data && dpkg -x ...     # -> Unihan_OtherMappings.txt(.bz2)
    python tools/make_fonts.py TARBALL UNIHAN_OTHER_MAPPINGS

The character list comes from the Unihan property kTGH (its value is the position in 通用规范汉字表,
2013). The same inputs give the same bytes.
"""

# mypy: disable-error-code="no-untyped-call,attr-defined,list-item"

import bz2
import sys
import tarfile
from io import BytesIO
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

FONTS = Path(__file__).parents[1] / "trust" / "fonts"
TGH_COUNT = 8105
TGH_OUTSIDE = 196  # not in the URO nor in Extension A

#: weight name in the tarball -> style name of the subset
WEIGHTS = {"400Regular": "Regular", "700Bold": "Bold"}
#: Ours: a changed font does not carry the name of the original ("Noto" is a trademark).
FAMILY = "Trust Serif SC"

#: 1980-01-01 in seconds since 1904: a fixed date keeps the bytes the same.
FIXED_DATE = 2398291200


def tgh(path: Path) -> list[str]:
    """The characters of 通用规范汉字表 in its order, from Unihan_OtherMappings.txt (or .bz2)."""
    raw = path.read_bytes()
    text = (bz2.decompress(raw) if path.suffix == ".bz2" else raw).decode()
    rows: list[tuple[int, str]] = []
    for line in text.splitlines():
        parts = line.split("\t")
        if len(parts) == 3 and parts[1] == "kTGH":
            rows.append((int(parts[2].split(":")[1]), chr(int(parts[0][2:], 16))))
    rows.sort()
    if [number for number, _ in rows] != list(range(1, TGH_COUNT + 1)):
        raise SystemExit(f"kTGH does not number 1..{TGH_COUNT}")
    characters = [character for _, character in rows]
    outside = [c for c in characters if not ("一" <= c <= "鿿" or "㐀" <= c <= "䶿")]
    if len(outside) != TGH_OUTSIDE:
        raise SystemExit(f"{len(outside)} characters outside URO and Extension A")
    return characters


def symbols() -> set[int]:
    """ASCII, Latin-1, punctuation, full-width forms and the symbols of GB/T 2312, rows 1-9."""
    wanted = {*range(0x20, 0x7F), *range(0xA0, 0x100), *range(0x3000, 0x3020)}
    wanted |= {*range(0x2010, 0x2028), *range(0x2030, 0x203C), *range(0xFF01, 0xFF5F)}
    wanted |= {0x3007, 0x20AC, 0x2103, 0x2116, 0x33A1, 0x33A5, 0x338F, 0x3231, 0xFFE5}
    wanted |= {*range(0x2460, 0x2474), *range(0x2160, 0x216C), *range(0x2170, 0x217A)}
    for row in range(0xA1, 0xAA):
        for cell in range(0xA1, 0xFF):
            try:
                wanted.add(ord(bytes((row, cell)).decode("gb2312")))
            except UnicodeDecodeError:
                continue
    return wanted


def rename(font: TTFont, style: str) -> None:
    """Give the subset its own family name; copyright and licence lines stay."""
    names = font["name"]
    names.names = [n for n in names.names if n.nameID in (0, 8, 9, 10, 13, 14)]
    full = f"{FAMILY} {style}"
    postscript = f"{FAMILY.replace(' ', '')}-{style}"
    for identifier, text in {
        1: FAMILY,
        2: style,
        3: f"2.003;TRST;{postscript}",
        4: full,
        5: "Version 2.003; subset of Noto Serif SC 2.003-H1",
        6: postscript,
    }.items():
        names.setName(text, identifier, 3, 1, 0x409)


def subset(data: bytes, style: str, wanted: set[int]) -> bytes:
    """The subset font, unhinted, with nothing but outlines, widths, a cmap and Latin kerning."""
    font = TTFont(BytesIO(data), recalcTimestamp=False)
    options = Options()
    options.hinting = False
    options.glyph_names = False
    options.notdef_outline = True
    options.name_IDs = ["*"]
    options.layout_features = ["kern", "ccmp"]
    options.drop_tables += ["BASE", "STAT", "vhea", "vmtx", "gasp", "DSIG"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=wanted)
    subsetter.subset(font)
    rename(font, style)
    font["head"].created = font["head"].modified = FIXED_DATE
    out = BytesIO()
    font.save(out, reorderTables=True)
    return out.getvalue()


def main(tarball: Path, unihan: Path) -> None:
    """Write the list, the two fonts and the licence."""
    characters = tgh(unihan)
    lines = ["".join(characters[i : i + 50]) for i in range(0, len(characters), 50)]
    (FONTS / "tgh8105.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    wanted = symbols() | {ord(character) for character in characters}
    with tarfile.open(tarball) as archive:

        def member(name: str) -> bytes:
            stream = archive.extractfile(f"package/{name}")
            if stream is None:
                raise SystemExit(f"{name} is not in the tarball")
            return stream.read()

        (FONTS / "OFL.txt").write_bytes(member("LICENSE_FONT"))
        for weight, style in WEIGHTS.items():
            data = subset(member(f"{weight}/NotoSerifSC_{weight}.ttf"), style, wanted)
            lacking = {ord(c) for c in characters} - set(TTFont(BytesIO(data)).getBestCmap() or {})
            if lacking:
                raise SystemExit(f"{style} lacks {sorted(lacking)[:10]}")
            (FONTS / f"TrustSerifSC-{style}.ttf").write_bytes(data)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
