"""`trust seal …`: the whole life by commands, each with its exit code and its line."""

import csv
import json
from pathlib import Path

import pytest

from server import exits
from server.cli import main
from server.commands.seal_records import time_of
from server.exits import Usage
from tests.regions import MARKET, Region
from tests.seal import living
from trust.access import Role

NAME = f"{MARKET.name}行政审批专用章"


class Trust:
    """Runs `trust seal` in a region's home."""

    def __init__(self, region: Region, capsys: pytest.CaptureFixture[str]) -> None:
        self.region, self._capsys = region, capsys

    def __call__(self, *words: str, code: int = 0) -> str:
        """What the command printed, its exit code checked."""
        self._capsys.readouterr()
        found = main(["seal", *words])
        said = self._capsys.readouterr()
        assert found == code, said.err
        return said.out if code == 0 else said.err

    def last_word(self, *words: str) -> str:
        return self(*words).split()[-1]

    def json(self, *words: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(self(*words, "--json"))
        return found


@pytest.fixture
def trust(
    sqlite_region: Region, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Trust:
    monkeypatch.setenv("TRUST_HOME", str(sqlite_region.platform.settings.home))
    monkeypatch.setenv("TRUST_KEY_PASSPHRASE", "a passphrase of the tests")
    monkeypatch.setenv("TRUST_DEVELOPMENT", "true")
    return Trust(sqlite_region, capsys)


def requested(trust: Trust, *more: str) -> str:
    words = ("request", "--as", "market.clerk", "--kind", "special", "--name", NAME)
    return trust.last_word(*words, *more)


def made(trust: Trust) -> str:
    key = requested(trust)
    trust("approve", key, "--as", "market.seal")
    return trust("make", key).split()[-2]


def test_a_seal_lives_by_commands(trust: Trust) -> None:
    key = requested(trust)
    assert "approved" in trust("approve", key, "--as", "market.seal")
    es_id = trust("make", key).split()[-2]
    assert len(es_id) == 14
    assert "frozen" in trust("freeze", es_id, "--as", "market.seal", "--reason", "遗失")
    assert "active" in trust("unfreeze", es_id, "--as", "market.seal", "--reason", "找到")
    assert es_id in trust("remake", es_id, "--reason", "证书到期")
    assert "cancelled" in trust("cancel", es_id, "--as", "market.seal", "--reason", "更名")
    assert "invalid" in trust("invalidate", es_id, "--reason", "违规制作")
    states = {row["seal"]: row["state"] for row in trust.json("list") if "seal" in row}
    assert states[es_id] == "invalid"


def test_a_refused_application_is_a_conflict_from_then_on(trust: Trust) -> None:
    key = requested(trust)
    assert "refused" in trust("refuse", key, "--as", "market.seal", "--reason", "重复")
    trust("approve", key, "--as", "market.seal", code=exits.CONFLICT)
    trust("make", key, code=exits.CONFLICT)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["approve", "nonsense", "--as", "market.seal"], exits.USAGE),
        (["approve", "00000000-0000-4000-8000-000000000000", "--as", "market.seal"],
         exits.NOT_FOUND),
        (["request", "--as", "market.clerk", "--kind", "department"], exits.USAGE),
        (["request", "--as", "market.clerk", "--kind", "department", "--name", f"{MARKET.name}办",
          "--rank", "province"], exits.BAD_DATA),
        (["request", "--as", "market.clerk", "--kind", "personal", "--name", "张三", "--size", "x"],
         exits.USAGE),
        (["request", "--as", "market.clerk", "--kind", "licence", "--picture", "/nowhere.svg"],
         exits.NO_INPUT),
        (["request", "--as", "nobody", "--kind", "licence"], exits.NOT_FOUND),
        (["freeze", "54250000000000", "--as", "market.seal", "--reason", "x"], exits.NOT_FOUND),
        (["ledger", "54250000000000"], exits.NOT_FOUND),
        (["ungrant", "x", "--as", "market.seal"], exits.USAGE),
    ],
)  # fmt: skip
def test_what_is_refused_has_its_exit_code(trust: Trust, words: list[str], code: int) -> None:
    assert trust(*words, code=code).startswith("trust: ")


def test_the_one_who_applied_may_not_approve(trust: Trust) -> None:
    living.person(trust.region, "both.hats", Role.CLERK, Role.SEAL_ADMIN)
    key = trust.last_word("request", "--as", "both.hats", "--kind", "licence")
    said = trust("approve", key, "--as", "both.hats", code=exits.FORBIDDEN)
    assert "seal_same_person" in said


def test_a_picture_is_uploaded(trust: Trust, tmp_path: Path) -> None:
    path = tmp_path / "seal.svg"
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">'
        '<circle cx="20" cy="20" r="19" fill="none" stroke="#e60012"/></svg>'
    )
    words = ("request", "--as", "market.clerk", "--kind", "licence", "--picture", str(path))
    assert "applied" in trust(*words)
    path.write_text("<svg/>")
    trust(*words, code=exits.BAD_DATA)
    named = ("request", "--as", "market.clerk", "--kind", "personal", "--name", "王二")
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 30 10"><rect width="30" height="10"/>'
        "</svg>"
    )
    assert "applied" in trust(*named, "--picture", str(path), "--size", "30x10")


def test_grants_by_command(trust: Trust) -> None:
    es_id = made(trust)
    living.person(trust.region, "window.six", Role.CLERK)
    key = trust.last_word(
        "grant", es_id, "--as", "market.seal", "--account", "window.six", "--type",
        "business-licence", "--item", "设立登记", "--from", "2026-01-01", "--until",
        "2099-01-01T00:00:00Z", "--ceiling", "20", "--second-person",
    )  # fmt: skip
    use = ("--as", "window.six", "--case", "case-1")
    trust("ask", es_id, *use, code=exits.FORBIDDEN)  # the grant is for a type and an item
    plain = trust.last_word(
        "grant", es_id, "--as", "market.seal", "--role", "clerk", "--second-person"
    )
    asked = trust.last_word("ask", es_id, *use)
    trust("confirm", asked, "--as", "window.six", code=exits.FORBIDDEN)
    assert "confirmed" in trust("confirm", asked, "--as", "market.approver")
    trust("ask", es_id, *use, "--type", "营业执照")
    for grant in (key, plain):
        assert "taken back" in trust("ungrant", grant, "--as", "market.seal")
    trust("grant", es_id, "--as", "market.seal", code=exits.BAD_DATA)


def test_the_ledger_by_command(trust: Trust, tmp_path: Path) -> None:
    licence = trust.region.issued()
    with trust.region.platform.reading() as session:
        es_id = living.licence_seal(session)
    document = f"{licence.identifier}.pdf"
    assert document in trust("ledger", es_id, "--as", "market.seal")
    row, = trust.json("ledger", es_id, "--document", document, "--type", "营业执照",
                      "--result", "used", "--since", "2026-01-01")  # fmt: skip
    assert (row["operator"], row["case"]) == ("market.approver", str(licence.application))
    assert trust.json("ledger", es_id, "--result", "used", "--below", row["id"].__str__(),
                      "--limit", "1") != [row]  # fmt: skip
    assert trust.json("ledger", es_id, "--before", "2026-01-01") == []
    path = tmp_path / "ledger.csv"
    trust("ledger", es_id, "--csv", str(path))
    with path.open(encoding="utf-8-sig", newline="") as opened:
        assert document in {each["document"] for each in csv.DictReader(opened)}
    assert trust("ledger", es_id, "--csv", "-").startswith("\ufeffid,at,seal")
    trust("ledger", es_id, "--csv", str(tmp_path / "no" / "where"), code=exits.CANNOT_WRITE)
    trust("ledger", es_id, "--as", "transport.seal", code=exits.NOT_FOUND)
    trust("ledger", es_id, "--since", "yesterday", code=exits.USAGE)


def test_the_list_is_of_ones_own_authority(trust: Trust) -> None:
    key = requested(trust)
    rows = trust.json("list", "--as", "market.seal")
    assert key in {row.get("application") for row in rows}
    assert {row["owner"] for row in rows} == {MARKET.code}
    assert {row["owner"] for row in trust.json("list")} > {MARKET.code}
    assert key in trust("list")


def test_a_time_without_a_zone_is_chinas() -> None:
    found = time_of("2026-06-01T08:00:00")
    assert found is not None
    assert found.isoformat() == "2026-06-01T08:00:00+08:00"
    with pytest.raises(Usage):
        time_of("1.6.2026")


def test_a_licence_is_inspected_by_its_seals(trust: Trust, tmp_path: Path) -> None:
    path = tmp_path / "licence.pdf"
    path.write_bytes(trust.region.file(trust.region.issued()))
    assert main(["seal", "inspect", str(path)]) == 2  # no anchors: nothing is trusted
