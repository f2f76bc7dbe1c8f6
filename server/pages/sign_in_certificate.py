"""Signing in by a certificate: a challenge is shown, signed elsewhere, and handed in.

A browser cannot reach the key in a token by itself; `openssl`, or the token vendor's tool, signs
the bytes on the page. It works without a script.
"""

import base64
import binascii
import re
from typing import Any

from fastapi import APIRouter, Response

from server.pages import flow, identity_words
from server.pages.flow import Flow
from server.pages.form import Form, Posted
from server.pages.route import Page
from server.pages.visitor import Looking
from sso import certificate_login, sign_in_by_key
from sso.certificate_login import LONGEST_CERTIFICATE, LONGEST_CHAIN, SignedChallenge
from sso.interactions import Step
from trust.crypto import signatures, x509
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.errors import Invalid, TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

_PEM = re.compile(
    r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]{1,30000})-----END CERTIFICATE-----"
)
_MESSAGE = "base64 -d > login.bin"
_RSA = "openssl dgst -sha256 -sign key.pem -out login.sig login.bin"
_SM2 = (
    "openssl pkeyutl -sign -rawin -digest sm3 -pkeyopt distid:1234567812345678 "
    "-inkey key.pem -in login.bin -out login.sig"
)
#: What a key signs with, unless the form says otherwise.
_USUAL = {
    KeyKind.SM2: Algorithm.SM2_SM3, KeyKind.RSA: Algorithm.RSA_SHA256,
    KeyKind.P256: Algorithm.ES256,
}  # fmt: skip


class BadCertificateForm(Invalid):
    """Neither a certificate nor a signature can be read from what was handed in."""

    code = "bad_certificate_form"


def show(found: Flow, **values: Any) -> Response:
    with found.provider.sessions.begin() as session:
        challenge = certificate_login.challenge(session, interaction=found.id, at=found.visitor.at)
    return flow.page(
        found, "certificate.html", **to_sign(found.provider.issuer, challenge),
        heading=("用数字证书登录", "Sign in by certificate"), button=("登录", "Sign in"),
        action=f"{found.path}/certificate", back=(found.path, "其他方式", "Other ways"), **values,
    )  # fmt: skip


def to_sign(issuer: str, challenge: bytes) -> dict[str, Any]:
    """What the page shows of a challenge: the bytes in their frame, and the lines that sign it."""
    message = base64.b64encode(certificate_login.message(issuer, challenge)).decode()
    return {
        "message": message, "made": f"printf %s '{message}' | {_MESSAGE}", "rsa_command": _RSA,
        "sm2_command": _SM2, "challenge": base64.b64encode(challenge).decode(),
    }  # fmt: skip


@router.post("/sign-in/{interaction_id}/certificate")
def prove_by_certificate(visitor: Looking, interaction_id: str, form: Posted) -> Response:
    found = flow.posted(visitor, interaction_id, form)
    after = found.standing is not None and found.step is not Step.SIGN_IN
    name = found.standing.account if found.standing and after else None
    try:
        proof = sign_in_by_key.by_certificate(
            found.provider, signed(form), interaction=found.id, at=visitor.at, account_name=name,
            network=visitor.network,
        )  # fmt: skip
    except TrustError as error:
        return show(found, trouble=identity_words.key_refusal(error))
    return flow.note(found, proof)


def signed(form: Form) -> SignedChallenge:
    """The form as a value: certificate and signature, each as a file or pasted."""
    given = _certificates(form)
    signature = form.file("signature_file") or _octets(form.text("signature", cap=4096))
    if not given or not signature:
        raise BadCertificateForm("hand in a signature and a certificate")
    try:
        kind = signatures.kind_of(x509.parse_certificate(given[0]).spki)
    except TrustError as error:
        raise BadCertificateForm("this is no certificate that is known here") from error
    wanted = form.text("algorithm", cap=20) or _USUAL.get(kind, Algorithm.ES256)
    return certificate_login.parse(
        challenge=form.text("challenge", cap=64), leaf=_text(given[0]),
        chain=tuple(_text(each) for each in given[1:]), signature=_text(signature),
        algorithm=str(wanted),
    )  # fmt: skip


def _certificates(form: Form) -> list[bytes]:
    """DER, the holder's own first; BadCertificateForm."""
    given = form.file("certificate_file") or form.text("certificate", cap=65536).encode()
    if len(given) > 2 * LONGEST_CERTIFICATE * (LONGEST_CHAIN + 1):
        raise BadCertificateForm("these are too many certificates")
    if given[:1] == b"\x30":
        return [given]
    blocks = _PEM.findall(given.decode("ascii", "replace"))
    return [_octets(block) for block in blocks[: LONGEST_CHAIN + 1]]


def _octets(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadCertificateForm("this is not Base64") from error


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
