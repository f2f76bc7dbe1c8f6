"""The documents keep up with the code: links lead somewhere; codes, settings, commands are told."""

import argparse
import base64
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from itertools import product
from pathlib import Path

import pytest

from certificates import qr
from server import cli, exits
from trust.access import Role
from trust.anchors import key_id
from trust.crypto import cose
from trust.reasons import REASONS
from trust.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def links(page: Path) -> list[Path]:
    """The files of ours that a page links to, code blocks apart."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    targets = (target.partition("#")[0] for target in _LINK.findall(text))
    return [
        (page.parent / target).resolve()
        for target in targets
        if target and not re.match(r"[a-z]+:", target)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    assert [str(target) for target in links(page) if not target.exists()] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md", DOCS / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md" and page.exists():
            reached.add(page)
            waiting += links(page)
    assert [str(page.relative_to(ROOT)) for page in DOCS.rglob("*.md") if page not in reached] == []


def test_every_report_code_is_listed_in_its_document() -> None:
    text = read("docs/report.md")
    assert [code for code in REASONS if f"| `{code}` |" not in text] == []


def test_the_listed_sentences_are_those_of_the_reports() -> None:
    text = read("docs/report.md")
    wrong = [code for code, (zh, en) in REASONS.items() if f" {zh} | {en} |" not in text]
    assert wrong == []


def test_no_report_code_is_listed_that_does_not_exist() -> None:
    listed = re.findall(
        r"^\| `([a-z_]+)` \| (?:PASSED|FAILED|INDETER)", read("docs/report.md"), re.M
    )
    assert listed
    assert [code for code in listed if code not in REASONS] == []


def test_every_setting_is_told() -> None:
    text = read("README.md") + read("docs/operations.md")
    names = [f"TRUST_{name.upper()}" for name in Settings.model_fields]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_no_setting_is_told_that_does_not_exist() -> None:
    known = {f"TRUST_{name.upper()}" for name in Settings.model_fields} | {"TRUST_DEBUG"}
    told = set(re.findall(r"`(TRUST_[A-Z0-9_]+)", read("README.md") + read("docs/operations.md")))
    assert told - known == set()


def test_every_exit_code_is_told() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+)", read("docs/cli.md"), re.M)}
    assert {*exits.CODES.values(), *exits.OUTCOMES.values(), exits.INTERNAL} - told == set()


def commands(parser: argparse.ArgumentParser, path: str) -> Iterator[tuple[str, set[str]]]:
    """Every command that can be run beneath `parser`, with its long options but --help."""
    inner = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for action in inner:
        for word, found in action.choices.items():
            yield from commands(found, f"{path} {word}")
    if not inner:
        options = {option for action in parser._actions for option in action.option_strings}
        yield path, {option for option in options if option.startswith("--")} - {"--help"}


def told_commands() -> dict[str, set[str]]:
    """The same by the table of docs/cli.md; `hold\\|release` there are two commands."""
    told = {}
    for signature in re.findall(r"^\| `(trust .*?)` \|", read("docs/cli.md"), re.M):
        words = re.match(r"[a-z]+(?: [a-z][a-z|\\-]*)*", signature)
        assert words is not None
        for path in product(*(word.split("\\|") for word in words[0].split())):
            told[" ".join(path)] = set(re.findall(r"--[a-z-]+", signature))
    return told


def test_every_command_is_told_and_no_other() -> None:
    assert set(told_commands()) == {path for path, _ in commands(cli.parser(), "trust")}


@pytest.mark.parametrize(("path", "options"), [*commands(cli.parser(), "trust")])
def test_every_option_of_a_command_is_told_and_no_other(path: str, options: set[str]) -> None:
    assert told_commands().get(path) == options


def test_every_role_is_told() -> None:
    text = read("docs/roles.md")
    assert [role for role in Role if f"`{role}`" not in text] == []


def test_the_worked_example_of_the_claim_verifies() -> None:
    text = read("docs/qr.md")
    found = re.search(r"-----BEGIN PUBLIC KEY-----(.*?)-----END", text, re.DOTALL)
    claim = re.search(r"^https?://\S+/v#\S+$", text, re.MULTILINE)
    assert found is not None
    assert claim is not None
    spki = base64.b64decode("".join(found[1].split()))
    signed = qr.parse(claim[0])
    cose.verify(signed.message, spki)
    assert signed.message.kid == key_id(spki)
    assert signed.claim.holder in text


def test_the_example_byte_by_byte_is_the_claim() -> None:
    text = read("docs/qr.md")
    claim = re.search(r"^https?://\S+/v#(\S+)$", text, re.MULTILINE)
    dump = re.search(r"Byte by byte:\n\n```\n(.*?)```", text, re.DOTALL)
    assert claim is not None
    assert dump is not None
    given = bytes.fromhex("".join(line.split()[0] for line in dump[1].splitlines()))
    assert given == base64.urlsafe_b64decode(claim[1] + "=" * (-len(claim[1]) % 4))


def test_the_bounds_of_the_claim_are_those_of_the_code() -> None:
    text = read("docs/qr.md")
    assert f"**{qr.TEXT_MAX}**" in text
    assert str(qr.READ_MAX) in text
    assert {str(number).replace("-", "−") for number in cose.NUMBERS.values()} <= set(
        re.findall(r"\| \**(−\d+)\** \|", text)
    )


@pytest.mark.parametrize("package", ["trust", "ca", "sso", "seal", "certificates", "server"])
def test_the_house_names_every_module(package: str) -> None:
    named = re.findall(r"`([a-z0-9_*./]+)`", read("docs/house.md"))
    patterns = {each.rstrip("/").rpartition("/")[2] for each in named}
    modules = {path.stem for path in (ROOT / package).glob("*.py")} - {"__init__"}
    missing = [each for each in sorted(modules) if not any(fnmatch(each, p) for p in patterns)]
    assert missing == []


@pytest.mark.parametrize(
    "inner", sorted(path.parent.name for path in (ROOT / "certificates").glob("*/__init__.py"))
)
def test_the_row_of_a_subpackage_names_its_modules_and_no_others(inner: str) -> None:
    row = re.search(rf"^\| \*\*certificates/{inner}/\*\* (.*?) \|", read("docs/house.md"), re.M)
    modules = {path.stem for path in (ROOT / "certificates" / inner).glob("*.py")} - {"__init__"}
    assert row is not None
    assert set(re.findall(r"`([a-z0-9_]+)`", row[1])) == modules
