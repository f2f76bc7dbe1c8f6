from pathlib import Path

import pytest

from certificates.characters import UnprintableCharacter, check, missing
from trust import fonts
from trust.errors import Invalid


def test_the_list_has_the_8105_characters_of_the_table_and_196_rare_ones() -> None:
    characters = fonts.TGH.read_text(encoding="utf-8").replace("\n", "")
    rare = [c for c in characters if not ("一" <= c <= "鿿" or "㐀" <= c <= "䶿")]
    assert len(characters) == len(set(characters)) == 8105
    assert len(rare) == 196


@pytest.mark.parametrize("path", [fonts.REGULAR, fonts.BOLD], ids=["regular", "bold"])
def test_both_weights_have_every_character_of_the_table(path: Path) -> None:
    assert missing(fonts.TGH.read_text(encoding="utf-8").replace("\n", ""), (path,)) == ()


@pytest.mark.parametrize("path", [fonts.REGULAR, fonts.BOLD], ids=["regular", "bold"])
def test_the_changed_font_does_not_carry_the_trademark_of_the_original(path: Path) -> None:
    assert fonts.family(path) == "Trust Serif SC"


@pytest.mark.parametrize("name", ["王䶮", "㛃青山", "阿卜杜拉·买买提", "（有限合伙）№3", "李𬴊"])
def test_names_with_rare_but_standard_characters_are_printable(name: str) -> None:
    check(name, field="CZZT")


@pytest.mark.parametrize(
    ("character", "reason"),
    [
        ("\ue863", "private-use"),
        ("\n", "control"),
        ("\u202e", "invisible"),
        ("\u200b", "invisible"),
        ("\u00ad", "invisible"),
        ("\ufe00", "variation selector"),
        ("\U000e0101", "variation selector"),
        ("\u2028", "line separator"),
        ("\ud800", "surrogate"),
        ("𠮷", "no font"),
        ("\U00031350", "no font"),
    ],
)
def test_a_character_without_an_agreed_picture_is_refused_by_name(
    character: str, reason: str
) -> None:
    with pytest.raises(UnprintableCharacter) as caught:
        check(f"王{character}", field="CZZT")
    message = str(caught.value)
    assert f"U+{ord(character):04X}" in message
    assert "CZZT" in message
    assert reason in message
    message.encode()  # never an unencodable or invisible character in what a log must hold


def test_a_fallback_font_makes_a_character_printable(tmp_path: Path) -> None:
    # Any font with the character will do: the packaged one, given another character.
    from fontTools.ttLib import TTFont

    font = TTFont(fonts.REGULAR)
    for table in font["cmap"].tables:
        if table.isUnicode() and table.format == 12:
            table.cmap[0x20BB7] = table.cmap[ord("吉")]
    path = tmp_path / "wide.ttf"
    font.save(path)
    check("𠮷野家", field="CZZT", fallback=path)


def test_a_broken_fallback_font_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.ttf"
    path.write_bytes(b"not a font")
    with pytest.raises(Invalid, match=r"broken\.ttf"):
        check("𠮷", field="CZZT", fallback=path)


def test_the_widest_installed_fallback_is_found(tmp_path: Path) -> None:
    assert fonts.find_fallback(tmp_path) is None
    (tmp_path / "a").mkdir()
    for name in ("NotoSerifCJK-Regular.ttc", "HanaMinB.ttf"):
        (tmp_path / "a" / name).touch()
    assert fonts.find_fallback(tmp_path) == tmp_path / "a" / "HanaMinB.ttf"
