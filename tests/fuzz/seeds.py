"""Makes the first inputs (`python -m tests.fuzz.seeds`): small, ours, kept as hexadecimal text."""

import textwrap
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from certificates import identifier, qr
from certificates.qr import Claim
from seal import asn1
from seal.asn1 import SealInfo
from seal.pdf.sealing import Field, add_signature
from tests.attacks import shadows
from tests.seal import vendors
from tests.seal.packages import signed_ofd
from tests.seal.vendors import MADE, MAKERS, Signer
from trust.crypto import der, hashes, ocsp, tst, x509, x509_write
from trust.crypto.algorithms import Algorithm

CORPUS = Path(__file__).parent / "corpus"


def seal(by: Signer) -> bytes:
    info = asn1.write_info(SealInfo(
        version=4, vendor="TRUST", es_id="54250012345678", kind=4, name="测试章", cert_list_type=1,
        cert_list=(by.certificate,), created=MADE, valid_from=MADE, valid_until=MADE.replace(
            year=2030), picture_type="SVG", picture=b"<svg/>", width=40, height=40,
    ))  # fmt: skip
    return asn1.write_seal(info, maker=by.certificate, signature=by.sign(info))


def stamp(by: Signer, document: bytes) -> bytes:
    tbs = asn1.write_tbs(
        seal(by), at=MADE, data_hash=hashes.sm3(document), property_info="[0 1 2 3]"
    )
    return asn1.write_stamp(tbs, signer=by.certificate, signature=by.sign(tbs))


def old_stamp(by: Signer, document: bytes) -> bytes:
    """The form of GM/T 0031-2014, from the same parts."""
    info = [part.raw for part in der.children(der.children(der.parse(seal(by)))[0])]
    properties = [part.raw for part in der.children(der.parse(info[2]))]
    info[2] = der.sequence(*properties[:2], *properties[3:])
    inner = der.sequence(*info)
    oid, holder = der.oid(asn1.SM2_SM3), der.octets(by.certificate)
    signed = by.sign(der.sequence(inner, holder, oid))
    old = der.sequence(inner, der.sequence(holder, oid, der.bits(signed)))
    tbs = der.sequence(
        der.integer(4), old, der.bits(b"2026-05-01 08:00:00"), der.bits(hashes.sm3(document)),
        der.ia5("/x"), holder, oid,
    )  # fmt: skip
    return der.sequence(tbs, der.bits(by.sign(tbs)))


def sealed_pdf(by: Signer) -> bytes:
    seal_field = Field("Seal1", ("Trust.GMPkiLite", "GM.sm2seal"), "a", 4000, None)
    closing = Field("Final", ("DJ.GMPkiLite", "GM.sm2cms.detached"), "a", 2000, None, lock=True)
    pdf = add_signature(
        shadows.prepared(), seal_field, lambda covered, _: stamp(by, covered), at=MADE
    )
    return add_signature(pdf, closing, lambda covered, _: vendors.suwell(by, covered), at=MADE)


def claim(by: Signer) -> bytes:
    made = Claim(
        region="542500", identifier=identifier.parse(
            "1.2.156.3005.2.11100000MB0143028R001.11542500999000056Q.EO3WGCPFXJP7.001.F"),
        holder="阿里…公司", made_at=MADE, issued=date(2026, 5, 1), valid_from=date(2026, 5, 1),
        valid_until=None, status_list=1, status_index=7, digest=bytes(16),
    )  # fmt: skip
    return qr.write(
        made, base_url="http://localhost:8000", algorithm=Algorithm.SM2_SM3, kid=b"12345678",
        sign=lambda message: by.sign(message),
    ).encode()  # fmt: skip


def inputs() -> Iterator[tuple[str, str, bytes]]:
    """(target, name, bytes) of each first input."""
    by, document = vendors.signer("A maker"), b"the document"
    yield "ses", "seal", seal(by)
    yield "ses", "stamp", stamp(by, document)
    yield "ses", "stamp-2014", old_stamp(by, document)
    yield "ses", "bare", by.sign(document)
    for name, make in MAKERS.items():
        yield "cms", name.replace("_", "-"), make(by, document)
    yield "ofd", "seal-signature", signed_ofd(by, [stamp], kind="Seal")
    yield "ofd", "several", signed_ofd(by, [stamp, vendors.suwell, vendors.dianju])
    yield "ofd", "integrity", signed_ofd(by, [vendors.ofdrw], integrity=True)
    yield "pdf", "prepared", shadows.prepared()
    yield "pdf", "sealed", sealed_pdf(by)
    yield "qr", "claim", claim(by)
    yield "pki", "certificate", by.certificate
    subject = x509.parse_certificate(by.certificate).subject
    request = x509_write.tbs_request(subject, by.key.spki)
    yield "pki", "request", x509_write.signed(request, asn1.SM2_SM3, by.sign(request))
    yield "pki", "time-stamp-refused", tst.rejected(tst.FailureInfo.BAD_ALG, "no")
    yield "pki", "ocsp-refused", ocsp_refusal()


def ocsp_refusal() -> bytes:
    return der.sequence(der.tlv(0x0A, bytes((int(ocsp.ResponseStatus.UNAUTHORIZED),))))


def main() -> None:
    for target, name, data in inputs():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.hex").write_text(to_text(data))


def to_text(data: bytes) -> str:
    return "\n".join(textwrap.wrap(data.hex(), 100)) + "\n"


def corpus(target: str) -> list[bytes]:
    """The kept inputs of a target, findings of earlier runs among them."""
    files = sorted((CORPUS / target).glob("*.hex"))
    return [bytes.fromhex(file.read_text()) for file in files]


if __name__ == "__main__":
    main()
