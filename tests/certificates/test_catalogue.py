import base64
import json
from datetime import date
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from certificates import catalogue
from certificates.characters import UnprintableCharacter
from certificates.content import InvalidField
from certificates.licence_type import Mask, masked
from tests.certificates.samples import SLUGS, TODAY, example
from trust.errors import Invalid, NotFound
from trust.identifiers import check_uscc


def checked(slug: str, **changes: object) -> dict[str, object]:
    data = example(slug) | changes
    return catalogue.check(catalogue.find(slug), data, today=TODAY)


@pytest.mark.parametrize("slug", SLUGS)
def test_a_type_is_found_by_code_slug_and_name(slug: str) -> None:
    found = catalogue.find(slug)
    assert catalogue.find(found.code) is catalogue.find(found.name) is found


def test_an_unknown_type_is_not_found() -> None:
    with pytest.raises(NotFound):
        catalogue.find("11100000000000000X999")


@pytest.mark.parametrize("slug", SLUGS)
def test_every_definer_has_a_good_code_and_the_type_code_begins_with_it(slug: str) -> None:
    found = catalogue.find(slug)
    check_uscc(found.definer.code)
    assert found.code[:18] == found.definer.code
    assert found.catalogue_row()["CertificateTypeCode"] == found.code


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_seals_lie_on_the_page_and_apart(slug: str, count: int) -> None:
    found = catalogue.find(slug)
    places = catalogue.seal_places(found, count)
    reach = found.seals.max_diameter_mm / 2
    assert all(reach < place.x_mm < 297 - reach and reach < place.y_mm for place in places)
    for one, two in pairwise(places):
        assert two.x_mm - one.x_mm >= found.seals.max_diameter_mm


def test_four_seals_have_no_place() -> None:
    with pytest.raises(Invalid, match="4 seals"):
        catalogue.seal_places(catalogue.find("business-licence"), 4)


@pytest.mark.parametrize("slug", SLUGS)
def test_an_example_is_accepted_and_stays_the_same_when_checked_again(slug: str) -> None:
    once = checked(slug)
    assert json.loads(json.dumps(once)) == once
    assert catalogue.check(catalogue.find(slug), once, today=TODAY) == once
    assert once["CZZTDMLXDM"] == "001"
    assert once["CZZTDMLX"] == "统一社会信用代码"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("KZ_NOSUCH", "1"),
        ("ZZBS", "1.2.156"),
        ("CZZT", ""),
        ("CZZT", " 阿里"),
        ("CZZT", "阿里\u3000"),
        ("CZZT", "e\u0301toile"),
        ("CZZT", ["阿里"]),
        ("CZZT", None),
        ("CZZTDM", "91542521MA9QTE10XD"),
        ("CZZTDMLXDM", "111"),
        ("CZZTDMLXDM", "002"),
        ("KZ_CLRQ", "2021-06-18"),
        ("KZ_CLRQ", "20210230"),
        ("KZ_CLRQ", "２０２１０６１８"),
        ("KZ_CLRQ", 20210618),
        ("KZ_ZCZB", "若干"),
        ("KZ_ZFB", "3"),
        ("KZ_LX", "长" * 61),
        ("KZ_FZR", "某某"),
        ("KZ_FDDBR", None),
        ("KZ_JYFW", None),
        ("ZZBFRQ", "20240521"),
        ("ZZYXQJZRQ", "20240101"),
        ("ZZBH", "91621102MA9QTE011X"),
    ],
)
def test_a_bad_field_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(InvalidField) as caught:
        checked("business-licence", **{field: value})
    assert caught.value.code == "invalid_field"
    assert caught.value.field in {field, "KZ_FDDBR"}
    assert caught.value.rule


def test_a_character_no_font_has_is_refused_at_intake() -> None:
    with pytest.raises(UnprintableCharacter, match=r"KZ_FDDBR.*𠮷.*U\+20BB7"):
        checked("business-licence", KZ_FDDBR="𠮷田")


def test_a_list_keeps_its_entries_and_refuses_other_shapes() -> None:
    assert checked("food-business-licence", KZ_JYXM=("甲", "乙"))["KZ_JYXM"] == ["甲", "乙"]
    for wrong in ("甲", [], [""], [1], ["甲"] * 41):
        with pytest.raises(InvalidField):
            checked("food-business-licence", KZ_JYXM=wrong)


def test_a_natural_person_may_hold_a_food_licence_with_a_good_identity_number() -> None:
    person = {"CZZT": "扎西顿珠", "CZZTDMLX": "公民身份号码"}
    content = checked("food-business-licence", CZZTDM="542521200002290033", **person)
    assert content["CZZTDMLXDM"] == "111"
    with pytest.raises(InvalidField) as caught:
        checked("food-business-licence", CZZTDM="542521200002290034", **person)
    assert "542521200002290034" not in str(caught.value)


def test_where_two_kinds_of_holder_are_allowed_the_kind_must_be_said() -> None:
    data = example("food-business-licence")
    del data["CZZTDMLX"]
    with pytest.raises(InvalidField, match="CZZTDMLXDM"):
        catalogue.check(catalogue.find("food-business-licence"), data, today=TODAY)


def picture(mode: str, kind: str, side: int = 60) -> str:
    out = BytesIO()
    Image.new(mode, (side, side)).save(out, kind)
    return base64.b64encode(out.getvalue()).decode()


@pytest.mark.parametrize("photo", [picture("RGB", "JPEG"), picture("L", "PNG")])
def test_a_grey_or_rgb_photo_is_accepted(photo: str) -> None:
    assert checked("road-transport-licence", KZ_ZP=photo)["KZ_ZP"] == photo


@pytest.mark.parametrize(
    "photo",
    [
        picture("CMYK", "JPEG"),
        picture("RGBA", "PNG"),
        picture("RGB", "GIF"),
        picture("L", "PNG", 2001),
        picture("RGB", "JPEG")[:200],
        "?",
        "A" * 80_000,
        base64.b64encode(b"<svg/>").decode(),
    ],
    ids=["cmyk", "alpha", "gif", "large", "cut", "not base64", "long", "svg"],
)
def test_any_other_photo_is_refused(photo: str) -> None:
    with pytest.raises(InvalidField, match="KZ_ZP"):
        checked("road-transport-licence", KZ_ZP=photo)


@pytest.mark.parametrize(
    ("slug", "number"),
    [
        ("business-licence", "91542521MA9QTE10XC"),
        ("road-transport-licence", "542521000037"),
    ],
)
def test_a_number_follows_the_rule_of_its_type(slug: str, number: str) -> None:
    assert catalogue.number(catalogue.find(slug), checked(slug), 37, "542521") == number


def test_food_numbers_agree_with_known_good_ones() -> None:
    path = Path(__file__).parents[2] / "../shared/data/vectors/identifiers.json"
    if not path.exists():
        pytest.skip("the third-party vectors are not here")
    food = catalogue.find("food-business-licence")
    for known in json.loads(path.read_bytes())["food_licence_no_ok"]:
        content = {"KZ_ZTYT": known[2]}
        assert catalogue.number(food, content, int(known[9:15]), known[3:9]) == known


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 999_999), st.data())
def test_one_wrong_digit_in_a_food_number_is_always_noticed(
    sequence: int, data: st.DataObject
) -> None:
    food = catalogue.find("food-business-licence")
    good = catalogue.number(food, {"KZ_ZTYT": "2"}, sequence, "542521")
    catalogue_content: dict[str, Any] = example("food-business-licence")
    catalogue.check(food, catalogue_content | {"ZZBH": good}, today=TODAY)
    at = data.draw(st.integers(2, len(good) - 1))
    wrong = data.draw(st.sampled_from("0123456789").filter(lambda digit: digit != good[at]))
    bad = good[:at] + wrong + good[at + 1 :]
    with pytest.raises(InvalidField, match="ZZBH"):
        catalogue.check(food, catalogue_content | {"ZZBH": bad}, today=TODAY)


@pytest.mark.parametrize(("sequence", "division"), [(0, "542521"), (10**6, "542521"), (1, "5425")])
def test_a_used_up_sequence_or_a_malformed_division_gives_no_number(
    sequence: int, division: str
) -> None:
    with pytest.raises(Invalid):
        catalogue.number(catalogue.find("road-transport-licence"), {}, sequence, division)


@pytest.mark.parametrize(
    ("slug", "changes", "end"),
    [
        ("business-licence", {}, None),
        ("business-licence", {"KZ_YYQXZ": "20410617"}, date(2041, 6, 17)),
        ("business-licence", {"ZZYXQJZRQ": "99991231"}, None),
        ("food-business-licence", {}, date(2029, 5, 19)),
        ("food-business-licence", {"ZZYXQQSRQ": "20240601"}, date(2029, 5, 31)),
        ("food-business-licence", {"ZZYXQQSRQ": "20240229"}, date(2029, 2, 28)),
        ("food-business-licence", {"ZZYXQJZRQ": "20250519"}, date(2025, 5, 19)),
        ("road-transport-licence", {}, date(2028, 5, 19)),
    ],
)
def test_the_last_day_follows_the_term_of_the_type(
    slug: str, changes: dict[str, object], end: date | None
) -> None:
    content = checked(slug, **changes)
    assert catalogue.valid_until(catalogue.find(slug), content, issued=TODAY) == end


@pytest.mark.parametrize("end", ["20290520", "99991231", "20240519"])
def test_a_licence_cannot_last_longer_than_its_type_allows_nor_end_before_it_begins(
    end: str,
) -> None:
    with pytest.raises(InvalidField, match="ZZYXQJZRQ"):
        checked("food-business-licence", ZZYXQJZRQ=end)


def test_the_public_sees_organisations_whole_and_persons_veiled() -> None:
    food = catalogue.find("food-business-licence")
    assert food.public_holder("噶尔县象雄藏餐馆", "001") == "噶尔县象雄藏餐馆"
    assert food.public_holder("扎西顿珠", "111") == "扎***"
    assert food.public_holder("扎西顿珠", "414") == "扎***"
    assert masked("542521200002290033", Mask.CODE) == "542*************33"


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"code": "11100000MB0143028R01"},
        {"code": "11100000000019713D001"},
        {"holder_masks": {"002": "none"}},
        {"fields": []},
        {"number_rule": "by-hand"},
    ],
    ids=["unknown key", "short code", "foreign definer", "holder code", "end field", "number rule"],
)
def test_a_type_file_with_a_fault_is_refused_by_name(
    tmp_path: Path, change: dict[str, object]
) -> None:
    data = json.loads((catalogue.TYPES / "business-licence.json").read_bytes())
    (tmp_path / "wrong.json").write_text(json.dumps(data | change), encoding="utf-8")
    with pytest.raises(Invalid, match=r"wrong\.json"):
        catalogue.load(tmp_path)
