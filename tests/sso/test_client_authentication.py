"""Clients prove who they are: the registered method, alone."""

import base64
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey, OctKey

from sso.client import Client
from sso.client_assertions import TYPE
from sso.client_authentication import authenticate
from sso.oauth_errors import OAuthError
from sso.provider import Provider
from tests.sso import front
from tests.sso.provider import ISSUER, START, make_provider
from trust.access import SYSTEM
from trust.db import Sessions
from trust.keys import SoftKeyStore

TOKEN, PAR = f"{ISSUER}/oauth2/token", f"{ISSUER}/oauth2/par"


@pytest.fixture
def provider(sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    return make_provider(sqlite_sessions, soft_keys, tmp_path)


def basic(client_id: str, secret: str) -> dict[str, str]:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def claims(client: Client, **more: Any) -> dict[str, Any]:
    now = int(START.timestamp())
    found = {
        "iss": client.client_id, "sub": client.client_id, "aud": ISSUER, "exp": now + 60,
        "iat": now, "jti": secrets.token_hex(8), **more,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value is not None}


def by_assertion(assertion: str, **more: str) -> dict[str, str]:
    return {"client_assertion_type": TYPE, "client_assertion": assertion, **more}


def refusal(provider: Provider, headers: dict[str, str], form: dict[str, str],
            **more: Any) -> OAuthError:  # fmt: skip
    with pytest.raises(OAuthError) as caught:
        authenticate(provider, headers, form, at=START, **more)
    return caught.value


def test_a_secret_in_the_header_is_form_decoded_first(provider: Provider) -> None:
    made = front.add(provider, at=START, client_id="a:b+c%20d", client_secret="s:e+c%r et")
    found = authenticate(provider, basic("a:b+c%20d", "s:e+c%r et"), {}, at=START)
    assert found == made.client


def test_a_wrong_secret_and_an_unknown_client_are_the_same_401(provider: Provider) -> None:
    made = front.add(provider, at=START)
    wrong = refusal(provider, basic(made.client.client_id, "wrong"), {})
    unknown = refusal(provider, basic("nobody", "wrong"), {})
    assert (wrong.error, wrong.status) == ("invalid_client", 401)
    assert wrong.body() == unknown.body()
    assert dict(wrong.headers)["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !", "Basic " + "A" * 5000, "Basic bm9jb2xvbg==", "Basic /w=="]
)
def test_a_malformed_basic_header_is_no_authentication(provider: Provider, header: str) -> None:
    assert refusal(provider, {"authorization": header}, {}).error == "invalid_client"


def test_a_secret_in_the_body_is_good_for_clients_registered_so(provider: Provider) -> None:
    made = front.add(provider, at=START, token_endpoint_auth_method="client_secret_post")
    form = {"client_id": made.client.client_id, "client_secret": made.client_secret or ""}
    assert authenticate(provider, {}, form, at=START) == made.client
    assert refusal(provider, basic(*form.values()), {}).error == "invalid_client"


def test_two_methods_at_once_are_an_invalid_request(provider: Provider) -> None:
    made = front.add(provider, at=START)
    own = basic(made.client.client_id, made.client_secret or "")
    assert refusal(provider, own, {"client_secret": "x"}).error == "invalid_request"
    assert refusal(provider, own, {"client_assertion": "x"}).error == "invalid_request"
    assert refusal(provider, own, {"client_id": "another"}).error == "invalid_request"


def test_a_public_client_names_itself_and_a_confidential_one_may_not(provider: Provider) -> None:
    public = front.add(provider, at=START, token_endpoint_auth_method="none").client
    secret = front.add(provider, at=START).client
    assert authenticate(provider, {}, {"client_id": public.client_id}, at=START) == public
    assert refusal(provider, {}, {"client_id": secret.client_id}).error == "invalid_client"
    assert refusal(provider, {}, {}).error == "invalid_client"


def test_a_client_switched_off_cannot_authenticate(provider: Provider) -> None:
    from sso import clients

    made = front.add(provider, at=START)
    with provider.sessions.begin() as session:
        clients.disable(session, made.client.client_id, by=SYSTEM, at=START)
    own = basic(made.client.client_id, made.client_secret or "")
    assert refusal(provider, own, {}).error == "invalid_client"


@pytest.fixture
def plain(provider: Provider) -> Client:
    return front.add(
        provider, at=START, token_endpoint_auth_method="private_key_jwt",
        jwks=front.jwks(front.EC, front.OKP, front.RSA_KEY),
    ).client  # fmt: skip


@pytest.fixture
def fapi(provider: Provider) -> Client:
    return front.add(provider, at=START, fapi=True).client


@pytest.mark.parametrize("aud", [ISSUER, TOKEN, PAR, [ISSUER], ["https://other/", TOKEN]], ids=str)
def test_a_plain_client_names_the_issuer_or_the_endpoint(
    provider: Provider, plain: Client, aud: object
) -> None:
    form = by_assertion(front.signed(claims(plain, aud=aud)))
    assert authenticate(provider, {}, form, at=START, endpoint=PAR) == plain


@pytest.mark.parametrize(
    "aud", [TOKEN, PAR, [ISSUER], [ISSUER, TOKEN], None, ISSUER + "/"], ids=str
)
def test_a_fapi_client_names_the_issuer_as_a_string_and_nothing_else(
    provider: Provider, fapi: Client, aud: object
) -> None:
    """par-test-array-as-audience-fails, ...-par-endpoint-url-..., ...-token-endpoint-url-..."""
    form = by_assertion(front.signed(claims(fapi, aud=aud)))
    assert refusal(provider, {}, form, endpoint=PAR).error == "invalid_client"
    good = by_assertion(front.signed(claims(fapi)))
    assert authenticate(provider, {}, good, at=START, endpoint=PAR) == fapi


@pytest.mark.parametrize(
    ("key", "alg"), [(front.EC, "ES256"), (front.RSA_KEY, "PS256"), (front.RSA_KEY, "RS256")]
)
def test_rs256_is_for_plain_clients_only(
    provider: Provider, plain: Client, fapi: Client, key: Any, alg: str
) -> None:
    """ensure-signed-client-assertion-with-RS256-fails"""
    form = by_assertion(front.signed(claims(plain), key, alg))
    assert authenticate(provider, {}, form, at=START) == plain
    form = by_assertion(front.signed(claims(fapi), key, alg))
    if alg == "RS256":
        assert refusal(provider, {}, form).error == "invalid_client"
    else:
        assert authenticate(provider, {}, form, at=START) == fapi


def test_a_registered_algorithm_is_the_only_one(provider: Provider) -> None:
    client = front.add(
        provider, at=START, token_endpoint_auth_method="private_key_jwt",
        token_endpoint_auth_signing_alg="PS256", jwks=front.jwks(front.EC, front.RSA_KEY),
    ).client  # fmt: skip
    assert refusal(provider, {}, by_assertion(front.signed(claims(client)))).error
    form = by_assertion(front.signed(claims(client), front.RSA_KEY, "PS256"))
    assert authenticate(provider, {}, form, at=START) == client


@pytest.mark.parametrize(
    ("more", "good"),
    [
        ({"nbf": 8}, True), ({"nbf": 10}, True), ({"nbf": 60}, False), ({"iat": 8}, True),
        ({"iat": 60}, False), ({"exp": -300}, False), ({"exp": -9}, True), ({"exp": -10}, False),
        ({"exp": 300}, True), ({"exp": 311}, False),
    ],
    ids=str,
)  # fmt: skip
def test_a_clock_may_be_off_by_ten_seconds(
    provider: Provider, fapi: Client, more: dict[str, int], good: bool
) -> None:
    """par-ensure-jwt-client-assertions-nbf-8-seconds-..., nbf-over-60-seconds-..., exp-is-5-..."""
    now = int(START.timestamp())
    times = {name: now + seconds for name, seconds in more.items()}
    form = by_assertion(front.signed(claims(fapi, **times)))
    if good:
        assert authenticate(provider, {}, form, at=START) == fapi
    else:
        assert refusal(provider, {}, form).error == "invalid_client"


@pytest.mark.parametrize(
    "more",
    [
        {"sub": None}, {"iss": None}, {"iss": "another"}, {"exp": None}, {"jti": None},
        {"jti": 7}, {"exp": "soon"}, {"nbf": "now"}, {"exp": 1e300}, {"exp": True},
    ],
    ids=str,
)  # fmt: skip
def test_an_assertion_without_its_claims_is_refused(
    provider: Provider, plain: Client, more: dict[str, Any]
) -> None:
    """ensure-client-assertion-with-no-sub-fails and its like"""
    form = by_assertion(front.signed(claims(plain, **more)))
    assert refusal(provider, {}, form).error == "invalid_client"


def test_an_assertion_counts_once(provider: Provider, plain: Client, fapi: Client) -> None:
    form = by_assertion(front.signed(claims(plain, jti="one")))
    assert authenticate(provider, {}, form, at=START) == plain
    assert refusal(provider, {}, form).error == "invalid_client"
    # The same jti of another client is another assertion.
    form = by_assertion(front.signed(claims(fapi, jti="one")))
    assert authenticate(provider, {}, form, at=START) == fapi


def test_an_assertion_by_anybody_else_is_refused(provider: Provider, plain: Client) -> None:
    stranger = by_assertion(front.signed(claims(plain), front.OTHER_EC))
    assert refusal(provider, {}, stranger).error == "invalid_client"
    assert refusal(provider, {}, by_assertion(front.unsigned(claims(plain)))).error
    secret = OctKey.import_key("a shared secret of thirty-two bytes", {"kid": "ec"})
    hmac = by_assertion(front.signed(claims(plain), secret, "HS256"))
    assert refusal(provider, {}, hmac).error == "invalid_client"


def test_client_id_beside_an_assertion_must_be_the_same(
    provider: Provider, plain: Client, fapi: Client
) -> None:
    """ensure-client-id-in-token-endpoint"""
    good = by_assertion(front.signed(claims(plain)), client_id=plain.client_id)
    assert authenticate(provider, {}, good, at=START) == plain
    bad = by_assertion(front.signed(claims(plain)), client_id=fapi.client_id)
    assert refusal(provider, {}, bad).error == "invalid_client"


@pytest.mark.parametrize(
    "text", ["", ".", "a.b", "..", "a.b.c", "x" * 20_000, "é.é.é", "e30.W10.AA"]
)
def test_garbage_for_an_assertion_is_an_invalid_client(provider: Provider, text: str) -> None:
    assert refusal(provider, {}, by_assertion(text)).error == "invalid_client"
    assert refusal(provider, {}, {"client_assertion": text}).error == "invalid_client"


def certificate(common_name: str, key: ec.EllipticCurvePrivateKey, *, days: int = 30) -> bytes:
    name = x509.Name.from_rfc4514_string(f"CN={common_name},O=Platform")
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
    made = made.not_valid_before(START - timedelta(days=1)).public_key(key.public_key())
    made = made.not_valid_after(datetime(2026, 11, 22, tzinfo=UTC) + timedelta(days=days))
    return made.sign(key, SHA256()).public_bytes(Encoding.DER)


def test_a_certificate_of_the_registered_name_authenticates(provider: Provider) -> None:
    client = front.add(
        provider, at=START, token_endpoint_auth_method="tls_client_auth",
        tls_client_auth_subject_dn="CN=client,O=Platform",
    ).client  # fmt: skip
    key = ec.generate_private_key(ec.SECP256R1())
    form = {"client_id": client.client_id}
    own = certificate("client", key)
    assert authenticate(provider, {}, form, at=START, certificate=own) == client
    for other in (certificate("another", key), certificate("client", key, days=0), b"garbage"):
        assert refusal(provider, {}, form, certificate=other).error == "invalid_client"
    assert refusal(provider, {}, form).error == "invalid_client"


def test_a_self_signed_certificate_of_a_registered_key_authenticates(provider: Provider) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    client = front.add(
        provider, at=START, token_endpoint_auth_method="self_signed_tls_client_auth",
        jwks=front.jwks(ECKey.import_key(key.public_key())),
    ).client  # fmt: skip
    form = {"client_id": client.client_id}
    own = certificate("whatever", key)
    assert authenticate(provider, {}, form, at=START, certificate=own) == client
    other = certificate("whatever", ec.generate_private_key(ec.SECP256R1()))
    assert refusal(provider, {}, form, certificate=other).error == "invalid_client"


def test_a_public_client_may_show_a_certificate_for_binding(provider: Provider) -> None:
    public = front.add(provider, at=START, token_endpoint_auth_method="none").client
    own = certificate("x", ec.generate_private_key(ec.SECP256R1()))
    form = {"client_id": public.client_id}
    assert authenticate(provider, {}, form, at=START, certificate=own) == public


def test_of_many_uses_of_one_assertion_at_once_one_is_taken(
    sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path
) -> None:
    provider = make_provider(sessions, soft_keys, tmp_path)
    client = front.add(provider, at=START, fapi=True).client
    form = by_assertion(front.signed(claims(client)))

    def taken(_: int) -> int:
        try:
            authenticate(provider, {}, form, at=START)
        except OAuthError:
            return 0
        return 1

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(taken, range(8))) == 1
