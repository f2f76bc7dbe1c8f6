"""Who may ask and answer: the exchange signers that a region's own trust list grants now."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from ca import profiles, signers
from ca.signers import ReadySigner
from certificates import evidence
from certificates.evidence import UntrustedList
from certificates.regions.peers import Peers
from trust.crypto import x509
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.jose import Jws
from trust.errors import Forbidden
from trust.keys import KeyStore
from trust.list_store import Freshness, NoSuchRegion, TrustedRegion
from trust.lists_model import GRANTED, ServiceType, Was

PURPOSE: Final = "exchange-signer"
#: Two regions' clocks may differ by so much.
SKEW: Final = timedelta(seconds=60)


class NotAParty(Forbidden):
    """No region whose list is held and fresh has that exchange signer."""

    code = "not_an_exchange_party"


def party(peers: Peers, code: str, *, at: datetime) -> TrustedRegion:
    """A region that takes part; NotAParty when its list is not held, or stale."""
    try:
        region = peers.lists.region(code)
    except NoSuchRegion as error:
        raise NotAParty(f"no trust list of region {code} is held here") from error
    if region.freshness(at) is not Freshness.FRESH or code == peers.own_region:
        raise NotAParty(f"the trust list of region {code} is not fresh")
    return region


def check_signature(peers: Peers, region: TrustedRegion, jws: Jws, *, at: datetime) -> None:
    """Signed by an exchange signer that the region's list grants now; NotAParty."""
    try:
        (leaf, *_) = jws.certificates() or (b"",)
        if region.was_trusted(ServiceType.EXCHANGE, leaf, at) is not Was.GRANTED:
            raise NotAParty("the region's list does not grant that exchange signer")
        store = peers.knowledge.of(region.code).store
        owner = evidence.check_signer(jws, store, purpose=PURPOSE, at=at, now=at)
    except (Malformed, InvalidSignature, UnknownAlgorithm, UntrustedList) as error:
        raise NotAParty(f"the message is not signed by the region: {error}") from error
    if owner != region.code or profiles.purpose(PURPOSE) not in (
        x509.extended_key_usage(x509.parse_certificate(leaf)) or ()
    ):
        raise NotAParty("the message is signed by somebody else")


def address_of(region: TrustedRegion) -> str | None:
    """Where the region answers questions; None when its list names no such place."""
    found = [each for each in region.services(ServiceType.EXCHANGE) if each.uri]
    return next((each.uri for each in found if each.status is GRANTED), None)


def own_signer(session: Session, keys: KeyStore, *, at: datetime) -> ReadySigner:
    """NotFound where no exchange signer was made: `trust init` makes one."""
    return signers.active(session, PURPOSE, keys=keys, at=at)
