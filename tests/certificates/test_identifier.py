"""Licence identifiers of GB/T 36904."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certificates import identifier
from certificates.identifier import Identifier, MalformedIdentifier, WrongCheckCharacter
from trust.errors import Invalid

#: Real identifiers of public organisations, and one from an interface description with a wrong
#: check character (GB/T 36904-2018 asks for D).
REAL = [
    "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
    "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9",
    "1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0",
    "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
    "1.2.156.3005.2.11100000000013338W087.11370800MB28559184.37080001202411010001.001.3",
]
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.mark.parametrize("text", REAL)
def test_real_identifiers_are_read_and_written_alike(text: str) -> None:
    assert str(identifier.parse(text)) == text


@pytest.mark.parametrize("text", REAL)
def test_a_wrong_check_character_is_told_from_a_wrong_form(text: str) -> None:
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    with pytest.raises(WrongCheckCharacter):
        identifier.parse(wrong)
    with pytest.raises(MalformedIdentifier):
        identifier.parse(text.lower())
    with pytest.raises(MalformedIdentifier):
        identifier.parse(text.replace("1.2.156", "1.2.157"))


@pytest.mark.parametrize(
    "text", ["", "1.2.156.3005.2", "x" * 300, "1.2.156.3005.2.062301.1101101102.0624_001.001.U"]
)
def test_other_texts_are_malformed(text: str) -> None:
    with pytest.raises(MalformedIdentifier):
        identifier.parse(text)


@given(st.text(ALPHABET, min_size=1, max_size=32), st.integers(1, 999))
def test_what_is_built_is_read(serial: str, version: int) -> None:
    built = Identifier("11100000MB0143028R001", "11542500999000056Q", serial, version)
    assert identifier.parse(str(built)) == built
    assert identifier.from_body(built.body()) == built


def test_versions_count_up_and_end() -> None:
    first = identifier.parse(REAL[0])
    assert first.next_version().version == 2
    with pytest.raises(Invalid):
        Identifier(first.type_code, first.issuer, first.serial, 999).next_version()
