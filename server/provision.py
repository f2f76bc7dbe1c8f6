"""Setting up a region: database, roots and issuing CAs, the platform's own signers.

Each step is done once and skipped when it is there, so that an interrupted `trust init` is simply
run again.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import select
from sqlalchemy.orm import Session

from ca import issue as ca_issue
from ca import signers
from ca.models import Issuer, Signer
from certificates import public_log, publish, registry
from certificates.licence_types import life as type_life
from certificates.models import Authority, Region
from certificates.press import recovery
from certificates.regions import region_list
from server import provision_copies, provision_seals
from server.platform import Platform
from server.provision_seals import seal_maker as seal_maker
from sso import accounts
from sso.models import Account
from trust import audit, audit_findings, audit_report, identifiers, log
from trust.access import SYSTEM, Role
from trust.crypto import x509, x509_write
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.errors import Conflict
from trust.lists_model import NATION

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
#: (name, purpose, key, issuing CA). Claims are signed by SM2; ES256 is the other of docs/qr.md.
SIGNERS = (
    ("seal-maker", "seal-maker", KeyKind.SM2, "issuing-sm2"),
    ("claim-signer-sm2", "claim-signer", KeyKind.SM2, "issuing-sm2"),
    ("claim-signer-es256", "claim-signer", KeyKind.P256, "issuing-rsa"),
    ("copy-signer", "copy-signer", KeyKind.SM2, "issuing-sm2"),
    ("status-signer", "status-signer", KeyKind.P256, "issuing-rsa"),
    ("list-signer", "list-signer", KeyKind.P256, "issuing-rsa"),
    ("log-signer", "log-signer", KeyKind.P256, "issuing-rsa"),
    ("exchange-signer", "exchange-signer", KeyKind.P256, "issuing-rsa"),
    ("archive-signer-sm2", "archive-signer", KeyKind.SM2, "issuing-sm2"),
    ("archive-signer-es256", "archive-signer", KeyKind.P256, "issuing-rsa"),
    # An OCSP signer answers for the very CA that certified it (RFC 6960, 4.2.2.2).
    ("ocsp-sm2", "ocsp-signer", KeyKind.SM2, "issuing-sm2"),
    ("ocsp-rsa", "ocsp-signer", KeyKind.RSA, "issuing-rsa"),
    ("ocsp-root-sm2", "ocsp-signer", KeyKind.SM2, "root-sm2"),
    ("ocsp-root-rsa", "ocsp-signer", KeyKind.RSA, "root-rsa"),
    ("tsa-sm2", "tsa", KeyKind.SM2, "issuing-sm2"),
    ("tsa-rsa", "tsa", KeyKind.RSA, "issuing-rsa"),
)


@dataclass(frozen=True, slots=True)
class RegionPlan:
    code: str
    name: str
    claim_algorithm: Algorithm = Algorithm.SM2_SM3


def migrate(url: str) -> None:
    """Bring the database to the newest form (Alembic)."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    command.upgrade(config, "head")


def create_region(platform: Platform, plan: RegionPlan, *, clock: Callable[[], datetime]) -> None:
    """Everything a region needs before it has authorities; Conflict when another one lives here."""
    if plan.code != NATION:
        identifiers.check_division(plan.code)
    platform.require_home()
    platform.keys.ids()  # a wrong passphrase must show before anything is written down
    migrate(platform.settings.database)
    at = clock()
    with platform.sessions.begin() as session:
        existing = session.scalars(select(Region)).first()
        if existing is not None:
            _refuse_another(existing, plan, base_url=platform.settings.base_url)
        else:
            session.add(
                Region(
                    code=plan.code, name=plan.name, base_url=platform.settings.base_url,
                    claim_algorithm=str(plan.claim_algorithm), created_at=at,
                )
            )  # fmt: skip
            audit.record(session, "region.created", subject=plan.code, by=SYSTEM, at=at)
        type_life.seed(session, at=at)
    _create_authorities_of_trust(platform, plan, at=at)
    provision_seals.grant_older(platform, at=at)
    provision_copies.create(platform, at=at)
    publish.publish_crls(platform.sessions, keys=platform.keys, at=at)
    region_list.publish(
        platform.sessions, keys=platform.keys, at=at, issuer=platform.settings.issuer_url
    )


def _refuse_another(existing: Region, plan: RegionPlan, *, base_url: str) -> None:
    """A region's code, name, base URL and claim suite are printed and certified: none changes."""
    here = (existing.code, existing.name, existing.claim_algorithm, existing.base_url)
    wanted = (plan.code, plan.name, str(plan.claim_algorithm), base_url)
    for is_here, is_wanted in zip(here, wanted, strict=True):
        if is_here != is_wanted:
            raise Conflict(f"this home is a region with {is_here!r}, not {is_wanted!r}")


def subject_name(plan: RegionPlan, common: str) -> bytes:
    """The DER Name of a CA or signer of the region; the OU says for which region it speaks."""
    return x509_write.name(
        [(x509.COUNTRY, "CN"), (x509.ORGANIZATION, plan.name), (x509.UNIT, plan.code),
         (x509.COMMON_NAME, common)]
    )  # fmt: skip


def _create_authorities_of_trust(platform: Platform, plan: RegionPlan, *, at: datetime) -> None:
    sessions, keys = platform.sessions, platform.keys
    with platform.reading() as session:
        there = set(session.scalars(select(Issuer.name)))
        there |= set(session.scalars(select(Signer.key_id)))
        base_url = registry.region(session).base_url
    for kind in (KeyKind.SM2, KeyKind.RSA):
        suffix = kind.value.lower()
        if f"root-{suffix}" not in there:
            ca_issue.create_root(
                sessions, f"root-{suffix}", subject=subject_name(plan, f"Root CA {kind}"),
                kind=kind, keys=keys, by=SYSTEM, at=at,
            )  # fmt: skip
        if f"issuing-{suffix}" not in there:
            ca_issue.create_issuing(
                sessions, f"issuing-{suffix}", parent=f"root-{suffix}",
                subject=subject_name(plan, f"Issuing CA {kind}"), kind=kind, keys=keys,
                by=SYSTEM, at=at, base_url=base_url,
            )  # fmt: skip
    for key_id, purpose, kind, issuer in SIGNERS:
        if key_id not in there:
            signers.create(
                sessions, purpose, key_id=key_id, kind=kind, subject=subject_name(plan, key_id),
                issuer=issuer, keys=keys, by=SYSTEM, at=at,
                base_url=base_url,
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AuthorityPlan:
    """`people` are (account, display name, role)."""

    code: str
    name: str
    division: str
    types: tuple[str, ...]
    seal_name: str
    seal_purpose: str
    people: tuple[tuple[str, str, Role], ...]


def create_authority(platform: Platform, plan: AuthorityPlan, *, at: datetime) -> None:
    """An authority with its people and its seal. Said again, it is completed where a crash left
    it; Conflict when what is there is another."""
    identifiers.check_uscc(plan.code)
    with platform.sessions.begin() as session:
        existing = session.get(Authority, plan.code)
        if existing is not None:
            _refuse_other_authority(existing, plan)
        else:
            session.add(
                Authority(
                    code=plan.code, name=plan.name, division=plan.division, types=list(plan.types)
                )
            )
            audit.record(
                session, "authority.created", subject=plan.code, by=SYSTEM, at=at,
                details={"types": list(plan.types)},
            )  # fmt: skip
        for name, people in itertools.groupby(sorted(plan.people), key=lambda person: person[0]):
            _add_person(session, name, list(people), authority=plan.code, at=at)
    provision_seals.create(platform, plan.code, seal_name=plan.seal_name, people=plan.people, at=at)


def _refuse_other_authority(existing: Authority, plan: AuthorityPlan) -> None:
    here = (existing.name, existing.division, sorted(existing.types))
    if here != (plan.name, plan.division, sorted(plan.types)):
        raise Conflict(f"authority {plan.code} is here with another name, division or types")


def _add_person(
    session: Session, name: str, people: list[tuple[str, str, Role]], *, authority: str,
    at: datetime,
) -> None:  # fmt: skip
    """One account with all the roles it was given."""
    roles = {role for _, _, role in people}
    existing = session.get(Account, name)
    if existing is None:
        accounts.create(
            session, name, display_name=people[0][1], authority=authority, roles=roles,
            by=SYSTEM, at=at,
        )  # fmt: skip
    elif existing.authority != authority or {Role(row.role) for row in existing.roles} != roles:
        raise Conflict(f"account {name} is here for another authority or in other roles")


#: In the order in which every act locks them: the audit entry comes last.
LOGS = (public_log.LOG, audit.LOG)


def log_origin(region: str, log_name: str) -> str:
    """The name under which a region's log signs (C2SP tlog-checkpoint)."""
    return f"trust.{region}/{log_name}"


def log_signers(session: Session) -> list[audit_findings.Signer]:
    """Every key that ever signed the audit log's checkpoints."""
    region = registry.region(session)
    rows = session.scalars(select(Signer).where(Signer.purpose == "log-signer"))
    return [
        audit_findings.Signer(
            spki=x509.parse_certificate(row.certificate).spki, algorithm=Algorithm(row.algorithm),
            origin=log_origin(region.code, audit.LOG),
        )
        for row in rows
    ]  # fmt: skip


def verify_audit(platform: Platform) -> audit_findings.AuditReport:
    """Walk the audit log, its checkpoints judged by every key that ever signed them."""
    with platform.reading() as session:
        known = log_signers(session)
    with platform.reading() as session:  # the check wants a snapshot of its own
        return audit_report.verify(session, signers=known)


def sign_checkpoints(platform: Platform, *, at: datetime) -> str:
    """Sign both logs as they stand; the signed notes, to be kept elsewhere too.

    A transaction each: a log's head is held no longer than its own signing takes.
    """
    notes = []
    for name in LOGS:
        with platform.sessions.begin() as session:
            region = registry.region(session)
            signer = signers.active(session, "log-signer", keys=platform.keys, at=at)
            if log.size(session, name):
                notes.append(
                    log.checkpoint(
                        session, name, origin=log_origin(region.code, name), keys=platform.keys,
                        key_id=signer.key_id, algorithm=signer.algorithm, at=at,
                    ).text
                )  # fmt: skip
    return "\n".join(notes)


def recover(platform: Platform, *, at: datetime) -> list[str]:
    """Close what crashes left half-way, in issuing and in the CA; what was given up."""
    given_up = recovery.recover(platform.sessions, platform.store, by=SYSTEM, at=at)
    with platform.sessions.begin() as session:
        ca_issue.abandon_stale(session, before=at - timedelta(hours=1), by=SYSTEM, at=at)
    platform.store.sweep()
    return given_up
