"""The pages as documents: languages, labels, nothing inline, nothing from elsewhere, no script
needed."""

import re
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient

from server.pages import names, render
from tests.server.conftest import Served

PAGES = ("/verify", "/v", "/docs")


class Page(HTMLParser):
    """The elements of a page, in order, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def fetch(client: TestClient, path: str) -> Page:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Page(answer.text)


def report(client: TestClient, pdf: bytes) -> Page:
    answer = client.post("/verify", files={"file": ("a.pdf", pdf)}, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return Page(answer.text)


@pytest.fixture(params=[*PAGES, "report"])
def page(request: pytest.FixtureRequest, client: TestClient, served: Served) -> Page:
    if request.param == "report":
        return report(client, served.pdf)
    return fetch(client, request.param)


def test_a_page_is_chinese_and_marks_its_english(page: Page) -> None:
    assert page.all("html") == [{"lang": "zh-CN"}]
    assert [each for each in page.all("span", "p") if each.get("lang") == "en"]
    assert not [each for each in page.all("meta") if "maximum-scale" in each.get("content", "")]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all(
        "meta"
    )


def test_a_page_has_one_main_landmark_and_one_first_heading_on_view(page: Page) -> None:
    assert len(page.all("main")) == len(page.all("header")) == len(page.all("footer")) == 1
    assert page.all("a")[0]["href"] == "#main"
    names_of_navs = [each["aria-label"] for each in page.all("nav")]
    assert len(set(names_of_navs)) == len(names_of_navs)


def test_a_page_has_nothing_inline_and_nothing_from_elsewhere(page: Page) -> None:
    for tag, attributes in page.elements:
        assert tag != "style"
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "action"):
            assert attributes.get(name, "/").startswith(("/", "#"))
        if tag == "script":
            assert attributes["src"].startswith("/static/")


def test_every_field_has_a_label_and_every_picture_a_text(page: Page) -> None:
    labelled = {each["for"] for each in page.all("label")}
    assert {each["id"] for each in page.all("input", "textarea")} == labelled
    assert all("alt" in each for each in page.all("img"))
    assert all(each.get("aria-hidden") == "true" for each in page.all("svg"))


def test_every_id_stands_once_and_every_reference_leads_to_one(page: Page) -> None:
    inside = Page("")
    inside.elements = page.elements
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    wanted = [
        part for _, attributes in page.elements
        for name in ("aria-labelledby", "aria-describedby")
        for part in attributes.get(name, "").split()
    ]  # fmt: skip
    assert set(wanted) <= set(ids)
    # The three banners' headings live in templates, of which one at most is ever shown.
    assert {name for name in ids if ids.count(name) > 1} <= {"outcome"}


def test_the_address_of_a_qr_code_explains_itself_without_scripts(client: TestClient) -> None:
    assert len(fetch(client, "/v").all("noscript")) == 1
    assert "粘贴" in fetch(client, "/v").text
    assert not fetch(client, "/verify").all("noscript")


def test_the_front_page_leads_to_verification(client: TestClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/verify")


def test_a_good_licence_is_reported_as_passed_with_its_summary(
    client: TestClient, served: Served
) -> None:
    page = report(client, served.pdf)
    assert "通过 Passed 各项检查全部通过" in page.text
    assert served.licence.identifier in page.text
    assert served.licence.holder_public in page.text
    assert "签章后内容被改动" not in page.text


def test_a_change_after_sealing_stands_before_everything_else(
    client: TestClient, served: Served
) -> None:
    text = report(client, served.tampered()).text
    assert "不通过 Failed" in text
    assert text.index("签章后内容被改动") < text.index("证照摘要") < text.index("检查项")
    assert names.NOTES["not_shown"][0] in text
    assert served.licence.holder_public not in text


def test_what_strangers_sealed_is_judged_and_not_repeated(
    client: TestClient, foreign_pdf: bytes
) -> None:
    text = report(client, foreign_pdf).text
    assert "无法确定 Indeterminate" in text
    assert "雪域高原" not in text


def test_pasted_text_is_reported_and_says_what_to_compare(
    client: TestClient, served: Served
) -> None:
    answer = client.post("/verify", files={"qr": (None, served.licence.claim)})
    assert "通过" in answer.text
    assert names.NOTES["compare"][0] in answer.text


def test_an_empty_form_is_answered_with_a_page(client: TestClient) -> None:
    answer = client.post("/verify", files={"file": ("", b"")}, headers={"Accept": "text/html,*/*"})
    assert answer.status_code == 422
    assert "没有选择文件" in answer.text
    assert Page(answer.text).all("html") == [{"lang": "zh-CN"}]


def test_what_a_file_says_is_escaped_in_the_report() -> None:
    problem = {"title": ("<b>", "x"), "code": "x", "detail": "<script>", "status": 422}
    text = bytes(render.page("problem.html", problem=problem, request_id="").body).decode()
    assert "<script>" not in text
    assert "&lt;b&gt;" in text


def test_every_check_of_a_report_has_a_name_on_the_page(
    client: TestClient, served: Served, foreign_pdf: bytes
) -> None:
    for pdf in (served.pdf, served.tampered(), foreign_pdf, b"nothing"):
        answer = client.post("/v1/verifications", files={"file": ("a.pdf", pdf)})
        for check in answer.json()["checks"]:
            assert re.match("[一-鿿]", names.name_of(check["name"])[0]), check["name"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("site.css", "text/css"), ("verify.js", "text/javascript"), ("favicon.svg", "image/svg+xml")],
)
def test_static_files_have_their_type_and_may_be_kept(
    client: TestClient, name: str, kind: str
) -> None:
    answer = client.get(render.asset(name))
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["cache-control"] == "public, max-age=86400"
    assert re.search("https?://(?!www.w3.org)", answer.text) is None


def test_static_files_do_not_lead_out_of_their_folder(client: TestClient) -> None:
    assert client.get("/static/..%2fapp.py").status_code == 404


def test_the_documentation_names_every_operation_and_schema(client: TestClient) -> None:
    page = fetch(client, "/docs")
    document = client.get("/openapi.json").json()
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    for path, methods in document["paths"].items():
        assert path in page.text
        assert {operation["operationId"] for operation in methods.values()} <= ids
    assert {f"schema-{name}" for name in document["components"]["schemas"]} <= ids
    linked = {each["href"][1:] for each in page.all("a") if each["href"].startswith("#")}
    assert linked <= ids


def test_every_operation_is_described_in_chinese_and_in_english(client: TestClient) -> None:
    for methods in client.get("/openapi.json").json()["paths"].values():
        for operation in methods.values():
            for text in (operation["summary"], operation["description"]):
                assert re.search("[一-鿿]", text)
                assert re.search("[a-z]{3}", text)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21 (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        full = colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])
        parts = [int(full[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "paper"), ("soft", "paper"), ("soft", "sheet"), ("red", "sheet"), ("red", "paper"),
        ("gold", "red"), ("good", "good-bg"), ("bad", "bad-bg"), ("unsure", "unsure-bg"),
        ("soft", "good-bg"), ("soft", "bad-bg"), ("soft", "unsure-bg"), ("good", "sheet"),
        ("bad", "sheet"), ("unsure", "sheet"), ("gold", "red-dark"),
    ],
)  # fmt: skip
def test_every_text_stands_out_from_its_ground(text: str, ground: str) -> None:
    css = (render.STATIC / "site.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", css))
    assert contrast(colours[text], colours[ground]) >= 4.5
