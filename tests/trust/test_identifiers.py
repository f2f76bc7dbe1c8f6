import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.cn import uscc as oracle_uscc
from stdnum.iso7064 import mod_11_10, mod_37_36

from tests.cases import cases
from trust import identifiers
from trust.errors import Invalid
from trust.identifiers import ALPHANUMERIC, DIGITS, USCC_ALPHABET, InvalidIdentifier

TODAY = date(2026, 6, 1)
SHARED = Path(__file__).parents[2] / "../shared/data/vectors/identifiers.json"
PROVINCES = ["100000", "110000", "320594", "621102", "659001"]


def check(kind: str, text: str) -> None:
    if kind == "uscc":
        identifiers.check_uscc(text)
    elif kind == "citizen_id":
        identifiers.check_citizen_id(text, today=TODAY)
    else:
        identifiers.check_division(text)


@pytest.mark.parametrize("case", cases("identifiers"))
def test_an_identifier_is_accepted_or_refused_by_the_rule_it_breaks(case: dict[str, Any]) -> None:
    if case["rule"] is None:
        check(case["kind"], case["text"])
        return
    with pytest.raises(InvalidIdentifier) as caught:
        check(case["kind"], case["text"])
    assert (caught.value.identifier_kind, caught.value.rule) == (case["kind"], case["rule"])
    assert not case["text"] or case["text"] not in str(caught.value)


@pytest.mark.skipif(not SHARED.exists(), reason="third-party vectors are not on this machine")
@pytest.mark.parametrize("kind", ["uscc", "citizen_id"])
def test_third_party_vectors_agree(kind: str) -> None:
    vectors = json.loads(SHARED.read_text("utf-8"))
    for text in vectors[f"{kind}_ok"]:
        check(kind, text)
    for text in vectors[f"{kind}_bad"]:
        with pytest.raises(InvalidIdentifier):
            check(kind, text)


def test_a_lower_case_x_is_refused_with_the_hint() -> None:
    with pytest.raises(InvalidIdentifier, match="字母须为大写") as caught:
        identifiers.check_citizen_id("11010519491231002x")
    assert caught.value.code == "invalid_identifier"
    assert isinstance(caught.value, Invalid)


def test_an_abolished_division_is_good_unless_it_must_be_in_force() -> None:
    identifiers.check_division_in_force("621100")
    identifiers.check_division("622400")
    with pytest.raises(InvalidIdentifier):
        identifiers.check_division_in_force("622400")


def test_a_division_has_a_name() -> None:
    assert identifiers.division_name("621102") == "安定区"
    assert identifiers.division_name("622400") == "定西地区"


def test_a_missing_today_allows_a_future_birth_date() -> None:
    identifiers.check_citizen_id("110105202606020013")


def made_uscc(head: str, division: str, organisation: str) -> str:
    body = head + division + organisation
    body += identifiers.organisation_check_character(organisation)
    return body + identifiers.uscc_check_character(body)


usccs = st.builds(
    made_uscc,
    st.sampled_from(["11", "12", "52", "91", "92", "93", "N1", "Y1"]),
    st.sampled_from(PROVINCES),
    st.text(USCC_ALPHABET, min_size=8, max_size=8),
)


def made_citizen_id(division: str, born: date, sequence: int) -> str:
    body = f"{division}{born:%Y%m%d}{sequence:03d}"
    total = sum(2 ** (17 - place) * int(digit) for place, digit in enumerate(body))
    return body + "10X98765432"[total % 11]


citizen_ids = st.builds(
    made_citizen_id,
    st.sampled_from(["110105", "621102", "622400", "542521"]),
    st.dates(date(1900, 1, 1), TODAY),
    st.integers(1, 999),
)


@settings(deadline=None, max_examples=100)
@given(usccs)
def test_a_uscc_with_both_checks_passes_here_and_with_python_stdnum(text: str) -> None:
    identifiers.check_uscc(text)
    if text[:8].isdigit():  # python-stdnum knows no department by letter
        assert oracle_uscc.validate(text) == text


@settings(deadline=None, max_examples=150)
@given(usccs, st.data())
def test_one_wrong_character_of_a_uscc_is_always_noticed(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, 17))
    wrong = data.draw(st.sampled_from(USCC_ALPHABET).filter(lambda c: c != text[at]))
    with pytest.raises(InvalidIdentifier):
        identifiers.check_uscc(text[:at] + wrong + text[at + 1 :])


@settings(deadline=None, max_examples=150)
@given(citizen_ids, st.data())
def test_one_wrong_digit_of_a_citizen_id_is_always_noticed(text: str, data: st.DataObject) -> None:
    identifiers.check_citizen_id(text, today=TODAY)
    at = data.draw(st.integers(0, 17))
    wrong = data.draw(st.sampled_from(DIGITS + "X").filter(lambda c: c != text[at]))
    with pytest.raises(InvalidIdentifier):
        identifiers.check_citizen_id(text[:at] + wrong + text[at + 1 :])


@settings(deadline=None, max_examples=150)
@given(st.text(ALPHANUMERIC, min_size=1, max_size=80))
def test_mod_37_36_agrees_with_python_stdnum(text: str) -> None:
    assert identifiers.iso7064_mod37_36(text) == mod_37_36.calc_check_digit(text)


@settings(deadline=None, max_examples=150)
@given(st.text(DIGITS, min_size=1, max_size=40))
def test_mod_11_10_agrees_with_python_stdnum(text: str) -> None:
    assert identifiers.iso7064_mod11_10(text) == mod_11_10.calc_check_digit(text)


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=40))
def test_garbage_is_refused_and_never_crashes(text: str) -> None:
    for kind in ("uscc", "citizen_id", "division"):
        with pytest.raises(InvalidIdentifier):
            check(kind, text)
    for function in (identifiers.iso7064_mod37_36, identifiers.iso7064_mod11_10):
        if not set(text) <= set(ALPHANUMERIC):
            with pytest.raises(Invalid):
                function(text)
