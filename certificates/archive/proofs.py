"""The two logs in an archive package: is the licence in the public one, are its acts in the audit
log, and did the region sign both?"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from ca import profiles
from certificates import log_proof, public_log
from certificates.archive.manifest import Manifest
from trust import audit, chain
from trust.anchors import Anchors
from trust.audit_entry import entry_hash
from trust.crypto import checkpoint, hashes, jose, merkle
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.checkpoint import Checkpoint
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.merkle import ProofFailed
from trust.crypto.signatures import kind_of
from trust.errors import Invalid
from trust.report import Check, failed, passed
from trust.validation import TrustStore
from trust.witness import LogKey

PROOF_MAX: Final = 8 * 1024 * 1024
_PURPOSE: Final = "log-signer"
_ALGORITHMS: Final = {KeyKind.P256: Algorithm.ES256, KeyKind.SM2: Algorithm.SM2_SM3}


def log_keys(known: Anchors, store: TrustStore, *, region: str, at: datetime) -> list[LogKey]:
    """The keys by which the region signed its logs, each with a chain that held at `at`."""
    found = []
    for certificate in known.intermediates:
        legs = chain.judge(
            "", certificate, store=store, at=at, now=at, purpose=profiles.purpose(_PURPOSE),
            region=region,
        )  # fmt: skip
        algorithm = _ALGORITHMS.get(kind_of(certificate.spki))
        if algorithm is not None and chain.all_passed(legs):
            found.append(LogKey(certificate.spki, algorithm))
    return found


def check_licence(
    parts: Mapping[str, bytes], raw: bytes, keys: Sequence[LogKey], *, region: str
) -> Check:
    """The leg `log`: licence.json's digest is in the region's log of licences."""
    try:
        proof = log_proof.parse(parts.get("proofs/licence-log.json", b""))
    except Malformed:
        return failed("log", "not_in_log")
    origin = f"trust.{region}/{public_log.LOG}"
    return log_proof.check(proof, hashes.sm3(raw), origin=origin, keys=keys)


def check_audit(parts: Mapping[str, bytes], manifest: Manifest, keys: Sequence[LogKey]) -> Check:
    """The leg `audit`: each entry is what its hash covers, and that hash is in the signed log."""
    try:
        document: Any = jose.load_json(parts.get("proofs/audit.json", b""), cap=PROOF_MAX)
        signed = _signed(str(document["checkpoint"]), f"trust.{manifest.region}/{audit.LOG}", keys)
        subjects = set()
        for entry in document["entries"]:
            _require_entry(entry, signed)
            subjects.add(entry["subject"])
        if manifest.identifier not in subjects:
            return failed("audit", "audit_not_proved", "no entry of this licence")
    except (ProofFailed, InvalidSignature, UnknownAlgorithm, Malformed, Invalid) as error:
        return failed("audit", "audit_not_proved", str(error))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return failed("audit", "audit_not_proved", "not a proof")
    return passed("audit", "audit_proved", str(len(document["entries"])))


def _signed(note: str, origin: str, keys: Sequence[LogKey]) -> Checkpoint:
    for key in keys:
        try:
            return checkpoint.verify_checkpoint(
                note, spki=key.spki, algorithm=key.algorithm, origin=origin
            )
        except InvalidSignature:
            continue
    raise InvalidSignature("no key of that log has signed the checkpoint")


def _require_entry(entry: dict[str, Any], signed: Checkpoint) -> None:
    """ProofFailed, or the errors of a dictionary of another form."""
    covered = entry | {
        "at": datetime.fromisoformat(entry["at"]), "previous": bytes.fromhex(entry["previous"]),
    }  # fmt: skip
    found = entry_hash(covered)
    if found.hex() != entry["hash"]:
        raise ProofFailed(f"entry {entry['sequence']} is not what its hash covers")
    merkle.verify_inclusion(
        merkle.leaf_hash(found), index=entry["sequence"], size=signed.size,
        proof=[bytes.fromhex(each) for each in entry["proof"]], root=signed.root,
    )  # fmt: skip
