"""FAPI 2.0, DPoP (RFC 9449): proofs that are taken, and all that are not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.conformance.fapi import Platform, refused
from tests.conformance.fapi_keys import Key, make_key, with_broken_signature, without_alg

HOUR = 3600


def _at_every_endpoint(platform: Platform, *, ahead: int) -> None:
    """The same clock for the proofs at the PAR, token and resource endpoints."""
    metadata, iat = platform.op.metadata, platform.now + ahead
    ask = platform.ask()
    par, token_url = (
        metadata["pushed_authorization_request_endpoint"], metadata["token_endpoint"],
    )  # fmt: skip
    request_uri = platform.pushed(ask, proof=platform.proof(par, iat=iat))
    code = platform.arrived(platform.visit(request_uri), ask)
    response = platform.exchange(code, ask, proof=platform.proof(token_url, iat=iat))
    assert response.status_code == 200, response.text
    token = response.json()["access_token"]
    url = metadata["userinfo_endpoint"]
    proof = platform.proof(url, method="GET", token=token, iat=iat)
    assert platform.userinfo(token, proof=proof).status_code == 200


def test_fapi2_security_profile_final_check_dpop_proof_nbf_exp(platform: Platform) -> None:
    metadata, now, ask = platform.op.metadata, platform.now, platform.ask()
    proof = platform.proof(metadata["token_endpoint"], nbf=now, exp=now + 300)
    response = platform.exchange(platform.code(ask), ask, proof=proof)
    assert response.status_code == 200, response.text
    token, url = response.json()["access_token"], metadata["userinfo_endpoint"]
    proof = platform.proof(url, method="GET", token=token, nbf=now, exp=now + 300)
    assert platform.userinfo(token, proof=proof).status_code == 200


def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_before_succeeds(
    platform: Platform,
) -> None:
    _at_every_endpoint(platform, ahead=-10)


def test_fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_after_succeeds(
    platform: Platform,
) -> None:
    _at_every_endpoint(platform, ahead=10)


def test_fapi2_security_profile_final_ensure_mismatched_dpop_jkt_fails(platform: Platform) -> None:
    par = platform.endpoint("pushed_authorization_request")
    ask = platform.ask(dpop_jkt=make_key("ES256").thumbprint)
    response = platform.push(ask, proof=platform.proof(par))
    refused(response, "invalid_request", "invalid_dpop_proof")


def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(
    platform: Platform,
) -> None:
    metadata, ask = platform.op.metadata, platform.ask()
    par = metadata["pushed_authorization_request_endpoint"]
    request_uri = platform.pushed(ask, proof=platform.proof(par, key=make_key("ES256")))
    code = platform.arrived(platform.visit(request_uri), ask)
    response = platform.exchange(code, ask)
    refused(response, "invalid_request", "invalid_grant", "invalid_dpop_proof")


def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(
    platform: Platform,
) -> None:
    ask = platform.ask(dpop_jkt=make_key("ES256").thumbprint)
    response = platform.exchange(platform.code(ask), ask)
    refused(response, "invalid_request", "invalid_grant", "invalid_dpop_proof")


def test_fapi2_security_profile_final_ensure_dpopproof_at_par_endpoint_binding_success(
    platform: Platform,
) -> None:
    ask = platform.ask()
    par = platform.endpoint("pushed_authorization_request")
    request_uri = platform.pushed(ask, proof=platform.proof(par))
    code = platform.arrived(platform.visit(request_uri), ask)
    assert platform.exchange(code, ask).status_code == 200


def test_fapi2_security_profile_final_ensure_dpop_auth_code_binding_success(
    platform: Platform,
) -> None:
    ask = platform.ask(dpop_jkt=platform.proof_key.thumbprint)
    par = platform.endpoint("pushed_authorization_request")
    request_uri = platform.pushed(ask, proof=platform.proof(par))
    code = platform.arrived(platform.visit(request_uri), ask)
    assert platform.exchange(code, ask).status_code == 200


def test_fapi2_security_profile_final_ensure_holder_of_key_required(platform: Platform) -> None:
    """The versions and ciphers of TLS are the proxy's: docs/operations.md."""
    ask = platform.ask()
    response = platform.exchange(platform.code(ask), ask, bare=True)
    refused(response, "invalid_request", "invalid_grant", "invalid_dpop_proof")


Make = Callable[[Platform, str, str], str]


def _proof(**options: object) -> Make:
    """A proof for the userinfo endpoint that differs from a good one by `options`."""

    def make(platform: Platform, url: str, token: str) -> str:
        return platform.proof(url, method="GET", token=token, **options)  # type: ignore[arg-type]

    return make


def _aged(seconds: int) -> Make:
    return lambda platform, url, token: platform.proof(
        url, method="GET", token=token, iat=platform.now + seconds
    )


BAD: dict[str, Make] = {
    "no JWT": lambda *_: "not.a.proof",
    "typ is missing": _proof(without={"typ"}),
    "typ is another": _proof(header={"typ": "JWT"}),
    "alg is missing": lambda *given: without_alg(_proof()(*given)),
    "alg is none": _proof(header={"alg": "none"}),
    "the signature is broken": lambda *given: with_broken_signature(_proof()(*given)),
    "jwk is missing": _proof(without={"jwk"}),
    "jwk is private": lambda platform, url, token: platform.proof(
        url, method="GET", token=token, header={"jwk": platform.proof_key.with_private_part}
    ),
    "jti is missing": _proof(without={"jti"}),
    "htm is missing": _proof(without={"htm"}),
    "htm is another": _proof(htm="PUT"),
    "htu is missing": _proof(without={"htu"}),
    "htu is another": lambda platform, url, token: platform.proof(
        f"{platform.op.issuer}/elsewhere", method="GET", token=token
    ),
    "iat is missing": _proof(without={"iat"}),
    "iat is an hour ahead": _aged(HOUR),
    "iat is an hour ago": _aged(-HOUR),
    "ath is missing": _proof(without={"ath"}),
    "ath is another": _proof(ath="kpt6bfLdMSrbKpR4b_pKcZqh0jpQ5vcsdPHnG6wnjVg"),
    "the key is another": _proof(key=make_key("ES256")),
}  # fmt: skip

GOOD: dict[str, Make] = {
    "a query and a fragment do not count": lambda platform, url, token: platform.proof(
        f"{url}?x=1#y", method="GET", token=token
    ),
    "scheme and host in capitals": lambda platform, url, token: platform.proof(
        url.replace(platform.op.issuer, platform.op.issuer.upper()), method="GET", token=token
    ),
    "unknown members": _proof(header={"extra": "header"}, extra="claim"),
}  # fmt: skip


def test_fapi2_security_profile_final_dpop_negative_tests(platform: Platform, rsa_key: Key) -> None:
    """RFC 9449, 4.3, point by point; at the end a good proof still opens the resource."""
    token = platform.tokens()["access_token"]
    url = platform.endpoint("userinfo")
    for fault, make in BAD.items():
        response = platform.userinfo(token, proof=make(platform, url, token))
        assert response.status_code in (400, 401), fault
        assert "sub" not in response.text, fault
    for what, make in GOOD.items():
        response = platform.userinfo(token, proof=make(platform, url, token))
        assert response.status_code == 200, what
    twice = platform.proof(url, method="GET", token=token)
    assert platform.userinfo(token, proof=twice).status_code == 200
    assert platform.userinfo(token, proof=twice).status_code == 401
    for scheme in ("DPoP", "Bearer"):
        bare = platform.op.http.get(url, headers={"Authorization": f"{scheme} {token}"})
        assert bare.status_code == 401, scheme
    assert platform.userinfo(token, scheme="Bearer").status_code == 401  # proof and all
    both = [("Authorization", f"DPoP {token}")]
    both += [("DPoP", platform.proof(url, method="GET", token=token)) for _ in range(2)]
    assert platform.op.http.get(url, headers=both).status_code in (400, 401)
    assert platform.userinfo(token).status_code == 200


def test_a_proof_by_rs256_is_refused_where_ps256_by_the_same_key_is_taken(
    platform: Platform, rsa_key: Key
) -> None:
    """dpop-negative-tests, for RSA keys; FAPI 2.0, 5.4.1."""
    holder = replace(platform, proof_key=rsa_key)
    url, token = holder.endpoint("userinfo"), holder.tokens()["access_token"]
    assert holder.userinfo(token).status_code == 200
    by_rs256 = holder.proof(url, method="GET", token=token, header={"alg": "RS256"})
    assert holder.userinfo(token, proof=by_rs256).status_code in (400, 401)
    ask = holder.ask()
    by_rs256 = holder.proof(holder.endpoint("token"), header={"alg": "RS256"})
    refused(holder.exchange(holder.code(ask), ask, proof=by_rs256), "invalid_dpop_proof")


@pytest.mark.parametrize("port", [443, 80])
def test_the_port_that_a_scheme_implies_may_stand_in_htu(platform: Platform, port: int) -> None:
    from sso.dpop import check  # the test's own address has a port that nothing implies

    scheme = {443: "https", 80: "http"}[port]
    proof = platform.proof(f"{scheme}://id.example:{port}/userinfo")
    at, skew = platform.op.clock(), platform.op.provider.policy.skew
    found = check(proof, method="POST", url=f"{scheme}://id.example/userinfo", at=at, skew=skew)
    assert found.jkt == platform.proof_key.thumbprint
