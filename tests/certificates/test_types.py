"""The packaged types, their examples and pages; what a type made of data can say."""

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import jsonschema_rs
import pikepdf
import pypdfium2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from certificates import catalogue, holders, holders_shown
from certificates.catalogue import BadType
from certificates.content import InvalidField
from certificates.document import Renderer
from certificates.licence_type import Kind, LicenceType
from certificates.licence_types import number_format
from certificates.licence_types import sample as type_sample
from certificates.licence_types import schema as type_schema
from tests.certificates.samples import QR_TEXT, VERIFY_AT, example
from trust.errors import Invalid
from trust.identifiers import check_citizen_id, check_uscc

SLUGS = tuple(sorted(each.slug for each in catalogue.load()))
TODAY = date(2024, 5, 20)
AT = datetime(2024, 5, 20, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


def complete(slug: str, **changes: object) -> tuple[LicenceType, dict[str, object]]:
    """The type, and its example as it would be issued."""
    found = catalogue.find(slug)
    content = catalogue.check(found, example(slug) | changes, today=TODAY)
    number = catalogue.number(found, content, 37, "542523", on=TODAY)
    return found, content | {
        "ZZMC": found.name, "ZZLXDM": found.code, "ZZBH": number, "ZZBFRQ": "20240520",
        "ZZBS": f"1.2.156.3005.2.{found.code}.1154252199900011XY.20240037.001.K",
        "ZZBFJG": "噶尔县行政审批局", "ZZBFJGDM": "1154252199900011XY",
    }  # fmt: skip


def page(renderer: Renderer, found: LicenceType, metadata: Mapping[str, Any]) -> bytes:
    photo = metadata.get("KZ_ZP")
    return renderer.render(
        found, metadata, attachment=b"{}", qr_text=QR_TEXT, verify_at=VERIFY_AT, at=AT,
        photo=base64.b64decode(photo) if photo else None,
    )  # fmt: skip


def words(pdf: bytes) -> str:
    pages = pypdfium2.PdfDocument(pdf)  # type: ignore[no-untyped-call]
    return re.sub(r"\s", "", pages[0].get_textpage().get_text_range())


def test_ten_types_are_packaged_each_with_an_example() -> None:
    assert len(SLUGS) == 10
    for slug in SLUGS:
        found = catalogue.find(slug)
        check_uscc(found.definer.code)
        assert catalogue.check(found, example(slug), today=TODAY)


@pytest.mark.parametrize("slug", SLUGS)
def test_a_type_written_and_read_again_is_the_same(slug: str) -> None:
    found = catalogue.find(slug)
    assert catalogue.parse(catalogue.write(found), name=slug) == found


@pytest.mark.parametrize("slug", SLUGS)
def test_every_page_is_pdf_a_whose_code_can_be_read_and_whose_words_are_there(
    renderer: Renderer, slug: str
) -> None:
    found, metadata = complete(slug)
    made = page(renderer, found, metadata)
    with pikepdf.open(BytesIO(made)) as pdf:
        assert len(pdf.pages) == 1
        assert b"<pdfaid:part>3<" in pdf.Root.Metadata.read_bytes()
    picture = pypdfium2.PdfDocument(made)[0].render(scale=150 / 72).to_pil()  # type: ignore[no-untyped-call]
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [QR_TEXT]
    text = words(made)
    assert found.name in text
    for holder in holders.of(metadata):
        assert holder.name in text
    printed = found.layout.rows + found.layout.wide if found.layout else ()
    for entry in found.fields:
        if entry.name in printed and entry.kind is Kind.TEXT and entry.name in metadata:
            assert re.sub(r"\s", "", str(metadata[entry.name])) in text, entry.name


@pytest.mark.parametrize(
    ("slug", "number"),
    [
        ("real-estate-title", "藏（2024）噶尔县不动产权第0000037号"),
        ("real-estate-registration", "藏（2024）噶尔县不动产证明第0000037号"),
        ("construction-permit", "542523202405203701"),
        ("special-operations-certificate", "藏F042024000037"),
        ("birth-certificate", "T540120037"),
        ("driving-licence", "542521199503090018"),
    ],
)
def test_the_number_follows_the_rule_of_its_type_and_is_accepted_as_given(
    slug: str, number: str
) -> None:
    found, metadata = complete(slug)
    assert metadata["ZZBH"] == number
    catalogue.check(found, example(slug) | {"ZZBH": number}, today=TODAY)
    with pytest.raises(InvalidField, match="ZZBH"):
        catalogue.check(found, example(slug) | {"ZZBH": number + "0"}, today=TODAY)


@pytest.mark.parametrize(
    ("slug", "number"),
    [
        ("real-estate-title", "乙（2024）噶尔县不动产权第0000037号"),
        ("construction-permit", "542523202413203701"),
        ("construction-permit", "542523202405203702"),
        ("special-operations-certificate", "藏F052024000037"),
    ],
    ids=["no such province", "no such day", "another kind of works", "another trade"],
)
def test_a_number_that_contradicts_itself_is_refused(slug: str, number: str) -> None:
    with pytest.raises(InvalidField, match="ZZBH"):
        catalogue.check(catalogue.find(slug), example(slug) | {"ZZBH": number}, today=TODAY)


def test_the_sequence_begins_anew_as_often_as_the_number_names_a_day_or_a_year() -> None:
    def name(slug: str) -> str:
        return catalogue.sequence_name(catalogue.find(slug), "542523", on=TODAY)

    assert name("construction-permit").endswith("/542523/20240520")
    assert name("real-estate-title").endswith("/542523/2024")
    assert name("road-transport-licence").endswith("/542523")


def test_a_number_that_only_the_issuing_side_knows_must_be_given() -> None:
    data = example("birth-certificate")
    found = catalogue.find("birth-certificate")
    for code in ("t540120037", "T54012003", "5540120037", "T5401200370"):
        with pytest.raises(InvalidField):
            catalogue.check(found, data | {"CZZTDM": code, "ZZBH": code}, today=TODAY)


@pytest.mark.parametrize("text", ["", "{division", "no place", "{sequence}", "{sequence:13}",
                                  "{KZ_}", "{}", "{digits:0}"])  # fmt: skip
def test_a_number_format_with_an_unknown_place_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        number_format.parse(text)


@settings(deadline=None, max_examples=60)
@given(
    sequence=st.integers(1, 99), day=st.dates(date(1990, 1, 1), date(2099, 12, 31)),
    division=st.sampled_from(["542523", "610402", "341202", "360102", "621124"]),
    parts=st.lists(st.sampled_from(["{division}", "{province}", "{place}", "{year}", "{date}",
                                    "{sequence:2}", "第", "-", "{KZ_X}"]), min_size=1, max_size=6)
    .filter(lambda parts: parts.count("{place}") <= 1),
)  # fmt: skip
def test_every_number_made_by_a_format_matches_that_format(
    sequence: int, day: date, division: str, parts: list[str]
) -> None:
    text = "".join(["{sequence:2}", *parts])
    content = {"KZ_X": "甲.*乙"}
    made = number_format.write(text, content, sequence=sequence, division=division, on=day)
    assert number_format.matches(text, made, content) is None


# --- several holders ---------------------------------------------------------------------------


def test_several_holders_are_lists_in_one_order_and_one_alone_is_plain() -> None:
    found = catalogue.find("real-estate-title")
    both = catalogue.check(found, example("real-estate-title"), today=TODAY)
    assert both["CZZTDMLX"] == ["公民身份号码", "公民身份号码"]
    assert [each.name for each in holders.of(both)] == both["CZZT"]
    one = example("real-estate-title") | {
        "CZZT": ["次仁卓玛"], "CZZTDM": ["542523199108260024"], "CZZTDMLXDM": ["111"],
        "KZ_QLRFE": ["100%"],
    }  # fmt: skip
    alone = catalogue.check(found, one, today=TODAY)
    assert alone["CZZT"] == "次仁卓玛"
    assert alone["CZZTDMLXDM"] == "111"


@pytest.mark.parametrize(
    "changes",
    [
        {"CZZT": ["次仁卓玛"]},
        {"CZZTDM": "542523199108260024"},
        {"CZZTDM": ["542523199108260024", "542523199108260024"]},
        {"CZZTDM": ["542523199108260024", "542523198804120013"]},
        {"CZZTDMLXDM": ["111", "002"]},
        {"CZZT": ["甲"] * 13, "CZZTDM": ["1"] * 13, "CZZTDMLXDM": ["414"] * 13},
        {"CZZT": []},
        {"KZ_QLRFE": ["100%"]},
    ],
    ids=["names short", "codes no list", "twice", "check character", "kind", "too many", "none",
         "shares short"],
)  # fmt: skip
def test_holders_that_do_not_fit_together_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidField) as caught:
        catalogue.check(
            catalogue.find("real-estate-title"), example("real-estate-title") | changes, today=TODAY
        )
    assert "542523198804120013" not in str(caught.value)


def test_a_type_for_one_holder_takes_no_list() -> None:
    data = example("driving-licence") | {"CZZT": ["甲", "乙"], "CZZTDM": ["1", "2"]}
    with pytest.raises(InvalidField, match="CZZT"):
        catalogue.check(catalogue.find("driving-licence"), data, today=TODAY)


def test_the_page_lists_every_holder_with_masked_numbers_and_shares(renderer: Renderer) -> None:
    found, metadata = complete("real-estate-title")
    text = words(page(renderer, found, metadata))
    assert "542*************24" in text
    assert "542*************12" in text
    assert text.count("50%") == 2
    assert holders_shown.shown(found, metadata) == "次***、平***"


def test_as_many_holders_as_the_type_allows_stand_on_the_page(renderer: Renderer) -> None:
    count = catalogue.find("real-estate-title").holders_max
    found, metadata = complete(
        "real-estate-title", CZZT=[f"权利人{at}" for at in range(count)],
        CZZTDM=[f"E{at:07d}" for at in range(count)], CZZTDMLXDM=["414"] * count,
        KZ_QLRFE=["1/12"] * count,
    )  # fmt: skip
    assert words(page(renderer, found, metadata)).count("1/12") == count


def test_a_persons_own_number_is_veiled_wherever_it_is_the_licences_number(
    renderer: Renderer,
) -> None:
    found, metadata = complete("resident-identity-card")
    made = page(renderer, found, metadata)
    number = str(metadata["ZZBH"])
    check_citizen_id(number)
    assert number.encode() not in made
    assert number not in words(made)
    with pikepdf.open(BytesIO(made)) as pdf:
        assert number.encode() not in pdf.Root.Metadata.read_bytes()
        assert number not in str(pdf.docinfo.get("/Title"))


def test_related_persons_numbers_are_veiled_and_the_birth_certificates_own_is_not(
    renderer: Renderer,
) -> None:
    found, metadata = complete("birth-certificate")
    text = words(page(renderer, found, metadata))
    assert str(metadata["KZ_MQZJH"]) not in text
    assert "T540120037" in text


# --- what a definition must keep to ------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"layout": None}, "has a layout"),
        ({"template": "base"}, "no such template"),
        ({"number_format": ""}, "needs a format"),
        ({"number_format": "{KZ_ZH}{sequence:3}"}, "required fields"),
        ({"seals": {"max_diameter_mm": 45, "places": {}}}, "one seal"),
        ({"holder_masks": {}}, "kind of holder code"),
        ({"steps": ["stamp"]}, "steps"),
        ({"holders_max": 0}, "holders_max"),
        ({"validity": {"term": "years"}}, "needs years"),
        ({"layout": {"rows": ["KZ_NONE"]}}, "not there"),
        ({"layout": {"ink": "red"}}, "ink"),
    ],
)
def test_a_definition_that_contradicts_itself_is_refused(
    change: dict[str, object], said: str
) -> None:
    data = json.loads((catalogue.TYPES / "real-estate-title.json").read_bytes()) | change
    with pytest.raises(BadType, match=said):
        catalogue.parse(json.dumps(data).encode(), name="of a test")


@settings(deadline=None, max_examples=80)
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_whatever_is_no_definition_is_refused_by_name(raw: bytes) -> None:
    with pytest.raises(BadType):
        catalogue.parse(raw, name="of a test")


# --- the schema --------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", SLUGS)
def test_the_schema_is_draft_2020_12_and_takes_the_example(slug: str) -> None:
    made = type_schema.schema(catalogue.find(slug))
    jsonschema_rs.meta.validate(made)
    judge = jsonschema_rs.Draft202012Validator(made)
    assert judge.is_valid(example(slug))
    assert not judge.is_valid(example(slug) | {"KZ_NOSUCH": "1"})
    assert not judge.is_valid({**example(slug), "CZZT": None})


_VALUES = st.one_of(
    st.none(), st.integers(), st.text("甲乙1A x", max_size=6), st.sampled_from(["1", "2", "01"]),
    st.lists(st.text("甲乙", min_size=0, max_size=3), max_size=3),
    st.sampled_from(["20240520", "20240231", "2024-05-20", "壹佰元"]),
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(slug=st.sampled_from(SLUGS), data=st.data())
def test_whatever_the_check_takes_the_schema_takes(slug: str, data: st.DataObject) -> None:
    found = catalogue.find(slug)
    judge = _judge(slug)
    names = [*(each.name for each in found.fields), "CZZT", "CZZTDM", "CZZTDMLX", "CZZTDMLXDM",
             "ZZBH", "ZZBFRQ", "ZZYXQJZRQ"]  # fmt: skip
    changed = dict(example(slug))
    for name in data.draw(st.lists(st.sampled_from(names), max_size=2, unique=True)):
        changed[name] = data.draw(_VALUES)
    try:
        content = catalogue.check(found, changed, today=TODAY)
    except Invalid:
        return
    assert judge.is_valid(changed), changed
    assert judge.is_valid(content), content


@settings(deadline=None, max_examples=150)
@given(slug=st.sampled_from(SLUGS), data=st.data())
def test_what_the_schema_refuses_for_its_shape_the_check_refuses_too(
    slug: str, data: st.DataObject
) -> None:
    found = catalogue.find(slug)
    entry = data.draw(st.sampled_from(found.fields))
    wrong = data.draw(st.sampled_from([0, True, {"a": 1}, [], "", "长" * 80_001]))
    changed = example(slug) | {entry.name: wrong}
    assert not _judge(slug).is_valid(changed)
    with pytest.raises(Invalid):
        catalogue.check(found, changed, today=TODAY)


_JUDGES: dict[str, jsonschema_rs.Draft202012Validator] = {}


def _judge(slug: str) -> jsonschema_rs.Draft202012Validator:
    if slug not in _JUDGES:
        made = type_schema.schema(catalogue.find(slug))
        _JUDGES[slug] = jsonschema_rs.Draft202012Validator(made)
    return _JUDGES[slug]


# --- specimens ---------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", SLUGS)
def test_a_specimen_is_made_up_of_any_type_and_passes_its_checks(slug: str) -> None:
    found = catalogue.find(slug)
    made = type_sample.content(found, today=TODAY)
    assert catalogue.check(found, made, today=TODAY) == made


def test_a_specimen_is_marked_as_one(renderer: Renderer) -> None:
    found = catalogue.find("driving-licence")
    pdf = type_sample.page(renderer, found, at=AT)
    assert type_sample.picture(pdf).startswith(b"\x89PNG")
    assert "SAMPLE" in words(pdf)
