"""An archive package: a licence with all that it takes to judge it in later years, by anybody.

1. the making is audited, committed. 2. both logs are signed as they now stand. 3. file, metadata,
evidence and proofs are read in one snapshot. 4. the manifest is signed twice and time-stamped. A
crash in between leaves an audit entry of a package that nobody got.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ca import signers
from ca.models import Crl, Issuer
from certificates import log_proof, long_term, publish, registry
from certificates.archive import container, readme
from certificates.archive import manifest as archive_manifest
from certificates.archive.manifest import SUITES
from certificates.models import Licence, StateChange
from certificates.press.store import FileStore
from seal.long_term import Stamps
from seal.pdf import document, dss, fields
from trust import audit, log
from trust.access import Caller
from trust.anchors import pem
from trust.audit_entry import AuditEntry
from trust.clock import CHINA
from trust.crypto import checkpoint
from trust.db import Sessions
from trust.errors import Conflict, NotFound
from trust.keys import KeyStore
from trust.vault import Vault

ANCHORS: Final = "evidence/anchors/"
ENTRIES_MAX: Final = 2_000
#: The status list of the moment is judged as of the moment of packing.
_LIST_LIFETIME: Final = timedelta(days=1)
#: Acts on a licence and its application are its history; those that only look are not.
_LIFE: Final = ("licence.", "application.")
_LOOKS: Final = (".read", ".looked", ".shown", ".searched")


@dataclass(frozen=True, slots=True)
class Archivist:
    """What packing needs. `sign_logs` signs the checkpoints of all logs; `trust_list` is the
    region's signed list."""

    sessions: Sessions
    reading: Sessions
    keys: KeyStore
    vault: Vault
    store: FileStore
    stamps: Stamps
    sign_logs: Callable[[datetime], object]
    trust_list: Callable[[datetime], bytes]


def make(archivist: Archivist, licence: str, *, by: Caller, at: datetime) -> bytes:
    """The package of a licence as it now stands; NotFound, NoTimeStamp."""
    with archivist.sessions.begin() as session:
        if session.get(Licence, licence) is None:
            raise NotFound("没有这份证照 / no such licence")
        audit.record(session, "licence.archived", subject=licence, by=by, at=at)
    archivist.sign_logs(at)
    with archivist.reading() as session:
        found = session.get_one(Licence, licence)
        parts = _parts(session, archivist, found, at=at)
        ready = [
            signers.active(session, archive_manifest.PURPOSE, keys=archivist.keys, at=at,
                           algorithm=suite.algorithm)
            for suite in SUITES
        ]  # fmt: skip
        region, state = registry.region(session).code, str(found.state)
    for suite, signer in zip(SUITES, ready, strict=True):
        parts[suite.certificate] = pem("CERTIFICATE", signer.certificate.der)
    parts["sha256sums.txt"] = readme.sums(parts)
    manifest = archive_manifest.write(
        parts, identifier=licence, region=region, state=state, made_at=at
    )
    parts[archive_manifest.NAME] = manifest
    for suite, signer in zip(SUITES, ready, strict=True):
        value = signer.sign(manifest)
        parts[suite.signature] = value
        parts[suite.stamp] = archivist.stamps.stamp(suite.stamped_by, value)
    return container.write(parts)


def _parts(
    session: Session, archivist: Archivist, licence: Licence, *, at: datetime
) -> dict[str, bytes]:
    name = licence.identifier
    pdf = archivist.store.get(name)
    parts = {
        "README.md": readme.text(), "licence.pdf": pdf,
        "licence.json": archivist.vault.unseal(licence.content_box, context=f"licence/{name}"),
        "history.json": _history(session, licence),
    }  # fmt: skip
    parts |= _anchors(session, archivist, licence, at=at)
    parts |= _carried(pdf)
    parts |= _proofs(session, licence)
    return parts


def _history(session: Session, licence: Licence) -> bytes:
    """Every state with its time, reason and legal basis, the present one last."""
    rows = session.scalars(
        select(StateChange)
        .where(StateChange.licence == licence.identifier)
        .order_by(StateChange.id)
    )
    changes = [
        {"state": str(row.state), "at": _time(row.at), "by": row.by, "reason": row.reason,
         "basis": row.basis}
        for row in rows
    ]  # fmt: skip
    found = {
        "identifier": licence.identifier, "type": licence.type_code,
        "type_version": licence.type_version, "number": licence.number,
        "paper_number": licence.paper_number, "authority": licence.authority,
        "joint": licence.joint, "previous": licence.previous, "changes": changes,
        "file_sha256": licence.file_digest.hex(), "issued_at": _time(licence.issued_at),
        "issued_on": f"{licence.issued_at.astimezone(CHINA):%Y-%m-%d}", "claim": licence.claim,
    }  # fmt: skip
    return _readable(found)


# --- evidence -------------------------------------------------------------------------------------


def _anchors(
    session: Session, archivist: Archivist, licence: Licence, *, at: datetime
) -> dict[str, bytes]:
    """All that the region gives out to verify with, as a folder that `trust verify --anchors`
    takes: CAs and their newest CRLs, signers, the licence's status list, the trust list."""
    parts: dict[str, bytes] = {}
    for issuer in session.scalars(select(Issuer).order_by(Issuer.name)):
        parts[f"{ANCHORS}{issuer.name}.pem"] = pem("CERTIFICATE", issuer.certificate)
        newest = session.scalar(
            select(Crl.der).where(Crl.issuer == issuer.name).order_by(Crl.number.desc()).limit(1)
        )
        if newest is not None:
            parts[f"{ANCHORS}{issuer.name}.crl"] = pem("X509 CRL", newest)
    for name, der in signers.certificates(session):
        parts[f"{ANCHORS}{name}.pem"] = pem("CERTIFICATE", der)
    status = publish.sign_status_list(
        session, licence.status_list, keys=archivist.keys, at=at, lifetime=_LIST_LIFETIME
    )
    parts[f"{ANCHORS}status-{licence.status_list}.jwt"] = status.encode() + b"\n"
    parts[f"{ANCHORS}trust-list.json"] = archivist.trust_list(at)
    return parts


def _carried(pdf: bytes) -> dict[str, bytes]:
    """What the file itself carries, once more as files: certificates, OCSP answers, CRLs, and the
    time-stamp of each signature."""
    whole = document.read(pdf)
    evidence = dss.read(whole)
    parts: dict[str, bytes] = {}
    if evidence is not None:
        parts |= _numbered("evidence/ocsp/", ".der", evidence.answers)
        parts |= _numbered("evidence/crls/", ".crl", evidence.crls)
        certificates = [pem("CERTIFICATE", each) for each in evidence.certificates]
        parts |= _numbered("evidence/certificates/", ".pem", certificates)
    tokens = [long_term.time_stamp(each)[0] for each in fields.signatures(whole)]
    return parts | _numbered("evidence/time-stamps/", ".tsr", [each for each in tokens if each])


def _numbered(folder: str, suffix: str, found: Iterable[bytes]) -> dict[str, bytes]:
    return {f"{folder}{number:02d}{suffix}": each for number, each in enumerate(found, 1)}


# --- proofs ---------------------------------------------------------------------------------------


def _proofs(session: Session, licence: Licence) -> dict[str, bytes]:
    """That the licence stands in the log of licences, and its acts in the audit log."""
    notes = {name: log.latest_checkpoint(session, name) for name in ("licences", audit.LOG)}
    public, private = notes["licences"], notes[audit.LOG]
    if public is None or private is None:
        raise Conflict("日志尚未签署 / the logs have no checkpoint yet")
    proof = log_proof.prove(session, licence.digest, public.text)
    return {
        "proofs/licence-log.json": _readable(proof.as_json()),
        "proofs/audit.json": _readable(_audit_proof(session, licence, private.text)),
    }


def _audit_proof(session: Session, licence: Licence, note: str) -> dict[str, Any]:
    size = checkpoint.parse(note)[0].size
    ofs = or_(
        AuditEntry.subject == licence.identifier, AuditEntry.subject == str(licence.application)
    )
    rows = session.scalars(
        select(AuditEntry)
        .where(ofs, AuditEntry.sequence < size)
        .order_by(AuditEntry.sequence)
        .limit(ENTRIES_MAX)
    )
    entries = [_entry(session, row, size) for row in rows if _is_of_life(row.act)]
    return {"version": 1, "checkpoint": note, "entries": entries}


def _is_of_life(act: str) -> bool:
    """Reading is no part of a licence's life, and who looked is not for the archive."""
    return act.startswith(_LIFE) and not act.endswith(_LOOKS)


def _entry(session: Session, row: AuditEntry, size: int) -> dict[str, Any]:
    """An entry with every field that its hash covers, and the path from that to the checkpoint."""
    path = log.inclusion_proof(session, audit.LOG, row.sequence, size)
    return {
        "sequence": row.sequence, "at": f"{row.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        "act": row.act, "subject": row.subject, "account": row.account,
        "authority": row.authority, "details": row.details, "previous": row.previous.hex(),
        "hash": row.hash.hex(), "proof": [each.hex() for each in path],
    }  # fmt: skip


def _readable(found: dict[str, Any]) -> bytes:
    return json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
