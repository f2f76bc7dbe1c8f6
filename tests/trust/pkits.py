"""NIST PKITS, all 246 cases, through our path validation (`make pkits`).

A case is as the suite has it: an end entity, intermediates, CRLs, policy inputs, and what is
expected. Ours *agrees*, or is *stricter*, with a reason; accepting what the suite refuses is a
false accept and fails the run.
"""

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trust.crypto import x509
from trust.crypto.errors import Malformed
from trust.crypto.x509 import Certificate, RevocationList
from trust.errors import TrustError
from trust.policies import ANY_POLICY, PolicyInputs
from trust.revocation import CrlLookup
from trust.validation import PathUnknown, Standing, choose_path, read_chain

HOME = Path(__file__).resolve().parents[2] / "../shared/data/pkits"
#: The suite's certificates are valid from 2010 to 2030.
AT = datetime(2020, 1, 1, tzinfo=UTC)
ANCHOR, ANCHOR_CRL = "TrustAnchorRootCertificate.crt", "TrustAnchorRootCRL.crl"
_DSA = "DSA and SHA-1 are not on the allow-list of algorithms"
#: Every case that the suite accepts and we do not, and why.
STRICTER = {
    "valid_dsa_signatures_test4": _DSA,
    "valid_dsa_parameter_inheritance_test5": _DSA,
    "valid_crlissuer_test30": "the CRL's signer is told good by no CRL but its own",
}


@dataclass(frozen=True)
class Result:
    """One case: `accepted` is ours, `expected` the suite's; `reason` of our refusal."""

    name: str
    accepted: bool
    expected: bool
    reason: str

    @property
    def false_accept(self) -> bool:
        return self.accepted and not self.expected

    @property
    def stricter(self) -> bool:
        return self.expected and not self.accepted


def cases() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((HOME / "cases.json").read_text(encoding="utf-8"))
    return found


def _certificate(name: str) -> bytes:
    return (HOME / "certs" / name).read_bytes()


def _crls(names: list[str]) -> list[RevocationList]:
    """Those that can be read: one that cannot is no CRL to us."""
    found = []
    for name in names:
        try:
            found.append(x509.parse_crl((HOME / "crls" / name).read_bytes()))
        except Malformed:
            continue
    return found


def _inputs(case: dict[str, Any]) -> PolicyInputs:
    given = case.get("policy_inputs", {})
    known = {
        "user_initial_policy_set", "initial_explicit_policy", "initial_policy_mapping_inhibit",
        "initial_any_policy_inhibit",
    }  # fmt: skip
    if set(given) - known:
        raise ValueError(f"inputs that this program does not know: {set(given) - known}")
    return PolicyInputs(
        frozenset(given.get("user_initial_policy_set", [ANY_POLICY])),
        explicit_policy=given.get("initial_explicit_policy", False),
        mapping_inhibited=given.get("initial_policy_mapping_inhibit", False),
        any_policy_inhibited=given.get("initial_any_policy_inhibit", False),
    )


def judge(case: dict[str, Any]) -> Result:
    """Run one case, revocation in require mode: what no CRL answers for is not accepted."""
    reason = ""
    try:
        _validate(case)
    except TrustError as error:
        reason = f"{error.code}: {error}"
    return Result(case["name"], not reason, case["expected"] == "valid", reason)


def _validate(case: dict[str, Any]) -> None:
    leaf = x509.parse_certificate(_certificate(case["end_entity"]))
    anchor: Certificate = x509.parse_certificate(_certificate(ANCHOR))
    others = read_chain(_certificate(name) for name in case["intermediates"])
    path = choose_path(leaf, intermediates=others, anchors=[anchor], at=AT, policies=_inputs(case))
    crls = _crls([ANCHOR_CRL, *case["crls"]])
    lookup = CrlLookup(crls, certificates=others, anchors=[anchor])
    for issuer, certificate in zip(path.certificates, path.certificates[1:], strict=False):
        status = lookup.status(certificate, issuer, at=AT)
        if status.standing is not Standing.GOOD:
            raise PathUnknown(f"status_{status.standing}", x509.name_text(certificate.subject))


def main() -> int:
    """Print each difference and the closing line; 1 for a false accept or one not explained."""
    if not HOME.is_dir():
        print(f"the suite is not at {HOME}", file=sys.stderr)
        return 2
    results = [judge(case) for case in cases()]
    stricter = [result for result in results if result.stricter]
    wrong = [result for result in results if result.false_accept]
    for result in stricter:
        why = STRICTER.get(result.name, "UNEXPLAINED")
        print(f"stricter      {result.name}: {why} ({result.reason})")
    for result in wrong:
        print(f"FALSE ACCEPT  {result.name}")
    agree = len(results) - len(stricter) - len(wrong)
    print(
        f"PKITS: {agree} agree, {len(stricter)} stricter of {len(results)},"
        f" {len(wrong)} false accepts"
    )
    unexplained = {result.name for result in stricter} - STRICTER.keys()
    return 1 if wrong or unexplained else 0


if __name__ == "__main__":
    raise SystemExit(main())
