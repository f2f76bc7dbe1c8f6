"""ETSI indications: every finding about a signature has one, and none is milder than ours."""

from pathlib import Path

import pytest

from trust.indications import SUB_INDICATIONS, TOTAL_FAILED, Indicated, Indication, indicate
from trust.reasons import REASONS
from trust.report import failed, passed, unknown

#: EN 319 102-1 V1.4.1, tables 5 and 6: those that a validation without evidence records can reach.
STANDARD = TOTAL_FAILED | {
    "SIG_CONSTRAINTS_FAILURE", "CHAIN_CONSTRAINTS_FAILURE", "CERTIFICATE_CHAIN_GENERAL_FAILURE",
    "CRYPTO_CONSTRAINTS_FAILURE", "NO_SIGNING_CERTIFICATE_FOUND", "NO_CERTIFICATE_CHAIN_FOUND",
    "REVOKED_NO_POE", "TRY_LATER", "SIGNED_DATA_NOT_FOUND", "NO_POE", "TIMESTAMP_ORDER_FAILURE",
}  # fmt: skip


def test_every_code_is_one_of_the_reports_and_every_word_one_of_the_standards() -> None:
    assert SUB_INDICATIONS.keys() <= REASONS.keys()
    assert set(SUB_INDICATIONS.values()) == STANDARD


@pytest.mark.parametrize("code", sorted(SUB_INDICATIONS))
def test_what_does_not_pass_is_never_total_passed(code: str) -> None:
    for check in (failed("x", code), unknown("x", code)):
        found = indicate([passed("x", "signature_valid"), check])
        assert found is not None
        assert found.indication is not Indication.PASSED
        assert found.sub == SUB_INDICATIONS[code]
        assert (found.indication is Indication.FAILED) == (found.sub in TOTAL_FAILED)


def test_the_worst_is_told_and_of_equals_the_first() -> None:
    checks = [
        passed("a", "chain_valid"), unknown("b", "revocation_unknown"), failed("c", "revoked"),
        failed("d", "expired"),
    ]  # fmt: skip
    assert indicate(checks) == Indicated(Indication.FAILED, "REVOKED")
    assert indicate(checks[:2]) == Indicated(Indication.INDETERMINATE, "TRY_LATER")
    assert indicate(checks[:1]) == Indicated(Indication.PASSED)
    assert indicate([]) is None
    assert indicate([failed("structure", "no_signature")]) is None


def test_no_finding_about_a_signature_lacks_its_word() -> None:
    """All codes of the report but those that are about the licence, or about foreign files."""
    apart = {
        "locked", "no_signature", "no_licence", "missing_seal", "seal_state",
        "seal_owner_mismatch", "seal_region_mismatch", "content_malformed", "identifier_wrong",
        "claim_differs_from_registry", "differs_from_registry", "not_in_registry", "qr_differs",
        "void", "suspended", "other_state", "state_unknown", "dates_not_yet", "dates_over",
        "issued_in_future", "copy_expired", "copy_from_future", "copy_differs_from_registry",
        "copy_not_in_registry", "copy_seal_mismatch", "original_differs",
        # What lists, logs, policy and other regions say of a signer or a licence.
        "region_unknown", "list_stale", "list_compromised", "not_on_list", "not_in_log",
        "log_not_asked", "not_recognised", "recognised_if", "recognition_unknown",
        "exchange_not_bound", "exchange_not_signed", "peer_disagrees",
    }  # fmt: skip
    text = Path(__file__).resolve().parents[2].joinpath("docs/report.md").read_text("utf-8")
    about, _, _ = text.partition("### Only in `trust seal inspect`")
    rows = [line for line in about.splitlines() if line.startswith("| `")]
    told = {
        line.split("`")[1] for line in rows if "| FAILED" in line or "| INDETERMINATE" in line
    } & REASONS.keys()
    assert told > SUB_INDICATIONS.keys() - {"document_withheld"}
    assert told - apart <= SUB_INDICATIONS.keys()
