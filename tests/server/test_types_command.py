"""`trust types`, `trust items` and `trust organisations`, as an operator types them."""

import json
import os
from pathlib import Path

import pytest

from server.cli import main
from tests.regions import build

HOTEL = "11542500999000056Q066"
BUREAU = "1154252199900011XY"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("types")
    build(directory).platform.engine.dispose()
    return directory


@pytest.fixture(autouse=True)
def _environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TRUST_") and not name.startswith("TRUST_TEST"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TRUST_HOME", str(home))
    monkeypatch.setenv("TRUST_DEVELOPMENT", "true")


def run(*words: object) -> int:
    try:
        return main([str(word) for word in words])
    except SystemExit as error:
        return int(error.code or 0)


def test_a_type_goes_out_is_changed_and_comes_in_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "type.json"
    assert run("types", "export", "birth-certificate", "--out", file) == 0
    data = json.loads(file.read_text("utf-8"))
    data |= {"code": HOTEL, "slug": "inn-licence", "name": "民宿登记证"}
    file.write_text(json.dumps(data), encoding="utf-8")
    assert run("types", "import", file) == 0
    assert run("types", "schema", HOTEL) == 75
    assert run("types", "publish", HOTEL) == 0
    assert run("types", "import", file, "--publish") == 0
    assert run("types", "amend", "inn-licence") == 0
    assert run("types", "amend", "inn-licence") == 75
    assert run("types", "publish", "inn-licence") == 0
    capsys.readouterr()
    assert run("types", "list") == 0
    assert f"{HOTEL}  002  published" in capsys.readouterr().out
    assert run("types", "schema", HOTEL) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "民宿登记证"
    assert run("types", "export", HOTEL, "--version", "001") == 0
    assert json.loads(capsys.readouterr().out)["version"] == "001"
    assert run("types", "withdraw", HOTEL, "--reason", "不再办理") == 0
    assert run("types", "withdraw", HOTEL, "--reason", "不再办理") == 75


def test_a_file_that_is_no_type_is_refused_and_of_several_none_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    assert run("types", "export", "driving-licence", "--out", good) == 0
    data = json.loads(good.read_text("utf-8"))
    data |= {"code": "11542500999000056Q067", "slug": "boat-licence", "name": "船员证"}
    good.write_text(json.dumps(data), encoding="utf-8")
    bad.write_text("{}", encoding="utf-8")
    assert run("types", "import", good, bad) == 65
    assert "[bad_licence_type]" in capsys.readouterr().err
    assert run("types", "export", "boat-licence") == 67
    assert run("types", "import", tmp_path / "absent.json") == 66
    assert run("types", "export", "no-such-type") == 67


def test_items_and_bindings_come_from_files_and_wrong_rows_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(f"code,name,division,parent\n{BUREAU},市监局,542523,\n", encoding="utf-8")
    assert run("organisations", "import", file) == 0
    assert run("organisations", "list") == 0
    assert "市监局" in capsys.readouterr().out
    file.write_text(f"code,name,organisation\nXK-9,食品经营许可,{BUREAU}\n,,\nXK-8,,{BUREAU}\n",
                    encoding="utf-8")  # fmt: skip
    assert run("items", "import", file) == 65
    told = capsys.readouterr()
    assert "row 2, name: 必填 / required" in told.out
    assert "[rows_refused]" in told.err
    file.write_text(f"code,name,organisation\nXK-9,食品经营许可,{BUREAU}\n", encoding="utf-8")
    assert run("items", "import", file) == 0
    assert run("items", "bind", "XK-9", "营业执照", "--since", "2026-01-01") == 0
    assert run("items", "bind", "XK-9", "营业执照") == 75
    assert run("items", "bind", "XK-9", "营业执照", "--since", "yesterday") == 64
    capsys.readouterr()
    assert run("items", "list", "--search", "XK") == 0
    assert "11100000MB0143028R001" in capsys.readouterr().out
    assert run("items", "unbind", "XK-9", "business-licence") == 0
    file.write_text("item,type,since,until\nXK-9,食品经营许可证,2026-01-01,\n", encoding="utf-8")
    assert run("items", "bindings", file) == 0
