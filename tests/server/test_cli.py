"""The `trust` command: its exit codes, one clear line for every refusal, never a traceback."""

import json
import os
import socket
from pathlib import Path

import pytest

from server.cli import main
from tests.regions import EXAMPLES


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `trust demo` leaves."""
    directory = tmp_path_factory.mktemp("cli") / "demo"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRUST_HOME", str(directory))
        assert main(["demo"]) == 0
    return directory


@pytest.fixture(autouse=True)
def _environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TRUST_") and not name.startswith("TRUST_TEST"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TRUST_HOME", str(home))


def run(*words: object) -> int:
    try:
        return main([str(word) for word in words])
    except SystemExit as error:
        return int(error.code or 0)


def line(capsys: pytest.CaptureFixture[str]) -> str:
    """The refusal: exactly one line on standard error."""
    said = capsys.readouterr().err.strip()
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1, said
    return said


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_demos_licences_verify_in_every_way(home: Path, number: int) -> None:
    file, anchors = home / f"licence-{number}.pdf", home / "anchors"
    text = (home / f"licence-{number}.qr.txt").read_text().strip()
    picture = home / f"licence-{number}.qr.png"
    if number == 1:
        assert run("verify", "--qr", picture) == 0
        assert run("verify", "--qr", home / "licence-1.qr.txt") == 0
    assert run("verify", file) == 0
    assert run("verify", file, "--anchors", anchors) == 0
    assert run("verify", "--qr", text) == 0
    assert run("verify", "--qr", text, "--offline", "--anchors", anchors) == 0
    assert run("verify", "--qr", text, "--anchors", anchors) == 0


def test_the_report_is_the_documented_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", home / "licence-1.pdf", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {
        "outcome", "at", "licence", "changed_after_sealing", "checks", "indication",
        "sub_indication", "signatures",
    }  # fmt: skip
    assert found["outcome"] == "PASSED"
    assert found["changed_after_sealing"] is False
    for check in found["checks"]:
        assert set(check) == {"name", "outcome", "code", "reason"}
        assert set(check["reason"]) == {"zh", "en"}


def test_the_tampered_copy_fails_and_says_so_first(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("verify", home / "licence-1-tampered.pdf") == 1
    assert "签章后文件被改动" in capsys.readouterr().out.splitlines()[1]


def test_roots_alone_leave_the_state_unknown(home: Path, tmp_path: Path) -> None:
    for path in (home / "anchors").glob("root-*.pem"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert run("verify", home / "licence-1.pdf", "--anchors", tmp_path) == 2
    text = (home / "licence-1.qr.txt").read_text().strip()
    assert run("verify", "--qr", text, "--offline", "--anchors", tmp_path) == 2


def test_a_time_before_the_licence_is_not_its_time(home: Path) -> None:
    assert run("verify", home / "licence-1.pdf", "--at", "2020-01-01T00:00:00Z") == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["verify", "nowhere.pdf"], 66),
        (["verify", "--qr", "nowhere.png"], 66),
        (["verify", "--qr", "no claim at all"], 1),
        (["verify", EXAMPLES / "business-licence.json"], 1),
        (["issue", "--type", "no-such-type", "--data",
          EXAMPLES / "business-licence.json", "--out", "x.pdf"], 67),
        (["revoke", "1.2.3", "--reason", "x"], 67),
        (["issue", "--type", "营业执照", "--data", "nowhere.json", "--out", "x.pdf"], 66),
    ],
)  # fmt: skip
def test_each_refusal_has_its_exit_code(
    words: list[object], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*words) == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        [], ["bogus"], ["verify"], ["verify", "a.pdf", "--qr", "x"], ["verify", "a", "--offline"],
        ["verify", "x.pdf", "--at", "yesterday"], ["issue"], ["seal"], ["audit"],
    ],
)  # fmt: skip
def test_words_that_are_off_end_with_64(words: list[str]) -> None:
    assert run(*words) == 64


def test_a_wrong_passphrase_is_refused_before_anything_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUST_KEY_PASSPHRASE", "not the passphrase")
    out = tmp_path / "x.pdf"
    words = ["issue", "--type", "business-licence", "--data", EXAMPLES / "business-licence.json"]
    assert run(*words, "--out", out) == 76
    assert "not the passphrase" not in line(capsys)
    assert not out.exists()


def test_no_passphrase_is_a_fault_of_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUST_HOME", str(tmp_path / "new"))
    assert run("init", "--region", "621100", "--name", "定西市") == 78
    assert "TRUST_KEY_PASSPHRASE" in line(capsys)


def test_an_unwritable_home_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TRUST_HOME", str(tmp_path / "file" / "home"))
    monkeypatch.setenv("TRUST_KEY_PASSPHRASE", "x" * 12)
    assert run("init", "--region", "621100", "--name", "定西市") == 73
    assert "cannot be written" in line(capsys)


def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUST_BASE_URL", "http://example.org")
    assert run("audit", "verify") == 78
    assert "https" in line(capsys)


def test_a_port_that_is_taken_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("TRUST_PORT", str(taken.getsockname()[1]))
        assert run("serve") == 71
    assert str(taken) not in line(capsys)


def test_a_demo_never_overwrites_what_is_no_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "precious").write_text("keep")
    monkeypatch.setenv("TRUST_HOME", str(tmp_path))
    assert run("demo") == 75
    assert (tmp_path / "precious").read_text() == "keep"


def test_issue_and_revoke_by_command(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "licence.pdf"
    words = ["issue", "--type", "道路运输经营许可证", "--data",
             EXAMPLES / "road-transport-licence.json", "--out", out, "--json"]  # fmt: skip
    assert run(*words, "--as", "market.approver") == 77
    assert run(*words, "--as", "transport.clerk") == 77
    capsys.readouterr()
    assert run(*words) == 0
    issued = json.loads(capsys.readouterr().out)
    assert run("verify", out) == 0
    assert run("revoke", issued["identifier"], "--reason", "停业") == 0
    assert run("revoke", issued["identifier"], "--reason", "停业") == 75
    assert run("verify", out) == 1
    text = issued["qr"]
    assert run("verify", "--qr", text, "--offline", "--anchors", home / "anchors") == 1
    assert run("audit", "verify") == 0


def test_an_application_with_a_wrong_code_is_refused_by_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = json.loads((EXAMPLES / "business-licence.json").read_text("utf-8"))
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(data | {"CZZTDM": "91350100M000100Y44"}), encoding="utf-8")
    words = ["issue", "--type", "business-licence", "--data", wrong, "--out", tmp_path / "x.pdf"]
    assert run(*words) == 65
    said = line(capsys)
    assert "CZZTDM" in said


def test_the_audit_log_names_what_was_changed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil
    import sqlite3

    copy = tmp_path / "copy"
    shutil.copytree(home, copy)
    with sqlite3.connect(copy / "trust.db") as database:
        database.execute("UPDATE audit_entry SET account = 'nobody' WHERE sequence = 3")
    database.close()
    monkeypatch.setenv("TRUST_HOME", str(copy))
    assert run("audit", "verify", "--json") == 1
    faults = json.loads(capsys.readouterr().out)["faults"]
    assert [(f["sequence"], f["what"]) for f in faults] == [(3, "changed")]


def test_another_region_is_set_up_with_es256_claims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TRUST_KEY_PASSPHRASE", "x" * 12)
    assert run("init", "--region", "621100", "--name", "定西市", "--claims", "ES256") == 0
    assert run("init", "--region", "621100", "--name", "定西市", "--claims", "ES256") == 0
    assert run("init", "--region", "542500", "--name", "阿里地区") == 75
    assert run("anchors", tmp_path / "out") == 0
    assert run("audit", "checkpoint") == 0
    assert run("audit", "verify") == 0
