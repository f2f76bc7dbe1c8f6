"""What the service does by the clock, and the commands that change who signs."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ca.models import Crl
from certificates import issue
from certificates.press.own_output import UnsoundOutput
from certificates.verify_claim import verify_claim
from server import authorities, provision
from server.cli import main
from server.upkeep import Upkeep
from tests.regions import MARKET, Region, build, postgresql_region, region, sqlite_region  # noqa: F401 - fixtures
from trust.clock import utc_now
from trust.log import latest_checkpoint
from trust.report import Outcome


def newest_crl(region: Region) -> int:  # noqa: F811
    with region.platform.reading() as session:
        return session.scalar(select(func.max(Crl.number)).where(Crl.issuer == "issuing-sm2")) or 0


def test_crls_are_renewed_daily_and_not_more_often(tmp_path: Path) -> None:
    ahead = build(tmp_path / "home")
    before = newest_crl(ahead)
    Upkeep(ahead.platform, utc_now).round()
    assert newest_crl(ahead) == before
    Upkeep(ahead.platform, lambda: utc_now() + timedelta(days=1)).round()
    assert newest_crl(ahead) == before + 1
    ahead.platform.engine.dispose()


def test_logs_are_signed_as_they_grow(region: Region) -> None:  # noqa: F811
    region.issued()
    Upkeep(region.platform, utc_now).round()
    with region.platform.reading() as session:
        for name in provision.LOGS:
            assert latest_checkpoint(session, name) is not None
    assert provision.verify_audit(region.platform).faults == ()


def test_signing_the_logs_while_licences_are_issued_blocks_nobody(
    region: Region,  # noqa: F811
) -> None:
    """Both lock the heads of two logs; in opposite orders they would wait for each other."""
    keys = [region.approved() for _ in range(6)]
    by, workshop = region.caller("market.approver"), region.platform.workshop(at=utc_now())
    faults: list[Exception] = []

    def run(act: object) -> None:
        try:
            assert callable(act)
            act()
        except Exception as error:
            faults.append(error)

    def issue_three(chosen: list[object]) -> None:
        for key in chosen:
            issue.issue(workshop, key, by=by, at=utc_now())  # type: ignore[arg-type]

    def sign() -> None:
        for _ in range(20):
            provision.sign_checkpoints(region.platform, at=utc_now())

    acts = [lambda: issue_three([*keys[:3]]), lambda: issue_three([*keys[3:]]), sign]
    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert faults == []
    assert provision.verify_audit(region.platform).faults == ()


def test_a_rotated_signer_signs_and_the_old_one_stays_verifiable(tmp_path: Path) -> None:
    changing = build(tmp_path / "home")
    knowledge = changing.platform.knowledge
    old = changing.issued()
    assert authorities.rotate_signer(changing.platform, "claim-signer-sm2", at=utc_now()) == (
        "claim-signer-sm2-2"
    )
    new = changing.issued()
    # A process that runs since before the rotation knows both as well.
    for licence in (old, new):
        found = verify_claim(licence.claim, knowledge, at=utc_now())
        assert found.outcome is Outcome.PASSED, found.checks


def test_a_revoked_claim_signer_signs_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changing = build(tmp_path / "home")
    by, key = changing.caller("market.approver"), changing.approved()
    late = changing.platform.workshop(at=utc_now())
    serial = f"{late.claim_signer.certificate.serial:x}"
    monkeypatch.setenv("TRUST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TRUST_KEY_PASSPHRASE", "a passphrase of the tests")
    words = ["ca", "revoke", serial, "--issuer", "issuing-sm2", "--reason", "key_compromise"]
    assert main(words) == 0
    assert main(words) == 75
    # A process that had the signer in hand notices before anything leaves it.
    with pytest.raises(UnsoundOutput):
        issue.issue(late, key, by=by, at=utc_now())
    assert main(["ca", "rotate", "claim-signer-sm2"]) == 0
    issue.issue(changing.platform.workshop(at=utc_now()), key, by=by, at=utc_now())
    capsys.readouterr()


def test_a_region_set_up_by_commands_issues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TRUST_KEY_PASSPHRASE", "x" * 12)
    assert main(["init", "--region", "621100", "--name", "定西市"]) == 0
    people = ["--person", "a.clerk:甲:clerk", "--person", "b.approver:乙:approver"]
    words = ["authority", "add", "--code", MARKET.code, "--name", "定西市市场监督管理局",
             "--division", "621100", "--type", "营业执照"]  # fmt: skip
    assert main([*words, *people]) == 64
    assert main([*words, *people, "--person", "nonsense"]) == 64
    assert main([*words, *people, "--person", "c.seal:丙:seal_admin"]) == 0
    example = Path(__file__).parents[2] / "examples" / "business-licence.json"
    out = tmp_path / "licence.pdf"
    issue_words = ["issue", "--type", "营业执照", "--data", str(example), "--out", str(out)]
    assert main(issue_words) == 0
    assert main(["verify", str(out)]) == 0
    capsys.readouterr()
