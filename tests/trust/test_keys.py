import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pydantic import SecretStr

from trust.crypto import signatures
from trust.crypto.algorithms import DEFAULT, Algorithm, KeyKind
from trust.errors import Conflict, Invalid, NotFound, Unavailable
from trust.keys import KeyStore, SoftKeyStore, WrongPassphrase

PASSPHRASE = SecretStr("correct horse 电池")
MESSAGE = b"what is signed"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path: Path) -> SoftKeyStore:
    return SoftKeyStore(tmp_path / "keys", PASSPHRASE)


def rewrite(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("kind", KeyKind)
def test_a_key_of_each_kind_signs_also_after_a_restart(kind: KeyKind, tmp_path: Path) -> None:
    store: KeyStore = SoftKeyStore(tmp_path / "keys", PASSPHRASE)
    spki = store.generate("signer", kind, bits=2048)
    again = SoftKeyStore(tmp_path / "keys", PASSPHRASE)
    assert again.public_key("signer") == spki
    assert again.ids() == ["signer"]
    signature = again.sign("signer", MESSAGE, DEFAULT[kind])
    signatures.verify(DEFAULT[kind], spki, MESSAGE, signature)


def test_files_are_for_their_owner_only_and_show_no_private_key(
    store: SoftKeyStore, tmp_path: Path
) -> None:
    store.generate("signer", KeyKind.P256)
    directory = tmp_path / "keys"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert sorted(os.listdir(directory)) == ["signer.key.json", "store.json"]
    for path in directory.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert PASSPHRASE.get_secret_value() not in path.read_text()
    fields = json.loads((directory / "signer.key.json").read_text())
    assert sorted(fields) == ["box", "id", "kind", "spki"]
    assert PASSPHRASE.get_secret_value() not in repr(store) + str(vars(store))


def test_a_wrong_passphrase_is_refused_before_any_key(store: SoftKeyStore, tmp_path: Path) -> None:
    store.generate("signer", KeyKind.P256)
    with pytest.raises(WrongPassphrase) as caught:
        SoftKeyStore(tmp_path / "keys", SecretStr("wrong horse"))
    assert caught.value.code == "wrong_passphrase"
    assert "horse" not in str(caught.value)


def test_a_key_is_made_once(store: SoftKeyStore) -> None:
    spki = store.generate("signer", KeyKind.P256)
    with pytest.raises(Conflict):
        store.generate("signer", KeyKind.P256)
    assert store.public_key("signer") == spki


@pytest.mark.parametrize(
    "key_id", ["", "../x", "a/b", "A", ".hidden", "a" * 65, "a\0", "键", "a\n"]
)
def test_an_id_cannot_lead_elsewhere(key_id: str, store: SoftKeyStore) -> None:
    with pytest.raises(Invalid):
        store.generate(key_id, KeyKind.P256)
    with pytest.raises(Invalid):
        store.public_key(key_id)
    with pytest.raises(Invalid):
        store.sign(key_id, MESSAGE, Algorithm.ES256)


def test_unfit_requests_are_refused(store: SoftKeyStore) -> None:
    store.generate("signer", KeyKind.P256)
    with pytest.raises(NotFound):
        store.public_key("absent")
    with pytest.raises(Invalid):
        store.sign("signer", MESSAGE, Algorithm.SM2_SM3)
    with pytest.raises(Invalid):
        store.generate("small", KeyKind.RSA, bits=1024)
    assert store.ids() == ["signer"]


def test_exchanged_or_changed_files_are_noticed(store: SoftKeyStore, tmp_path: Path) -> None:
    for key_id in ("first", "second"):
        store.generate(key_id, KeyKind.P256)
    first, second = (tmp_path / "keys" / f"{name}.key.json" for name in ("first", "second"))
    good, other = first.read_text(), json.loads(second.read_text())
    changes: list[dict[str, object]] = [
        other,
        {"spki": other["spki"]},
        {"box": other["box"]},
        {"kind": "SM2"},
        {"kind": "DSA"},
        {"box": ""},
        {"box": 7},
        {"box": "***"},
    ]
    for change in changes:
        first.write_text(good)
        rewrite(first, **change)
        with pytest.raises(Unavailable):
            SoftKeyStore(tmp_path / "keys", PASSPHRASE).public_key("first")
    for content in ("", "{}", "[]", "{" * 9, "[" * 30_000, "x" * 40_000):
        first.write_text(content)
        with pytest.raises(Unavailable):
            SoftKeyStore(tmp_path / "keys", PASSPHRASE).sign("first", MESSAGE, Algorithm.ES256)


def test_a_damaged_store_is_unavailable(store: SoftKeyStore, tmp_path: Path) -> None:
    description = tmp_path / "keys" / "store.json"
    good = description.read_text()
    for change in ({"n": 1024}, {"n": 2**25}, {"r": 1000}, {"p": "x"}, {"salt": None}):
        description.write_text(good)
        rewrite(description, **change)
        with pytest.raises(Unavailable):
            SoftKeyStore(tmp_path / "keys", PASSPHRASE)


def test_a_directory_open_to_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys").chmod(0o755)
    with pytest.raises(Unavailable, match="chmod 700"):
        SoftKeyStore(tmp_path / "keys", PASSPHRASE)


def test_a_place_that_cannot_be_used_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable) as caught:
        SoftKeyStore(tmp_path / "file" / "keys", PASSPHRASE)
    assert "\n" not in str(caught.value)


def test_a_store_that_vanishes_is_unavailable(store: SoftKeyStore, tmp_path: Path) -> None:
    (tmp_path / "keys").rename(tmp_path / "gone")
    with pytest.raises(Unavailable):
        store.ids()
    with pytest.raises(Unavailable):
        store.generate("signer", KeyKind.P256)


def test_a_file_left_by_a_crash_is_not_a_key(store: SoftKeyStore, tmp_path: Path) -> None:
    (tmp_path / "keys" / ".new-0011223344556677").write_text("half")
    (tmp_path / "keys" / "Strange.key.json").write_text("half")
    assert store.ids() == []


SCRIPT = """
import sys
from pathlib import Path
from pydantic import SecretStr
from trust.crypto.algorithms import KeyKind
from trust.errors import Conflict
from trust.keys import SoftKeyStore
sys.stdin.readline()
store = SoftKeyStore(Path(sys.argv[1]), SecretStr("shared passphrase"))
try:
    print("made", store.generate("signer", KeyKind.P256).hex())
except Conflict:
    print("conflict", store.public_key("signer").hex())
"""


def test_two_processes_at_once_make_one_store_and_one_key(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, directory],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    answers = [racer.communicate(timeout=60)[0].split() for racer in racers]
    assert sorted(word for word, _ in answers) == ["conflict", "conflict", "made"]
    assert len({spki for _, spki in answers}) == 1
    assert sorted(os.listdir(directory)) == ["signer.key.json", "store.json"]


def test_threads_at_once_make_one_key(store: SoftKeyStore) -> None:
    outcomes: list[str] = []

    def make() -> None:
        try:
            store.generate("signer", KeyKind.P256)
            outcomes.append("made")
        except Conflict:
            outcomes.append("conflict")

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict"] * 5 + ["made"]
