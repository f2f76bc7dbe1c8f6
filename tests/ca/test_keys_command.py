"""`trust keys`: every key is listed with its uses, followed by the next, and ends with proof."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from ca import issue, revoke, signers
from ca.destroy import TYPE, KeyInUse, TwoPeopleNeeded
from ca.issue import Order
from ca.issuers import CannotSign
from ca.models import Issuer, Signer
from ca.revoke import Reason
from server import authorities, provision
from server.upkeep import Upkeep
from tests.ca.keys_region import region_with_people, run
from tests.ca.requests import NAME
from tests.regions import Region
from trust.access import SYSTEM
from trust.audit_entry import AuditEntry
from trust.clock import utc_now
from trust.crypto import hashes, jose, private_keys, x509
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.errors import Conflict, Invalid, NotFound
from trust.keys import SoftKeyStore
from trust.keys_counted import CountingKeyStore
from trust.keys_models import KeyDestruction, KeyUse

TWO = ("--as", "k.ca", "--witness", "k.security")


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    made = region_with_people(tmp_path_factory.mktemp("keyed") / "home")
    yield made
    made.platform.engine.dispose()


def listed(region: Region, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    assert isinstance(region.platform.keys, CountingKeyStore)
    region.platform.keys.flush()
    capsys.readouterr()
    assert run(region, "list", "--json") == 0
    return {row["id"]: row for row in json.loads(capsys.readouterr().out)}


def revoke_signer(region: Region, key_id: str) -> None:
    with region.platform.sessions.begin() as session:
        row = session.get_one(Signer, key_id)
        revoke.revoke(
            session, issuer=row.issuer, serial=x509.parse_certificate(row.certificate).serial,
            reason=Reason.SUPERSEDED, by=SYSTEM, at=utc_now(),
        )  # fmt: skip


def test_every_key_is_listed_with_its_purpose_place_and_uses(
    keyed: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    before = listed(keyed, capsys)
    assert set(before) == set(keyed.platform.keys.ids())
    assert before["root-rsa"]["purpose"] == "root CA"
    assert before["tsa-sm2"]["purpose"] == "tsa"
    assert {row["place"] for row in before.values()} == {"file"}
    assert "unnamed" not in {row["purpose"] for row in before.values()}
    ends = {row["certificate_ends"] for row in before.values()}
    assert None not in ends
    for _ in range(3):
        keyed.platform.keys.sign("tsa-sm2", b"x", Algorithm.SM2_SM3)
    after = listed(keyed, capsys)
    assert int(str(after["tsa-sm2"]["uses"])) == int(str(before["tsa-sm2"]["uses"])) + 3
    assert after["tsa-sm2"]["uses_by_algorithm"] == {"SM2-SM3": after["tsa-sm2"]["uses"]}
    assert run(keyed, "list") == 0
    assert "tsa-sm2" in capsys.readouterr().out


def test_a_rotated_signer_is_numbered_on(keyed: Region, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(keyed, "rotate", "status-signer") == 0
    assert run(keyed, "rotate", "status-signer-2") == 0
    said = capsys.readouterr().out
    assert "status-signer-2\n" in said
    assert "status-signer-3\n" in said
    with pytest.raises(NotFound):
        run(keyed, "rotate", "nobody")


def test_a_key_ends_by_two_people_with_a_record_and_a_signed_statement(
    keyed: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = keyed.platform.keys
    spki = keys.public_key("list-signer")
    path = keyed.platform.settings.keys / "list-signer.key.json"
    run(keyed, "rotate", "list-signer")
    with pytest.raises(KeyInUse):
        run(keyed, "destroy", "list-signer", "--reason", "rotated", *TWO)
    revoke_signer(keyed, "list-signer")
    capsys.readouterr()
    assert run(keyed, "destroy", "list-signer", "--reason", "rotated", *TWO, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert not path.exists()
    with pytest.raises(NotFound):
        keys.sign("list-signer", b"x", Algorithm.ES256)
    jws = jose.parse(said["statement"], typ=TYPE)
    signer = x509.parse_certificate(jws.certificates()[0])
    jose.verify(jws, signer.spki)
    told = json.loads(jws.payload)
    assert told["spki_sha256"] == hashes.sha256(spki).hex() == said["spki_sha256"]
    assert (told["by"], told["witness"], told["reason"]) == ("k.ca", "k.security", "rotated")
    with keyed.platform.reading() as session:
        entry = session.get_one(AuditEntry, said["audit_entry"])
        assert (entry.act, entry.subject, entry.account) == ("key.destroyed", "list-signer", "k.ca")
        assert said["spki_sha256"] in entry.details
    assert provision.verify_audit(keyed.platform).faults == ()
    with pytest.raises(Conflict):
        run(keyed, "destroy", "list-signer", "--reason", "again", *TWO)


@pytest.mark.parametrize(
    ("people", "reason", "refusal"),
    [
        (("--as", "k.ca", "--witness", "k.ca"), "x", TwoPeopleNeeded),
        (("--as", "k.ca", "--witness", "k.clerk"), "x", TwoPeopleNeeded),
        (("--as", "k.clerk", "--witness", "k.ca"), "x", TwoPeopleNeeded),
        (("--as", "k.ca", "--witness", "nobody"), "x", NotFound),
        (TWO, "", Invalid),
        (TWO, "x" * 201, Invalid),
        (TWO, "a\nb", Invalid),
    ],
)
def test_without_two_people_and_a_reason_nothing_ends(
    keyed: Region, people: tuple[str, ...], reason: str, refusal: type[Exception]
) -> None:
    before = keyed.platform.keys.ids()
    with pytest.raises(refusal):
        run(keyed, "destroy", "log-signer", "--reason", reason, *people)
    assert keyed.platform.keys.ids() == before


def test_a_root_ends_after_everything_below_it(keyed: Region) -> None:
    with pytest.raises(KeyInUse):
        run(keyed, "destroy", "root-sm2", "--reason", "x", *TWO)
    with pytest.raises(NotFound):
        run(keyed, "destroy", "nothing", "--reason", "x", *TWO)


def test_a_ca_whose_key_was_destroyed_signs_nothing_and_stops_nobody(keyed: Region) -> None:
    platform = keyed.platform
    authorities.create_ca(
        platform, "issuing-old", kind=KeyKind.SM2, parent="root-sm2", subject=None, by=SYSTEM,
        at=utc_now(),
    )  # fmt: skip
    with platform.reading() as session:
        der = session.get_one(Issuer, "issuing-old").certificate
    with pytest.raises(KeyInUse):
        run(keyed, "destroy", "issuing-old", "--reason", "x", *TWO)
    revoke_signer(keyed, "ocsp-issuing-old")
    with platform.sessions.begin() as session:
        revoke.revoke(
            session, issuer="root-sm2", serial=x509.parse_certificate(der).serial,
            reason=Reason.CESSATION_OF_OPERATION, by=SYSTEM, at=utc_now(),
        )  # fmt: skip
    assert run(keyed, "destroy", "issuing-old", "--reason", "closed", *TWO) == 0
    order = Order("seal", NAME, private_keys.generate(KeyKind.SM2).spki)
    with pytest.raises(CannotSign):
        issue.issue(
            platform.sessions, order, issuer="issuing-old", keys=platform.keys, by=SYSTEM,
            at=utc_now(),
        )  # fmt: skip
    Upkeep(platform, utc_now).round()


def test_a_destruction_that_a_crash_cut_short_is_finished(keyed: Region) -> None:
    """Begun and recorded; the file was overwritten and not yet removed."""
    platform = keyed.platform
    platform.keys.generate("unlucky", KeyKind.P256)
    spki = platform.keys.public_key("unlucky")
    with platform.sessions.begin() as session:
        session.add(
            KeyDestruction(
                key_id="unlucky", spki=spki, place="file", by="k.ca", witness="k.security",
                reason="x", begun_at=utc_now(),
            )
        )  # fmt: skip
    (platform.settings.keys / "unlucky.key.json").write_bytes(b"\x00" * 40)
    assert run(keyed, "destroy", "unlucky", "--reason", "x", *TWO) == 0
    assert "unlucky" not in platform.keys.ids()
    with platform.reading() as session:
        assert session.get_one(KeyDestruction, "unlucky").destroyed_at is not None


def test_another_process_drops_a_destroyed_key(tmp_path: Path) -> None:
    from pydantic import SecretStr

    first, second = (SoftKeyStore(tmp_path / "keys", SecretStr("one two three")) for _ in range(2))
    first.generate("gone", KeyKind.P256)
    second.sign("gone", b"x", Algorithm.ES256)
    assert "overwritten" in first.destroy("gone")
    for store in (first, second):
        with pytest.raises(NotFound):
            store.sign("gone", b"x", Algorithm.ES256)
        with pytest.raises(NotFound):
            store.destroy("gone")
    assert list((tmp_path / "keys").iterdir()) == [tmp_path / "keys" / "store.json"]


def test_uses_are_counted_by_key_and_algorithm_and_added_up(
    sessions: object, soft_keys: SoftKeyStore
) -> None:
    from sqlalchemy.orm import sessionmaker

    assert isinstance(sessions, sessionmaker)
    stores = [CountingKeyStore(soft_keys, lambda: sessions, clock=utc_now, every=99) for _ in "ab"]
    key_id = f"counted-{sessions.kw['bind'].dialect.name}"
    stores[0].generate(key_id, KeyKind.RSA, bits=2048)
    for store in stores:
        for algorithm in (Algorithm.RSA_SHA256, Algorithm.RSA_SHA256, Algorithm.RSA_PSS_SHA256):
            store.sign(key_id, b"x", algorithm)
        with pytest.raises(Invalid):
            store.sign(key_id, b"x", Algorithm.ES256)
        store.flush()
        store.flush()
    with sessions() as session:
        rows = session.execute(select(KeyUse.algorithm, KeyUse.uses).filter_by(key_id=key_id)).all()
    assert dict(map(tuple, rows)) == {"RSA-SHA256": 4, "RSA-PSS-SHA256": 2}


def test_uses_wait_while_the_database_cannot_be_written(
    sqlite_sessions: object, soft_keys: SoftKeyStore
) -> None:
    from sqlalchemy.orm import sessionmaker

    assert isinstance(sqlite_sessions, sessionmaker)
    broken = [True]

    def opened() -> object:
        if broken[0]:
            raise NotFound("no region")
        return sqlite_sessions

    store = CountingKeyStore(soft_keys, opened, clock=utc_now, every=99)  # type: ignore[arg-type]
    store.generate("waiting", KeyKind.P256)
    store.sign("waiting", b"x", Algorithm.ES256)
    store.flush()
    broken[0] = False
    store.sign("waiting", b"x", Algorithm.ES256)
    store.flush()
    with sqlite_sessions() as session:
        assert session.scalar(select(KeyUse.uses).filter_by(key_id="waiting")) == 2


def test_a_further_root_and_issuing_ca_work_like_the_first(keyed: Region) -> None:
    platform, at = keyed.platform, utc_now()
    for _ in range(2):  # said again it changes nothing
        for name, parent in (("root-b", None), ("issuing-b", "root-b")):
            authorities.create_ca(
                platform, name, kind=KeyKind.RSA, parent=parent, subject=None, by=SYSTEM, at=at
            )
    assert provision.seal_maker(platform, at=utc_now()).rsa_issuer == "issuing-b"
    with platform.reading() as session:
        assert signers.active(
            session, "ocsp-signer", keys=platform.keys, at=utc_now(), issuer="issuing-b"
        )
    with pytest.raises(Conflict):
        authorities.create_ca(
            platform, "root-b", kind=KeyKind.SM2, parent=None, subject=None, by=SYSTEM, at=at
        )
    with pytest.raises(Invalid):
        authorities.create_ca(
            platform, "a.b", kind=KeyKind.SM2, parent=None, subject=None, by=SYSTEM, at=at
        )
