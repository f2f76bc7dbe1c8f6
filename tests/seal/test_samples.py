"""Every sample of other makers through the command, each as its own description says."""

import json
from pathlib import Path
from typing import Any

import pytest

from server import cli
from trust.anchors import pem

DATA = Path(__file__).parents[2] / "../shared/data"
#: What the samples' own description says of each document: (outcome, codes that must be there).
DOCUMENTS = {
    "ofd/v4signed.ofd": ("INDETERMINATE", {"signature_valid", "references_match", "covers_all"}),
    "ofd/allprotected.ofd": ("INDETERMINATE", {"signature_valid", "seal_file_matches"}),
    "ofd/V4RideRight.ofd": ("INDETERMINATE", {"signature_valid", "references_match"}),
    "ofd/SESV4SignDoc.ofd": ("FAILED", {"signature_valid", "seal_not_in_force"}),
    "ofd/zsbk.ofd": ("FAILED", {"signature_valid", "references_differ"}),
    "ofd/h.ofd": ("FAILED", {"signature_valid", "references_differ", "references_match"}),
    "ofd/n.ofd": ("FAILED", {"signature_invalid", "digest_mismatch", "seal_signature_valid"}),
    "ofd/DigitalSign.ofd": ("INDETERMINATE", {"references_match", "signer_not_at_hand"}),
    "ofd/hello-integrity.ofd": ("INDETERMINATE", {"files_listed", "signature_valid"}),
    "ofd/hello.ofd": ("FAILED", {"no_signature"}),
    "ofd/helloworld.ofd": ("FAILED", {"no_signature"}),
    "pdf/minimal.pdf": ("FAILED", {"no_signature"}),
    "pdf/minimal-two-fields.pdf": ("FAILED", {"no_signature"}),
    "pdf/one-byterange.pdf": ("FAILED", {"byte_range"}),
    "pdf/tail-uncovered.pdf": ("FAILED", {"byte_range"}),
    "pdf/base.pdf": ("FAILED", {"covers_revision", "signature_malformed"}),
    "pdf/minimal-two-fields-signed-twice.pdf": ("", {"signed_again", "unchanged"}),
    "pdf/pades-lta-dss-indirect-arrs-test.pdf": ("", {"signature_valid", "long_term_data"}),
    "seals/UserV1.esl": ("FAILED", {"seal_signature_valid", "seal_over"}),
    "seals/UserV4.esl": ("FAILED", {"seal_signature_valid", "seal_over"}),
    "seals/UserV5.esl": ("", {"seal_signature_valid"}),
    "cms/cfca-sadk-attached.der": ("INDETERMINATE", {"signature_valid", "content_inside"}),
    "cms/explicit_curve_cert.der": ("FAILED", {"algorithm_refused"}),
    "cms/smx509_csrFromAli.pem": ("PASSED", {"key_accepted", "signature_valid"}),
    "timestamps/bc_sm2_token.der": ("", {"time_stamped"}),
}


def report(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    if not path.exists():
        pytest.skip(f"{path} is not here")
    status = cli.main(["seal", "inspect", str(path), "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert status == {"PASSED": 0, "FAILED": 1, "INDETERMINATE": 2}[found["outcome"]]
    return found


def codes(found: dict[str, Any]) -> set[str]:
    checks = [*found["checks"], *(c for one in found["signatures"] for c in one["checks"])]
    return {check["code"] for check in checks}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_sample_is_judged_by_the_command_as_it_is_described(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = report(DATA / name, capsys)
    outcome, wanted = DOCUMENTS[name]
    assert found["outcome"] == outcome or not outcome
    assert wanted <= codes(found)


OTHERS = [
    path for folder in ("ofd", "pdf", "cms", "keys", "timestamps")
    for path in sorted(DATA.glob(f"{folder}/*")) if f"{folder}/{path.name}" not in DOCUMENTS
]  # fmt: skip


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: str(path.name))
def test_no_other_sample_trips_the_command(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(path, capsys)["kind"]


def test_a_root_of_others_that_is_no_authority_is_refused_even_as_an_anchor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The root of the samples' test keys has no basicConstraints."""
    root = DATA / "keys/ROOT.cer"
    if not root.exists():
        pytest.skip(f"{root} is not here")
    (tmp_path / "root.pem").write_bytes(pem("CERTIFICATE", root.read_bytes()))
    status = cli.main(
        ["seal", "inspect", str(DATA / "ofd/allprotected.ofd"), "--anchors", str(tmp_path),
         "--json"]
    )  # fmt: skip
    assert status == 1
    assert {"signature_valid", "not_a_ca"} <= codes(json.loads(capsys.readouterr().out))
