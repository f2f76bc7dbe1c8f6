"""DPoP (RFC 9449); the modules of the FAPI 2.0 plan are named where they are reproduced."""

from datetime import timedelta
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey
from sqlalchemy import func, select
from starlette.testclient import TestClient

from sso import dpop
from sso.dpop import InvalidProof
from sso.token_models import UsedProof
from tests.sso.parties import Parties, Prover, http
from tests.sso.provider import ISSUER, START
from tests.sso.token_fixtures import both, clock, parties, provider

__all__ = ["both", "clock", "parties", "provider"]
URL = "https://op.example/oauth2/token"
SKEW = timedelta(seconds=10)
PROVER = Prover()


def check(proof: str, *, url: str = URL, token: str | None = None) -> dpop.Proof:
    return dpop.check(proof, method="POST", url=url, at=START, skew=SKEW, access_token=token)


@pytest.mark.parametrize("seconds", [-10, 10])
def test_fapi2_ensure_dpopproof_with_iat_10seconds_off_succeeds(seconds: int) -> None:
    moment = int(START.timestamp()) + seconds
    assert check(PROVER.proof(URL, at=START, iat=moment)).jkt == PROVER.jkt


def test_fapi2_check_dpop_proof_nbf_exp() -> None:
    now = int(START.timestamp())
    check(PROVER.proof(URL, at=START, nbf=now + 8, exp=now + 60))
    wrong: list[dict[str, Any]] = [{"exp": now - 60}, {"nbf": now + 60}]
    for claims in wrong:
        with pytest.raises(InvalidProof):
            check(PROVER.proof(URL, at=START, **claims))


def test_a_proof_knows_its_token() -> None:
    check(PROVER.proof(URL, at=START, token="t"), token="t")
    for proof in (PROVER.proof(URL, at=START), PROVER.proof(URL, at=START, token="u")):
        with pytest.raises(InvalidProof, match="access token"):
            check(proof, token="t")


@pytest.mark.parametrize(
    "htu",
    [
        "https://op.example/oauth2/token?x=1#y", "HTTPS://OP.example:443/oauth2/token",
        "https://op.example/oauth2/%74oken", "https://op.example/oauth2/token#",
    ],
)  # fmt: skip
def test_equal_addresses_are_equal(htu: str) -> None:
    check(PROVER.proof(htu, at=START))


NOW = int(START.timestamp())
BAD: dict[str, dict[str, Any]] = {
    "no jti": {"jti": None}, "an empty jti": {"jti": ""}, "a jti that is no text": {"jti": 1},
    "a long jti": {"jti": "j" * 257}, "no htm": {"htm": None}, "another method": {"htm": "GET"},
    "a method in lower case": {"htm": "post"}, "no htu": {"htu": None},
    "another path": {"htu": "https://op.example/oauth2/par"},
    "another host": {"htu": "https://evil.example/oauth2/token"},
    "another scheme": {"htu": "http://op.example/oauth2/token"},
    "another port": {"htu": "https://op.example:8443/oauth2/token"},
    "a port that is none": {"htu": "https://op.example:x/oauth2/token"},
    "no iat": {"iat": None}, "an iat in text": {"iat": "now"}, "a minute ago": {"iat": NOW - 60},
    "in a minute": {"iat": NOW + 60},
}  # fmt: skip


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_a_proof_that_does_not_fit_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidProof):
        check(PROVER.proof(URL, at=START, **changes))


def _foreign(header: dict[str, Any], key: Any, alg: str) -> str:
    claims = f'{{"jti":"1","htm":"POST","htu":"{URL}","iat":{NOW}}}'
    return jws.serialize_compact(header, claims, key, algorithms=[alg])


RSA = RSAKey.generate_key(2048)
FORGED = {
    "another type": PROVER.proof(URL, at=START, header={"typ": "JWT"}),
    "no key": PROVER.proof(URL, at=START, header={"jwk": None}),
    "another's key": PROVER.proof(URL, at=START, header={"jwk": Prover().jwk}),
    "the private key": PROVER.proof(
        URL, at=START, header={"jwk": PROVER.key.as_dict(private=True)}
    ),
    "RS256, which FAPI leaves out": _foreign(
        {"alg": "RS256", "typ": "dpop+jwt", "jwk": RSA.as_dict(private=False)}, RSA, "RS256"
    ),
    "a changed signature": PROVER.proof(URL, at=START)[:-4] + "AAAA",
    "no JWT": "proof",
    "too long": "a" * 5000,
}  # fmt: skip


@pytest.mark.parametrize("proof", FORGED.values(), ids=FORGED)
def test_a_forged_proof_is_refused(proof: str) -> None:
    with pytest.raises(InvalidProof):
        check(proof)


def test_a_proof_is_spent_once_in_the_table_and_once_in_memory(both: Parties) -> None:
    proof = check(PROVER.proof(URL, at=START))
    with both.provider.sessions.begin() as session:
        dpop.spend(session, proof)
        with pytest.raises(InvalidProof):
            dpop.spend(session, proof)
    dpop.REMEMBERED.spend(proof, at=START)
    with pytest.raises(InvalidProof):
        dpop.REMEMBERED.spend(proof, at=START)


def test_a_memory_that_is_full_forgets_only_what_cannot_be_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dpop, "ROOM", 2)
    memory, later = dpop.Remembered(), START + timedelta(minutes=5)
    proofs = [check(PROVER.proof(URL, at=START)) for _ in range(3)]
    memory.spend(proofs[0], at=START)
    memory.spend(proofs[1], at=START)
    with pytest.raises(InvalidProof):
        memory.spend(proofs[2], at=START)
    memory.spend(proofs[2], at=later)


@pytest.fixture
def bound(parties: Parties) -> tuple[TestClient, Prover, str]:
    """A platform's HTTP client, its key, and a token that goes with it."""
    prover = Prover()
    proof = prover.proof(f"{ISSUER}/oauth2/token", at=parties.at)
    return (
        http(parties.provider),
        prover,
        parties.redeem(parties.code(), proof=proof)["access_token"],
    )


USERINFO = f"{ISSUER}/oauth2/userinfo"


def test_fapi2_dpop_negative_tests(bound: tuple[TestClient, Prover, str]) -> None:
    client, prover, token = bound

    def status(proof: str | None, *, scheme: str = "DPoP") -> int:
        headers = {"authorization": f"{scheme} {token}"} | ({"dpop": proof} if proof else {})
        return int(client.get("/oauth2/userinfo", headers=headers).status_code)

    def proof(**changes: Any) -> str:
        return prover.proof(USERINFO, at=START, method="GET", token=token, **changes)

    used = proof()
    assert status(used) == 200
    assert status(used) == 401, "replayed"
    assert status(None) == 401
    assert status(proof(), scheme="Bearer") == 401
    assert status(proof(ath=None)) == 401
    assert status(proof(ath=dpop.ath("other"))) == 401
    assert status(proof(htm="POST")) == 401
    other = Prover().proof(USERINFO, at=START, method="GET", token=token)
    assert status(other) == 401
    assert status(proof()) == 200


def test_fapi2_access_token_type_header_case_sensitivity(
    bound: tuple[TestClient, Prover, str],
) -> None:
    client, prover, token = bound
    for scheme in ("dpop", "DPOP", "DPoP"):
        proof = prover.proof(USERINFO, at=START, method="GET", token=token)
        headers = {"authorization": f"{scheme} {token}", "dpop": proof}
        assert client.get("/oauth2/userinfo", headers=headers).status_code == 200


def test_reading_with_a_proof_writes_nothing(
    parties: Parties, bound: tuple[TestClient, Prover, str]
) -> None:
    client, prover, token = bound
    proof = prover.proof(USERINFO, at=START, method="GET", token=token)
    client.get("/oauth2/userinfo", headers={"authorization": f"DPoP {token}", "dpop": proof})
    with parties.provider.sessions() as session:
        assert session.scalar(select(func.count()).select_from(UsedProof)) == 1  # the token's own


def test_two_proofs_are_refused(bound: tuple[TestClient, Prover, str]) -> None:
    client, prover, token = bound
    proofs = [prover.proof(USERINFO, at=START, method="GET", token=token) for _ in range(2)]
    headers = [("authorization", f"DPoP {token}"), *(("dpop", proof) for proof in proofs)]
    answer = client.get("/oauth2/userinfo", headers=headers)
    assert answer.status_code == 401
    challenges = answer.headers.get_list("www-authenticate")
    assert any('error="invalid_dpop_proof"' in each for each in challenges)
