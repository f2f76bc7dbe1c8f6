"""Regions, files and tools for judging licences at their signing time."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ca import revoke as ca_revoke
from ca import signers
from ca.ocsp import Responder
from ca.revoke import Reason
from ca.timestamp import Stamper
from certificates import evidence, issue
from certificates.evidence import Knowledge
from certificates.models import Authority, Licence
from certificates.verify_claim import Verification
from seal import apply as seal_apply
from seal.apply import Impression, Suites
from seal.long_term import Chains, LongTerm, Stamps
from seal.pdf import document
from seal.pdf.sealing import Place
from tests.certificates.test_life import offline
from tests.regions import MARKET, Region, build
from trust import anchors
from trust.access import SYSTEM
from trust.anchors import Anchors
from trust.carried import Evidence
from trust.clock import utc_now
from trust.crypto.algorithms import Algorithm
from trust.crypto.x509 import Certificate

SM2, RSA = Algorithm.SM2_SM3, Algorithm.RSA_SHA256
#: Seals, time-stamp authorities and OCSP signers have all ended by then.
YEARS_LATER = timedelta(days=6 * 365)
PLACE = Place(1, 160, 40)


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    found = build(tmp_path_factory.mktemp("long-term"))
    yield found
    found.platform.engine.dispose()


@pytest.fixture(scope="module")
def licence(region: Region) -> Licence:
    return region.issued()


@pytest.fixture
def spoilt(tmp_path: Path) -> Region:
    """A region of the test's own, for revoking what others rely on."""
    return build(tmp_path / "spoilt", fresh=True)


def roots_alone(region: Region, directory: Path) -> Knowledge:
    """Whoever has the region's roots, and nothing else but the file."""
    offline(region, directory)
    roots = Anchors(anchors.load(directory).roots)
    return evidence.offline(roots, evidence.store_of(roots))


def codes(found: Verification, name: str) -> list[str]:
    return [check.code for check in found.checks if check.name.partition(".")[0] == name]


def indications(found: Verification) -> list[tuple[str, str | None]]:
    return [(one.as_json()["indication"], one.as_json()["sub_indication"])
            for one in found.signatures]  # fmt: skip


def old_style(region: Region) -> bytes:
    """A licence as it was sealed before there were time-stamps (B-B)."""
    workshop = replace(region.platform.workshop(at=utc_now()), long_term=None)
    by = region.caller("market.approver")
    return region.file(issue.issue(workshop, region.approved(), by=by, at=utc_now()))


def impression(region: Region) -> Impression:
    with region.platform.reading() as session:
        es_id = session.get_one(Authority, MARKET.code).seal
        return seal_apply.impression(session, str(es_id), at=utc_now())


def resealed(
    region: Region, pdf: bytes, tools: LongTerm | None, suites: Suites = Suites.DUAL
) -> bytes:
    """The page of a licence, sealed anew with other tools, past the look at our own output."""
    page = pdf[: document.read(pdf).revisions[0].end]
    return seal_apply.apply(
        page, [(impression(region), PLACE)], suites=suites, keys=region.platform.keys,
        at=utc_now(), long_term=tools,
    )  # fmt: skip


def revoke(region: Region, certificate: Certificate, reason: Reason, *, at: datetime) -> None:
    issuer = "issuing-rsa" if certificate.signature_oid == RSA.row.oid else "issuing-sm2"
    with region.platform.sessions.begin() as session:
        ca_revoke.revoke(
            session, issuer=issuer, serial=certificate.serial, reason=reason, by=SYSTEM, at=at
        )


def authority_of(region: Region, suite: Algorithm) -> Certificate:
    with region.platform.reading() as session:
        return signers.active(
            session, "tsa", keys=region.platform.keys, at=utc_now(), algorithm=suite
        ).certificate


class WithoutEvidence(Chains):
    """Stamps are stamped, but the file carries nothing: B-T."""

    def evidence(self, leaf: Certificate) -> Evidence:
        return Evidence()


def tools(
    region: Region, *, kind: type[Chains] = Chains, ask: Callable[[bytes], bytes] | None = None
) -> LongTerm:
    platform = region.platform
    stamper = Stamper(platform.sessions, platform.reading, platform.keys, clock=utc_now)
    chains = kind(platform.reading, Responder(platform.reading, platform.keys), clock=utc_now)
    asks = dict.fromkeys((SM2, RSA), ask or stamper.answer)
    return LongTerm(Stamps(asks, chains, clock=utc_now), chains)
