"""Other regions, composed: the exchange of questions, what they publish for the offline bundle."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select

from certificates import catalogue, public_log
from certificates.offline_bundle import Entry
from certificates.regions import peer_refresh
from certificates.regions.exchange_answering import Answering
from certificates.regions.exchange_asking import Asking
from server import provision
from server.platform import Platform
from server.region_login import LOGIN
from trust import lists, log, recognition
from trust.crypto.algorithms import Algorithm
from trust.errors import NotFound
from trust.list_models import HeldList
from trust.list_store import TrustedRegion
from trust.recognition import ANY, Policy, Verdict


def answering(platform: Platform) -> Answering:
    """Answers other regions' questions."""
    return Answering(
        platform.sessions, platform.reading, keys=platform.keys, vault=platform.vault,
        peers=platform.peers, stamp=lambda data: _stamp(platform, data),
        checkpoint=lambda at: _checkpoint(platform, at),
    )  # fmt: skip


def asking(platform: Platform) -> Asking:
    """Asks other regions."""
    return Asking(
        platform.sessions, platform.reading, keys=platform.keys, vault=platform.vault,
        peers=platform.peers, stamp=lambda data: _stamp(platform, data),
    )  # fmt: skip


def _stamp(platform: Platform, data: bytes) -> bytes:
    return platform.long_term.stamps.stamp(Algorithm.RSA_SHA256, data)


def _checkpoint(platform: Platform, at: datetime) -> str:
    """The newest checkpoint of the public log, signed now when there is none."""
    with platform.reading() as session:
        newest = log.latest_checkpoint(session, public_log.LOG)
    if newest is None:
        provision.sign_checkpoints(platform, at=at)
        with platform.reading() as session:
            newest = log.latest_checkpoint(session, public_log.LOG)
    if newest is None:
        raise NotFound("the public log is empty")
    return newest.text


class PeerEntries:
    """Implements `offline.ForeignEntries`: regions whose list is fresh and that are recognised.

    The bundle carries no rules of recognition, so a region that none speaks for, or that was
    withdrawn as a whole, is not in it.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def __call__(self, *, at: datetime) -> Iterable[Entry]:
        peers = self._platform.peers
        peers.forget()
        policy = peers.policy()
        found = [self._entry(each, at=at) for each in peer_refresh.fresh(peers, at=at)
                 if recognised(policy, each.code, at=at)]  # fmt: skip
        return [each for each in found if each is not None]

    def _entry(self, region: TrustedRegion, *, at: datetime) -> Entry | None:
        with self._platform.reading() as session:
            document = session.scalar(
                select(HeldList.document).where(HeldList.region == region.code)
            )
        if document is None or lists.parse(document).digest != region.digest:
            return None
        peers = self._platform.peers
        return Entry(
            region=region.code, name=region.name, trust_list=document,
            list_signers=lists.parse(document).jws.certificates()[:1],
            status=tuple(each.decode() for each in peer_refresh.statuses(peers, region, at=at)),
            crls=tuple(peer_refresh.crls(peers, region, at=at)),
            types={each.code: each.name for each in catalogue.load()},
        )  # fmt: skip


def recognised(policy: Policy, region: str, *, at: datetime) -> bool:
    """Whether some rule takes licences of that region, and no withdrawal of all of it stands."""
    if any(
        each.region == region and not each.issuer and each.effective_at <= at
        and (each.lifted_at is None or at < each.lifted_at)
        for each in policy.withdrawals
    ):  # fmt: skip
        return False
    types = {rule.type_code for rule in policy.rules if rule.region in (region, ANY)} - {LOGIN}
    rules = [recognition.rule_for(policy, region, each, at) for each in types]
    return any(rule is not None and rule.verdict is not Verdict.REFUSED for rule in rules)
