"""The proof that a licence is in the public log, served beside it and judged by itself."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from ca.models import Signer
from certificates import log_proof, public_log
from certificates.log_proof import LogProof
from certificates.models import Licence
from server import provision
from tests.regions import Region
from trust import log
from trust.clock import utc_now
from trust.crypto import jose, x509
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import InvalidSignature, Malformed
from trust.crypto.merkle import ProofFailed
from trust.errors import NotFound
from trust.report import Outcome
from trust.witness import LogKey


def proved(region: Region, made: Licence) -> LogProof:
    provision.sign_checkpoints(region.platform, at=utc_now())
    with region.platform.reading() as session:
        newest = log.latest_checkpoint(session, public_log.LOG)
        assert newest is not None
        return log_proof.prove(session, made.digest, newest.text)


def origin_and_keys(region: Region) -> tuple[str, list[LogKey]]:
    with region.platform.reading() as session:
        rows = session.scalars(select(Signer).where(Signer.purpose == "log-signer")).all()
        keys = [
            LogKey(x509.parse_certificate(row.certificate).spki, Algorithm(row.algorithm))
            for row in rows
        ]
    return provision.log_origin("542500", public_log.LOG), keys


def test_an_issued_licence_is_proved_to_be_in_the_log(region: Region) -> None:
    made = region.issued("food-business-licence")
    proof = log_proof.parse(jose.canonical_json(proved(region, made).as_json()))
    origin, keys = origin_and_keys(region)
    signed = log_proof.require(proof, made.digest, origin=origin, keys=keys)
    assert signed.size > made.leaf_index == proof.index
    assert log_proof.check(proof, made.digest, origin=origin, keys=keys).code == "in_log"


def test_a_licence_outside_the_log_is_named(sqlite_region: Region) -> None:
    region = sqlite_region
    made, other = (region.issued("food-business-licence") for _ in range(2))
    proof, of_other = proved(region, made), proved(region, other)
    origin, keys = origin_and_keys(region)
    for forged in (
        of_other,
        replace(proof, leaf=of_other.leaf),
        replace(proof, index=proof.index + 1),
        replace(proof, path=proof.path[:-1]),
        replace(proof, path=(*proof.path, bytes(32))),
    ):
        with pytest.raises(ProofFailed):
            log_proof.require(forged, made.digest, origin=origin, keys=keys)
        found = log_proof.check(forged, made.digest, origin=origin, keys=keys)
        assert (found.outcome, found.code) == (Outcome.FAILED, "not_in_log")
    with pytest.raises(InvalidSignature):
        log_proof.require(proof, made.digest, origin="trust.621100/licences", keys=keys)
    with pytest.raises(InvalidSignature):
        log_proof.require(proof, made.digest, origin=origin, keys=[])
    unasked = log_proof.check(None, made.digest, origin=origin, keys=keys)
    assert unasked.outcome is Outcome.INDETERMINATE


def test_nobody_learns_of_a_licence_without_its_file(sqlite_region: Region) -> None:
    made = sqlite_region.issued("food-business-licence")
    proof = proved(sqlite_region, made)
    assert made.identifier not in str(proof.as_json())
    with sqlite_region.platform.reading() as session, pytest.raises(NotFound):
        log_proof.prove(session, bytes(32), proof.note)


@pytest.mark.parametrize(
    "change",
    [{"version": 2}, {"index": "1"}, {"index": -1}, {"proof": ["AAAA"]}, {"leaf": "*"},
     {"more": 1}, {"proof": 7}],
    ids=["version", "text", "negative", "short", "base64", "more", "number"],
)  # fmt: skip
def test_a_proof_has_one_form(change: dict[str, object]) -> None:
    good: dict[str, object] = {
        "version": 1, "index": 1, "leaf": "e30=", "proof": [], "checkpoint": "",
    }  # fmt: skip
    with pytest.raises(Malformed):
        log_proof.parse(jose.canonical_json(good | change))
