"""Samples of CFCA, ofdrw and BouncyCastle, judged value by value."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seal.inspect import inspect
from seal.inspection import Inspection
from tests.seal.vendors import MADE
from trust.anchors import Anchors
from trust.crypto import x509
from trust.report import Outcome

NOW = MADE + timedelta(days=30)
DATA = Path(__file__).parents[2] / "../shared/data"


def codes(found: Inspection) -> dict[str, str]:
    return {check.name: check.code for check in found.signatures[0].checks}


def sample(name: str) -> bytes:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return path.read_bytes()


def test_what_cfca_made_holds_and_holds_its_content() -> None:
    data = sample("cms/cfca-sadk-attached.der")
    late = datetime(2026, 12, 1, tzinfo=UTC)
    got = codes(inspect(data, now=late))
    assert (got["signature"], got["digest"]) == ("signature_valid", "content_inside")
    got = codes(inspect(data, now=late, original=b"Hello Secret World!"))
    assert got["digest"] == "digest_matches"
    got = codes(inspect(data, now=late, original=b"Hello Secret World?"))
    assert got["digest"] == "digest_mismatch"


def test_the_integrity_file_of_ofdrw_is_sound_but_for_trust() -> None:
    found = inspect(sample("ofd/hello-integrity.ofd"), now=NOW)
    assert [c.code for c in found.checks] == ["well_formed", "files_listed", "files_uncovered"]
    got = {check.name: check.code for check in found.signatures[0].checks}
    assert got["signature.integrity"] == "signature_valid"
    assert got["digest.integrity"] == "digest_matches"
    assert found.outcome is Outcome.INDETERMINATE


def test_a_bare_value_of_ofdrw_holds_by_its_signers_certificate() -> None:
    certificate = pem_body(sample("keys/sign_cert.pem"))
    known = Anchors((), (x509.parse_certificate(certificate),))
    data = sample("ofd/DigitalSign.ofd")
    assert codes(inspect(data, now=NOW))["signature.1"] == "signer_not_at_hand"
    got = codes(inspect(data, now=NOW, anchors=known))["signature.1"]
    assert got in ("signature_valid", "signer_not_at_hand")


def pem_body(data: bytes) -> bytes:
    from trust.anchors import read_pem

    return next(body for _, body in read_pem(data, name="a certificate"))


@pytest.mark.parametrize(
    ("name", "kind", "outcome"),
    [
        ("cms/cfca_cfcasm2oca1.pem", "certificate", Outcome.INDETERMINATE),
        ("cms/smx509_csrFromAli.pem", "request", Outcome.PASSED),
        ("cms/pkcs7_certificateChainGMSSL.pem", "cms", Outcome.FAILED),
        ("timestamps/bc_sm2_token.der", "time_stamp", Outcome.INDETERMINATE),
        ("timestamps/bc_sm2_resp.tsr", "time_stamp", Outcome.INDETERMINATE),
        ("timestamps/bc_tsa.cer", "certificate", Outcome.INDETERMINATE),
        ("keys/ROOT.cer", "certificate", Outcome.INDETERMINATE),
        ("keys/sign_key.pem", "unknown", Outcome.FAILED),
    ],
)
def test_other_samples_are_called_what_they_are(name: str, kind: str, outcome: Outcome) -> None:
    found = inspect(sample(name), now=datetime(2026, 12, 1, tzinfo=UTC))
    assert (found.kind, found.outcome) == (kind, outcome)


def test_a_certificate_with_explicit_curve_parameters_is_read_and_refused_by_name() -> None:
    found = inspect(sample("cms/explicit_curve_cert.der"), now=NOW)
    assert found.oddities == ("a certificate with explicit curve parameters",)
    assert found.checks[0].code == "algorithm_refused"
