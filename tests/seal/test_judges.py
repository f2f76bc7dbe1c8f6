"""What we seal, judged by programs and libraries that are not ours."""

import hashlib
import io
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from seal.apply import Suites
from tests.certificates.mutated_signatures import signatures
from tests.sealed import Sealed, sealed, untyped
from tests.tools import find_tool
from trust.anchors import Anchors, pem
from trust.crypto import cms, x509
from trust.crypto.x509 import Certificate
from trust.validation import find_path

__all__ = ["sealed"]

asn1_x509 = untyped("asn1crypto.x509")
decoder, encoder = untyped("pyasn1.codec.der.decoder"), untyped("pyasn1.codec.der.encoder")
char, namedtype, tag = (untyped(f"pyasn1.type.{name}") for name in ("char", "namedtype", "tag"))
univ, useful = untyped("pyasn1.type.univ"), untyped("pyasn1.type.useful")
func, sm2, sm3 = (untyped(f"gmssl.{name}") for name in ("func", "sm2", "sm3"))

SM2_WITH_SM3 = "1.2.156.10197.1.501"
DEFAULT_ID = "distid:1234567812345678"


def run(tool: str, *arguments: object) -> str:
    """What the tool says on either stream; its exit code is part of what it says."""
    command = [str(find_tool(tool)), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return f"{done.stdout}{done.stderr}\nexit {done.returncode}"


@pytest.fixture(scope="module")
def anchors(sealed: Sealed) -> Anchors:
    return sealed.anchors()


@pytest.fixture(scope="module", params=list(Suites))
def file(request: pytest.FixtureRequest, sealed: Sealed, tmp_path_factory: Any) -> Path:
    path: Path = tmp_path_factory.mktemp("judges") / "licence.pdf"
    path.write_bytes(sealed.files[request.param])
    return path


# --- PDF ------------------------------------------------------------------------------------------


def test_qpdf_finds_no_fault(file: Path) -> None:
    said = run("qpdf", "--check", file)
    assert "No syntax or stream encoding errors found" in said
    assert said.endswith("exit 0")


def test_poppler_finds_the_closing_signature_valid_and_over_the_whole_file(
    sealed: Sealed, tmp_path: Path
) -> None:
    for suites in (Suites.DUAL, Suites.RSA):
        path = tmp_path / f"{suites}.pdf"
        path.write_bytes(sealed.files[suites])
        closing = run("pdfsig", "-nocert", path).split("Signature #")[-1]
        assert "Signature is Valid" in closing
        assert "Total document signed" in closing
        assert "ETSI.CAdES.detached" in closing


def test_pyhanko_finds_the_closing_signature_intact_and_trusted(
    sealed: Sealed, anchors: Anchors
) -> None:
    roots = [asn1_x509.Certificate.load(c.der) for c in anchors.roots if not _is_sm2(c)]
    context = ValidationContext(trust_roots=roots, allow_fetching=False)
    for suites in (Suites.DUAL, Suites.RSA):
        reader = PdfFileReader(io.BytesIO(sealed.files[suites]), strict=True)
        # pyHanko cannot open an SM2 value as CMS, so the closing one is asked for by its field.
        closing = _embedded(reader, "Final")
        usage = KeyUsageConstraints(key_usage={"digital_signature"})
        status = validate_pdf_signature(closing, context, key_usage_settings=usage)
        assert status.intact
        assert status.valid
        assert status.trusted
        assert status.coverage is not None
        assert status.coverage.name == "ENTIRE_FILE"
        assert status.bottom_line


def _embedded(reader: PdfFileReader, name: str) -> Any:
    from pyhanko.sign.fields import enumerate_sig_fields
    from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

    ((_, _, field),) = enumerate_sig_fields(reader, with_name=name)
    return EmbeddedPdfSignature(reader, field.get_object(), name)


def _is_sm2(certificate: Certificate) -> bool:
    return certificate.signature_oid == SM2_WITH_SM3


# --- ASN.1, by schemas written from GB/T 38540-2020 ----------------------------------------------


def sequence(*parts: tuple[str, Any]) -> Any:
    named = [namedtype.NamedType(name, kind) for name, kind in parts]
    return univ.Sequence(componentType=namedtype.NamedTypes(*named))


HEADER = sequence(("ID", char.IA5String()), ("version", univ.Integer()), ("Vid", char.IA5String()))
PROPERTY = sequence(
    ("type", univ.Integer()), ("name", char.UTF8String()), ("certListType", univ.Integer()),
    ("certList", univ.SequenceOf(componentType=univ.OctetString())),
    ("createDate", useful.GeneralizedTime()), ("validStart", useful.GeneralizedTime()),
    ("validEnd", useful.GeneralizedTime()),
)  # fmt: skip
PICTURE = sequence(
    ("type", char.IA5String()), ("data", univ.OctetString()), ("width", univ.Integer()),
    ("height", univ.Integer()),
)  # fmt: skip
SEAL_INFO = sequence(
    ("header", HEADER), ("esID", char.IA5String()), ("property", PROPERTY), ("picture", PICTURE)
)
SEAL = sequence(
    ("eSealInfo", SEAL_INFO), ("cert", univ.OctetString()),
    ("signAlgID", univ.ObjectIdentifier()), ("signedValue", univ.BitString()),
)  # fmt: skip
TBS_SIGN = sequence(
    ("version", univ.Integer()), ("eseal", SEAL), ("timeInfo", useful.GeneralizedTime()),
    ("dataHash", univ.BitString()), ("propertyInfo", char.IA5String()),
)  # fmt: skip
SIGNATURE = univ.Sequence(
    componentType=namedtype.NamedTypes(
        namedtype.NamedType("toSign", TBS_SIGN),
        namedtype.NamedType("cert", univ.OctetString()),
        namedtype.NamedType("signatureAlgID", univ.ObjectIdentifier()),
        namedtype.NamedType("signature", univ.BitString()),
        namedtype.OptionalNamedType(
            "timeStamp",
            univ.BitString().subtype(
                explicitTag=tag.Tag(tag.tagClassContext, tag.tagFormatConstructed, 0)
            ),
        ),
    )
)


@pytest.fixture(scope="module")
def stamp(sealed: Sealed) -> tuple[Any, bytes]:
    """(decoded SES_Signature, the bytes that it covers) of the dual licence."""
    pdf = sealed.dual
    first = signatures(pdf)[0]
    found, rest = decoder.decode(first.contents, asn1Spec=SIGNATURE)
    assert rest == b""
    # What an independent DER writer makes of it is what we wrote, to the byte.
    assert encoder.encode(found) == first.contents
    return found, first.covered(pdf)


def test_an_independent_reader_finds_the_fields_of_the_standard(
    stamp: tuple[Any, bytes], sealed: Sealed
) -> None:
    found, covered = stamp
    tbs, info = found["toSign"], found["toSign"]["eseal"]["eSealInfo"]
    assert (str(info["header"]["ID"]), int(info["header"]["version"])) == ("ES", 4)
    assert int(tbs["version"]) == 4
    assert len(str(info["esID"])) == 14
    assert str(info["property"]["name"]).endswith("电子证照专用章")
    assert int(info["property"]["certListType"]) == 1
    assert bytes(info["property"]["certList"][0]) == bytes(found["cert"])
    assert bytes(info["picture"]["data"]).startswith(b"<svg")
    assert str(found["signatureAlgID"]) == str(tbs["eseal"]["signAlgID"]) == SM2_WITH_SM3
    assert str(tbs["propertyInfo"]).startswith("[0 ")
    assert tbs["dataHash"].asOctets() == hashlib.new("sm3", covered).digest()


# --- SM2 ------------------------------------------------------------------------------------------


_Value = tuple[str, bytes, bytes, bytes]


def _signed_by_sm2(stamp: tuple[Any, bytes], anchors: Anchors) -> list[_Value]:
    """(what, certificate of the signer, signed bytes, signature)."""
    found, _ = stamp
    seal = found["toSign"]["eseal"]
    crl = next(c for c in anchors.crls if c.signature_oid == SM2_WITH_SM3)
    issuer = next(c for c in (*anchors.roots, *anchors.intermediates) if c.subject == crl.issuer)
    root = next(c for c in anchors.roots if _is_sm2(c))
    return [
        ("root", root.der, root.tbs, root.signature),
        ("seal signature", bytes(found["cert"]), encoder.encode(found["toSign"]),
         found["signature"].asOctets()),
        ("seal", bytes(seal["cert"]), encoder.encode(seal["eSealInfo"]),
         seal["signedValue"].asOctets()),
        ("CRL", issuer.der, crl.tbs, crl.signature),
    ]  # fmt: skip


def test_openssl_accepts_what_root_seal_seal_signature_and_crl_are_signed_with(
    stamp: tuple[Any, bytes], anchors: Anchors, tmp_path: Path
) -> None:
    for what, certificate, message, signature in _signed_by_sm2(stamp, anchors):
        (tmp_path / "c.pem").write_bytes(pem("CERTIFICATE", certificate))
        (tmp_path / "m").write_bytes(message)
        (tmp_path / "s").write_bytes(signature)
        verify = (
            "pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-certin", "-inkey",
            tmp_path / "c.pem", "-in", tmp_path / "m", "-sigfile", tmp_path / "s",
        )  # fmt: skip
        said = run("openssl", *verify, "-pkeyopt", DEFAULT_ID)
        assert "Signature Verified Successfully" in said, what
        # Without the id the same bytes must not verify: the id is really in what was signed.
        assert "Signature Verified Successfully" not in run("openssl", *verify), what


def test_gmssl_verifies_the_seal_signature_too(stamp: tuple[Any, bytes], anchors: Anchors) -> None:
    for what, certificate, message, signature in _signed_by_sm2(stamp, anchors):
        point = x509.parse_certificate(certificate).spki[-64:]
        r, s = (int(part) for part in decoder.decode(signature)[0])
        judge = sm2.CryptSM2(private_key="", public_key="")
        judge.public_key = point.hex()
        assert judge.verify(f"{r:064x}{s:064x}", _digest(judge, point, message)), what
        assert not judge.verify(f"{r:064x}{s:064x}", _digest(judge, point, message + b"x")), what


def _digest(judge: Any, point: bytes, message: bytes) -> bytes:
    """e of GB/T 32918.2, 6.1 with gmssl's own SM3 and curve."""
    table = judge.ecc_table
    za = bytes.fromhex(
        "0080" + b"1234567812345678".hex() + table["a"] + table["b"] + table["g"] + point.hex()
    )
    inner = bytes.fromhex(sm3.sm3_hash(func.bytes_to_list(za)))
    return bytes.fromhex(sm3.sm3_hash(func.bytes_to_list(inner + message)))


def test_openssl_accepts_both_chains_of_a_seal(
    sealed: Sealed, stamp: tuple[Any, bytes], anchors: Anchors, tmp_path: Path
) -> None:
    closing = cms.parse(signatures(sealed.dual)[-1].contents).signer()
    for leaf in (x509.parse_certificate(bytes(stamp[0]["cert"])), closing):
        path = find_path(leaf, intermediates=anchors.intermediates, anchors=anchors.roots)
        root, issuing, _ = path.certificates
        # OpenSSL 3.0 takes the id for the last certificate alone, so a chain goes link by link.
        for issuer, certificate in ((root, issuing), (issuing, leaf)):
            said = run("openssl", "verify", *_link(certificate, issuer, tmp_path))
            assert said.strip().endswith("exit 0"), said
        wrong = run("openssl", "verify", *_link(leaf, root, tmp_path))
        assert not wrong.strip().endswith("exit 0")


def _link(certificate: Certificate, issuer: Certificate, folder: Path) -> list[object]:
    """Arguments for `openssl verify`: is `certificate` rightly issued by `issuer`?"""
    (folder / "issuer.pem").write_bytes(pem("CERTIFICATE", issuer.der))
    (folder / "leaf.pem").write_bytes(pem("CERTIFICATE", certificate.der))
    options: list[object] = ["-vfyopt", DEFAULT_ID] if _is_sm2(certificate) else []
    options += ["-x509_strict", "-partial_chain", "-CAfile"]
    return [*options, folder / "issuer.pem", folder / "leaf.pem"]


def test_openssl_reads_every_certificate_and_crl_of_the_anchors(
    anchors: Anchors, tmp_path: Path
) -> None:
    for certificate in (*anchors.roots, *anchors.intermediates):
        (tmp_path / "c.der").write_bytes(certificate.der)
        said = run(
            "openssl", "x509", "-inform", "DER", "-in", tmp_path / "c.der", "-noout", "-text"
        )
        assert said.endswith("exit 0"), said
    for crl in anchors.crls:
        (tmp_path / "c.der").write_bytes(crl.der)
        said = run("openssl", "crl", "-inform", "DER", "-in", tmp_path / "c.der", "-noout", "-text")
        assert said.endswith("exit 0"), said
