"""Purposes: what is said, in which form, and what is kept out of them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certificates.purpose import BadPurpose, Purpose, from_json, purpose


def test_a_purpose_is_written_and_read_in_the_standards_words() -> None:
    found = purpose(
        "办理食品经营许可", system="审批系统", item_code="XK-1", matter="食品经营许可核发"
    )
    assert found.as_json() == {
        "certificateSystemName": "审批系统", "certificateCopyCause": "办理食品经营许可",
        "certificateCallCategory": "0", "certificateEventCode": "XK-1",
        "certificateMatterName": "食品经营许可核发",
    }  # fmt: skip
    assert from_json(found.as_json()) == found


@pytest.mark.parametrize(
    "given_",
    [
        {"cause": ""}, {"cause": "  "}, {"cause": "x" * 201}, {"cause": "a\nb"},
        {"cause": "核对11010519491231002X"}, {"cause": "电话13800000001"},
        {"cause": "好", "item_code": "事项"}, {"cause": "好", "item_code": "x" * 65},
        {"cause": "好", "category": "0"}, {"cause": "好", "category": "2"},
        {"cause": "好", "matter": "m" * 201}, {"cause": "好", "system": "s" * 65},
    ],
    ids=["empty", "blank", "long", "line", "citizen-id", "mobile", "item", "long-item",
         "item-missing", "category", "long-matter", "long-system"],
)  # fmt: skip
def test_what_says_nothing_too_much_or_something_personal_is_refused(
    given_: dict[str, Any],
) -> None:
    with pytest.raises(BadPurpose):
        purpose(**given_)


@pytest.mark.parametrize(
    "content", [{"certificateCopyCause": 1}, {"cause": "x"}, {"certificateCopyCause": None}, {}],
    ids=["number", "ours", "null", "none"],
)  # fmt: skip
def test_an_object_of_another_form_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(BadPurpose):
        from_json(content)


@given(st.text(max_size=220))
@settings(max_examples=60, deadline=None)
def test_garbage_is_taken_in_one_form_or_refused(text: str) -> None:
    try:
        found = purpose(text)
    except BadPurpose:
        return
    assert purpose(found.cause) == found
    assert isinstance(found, Purpose)
