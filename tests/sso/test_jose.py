"""JWTs and JWKs, held against joserfc."""

import hmac
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, JWKRegistry, KeySet, OKPKey, RSAKey

from sso import jose, jwk
from sso.jose import InvalidToken, SigningKey
from tests.sso.provider import START
from trust.crypto.algorithms import KeyKind, by_jose
from trust.crypto.jose import b64url
from trust.keys import SoftKeyStore

FOREIGN: dict[str, Any] = {
    "RS256": RSAKey.generate_key(2048), "PS256": RSAKey.generate_key(2048),
    "ES256": ECKey.generate_key("P-256"), "EdDSA": OKPKey.generate_key("Ed25519"),
}  # fmt: skip


def foreign(alg: str, claims: dict[str, Any], **header: Any) -> str:
    return jws.serialize_compact(
        {"alg": alg} | header, json.dumps(claims), FOREIGN[alg], algorithms=[alg]
    )


def keys_of(*algs: str) -> jwk.KeySet:
    return jwk.key_set({"keys": [FOREIGN[alg].as_dict(private=False) for alg in algs]})


@pytest.mark.parametrize("alg", FOREIGN)
def test_a_jwt_of_another_library_is_verified(alg: str) -> None:
    token = foreign(alg, {"sub": "x"}, typ="JWT")
    assert jose.verify(token, keys_of(alg), algorithms={alg}, typ="JWT").claims == {"sub": "x"}


@pytest.mark.parametrize("alg", sorted(jose.SIGNING))
def test_a_jwt_of_ours_is_verified_by_its_key_and_by_no_other(
    alg: str, soft_keys: SoftKeyStore
) -> None:
    kind = by_jose(alg).row.key
    made = []
    for number in range(2):
        key_id = f"jose-{alg.lower()}-{number}"
        spki = soft_keys.generate(key_id, kind, bits=2048)
        kid = jose.thumbprint(jose.jwk_of(spki))
        made.append(SigningKey(kid, alg, key_id, spki))
    token = jose.sign_jwt(soft_keys, made[0], {"sub": "张三"}, typ="JWT")
    jwt = jose.parse(token, algorithms=jose.SIGNING)
    jose.check(jwt, made[0].spki)
    assert jwt.claims == {"sub": "张三"}
    assert jwt.kid == made[0].kid
    with pytest.raises(InvalidToken):
        jose.check(jwt, made[1].spki)


@pytest.mark.parametrize("alg", sorted(jose.SIGNING - {"SM2-SM3"}))
def test_another_library_verifies_our_jwt_by_our_jwk(alg: str, soft_keys: SoftKeyStore) -> None:
    key_id = f"jose-out-{alg.lower()}"
    spki = soft_keys.generate(key_id, by_jose(alg).row.key, bits=2048)
    published = jose.jwk_of(spki)
    key = JWKRegistry.import_key(published)
    assert key.thumbprint() == jose.thumbprint(published)
    token = jose.sign_jwt(soft_keys, SigningKey("k", alg, key_id, spki), {"a": 1}, typ="JWT")
    read = jws.deserialize_compact(token, KeySet([key]).keys[0], algorithms=[alg])
    assert json.loads(read.payload) == {"a": 1}


@pytest.mark.parametrize("kind", KeyKind)
def test_a_key_comes_back_from_its_jwk(kind: KeyKind, soft_keys: SoftKeyStore) -> None:
    spki = soft_keys.generate(f"jose-round-{kind.lower()}", kind, bits=2048)
    assert jose.spki_of(jose.jwk_of(spki)) == spki


def test_the_thumbprint_is_that_of_the_standard() -> None:
    # RFC 8037, appendix A.3.
    known = {
        "kty": "OKP", "crv": "Ed25519", "kid": "not counted",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }  # fmt: skip
    assert jose.thumbprint(known) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def raw(header: str, payload: str = "{}", signature: str = "AA") -> str:
    """A JWT written by hand."""
    return f"{b64url(header.encode())}.{b64url(payload.encode())}.{signature}"


def _hmac_with_the_public_key() -> str:
    """The classic: the public key, which everybody has, as an HMAC secret."""
    head = raw('{"alg":"HS256"}').rpartition(".")[0]
    secret = FOREIGN["RS256"].as_pem(private=False)
    return f"{head}.{b64url(hmac.digest(secret, head.encode(), 'sha256'))}"


def _damaged() -> str:
    head, _, signature = foreign("ES256", {"sub": "x"}).split(".")
    other = b64url(json.dumps({"sub": "y"}).encode())
    return f"{head}.{other}.{signature}"


BAD = {
    "alg none": raw('{"alg":"none"}', signature=""),
    "HMAC by the public key": _hmac_with_the_public_key(),
    "a changed payload": _damaged(),
    "an algorithm that is not on the list": foreign("PS256", {}),
    "a critical header": raw('{"alg":"ES256","crit":["x"],"x":1}'),
    "a payload that is no object": raw('{"alg":"ES256"}', "[]"),
    "a doubled header member": raw('{"alg":"ES256","alg":"none"}'),
    "padding": raw('{"alg":"ES256"}').replace(".", "=.", 1),
    "two parts": "a.b",
    "nothing": "",
    "too long": "a" * 20_000 + "..",
}  # fmt: skip


@pytest.mark.parametrize("token", BAD.values(), ids=BAD)
def test_a_bad_jwt_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        jose.verify(token, keys_of("RS256", "ES256"), algorithms={"RS256", "ES256"})


def test_a_jwt_of_another_type_is_refused() -> None:
    with pytest.raises(InvalidToken, match="type"):
        jose.parse(foreign("ES256", {}, typ="JWT"), algorithms={"ES256"}, typ="at+jwt")
    jose.parse(foreign("ES256", {}, typ="application/AT+JWT"), algorithms={"ES256"}, typ="at+jwt")


@given(st.text(max_size=200))
@settings(deadline=None, max_examples=60)
def test_garbage_is_no_jwt(text: str) -> None:
    with pytest.raises(InvalidToken):
        jose.verify(text, keys_of("ES256"), algorithms=jose.SIGNING)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": START.timestamp() - 10}, {"exp": "soon"}, {"exp": True}, {"exp": -1},
        {"nbf": START.timestamp() + 11}, {"iat": START.timestamp() + 60}, {"iat": 1e300},
    ],
)  # fmt: skip
def test_a_jwt_out_of_time_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        jose.check_times(claims, at=START, skew=10)


def test_a_clock_may_be_off_by_the_skew() -> None:
    now = START.timestamp()
    jose.check_times({"iat": now + 10, "nbf": now + 10, "exp": now - 9}, at=START, skew=10)


def test_a_key_set_passes_over_what_may_not_sign() -> None:
    short = RSAKey.generate_key(1024, auto_kid=True).as_dict(private=False)
    encrypting = FOREIGN["RS256"].as_dict(private=False) | {"use": "enc"}
    listed = [short, encrypting, {"kty": "oct", "k": "AA"}, {"kty": "XX"}, "no key", FOREIGN_EC]
    assert [key.kid for key in jwk.key_set({"keys": listed}).keys] == ["good"]


FOREIGN_EC = FOREIGN["ES256"].as_dict(private=False) | {"kid": "good"}


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, {"keys": [FOREIGN_EC] * 51}])
def test_what_is_no_key_set_is_refused(document: object) -> None:
    with pytest.raises(InvalidToken):
        jwk.key_set(document)


def test_a_private_key_where_a_public_one_belongs_is_refused() -> None:
    with pytest.raises(InvalidToken, match="private"):
        jose.spki_of(FOREIGN["ES256"].as_dict(private=True))


def test_a_key_is_taken_by_its_kid_and_by_its_algorithm() -> None:
    keys = jwk.key_set({"keys": [FOREIGN_EC]})
    token = foreign("ES256", {}, kid="another")
    with pytest.raises(InvalidToken, match="no key"):
        jose.verify(token, keys, algorithms={"ES256"})
    only_for_ps256 = FOREIGN["RS256"].as_dict(private=False) | {"alg": "PS256"}
    with pytest.raises(InvalidToken, match="no key"):
        jose.verify(
            foreign("RS256", {}), jwk.key_set({"keys": [only_for_ps256]}), algorithms={"RS256"}
        )
