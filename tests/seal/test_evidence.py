"""Time-stamps and evidence in sealed files, as programs that are not ours see them; authorities
that are not ours; and long-term data that others may have written."""

import asyncio
import io
import logging
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import ades, policy_decl
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import policy_decl as revocation_policy
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.poe import KnownPOE, POEType, digest_for_poe
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.registry import SimpleTrustManager

from ca.models import OUTSIDE, Crl, Issuer
from ca.ocsp import Responder
from certificates import issue, long_term
from certificates.verify import verify_file
from seal.apply import Suites
from seal.long_term import Chains, LongTerm, NoTimeStamp, Stamps
from seal.outside import OutsideAuthority
from seal.pdf import document, dss
from seal.pdf.errors import BadPdf
from seal.pdf.objects import Dict, Object, Ref, Stream
from seal.pdf.update import Update
from tests.certificates.mutated_signatures import signatures
from tests.regions import Region, build
from tests.seal.test_judges import _embedded, _is_sm2, asn1_x509, run
from tests.seal.test_pdf import page
from tests.sealed import Sealed, sealed
from tests.tools import find_tool
from trust import signing_time
from trust.anchors import pem
from trust.carried import Evidence
from trust.clock import utc_now
from trust.crypto import tst, x509
from trust.crypto.algorithms import Algorithm
from trust.errors import Invalid
from trust.report import Outcome

__all__ = ["sealed"]

SM2, RSA = Algorithm.SM2_SM3, Algorithm.RSA_SHA256
YEARS_LATER = timedelta(days=6 * 365)


# --- pyHanko: B-LT -------------------------------------------------------------------------------


class Judge:
    """pyHanko, with the RSA roots, offline: an answer on revocation is required of every
    certificate, and the file is all that there is to find one in."""

    def __init__(self, sealed: Sealed, pdf: bytes) -> None:
        reader = PdfFileReader(io.BytesIO(pdf), strict=True)
        self.signature = _embedded(reader, "Final")
        self.signature.compute_integrity_info()
        roots = [asn1_x509.Certificate.load(c.der) for c in sealed.anchors().roots
                 if not _is_sm2(c)]  # fmt: skip
        rule = revocation_policy.RevocationCheckingRule.CRL_OR_OCSP_REQUIRED
        checking = revocation_policy.RevocationCheckingPolicy(rule, rule)
        self.certificates = CertValidationPolicySpec(
            trust_manager=SimpleTrustManager.build(trust_roots=roots),
            revinfo_policy=revocation_policy.CertRevTrustPolicy(checking),
        )
        self.held: Any = ades._dss_to_local_knowledge(reader)  # what ades_lta_validation reads
        self.roots = roots

    def policy(self, knowledge: Any) -> Any:
        return policy_decl.SignatureValidationSpec(
            cert_validation_policy=self.certificates, local_knowledge=knowledge,
            revinfo_gathering_policy=policy_decl.RevocationInfoGatheringSpec(
                online_fetching_rule=policy_decl.RevinfoOnlineFetchingRule.LOCAL_ONLY
            ),
            key_usage_settings=KeyUsageConstraints(key_usage={"digital_signature"}),
        )  # fmt: skip

    def with_time(self, knowledge: Any, at: datetime) -> Any:
        """EN 319 102-1, 5.5, with the material of the file."""
        return asyncio.run(
            ades.ades_with_time_validation(
                self.signature.signed_data,
                self.policy(knowledge),
                timing_info=ValidationTimingInfo(at, at, False),
                raw_digest=self.signature.compute_digest(),
            )
        )

    def in_the_past(self, at: datetime, *, existed: datetime) -> Any:
        """5.6: all that the file holds is known to have been there at `existed`."""
        token = self.signature.signer_info["unsigned_attrs"][0]["values"][0]
        items = [one.dump() for one in (*self.held.known_certs, *self.roots)]
        for held in self.held.known_ocsps:
            items.append(held.ocsp_response_data.dump())
            items += [c.dump() for c in held.extract_basic_ocsp_response()["certs"]]
        items.append(self.signature.signer_info["signature"].native)
        items.append(token["content"]["signer_infos"][0]["signature"].native)
        proved = [KnownPOE(POEType.PROVIDED, digest_for_poe(item), existed) for item in items]
        spec = policy_decl.PdfSignatureValidationSpec(
            self.policy(replace(self.held, known_poes=proved))
        )
        timing = ValidationTimingInfo(at, at, False)
        return asyncio.run(ades.ades_lta_validation(self.signature, spec, timing_info=timing))


@pytest.fixture
def _quiet() -> Iterator[None]:
    """pyHanko logs what it does not take as errors, with traces."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("_quiet")
@pytest.mark.parametrize("suites", [Suites.DUAL, Suites.RSA])
def test_pyhanko_judges_the_closing_signature_b_lt(sealed: Sealed, suites: Suites) -> None:
    judge = Judge(sealed, sealed.files[suites])
    now = utc_now()
    found = judge.with_time(judge.held, now)
    assert found.ades_subindic.name == "OK"
    stamped = found.best_signature_time
    token, value, digest = long_term.time_stamp(signatures(sealed.files[suites])[-1])
    assert stamped == signing_time.read(token or b"", value, digest).info.at
    # It is the file's evidence that does it, and does it for good.
    without = judge.with_time(policy_decl.LocalKnowledge(), now)
    assert without.ades_subindic.name != "OK"
    late = judge.in_the_past(now + YEARS_LATER, existed=stamped)
    assert late.ades_subindic.name == "OK"
    assert late.best_signature_time == stamped


# --- OpenSSL and Poppler -------------------------------------------------------------------------


def test_openssl_verifies_the_closing_time_stamp(sealed: Sealed, tmp_path: Path) -> None:
    token, value, _ = long_term.time_stamp(signatures(sealed.dual)[-1])
    (tmp_path / "token").write_bytes(token or b"")
    (tmp_path / "value").write_bytes(value)
    roots = b"".join(pem("CERTIFICATE", c.der) for c in sealed.anchors().roots if not _is_sm2(c))
    (tmp_path / "roots.pem").write_bytes(roots)
    words = ("ts", "-verify", "-token_in", "-in", tmp_path / "token",
             "-CAfile", tmp_path / "roots.pem", "-data")  # fmt: skip
    said = run("openssl", *words, tmp_path / "value")
    assert "Verification: OK" in said
    (tmp_path / "other").write_bytes(value + b"!")
    assert "Verification: OK" not in run("openssl", *words, tmp_path / "other")


def test_poppler_says_that_the_whole_file_with_its_evidence_is_signed(
    sealed: Sealed, tmp_path: Path
) -> None:
    for suites in (Suites.DUAL, Suites.RSA):
        path = tmp_path / f"{suites}.pdf"
        path.write_bytes(sealed.files[suites])
        assert dss.read(document.read(sealed.files[suites]))
        closing = run("pdfsig", "-nocert", path).split("Signature #")[-1]
        assert "Signature is Valid" in closing
        assert "Total document signed" in closing


# --- an outside authority ------------------------------------------------------------------------


def openssl(*words: object, cwd: Path) -> None:
    subprocess.run(
        [str(find_tool("openssl")), *map(str, words)], cwd=cwd, check=True, capture_output=True,
        timeout=60,
    )  # fmt: skip


CONFIG = """
[ca]
database = index.txt
crlnumber = number
default_md = sha256
default_crl_days = 3
crl_extensions = crl
[crl]
authorityKeyIdentifier = keyid
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""


class Foreign:
    """A time-stamp authority made and run by OpenSSL."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "config").write_text(CONFIG)
        for name, text in (("index.txt", ""), ("serial", "01"), ("number", "01")):
            (home / name).write_text(text)
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out",
                "root.pem", "-subj", "/C=CN/O=National Time/CN=Root", "-days", "900", "-config",
                "config", "-extensions", "root", cwd=home)  # fmt: skip
        openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out",
                "tsa.csr", "-subj", "/C=CN/O=National Time/CN=TSA", cwd=home)  # fmt: skip
        openssl("x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key",
                "-set_serial", "7", "-days", "600", "-extfile", "config", "-extensions", "leaf",
                "-out", "tsa.pem", cwd=home)  # fmt: skip
        openssl("ca", "-gencrl", "-config", "config", "-name", "ca", "-cert", "root.pem",
                "-keyfile", "root.key", "-out", "crl.pem", cwd=home)  # fmt: skip
        for kind, name in (("x509", "root"), ("crl", "crl")):
            openssl(kind, "-in", f"{name}.pem", "-outform", "DER", "-out", f"{name}.der", cwd=home)

    def reply(self, request: httpx.Request) -> httpx.Response:
        (self.home / "query").write_bytes(request.content)
        words = ["-config", "config", "-section", "tsa", "-queryfile", "query"]
        openssl("ts", "-reply", *words, "-signer", "tsa.pem", "-inkey", "tsa.key",
                "-out", "reply", cwd=self.home)  # fmt: skip
        kind = {"Content-Type": "application/timestamp-reply"}
        return httpx.Response(200, content=(self.home / "reply").read_bytes(), headers=kind)

    def known_to(self, region: Region) -> None:
        """Its root is taken in as an outside CA, with its CRL."""
        with region.platform.sessions.begin() as session:
            root = (self.home / "root.der").read_bytes()
            crl = x509.parse_crl((self.home / "crl.der").read_bytes())
            assert crl.next_update is not None
            session.add(
                Issuer(
                    name="time", algorithm=str(RSA), key_id=f"{OUTSIDE}time", parent=None,
                    certificate=root, created_at=utc_now(),
                )
            )  # fmt: skip
            session.flush()
            session.add(
                Crl(
                    issuer="time", number=1, this_update=crl.this_update,
                    next_update=crl.next_update, der=crl.der,
                )
            )  # fmt: skip


def test_an_outside_authority_stamps_as_plainly_as_our_own(tmp_path: Path) -> None:
    (tmp_path / "tsa").mkdir()
    foreign, region = Foreign(tmp_path / "tsa"), build(tmp_path / "region")
    foreign.known_to(region)
    platform = region.platform
    own = platform.long_term
    with httpx.Client(transport=httpx.MockTransport(foreign.reply)) as client:
        outside = OutsideAuthority("http://time.example/tsa", client=client)
        asks = {SM2: own.stamps._authorities[SM2], RSA: outside.answer}
        tools = LongTerm(Stamps(asks, own.chains, clock=utc_now), own.chains)
        workshop = replace(platform.workshop(at=utc_now()), long_term=tools)
        made = issue.issue(
            workshop, region.approved(), by=region.caller("market.approver"), at=utc_now()
        )
    pdf = region.file(made)
    carried = dss.read(document.read(pdf))
    assert carried is not None
    assert carried.crls == ((foreign.home / "crl.der").read_bytes(),)
    found = verify_file(pdf, platform.knowledge, at=utc_now())
    assert found.outcome is Outcome.PASSED, found.checks
    token, value, digest = long_term.time_stamp(signatures(pdf)[-1])
    signer = signing_time.read(token or b"", value, digest).signer
    assert x509.name_value(signer.subject, x509.COMMON_NAME) == "TSA"
    tst.require_canonical(token or b"")


def _answer(
    body: bytes = b"", *, status: int = 200, kind: str = "application/timestamp-reply",
    place: str = "",
) -> httpx.Response:  # fmt: skip
    headers = {"Content-Type": kind, "Location": place}
    return httpx.Response(status, content=body, headers=headers)


@pytest.mark.parametrize(
    "reply",
    [
        lambda _: _answer(status=500), lambda _: _answer(status=302, place="http://other/"),
        lambda _: _answer(b"0\x00", kind="text/html"),
        lambda _: _answer(bytes(tst.RESPONSE_MAX + 1)),
        lambda _: (_ for _ in ()).throw(httpx.ConnectError("refused")),
    ],
)  # fmt: skip
def test_an_outside_authority_that_answers_something_else_gives_no_stamp(
    reply: Callable[[httpx.Request], httpx.Response],
) -> None:
    with httpx.Client(transport=httpx.MockTransport(reply)) as client:
        asked = OutsideAuthority("https://time.example/", client=client)
        with pytest.raises(NoTimeStamp):
            asked.answer(b"0\x00")


@pytest.mark.parametrize("url", ["ftp://a/", "file:///etc/passwd", "http://", "time.example"])
def test_an_authority_is_asked_at_http_addresses_only(url: str) -> None:
    with httpx.Client() as client, pytest.raises(Invalid):
        OutsideAuthority(url, client=client)


def test_a_stamp_of_another_request_or_another_time_is_refused(sealed: Sealed) -> None:
    platform = sealed.region.platform
    chains = Chains(platform.reading, Responder(platform.reading, platform.keys), clock=utc_now)
    ask = platform.long_term.stamps._authorities[RSA]
    first: list[bytes] = []

    def replayed(request: bytes) -> bytes:
        first.append(ask(request))
        return first[0]

    again = Stamps({RSA: replayed}, chains, clock=utc_now)
    assert again.stamp(RSA, b"value")
    with pytest.raises(NoTimeStamp):  # the same value: only the nonce tells
        again.stamp(RSA, b"value")
    slow = Stamps({RSA: ask}, chains, clock=lambda: utc_now() + timedelta(minutes=6))
    with pytest.raises(NoTimeStamp):
        slow.stamp(RSA, b"value")
    with pytest.raises(NoTimeStamp):
        Stamps({}, chains, clock=utc_now).stamp(RSA, b"value")


# --- long-term data ------------------------------------------------------------------------------


def with_store(**entries: Object) -> document.Document:
    update = Update(document.read(page()))
    store: Dict = dict(entries)
    update.put(update.document.root, {**update.document.catalog(), "DSS": update.add(store)})
    return document.read(update.document.data + update.write())


def test_what_was_put_into_a_store_comes_out() -> None:
    update = Update(document.read(page()))
    evidence = Evidence((b"a", b"b"), (b"c",), (b"d" * 3000,))
    store = dss.add(update, evidence)
    update.put(update.document.root, {**update.document.catalog(), "DSS": store})
    whole = document.read(update.document.data + update.write())
    assert dss.read(whole) == evidence
    assert dss.read(whole.at(1)) is None


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ({"Certs": b"x"}, "malformed"), ({"Certs": [b"x"]}, "malformed"),
        ({"OCSPs": [Ref(1, 0)]}, "malformed"), ({"CRLs": [Ref(99, 0)]}, "malformed"),
        ({"Certs": [Ref(4, 0)] * 65}, "too_complex"),
    ],
)  # fmt: skip
def test_a_store_of_another_form_is_refused(entries: Dict, code: str) -> None:
    with pytest.raises(BadPdf) as refused:
        dss.read(with_store(**entries))
    assert refused.value.code == code


def test_a_store_that_is_too_large_is_refused() -> None:
    update = Update(document.read(page()))
    items: list[Object] = [update.add(Stream({}, bytes(dss.ITEM_MAX))) for _ in range(9)]
    store = update.add({"CRLs": items})
    update.put(update.document.root, {**update.document.catalog(), "DSS": store})
    with pytest.raises(BadPdf) as refused:
        dss.read(document.read(update.document.data + update.write()))
    assert refused.value.code == "too_large"
