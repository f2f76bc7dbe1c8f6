"""`trust user`, `trust client`, `trust upstream`: what an operator does on the machine."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server import cli, exits
from sso import assurance, clients, machines, totp
from sso.models import Account
from sso.upstream_models import Upstream
from tests.regions import MARKET, Region, build
from trust.clock import utc_now

NUMBER = "110101199003077416"


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    found = build(tmp_path_factory.mktemp("commands"))
    yield found
    found.platform.engine.dispose()


@pytest.fixture(autouse=True)
def here(region: Region, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings = region.platform.settings
    assert settings.key_passphrase is not None
    monkeypatch.setenv("TRUST_HOME", str(settings.home))
    monkeypatch.setenv("TRUST_KEY_PASSPHRASE", settings.key_passphrase.get_secret_value())
    mask = os.umask(0o077)
    yield
    os.umask(mask)


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def add_person(capsys: pytest.CaptureFixture[str], *more: str, number: str = NUMBER) -> Any:
    words = ["user", "add", "--name", "张三丰", "--id-number", number, "--json", *more]
    assert cli.main(words) == 0
    return said(capsys)


def test_a_person_is_made_with_password_totp_level_and_role(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    found = add_person(
        capsys, "--password", "Gehe-47-mauve-Tal", "--totp", "--level", "2",
        "--role", f"approver@{MARKET.code}", "--mobile", "13800000077",
    )  # fmt: skip
    assert set(found) == {"sub", "username", "totp_secret"}
    with region.platform.reading() as session:
        account = session.get_one(Account, found["username"])
        assert (account.sub, account.authority) == (found["sub"], MARKET.code)
        assert [row.role for row in account.roles] == ["approver"]
        assert assurance.level(session, account.name, at=utc_now()) == 2
        assert totp.enrolled(session, account.name)
    again = ["user", "add", "--name", "张三丰", "--id-number", NUMBER]
    assert cli.main(again) == exits.CODES[exits_of("Conflict")]
    assert NUMBER not in capsys.readouterr().err


def exits_of(name: str) -> type[Any]:
    return next(kind for kind in exits.CODES if kind.__name__ == name)


def test_the_first_code_of_a_secret_that_was_handed_out_is_still_good(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    import pyotp

    found = add_person(capsys, "--totp", number="110101199003070038")
    at = utc_now()
    with region.platform.sessions.begin() as session:
        code = pyotp.TOTP(found["totp_secret"]).at(at)
        totp.verify(session, region.platform.vault, found["username"], code, at=at)


def test_a_weak_password_is_taken_here_with_a_warning(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("12345678\n", encoding="utf-8")
    words = ["user", "add", "--name", "李四", "--id-number", "440524188001010014"]
    assert cli.main([*words, "--password-file", str(tmp_path / "password")]) == 0
    assert "weak password" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [["--role", "king"], ["--role", "clerk@a", "--role", "clerk@b"]],
)
def test_a_role_that_does_not_exist_or_fit_is_a_matter_of_usage(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["user", "add", "--name", "x", "--id-number", NUMBER, *words]) == exits.USAGE
    assert "[usage]" in capsys.readouterr().err


def test_people_are_imported_all_or_none(
    region: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "people.csv"
    good = "name,key_number,user_name\n王五,110101199003077475,wang.wu\n"
    path.write_text(good + "赵六,110101199003077470,zhao.liu\n", encoding="utf-8")
    assert cli.main(["user", "import", "people", str(path)]) == 1
    assert "line 3" in capsys.readouterr().out
    path.write_text(good, encoding="utf-8")
    assert cli.main(["user", "import", "people", str(path), "--check"]) == 0
    with region.platform.reading() as session:
        assert session.get(Account, "wang.wu") is None
    assert cli.main(["user", "import", "people", str(path)]) == 0
    with region.platform.reading() as session:
        assert session.get(Account, "wang.wu") is not None


def test_an_account_that_is_closed_is_no_more(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    found = add_person(capsys, number="11010519491231002X")
    assert cli.main(["user", "close", found["username"], "--reason", "去世"]) == 0
    with region.platform.reading() as session:
        account = session.get_one(Account, found["username"])
        assert (account.active, account.particulars, account.key_index) == (False, None, None)


def test_a_platform_is_registered_listed_and_disabled(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["client", "add", "--name", "平台", "--redirect-uri", "https://p.example.cn/cb"]
    assert cli.main([*words, "--backchannel-logout-uri", "https://p.example.cn/out", "--json"]) == 0
    made = said(capsys)
    assert made["client_secret"]
    assert made["backchannel_logout_session_required"] is True
    assert "client_credentials" in made["grant_types"]
    assert cli.main(["client", "list"]) == 0
    assert made["client_id"] in capsys.readouterr().out
    assert cli.main(["client", "disable", made["client_id"]]) == 0
    found = clients.find(region.platform.reading, made["client_id"])
    assert found is not None
    assert not found.active


def test_a_platform_with_a_machine_account_acts_in_its_roles(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["client", "add", "--name", "用证系统", "--grant", "client_credentials"]
    assert cli.main([*words, "--acts-as", f"office@{MARKET.code}", "--json"]) == 0
    made = said(capsys)
    assert made["scope"] == "trust"
    with region.platform.reading() as session:
        found = machines.caller(session, made["client_id"])
    assert found is not None
    assert (found.account, found.authority) == (made["machine_account"], MARKET.code)
    assert cli.main([*words, "--acts-as", "office"]) == exits.USAGE
    assert cli.main([*words, "--acts-as", f"audit_admin@{MARKET.code}"]) != 0


def test_a_public_platform_gets_no_secret_and_no_token_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["client", "add", "--name", "应用", "--redirect-uri", "https://a.example.cn/cb"]
    assert cli.main([*words, "--auth", "none", "--json"]) == 0
    made = said(capsys)
    assert "client_secret" not in made
    assert "client_credentials" not in made["grant_types"]
    assert made["require_pkce"] is True


def test_an_import_keeps_ids_and_secrets_and_is_whole_or_nothing(
    region: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "clients.json"
    good = {"client_id": "kept", "client_secret": "a-secret-of-theirs", "client_name": "甲",
            "redirect_uris": ["https://k.example.cn/cb"]}  # fmt: skip
    bad = {"client_name": "乙", "redirect_uris": ["https://k.example.cn/cb#part"]}
    path.write_text(json.dumps([good, bad]), encoding="utf-8")
    assert cli.main(["client", "import", str(path)]) != 0
    assert "client 2" in capsys.readouterr().err
    assert clients.find(region.platform.reading, "kept") is None
    path.write_text(json.dumps([good]), encoding="utf-8")
    assert cli.main(["client", "import", str(path)]) == 0
    (made,) = said(capsys)
    assert (made["client_id"], made["client_secret"]) == ("kept", "a-secret-of-theirs")


@pytest.mark.parametrize("content", ["{}", "[1]", "not json", '[{"client_name": 1}]'])
def test_a_list_that_is_none_registers_nobody(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "clients.json"
    path.write_text(content, encoding="utf-8")
    assert cli.main(["client", "import", str(path)]) == exits.CODES[exits_of("Invalid")]
    assert capsys.readouterr().err.count("\n") == 1


def test_an_upstream_is_connected_and_switched_off(
    region: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("what they gave us\n", encoding="ascii")
    words = ["upstream", "add", "gov", "--name", "省平台", "--issuer", "https://id.example.cn",
             "--client-id", "us", "--secret-file", str(secret), "--acr", "gold=3"]  # fmt: skip
    assert cli.main(words) == 0
    with region.platform.reading() as session:
        row = session.get_one(Upstream, "gov")
        assert (row.levels, row.level_cap, row.active) == ({"gold": 3}, 2, True)
        assert b"what they gave us" not in row.secret
    assert cli.main(["upstream", "disable", "gov"]) == 0
    with region.platform.reading() as session:
        assert not session.get_one(Upstream, "gov").active
    capsys.readouterr()
    assert cli.main([*words[:-1], "gold=9"]) == exits.USAGE
