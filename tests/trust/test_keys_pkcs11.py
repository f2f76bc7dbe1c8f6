import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from ca import issue
from ca.issue import Order
from ca.models import Certificate, CertificateState
from tests.tools import find_tool, missing_tool
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.crypto import private_keys, signatures, x509, x509_write
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.errors import InvalidSignature
from trust.db import Sessions
from trust.errors import Conflict, Invalid, NotFound, Unavailable
from trust.keys import KeyStore, SoftKeyStore
from trust.keys_combined import CombinedKeyStore
from trust.keys_counted import CountingKeyStore
from trust.keys_models import KeyUse
from trust.keys_pkcs11 import Pkcs11KeyStore

MODULES = [
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),
    Path("/usr/local/lib/softhsm/libsofthsm2.so"),
]
PIN = SecretStr("one-two-3")
MESSAGE = b"what is signed"


def make_token(label: str) -> None:
    command = [str(find_tool("softhsm2-util")), "--init-token", "--free", "--label", label]
    pins = ["--pin", PIN.get_secret_value(), "--so-pin", "officer-pin"]
    subprocess.run([*command, *pins], check=True, capture_output=True)


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """SoftHSM reads its configuration once, when it is loaded: one directory for this module."""
    if find_spec("pkcs11") is None:
        missing_tool("python-pkcs11 is not installed")
    find_tool("softhsm2-util")
    installed = [path for path in MODULES if path.exists()]
    if not installed:
        missing_tool("libsofthsm2.so is not installed")
    directory = tmp_path_factory.mktemp("softhsm")
    (directory / "tokens").mkdir()
    configuration = directory / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {directory / 'tokens'}\nobjectstore.backend = file\n"
        "log.level = ERROR\nslots.removable = false\n"
    )
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    make_token("trust")
    yield installed[0]
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


@pytest.fixture(scope="module")
def token(module: Path) -> Pkcs11KeyStore:
    store = Pkcs11KeyStore(module, "trust", PIN)
    store.generate("rsa", KeyKind.RSA, bits=2048)
    store.generate("p256", KeyKind.P256)
    store.generate("p384", KeyKind.P384)
    return store


@pytest.mark.parametrize(
    ("key_id", "algorithm"),
    [
        ("rsa", Algorithm.RSA_SHA256),
        ("rsa", Algorithm.RSA_SHA384),
        ("rsa", Algorithm.RSA_SHA512),
        ("rsa", Algorithm.RSA_PSS_SHA256),
        ("p256", Algorithm.ES256),
        ("p384", Algorithm.ES384),
    ],
)
def test_what_the_token_signs_verifies_outside(
    token: Pkcs11KeyStore, key_id: str, algorithm: Algorithm
) -> None:
    store: KeyStore = token
    signature = store.sign(key_id, MESSAGE, algorithm)
    signatures.verify(algorithm, store.public_key(key_id), MESSAGE, signature)
    with pytest.raises(InvalidSignature):
        signatures.verify(algorithm, store.public_key(key_id), b"another", signature)


def test_the_token_lists_its_keys(token: Pkcs11KeyStore) -> None:
    assert token.ids() == ["p256", "p384", "rsa"]


def test_a_key_is_made_once(token: Pkcs11KeyStore) -> None:
    with pytest.raises(Conflict):
        token.generate("rsa", KeyKind.P256)


def test_the_private_key_cannot_leave_the_token(token: Pkcs11KeyStore) -> None:
    from pkcs11 import Attribute, AttributeSensitive, ObjectClass

    with token._in_hand() as session:
        keys = list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}))
        for key in keys:
            assert key[Attribute.SENSITIVE]
            assert key[Attribute.NEVER_EXTRACTABLE]
        exponent = next(key for key in keys if getattr(key, "label", "") == "rsa")
        with pytest.raises(AttributeSensitive):
            exponent[Attribute.PRIVATE_EXPONENT]


def test_sm2_is_refused_by_name(token: Pkcs11KeyStore) -> None:
    with pytest.raises(Invalid, match="no SM2 mechanism"):
        token.generate("sm2", KeyKind.SM2)


def test_unfit_requests_are_refused(token: Pkcs11KeyStore) -> None:
    with pytest.raises(NotFound):
        token.public_key("absent")
    with pytest.raises(NotFound):
        token.sign("absent", MESSAGE, Algorithm.ES256)
    with pytest.raises(Invalid):
        token.sign("rsa", MESSAGE, Algorithm.ES256)
    with pytest.raises(Invalid):
        token.generate("small", KeyKind.RSA, bits=1024)
    for key_id in ("", "../x", "A", "a" * 65):
        with pytest.raises(Invalid):
            token.generate(key_id, KeyKind.P256)


def test_threads_take_turns_at_the_token(token: Pkcs11KeyStore, module: Path) -> None:
    """Two sessions on purpose: without the lock SoftHSM brings the process down."""
    made: list[bytes] = []
    stores = [token, Pkcs11KeyStore(module, "trust", PIN)]

    def sign(store: Pkcs11KeyStore) -> None:
        made.extend(store.sign("p256", MESSAGE, Algorithm.ES256) for _ in range(50))

    threads = [threading.Thread(target=sign, args=(stores[n % 2],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 200
    signatures.verify(Algorithm.ES256, token.public_key("p256"), MESSAGE, made[-1])


def test_a_second_store_on_the_same_token_shares_the_login(
    token: Pkcs11KeyStore, module: Path
) -> None:
    assert Pkcs11KeyStore(module, "trust", PIN).public_key("p256") == token.public_key("p256")


def test_a_lost_session_is_unavailable_and_then_opened_again(token: Pkcs11KeyStore) -> None:
    before = token.public_key("p256")
    with token._in_hand() as session:
        session.close()
    with pytest.raises(Unavailable, match="SessionHandleInvalid"):
        token.sign("p256", MESSAGE, Algorithm.ES256)
    signatures.verify(
        Algorithm.ES256, before, MESSAGE, token.sign("p256", MESSAGE, Algorithm.ES256)
    )


def test_what_cannot_be_opened_is_unavailable(module: Path, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="NoSuchToken"):
        Pkcs11KeyStore(module, "absent", PIN)
    with pytest.raises(Unavailable):
        Pkcs11KeyStore(tmp_path / "no.so", "trust", PIN)


def test_a_wrong_pin_is_refused_and_not_repeated(module: Path, token: Pkcs11KeyStore) -> None:
    """In another process: here the token is logged in already."""
    script = (
        "import sys; from pathlib import Path; from pydantic import SecretStr\n"
        "from trust.keys import WrongPassphrase; from trust.keys_pkcs11 import Pkcs11KeyStore\n"
        "try: Pkcs11KeyStore(Path(sys.argv[1]), 'trust', SecretStr('wrong-pin'))\n"
        "except WrongPassphrase as error: print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, module],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert run.stdout == "the token 'trust' refuses the PIN\n"
    assert "wrong-pin" not in run.stderr
    assert PIN.get_secret_value() not in repr(token)


def test_a_forked_child_must_open_its_own(token: Pkcs11KeyStore) -> None:
    token._process += 1
    try:
        with pytest.raises(Unavailable, match="forked"):
            token.ids()
    finally:
        token._process -= 1


def test_a_destroyed_key_is_gone_from_the_token_for_everybody(
    token: Pkcs11KeyStore, module: Path
) -> None:
    other = Pkcs11KeyStore(module, "trust", PIN)
    token.generate("ending", KeyKind.P256)
    other.sign("ending", MESSAGE, Algorithm.ES256)
    assert token.place("ending") == "token trust"
    assert token.destroy("ending") == "2 objects destroyed in the token trust"
    for store in (token, other):
        with pytest.raises((NotFound, Unavailable)):
            store.sign("ending", MESSAGE, Algorithm.ES256)
        with pytest.raises(NotFound):
            store.destroy("ending")
    assert "ending" not in other.ids()


def test_a_token_pulled_in_the_middle_of_many_fails_clearly_and_signs_nothing_twice(
    token: Pkcs11KeyStore, soft_keys: SoftKeyStore, sqlite_sessions: Sessions
) -> None:
    """Its session is closed under it, which is what the library meets when a token is pulled."""
    keys, at = CombinedKeyStore(soft_keys, token), utc_now()
    name = x509_write.name([(x509.COUNTRY, "CN"), (x509.COMMON_NAME, "CA")])
    issue.create_root(
        sqlite_sessions, "pulled-root", subject=name, kind=KeyKind.RSA, keys=keys, by=SYSTEM, at=at
    )
    spki = private_keys.generate(KeyKind.P256).spki
    wanted = [
        Order("issuing", x509_write.name([(x509.COMMON_NAME, f"CA {n}")]), spki) for n in range(6)
    ]
    waiting = list(wanted)
    for number, order in enumerate(wanted):
        if number == 2:
            with token._in_hand() as session:
                session.close()
        try:
            issue.issue(sqlite_sessions, order, issuer="pulled-root", keys=keys, by=SYSTEM, at=at)
        except Unavailable:
            continue
        waiting.remove(order)
    assert waiting == [wanted[2]]
    issue.issue(sqlite_sessions, waiting[0], issuer="pulled-root", keys=keys, by=SYSTEM, at=at)
    with sqlite_sessions() as session:
        rows = session.execute(select(Certificate.subject, Certificate.state)).all()
    issued = [subject for subject, state in rows if state == CertificateState.ISSUED]
    assert sorted(issued) == [f"CN=CA {n}" for n in range(6)]
    assert [state for _, state in rows].count(CertificateState.RESERVED) == 1


def test_uses_in_a_token_are_counted_too(token: Pkcs11KeyStore, sqlite_sessions: Sessions) -> None:
    store = CountingKeyStore(token, lambda: sqlite_sessions, clock=utc_now, every=99)
    store.sign("p256", MESSAGE, Algorithm.ES256)
    store.flush()
    with sqlite_sessions() as session:
        assert session.scalar(select(KeyUse.uses).filter_by(key_id="p256")) == 1
