"""Settings, times, anchors, lists and the vault."""

import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, mapped_column

from certificates import publish
from tests.regions import Region, sqlite_region  # noqa: F401 - a fixture
from trust import anchors, lists
from trust.anchors import pem
from trust.clock import utc_now
from trust.crypto.errors import DecryptionFailed, Malformed
from trust.db import Base, Sessions, UTCDateTime, open_engine, open_reading, open_sessions
from trust.errors import Unavailable
from trust.reasons import REASONS
from trust.report import Outcome, failed, overall, passed, unknown
from trust.settings import DEMO_PASSPHRASE, NoPassphrase, Settings
from trust.vault import Vault


class Moment(Base):
    __tablename__ = "test_moment"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)


def test_a_time_comes_back_in_utc_to_the_microsecond(engine: Engine) -> None:
    Moment.__table__.create(engine, checkfirst=True)  # type: ignore[attr-defined]
    given = datetime(2026, 11, 22, 8, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    with open_sessions(engine).begin() as session:
        session.add(Moment(id=1, at=given))
    with open_sessions(engine)() as session:
        found = session.get_one(Moment, 1).at
    assert found == given
    assert found.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(sqlite_sessions: Sessions) -> None:
    with pytest.raises(Exception, match="naive"), sqlite_sessions.begin() as session:
        session.add(Moment(id=1, at=datetime(2026, 1, 1)))  # noqa: DTZ001 - the fault


def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    Base.metadata.create_all(engine)
    with open_sessions(engine).begin() as writer:
        writer.execute(text("SELECT 1"))  # BEGIN IMMEDIATE: the write lock is held
        with open_reading(engine)() as reader:
            assert reader.execute(text("SELECT 2")).scalar_one() == 2
    engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x",
        "https://",
        "https://a/",
        "https://" + "a" * 40,
        "http://example.org",
        "https://例",
    ],
)
def test_a_base_url_that_would_spoil_every_qr_code_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        Settings(base_url=url)


def test_the_passphrase_comes_from_the_setting_or_a_demonstration(tmp_path: Path) -> None:
    with pytest.raises(NoPassphrase):
        Settings(home=tmp_path).passphrase()
    (tmp_path / DEMO_PASSPHRASE).write_text("from the demo\n")
    assert Settings(home=tmp_path).passphrase().get_secret_value() == "from the demo"
    own = Settings(home=tmp_path, key_passphrase=SecretStr("own"))
    assert own.passphrase().get_secret_value() == "own"
    assert "own" not in repr(own)


def test_the_vault_binds_a_box_to_its_row_and_tells_nothing() -> None:
    vault = Vault(bytes(16), bytes(32))
    box = vault.seal("张三".encode(), context="licence/1")
    assert vault.unseal(box, context="licence/1").decode() == "张三"
    with pytest.raises(DecryptionFailed):
        vault.unseal(box, context="licence/2")
    assert vault.index("a", column="x") != vault.index("a", column="y")
    assert "data_key" not in repr(vault)


def test_anchors_are_what_the_files_hold_not_what_they_are_called(
    sqlite_region: Region,  # noqa: F811
    tmp_path: Path,
) -> None:
    publish.export_anchors(
        sqlite_region.platform.reading, tmp_path, keys=sqlite_region.platform.keys, at=utc_now(),
        lifetime=timedelta(hours=1),
    )  # fmt: skip
    known = anchors.load(tmp_path)
    assert len(known.roots) == 2
    assert len(known.status_lists) == len(list(tmp_path.glob("*.jwt")))
    bundle = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("*.pem")))
    other = tmp_path / "one"
    other.mkdir()
    (other / "all.txt").write_bytes(bundle)
    assert set(anchors.load(other).roots) == set(known.roots)
    assert known.signer(anchors.key_id(known.intermediates[0].spki)) == known.intermediates[0]


def test_anchors_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="nowhere"):
        anchors.load(tmp_path / "nowhere")
    (tmp_path / "bad.pem").write_bytes(pem("CERTIFICATE", b"not DER"))
    with pytest.raises(Malformed):
        anchors.load(tmp_path)
    (tmp_path / "bad.pem").write_text("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----")
    with pytest.raises(Malformed, match=r"bad\.pem"):
        anchors.load(tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"list":{},"signature":""}',
        b'{"list":1,"list":2}',
        b"\xff",
        b"[" * 9999,
    ],
)
def test_other_documents_are_no_trust_lists(data: bytes) -> None:
    with pytest.raises(Malformed):
        lists.parse(data)


def test_the_worst_leg_decides() -> None:
    good, bad, open_ = passed("a", "unchanged"), failed("b", "void"), unknown("c", "no_anchor")
    assert overall([good, bad, open_]) is Outcome.FAILED
    assert overall([good, open_]) is Outcome.INDETERMINATE
    assert overall([good]) is Outcome.PASSED
    assert overall([]) is Outcome.FAILED


def test_every_reason_is_said_in_both_tongues() -> None:
    for code, (zh, en) in REASONS.items():
        # A detail at the end is itself whole sentences (trust.recognition_words).
        assert zh.endswith(("。", "{}")), code
        assert en.endswith((".", "{}")), code
        assert zh.count("{}") == en.count("{}") <= 1, code


def test_writers_of_one_process_are_served_in_the_order_in_which_they_came(
    sqlite_engine: Engine,
) -> None:
    with sqlite_engine.begin() as connection:
        connection.execute(text("CREATE TABLE served (place INTEGER)"))
    order: list[int] = []

    def write(place: int) -> None:
        with sqlite_engine.begin() as connection:
            order.append(place)
            connection.execute(text("INSERT INTO served VALUES (:place)"), {"place": place})

    threads = []
    with sqlite_engine.begin():  # all of them wait for this one
        for place in range(8):
            thread = threading.Thread(target=write, args=(place,))
            thread.start()
            threads.append(thread)
            time.sleep(0.05)  # until it stands in the queue
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_a_writer_that_fails_ends_its_turn(sqlite_engine: Engine) -> None:
    for _ in range(3):
        with pytest.raises(OperationalError), sqlite_engine.begin() as connection:
            connection.execute(text("INSERT INTO nowhere VALUES (1)"))
    with sqlite_engine.begin() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
