"""Attacks on certified documents (IEEE S&P 2021): a certification that permits notes (P 3) or
signatures (P 2) is used to lay other words over the page."""

import io
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm

from seal.pdf.objects import Dict, Name, Object, Ref, Stream
from seal.pdf.sealing import PADES, Field, Place, Visible, add_signature
from seal.picture import Appearance
from tests.attacks.attack import EVIL, Attack, Attacks, updated
from tests.sealed import untyped
from trust.crypto import cms, x509, x509_write
from trust.crypto import hashes as trust_hashes
from trust.crypto.algorithms import Algorithm
from trust.crypto.x509 import Certificate

asn1_keys, asn1_x509 = untyped("asn1crypto.keys"), untyped("asn1crypto.x509")
registry = untyped("pyhanko_certvalidator.registry")
_COVERING: list[Object] = [0, 0, 300, 400]


class Certifier:
    """An RSA key with its own certificate, used through pyHanko."""

    def __init__(self, name: str, *, at: datetime) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        spki = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        private = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )  # fmt: skip
        self.certificate = _self_signed(name, key, spki, at)
        self._key: Any = key
        self._at = at
        self._signer: Any = signers.SimpleSigner(
            signing_cert=asn1_x509.Certificate.load(self.certificate.der),
            signing_key=asn1_keys.PrivateKeyInfo.load(private),
            cert_registry=registry.SimpleCertificateStore(),
        )

    def certify(self, pdf: bytes, permission: MDPPerm) -> bytes:
        meta = signers.PdfSignatureMetadata(
            field_name="Certified", md_algorithm="sha256", certify=True,
            docmdp_permissions=permission,
        )  # fmt: skip
        made: bytes = signers.sign_pdf(
            IncrementalPdfFileWriter(io.BytesIO(pdf)), meta, signer=self._signer
        ).getvalue()
        return made

    def sign(self, pdf: bytes, *, lock: bool = False, covering: bool = False) -> bytes:
        """One more signature, whatever certification or lock forbids it: pyHanko would refuse."""

        def value(attributes: bytes) -> bytes:
            signed: bytes = self._key.sign(attributes, padding.PKCS1v15(), hashes.SHA256())
            return signed

        def contents(covered: bytes, _span: str) -> bytes:
            digest = trust_hashes.sha256(covered)
            return cms.signed_data(digest, signer=self.certificate.der, sign=value)

        look = Appearance(EVIL, 200.0, 280.0)
        visible = Visible(Place(1, 50, 70), look) if covering else None
        field = Field("Sneaky", PADES, "a stranger", 3000, visible, lock)
        return add_signature(pdf, field, contents, at=self._at)


def _self_signed(name: str, key: Any, spki: bytes, at: datetime) -> Certificate:
    oid = Algorithm.RSA_SHA256.row.oid
    subject = x509_write.name([(x509.COUNTRY, "CN"), (x509.COMMON_NAME, name)])
    tbs = x509_write.tbs_certificate(
        serial=1, signature_oid=oid, issuer=subject, subject=subject,
        not_before=at - timedelta(days=1), not_after=at + timedelta(days=99), spki=spki,
        extensions=[x509_write.key_usage({0, 1})],
    )  # fmt: skip
    value = key.sign(tbs, padding.PKCS1v15(), hashes.SHA256())
    return x509.parse_certificate(x509_write.signed(tbs, oid, value))


def attacks(pdf: bytes, certifier: Certifier, stranger: Certifier) -> Attacks:
    """Evil annotations on P 3, sneaky signatures on P 2 and P 3; strokes on P 1 besides."""
    for permission in (MDPPerm.ANNOTATE, MDPPerm.FILL_FORMS, MDPPerm.NO_CHANGES):
        certified = certifier.certify(pdf, permission)
        mark = f"P {permission.value}"
        for subtype in ("FreeText", "Stamp", "Redact", "Square", "Ink", "Highlight"):
            yield Attack(
                "EAA", f"{subtype}, {mark}", _annotated(certified, subtype), frozenset({"changed"})
            )
        for name, signed in {
            "an unsigned field that covers the page": _covering_field(certified),
            "a stranger's signature": stranger.sign(certified),
            "a stranger's signature that locks": stranger.sign(certified, lock=True),
            "a stranger's signature that covers the page": stranger.sign(certified, covering=True),
        }.items():  # fmt: skip
            codes = frozenset({"changed", "no_anchor", "malformed"})
            yield Attack("SSA", f"{name}, {mark}", signed, codes)


def _look(update: Any) -> Dict:
    look: Dict = {"Type": Name("XObject"), "Subtype": Name("Form"), "BBox": _COVERING}
    return {"N": update.add(Stream(look, EVIL))}


def _append_annotation(update: Any, annotation: Dict) -> Ref:
    page = update.document.pages()[0]
    held = update.document.dictionary(page, "page")
    ref: Ref = update.add({**annotation, "P": page})
    current = update.document.resolve(held.get("Annots")) or []
    update.put(page, {**held, "Annots": [*current, ref]})
    return ref


def _annotated(pdf: bytes, subtype: str) -> bytes:
    update = updated(pdf)
    _append_annotation(update, {
        "Type": Name("Annot"), "Subtype": Name(subtype), "Rect": _COVERING, "F": 4,
        "Contents": b"PAY THE ATTACKER", "AP": _look(update),
    })  # fmt: skip
    return pdf + update.write()


def _covering_field(pdf: bytes) -> bytes:
    update = updated(pdf)
    field = _append_annotation(update, {
        "Type": Name("Annot"), "Subtype": Name("Widget"), "FT": Name("Sig"), "T": b"Sneaky",
        "Rect": _COVERING, "F": 4, "AP": _look(update),
    })  # fmt: skip
    catalog = update.document.catalog()
    held = update.document.dictionary(catalog["AcroForm"], "form")
    form = {**held, "Fields": [*update.document.array(held["Fields"], "Fields"), field]}
    if isinstance(catalog["AcroForm"], Ref):
        update.put(catalog["AcroForm"], form)
    else:
        update.put(update.document.root, {**catalog, "AcroForm": form})
    return pdf + update.write()
