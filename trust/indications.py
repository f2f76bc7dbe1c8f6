"""What ETSI EN 319 102-1 (clause 5.1.3) calls a report's outcome: indication and sub-indication.

Ours are never milder: where the standard has only INDETERMINATE for a broken rule, as for a chain
that a name constraint forbids, the report's own outcome is FAILED all the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trust.report import Check, Outcome


class Indication(StrEnum):
    PASSED = "TOTAL-PASSED"
    FAILED = "TOTAL-FAILED"
    INDETERMINATE = "INDETERMINATE"


@dataclass(frozen=True, slots=True)
class Indicated:
    """`sub` is empty with TOTAL-PASSED only."""

    indication: Indication
    sub: str = ""

    def as_json(self) -> dict[str, str | None]:
        return {"indication": str(self.indication), "sub_indication": self.sub or None}


#: Sub-indications that belong to TOTAL-FAILED; all others belong to INDETERMINATE.
TOTAL_FAILED: Final = frozenset(
    {"FORMAT_FAILURE", "HASH_FAILURE", "SIG_CRYPTO_FAILURE", "REVOKED", "EXPIRED", "NOT_YET_VALID"}
)
_CODES: Final = {
    "FORMAT_FAILURE": """not_a_pdf encrypted malformed too_large too_complex byte_range
        not_canonical signature_malformed time_stamp_missing changed changed_between
        claim_malformed claim_version qr_unreadable copy_claim""",
    "HASH_FAILURE": "digest_mismatch",
    "SIG_CRYPTO_FAILURE": "signature_invalid claim_forged",
    "REVOKED": "revoked",
    "EXPIRED": "expired",
    "NOT_YET_VALID": "not_yet_valid",
    "CRYPTO_CONSTRAINTS_FAILURE": "algorithm_refused",
    "SIGNED_DATA_NOT_FOUND": "document_withheld",
    "NO_SIGNING_CERTIFICATE_FOUND": "claim_signer_unknown",
    "NO_CERTIFICATE_CHAIN_FOUND": "no_anchor",
    "CERTIFICATE_CHAIN_GENERAL_FAILURE": """chain_signature chain_malformed path_work
        revocation_not_reached""",
    "CHAIN_CONSTRAINTS_FAILURE": """not_a_ca path_length region_mismatch critical_extension
        name_constraints policy key_usage claim_region_mismatch""",
    "SIG_CONSTRAINTS_FAILURE": """seal_not_in_force seal_signature_invalid seal_signer_mismatch
        seal_version seal_maker_untrusted not_locked time_stamp_invalid time_stamp_malformed
        sealed_in_future""",
    "TRY_LATER": "revocation_unknown",
    "REVOKED_NO_POE": "compromised",
    "NO_POE": "time_stamp_untrusted",
    "TIMESTAMP_ORDER_FAILURE": "time_stamp_disagrees",
}
#: Report code -> sub-indication, of the checks that are about signatures.
SUB_INDICATIONS: Final = {code: sub for sub, codes in _CODES.items() for code in codes.split()}


def indicate(checks: Iterable[Check]) -> Indicated | None:
    """The worst of these checks of signatures in the standard's words; None without any, and
    where there is no signature to speak of."""
    found = [_of(check) for check in checks]
    for worst in (Indication.FAILED, Indication.INDETERMINATE, Indication.PASSED):
        for one in found:
            if one is not None and one.indication is worst:
                return one
    return None


def _of(check: Check) -> Indicated | None:
    if check.outcome is Outcome.PASSED:
        return Indicated(Indication.PASSED)
    sub = SUB_INDICATIONS.get(check.code)
    if sub is None:
        return None
    return Indicated(Indication.FAILED if sub in TOTAL_FAILED else Indication.INDETERMINATE, sub)
