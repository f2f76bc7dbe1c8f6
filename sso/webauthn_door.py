"""The one file that speaks to the webauthn library: its options, checks, many exceptions."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import webauthn
from cryptography.exceptions import UnsupportedAlgorithm
from webauthn.helpers import (
    options_to_json_dict,
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_authenticator_data,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSECRV, COSEAlgorithmIdentifier
from webauthn.helpers.decode_credential_public_key import (
    DecodedEC2PublicKey,
    DecodedOKPPublicKey,
    DecodedRSAPublicKey,
    decode_credential_public_key,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from trust.errors import Unauthenticated

#: JSON of a registration with an attestation certificate is about 4 kB.
LONGEST_RESPONSE = 65_536
ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
#: Who made the authenticator is not asked for, so nothing more than these comes.
_FORMATS = (AttestationFormat.NONE, AttestationFormat.PACKED)
_SHORTEST_RSA, _LONGEST_RSA, _LARGEST_EXPONENT = 2048, 4096, 2**32
#: Milliseconds a browser waits; the challenge lives as long.
_TIMEOUT = 300_000
#: What the library and those below it raise on what is not what they expect.
_FOREIGN = (
    WebAuthnException, UnsupportedAlgorithm, ValueError, TypeError, KeyError, IndexError,
    AttributeError, RecursionError, OverflowError,
)  # fmt: skip
_T = TypeVar("_T")


class PasskeyRefused(Unauthenticated):
    """The authenticator's answer does not prove what it should, or is no answer at all."""

    code = "passkey_refused"


@dataclass(frozen=True, slots=True)
class Party:
    """The relying party by the issuer's URL: `id` the host's name, `origin` as browsers write."""

    id: str
    origin: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An authenticator's answer, parsed and not yet believed. `parsed` is the library's value."""

    challenge: bytes = field(repr=False)
    credential_id: bytes
    user_handle: bytes | None = field(repr=False)
    transports: tuple[str, ...]
    parsed: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Registered:
    """A new credential that was checked. `public_key` is a COSE_Key."""

    credential_id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    aaguid: str
    backup_eligible: bool
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Asserted:
    """A use of a credential that was checked."""

    sign_count: int
    backup_eligible: bool
    backed_up: bool


def party(issuer: str) -> Party:
    parts = urlsplit(issuer)
    return Party(parts.hostname or "", f"{parts.scheme}://{parts.netloc}")


def registration_options(
    issuer: str, *, user_id: bytes, user_name: str, display_name: str, challenge: bytes,
    known: Sequence[bytes],
) -> dict[str, Any]:  # fmt: skip
    """PublicKeyCredentialCreationOptionsJSON: resident if it can be, user verification always."""
    relying = party(issuer)
    options = webauthn.generate_registration_options(
        rp_id=relying.id, rp_name=relying.id, user_name=user_name, user_id=user_id,
        user_display_name=display_name, challenge=challenge, timeout=_TIMEOUT,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
        supported_pub_key_algs=ALGORITHMS,
    )  # fmt: skip
    return options_to_json_dict(options)


def assertion_options(
    issuer: str, *, challenge: bytes, allowed: Sequence[tuple[bytes, tuple[str, ...]]]
) -> dict[str, Any]:
    """PublicKeyCredentialRequestOptionsJSON; `allowed` empty: whatever is kept for this site."""
    options = webauthn.generate_authentication_options(
        rp_id=party(issuer).id, challenge=challenge, timeout=_TIMEOUT,
        user_verification=UserVerificationRequirement.REQUIRED,
        allow_credentials=[
            PublicKeyCredentialDescriptor(
                id=each, transports=[AuthenticatorTransport(word) for word in transports]
            )
            for each, transports in allowed
        ],
    )  # fmt: skip
    return options_to_json_dict(options)


def read_registration(response: str) -> Answer:
    """RegistrationResponseJSON as a browser's `toJSON` writes it; PasskeyRefused."""
    return _read(response, parse_registration_credential_json)


def read_assertion(response: str) -> Answer:
    """AuthenticationResponseJSON; PasskeyRefused."""
    return _read(response, parse_authentication_credential_json)


def _read(response: str, parse: Callable[[str], Any]) -> Answer:
    if len(response) > LONGEST_RESPONSE:
        raise PasskeyRefused("the passkey's answer is too long")
    parsed = _ask(lambda: parse(response))
    client = _ask(lambda: parse_client_data_json(parsed.response.client_data_json))
    if client.cross_origin:
        # In a frame of another site its holder cannot see what is signed in to (WebAuthn, 13.4.2).
        raise PasskeyRefused("a passkey is not used inside another site's page")
    words = getattr(parsed.response, "transports", None) or ()
    handle = getattr(parsed.response, "user_handle", None)
    return Answer(
        client.challenge, parsed.raw_id, handle, tuple(word.value for word in words), parsed
    )


def check_registration(answer: Answer, *, issuer: str) -> Registered:
    """The credential that was made, for this party, with the user verified (WebAuthn, 7.1).

    The challenge was spent by the caller. PasskeyRefused.
    """
    relying, parsed = party(issuer), answer.parsed
    made = _ask(lambda: parse_attestation_object(parsed.response.attestation_object))
    if made.fmt not in _FORMATS:
        raise PasskeyRefused("this attestation was not asked for")
    verified = _ask(
        lambda: webauthn.verify_registration_response(
            credential=parsed, expected_challenge=answer.challenge, expected_rp_id=relying.id,
            expected_origin=relying.origin, require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
    )  # fmt: skip
    if verified.credential_id != answer.credential_id:
        raise PasskeyRefused("the answer names another credential than the authenticator")
    _ask(lambda: _check_key(verified.credential_public_key))
    return Registered(
        verified.credential_id, verified.credential_public_key, verified.sign_count,
        verified.aaguid, made.auth_data.flags.be, made.auth_data.flags.bs,
    )  # fmt: skip


def _check_key(public_key: bytes) -> None:
    """Hold what the library leaves open: the curve of ES256, the size of RSA numbers."""
    key = decode_credential_public_key(public_key)
    if isinstance(key, DecodedRSAPublicKey):
        bits = int.from_bytes(key.n, "big").bit_length()
        exponent = int.from_bytes(key.e, "big")
        good = _SHORTEST_RSA <= bits <= _LONGEST_RSA and 65537 <= exponent < _LARGEST_EXPONENT
    elif isinstance(key, DecodedEC2PublicKey):
        good = key.crv == COSECRV.P256
    else:
        good = isinstance(key, DecodedOKPPublicKey) and key.crv == COSECRV.ED25519
    if not good:
        raise PasskeyRefused("a key of this kind or size is not accepted")


def check_assertion(answer: Answer, *, issuer: str, public_key: bytes, sign_count: int) -> Asserted:
    """The use that was signed, for this party, with the user verified (WebAuthn, 7.2).

    `sign_count` is what the counter must be above, 0 where it is not looked at. PasskeyRefused.
    """
    relying, parsed = party(issuer), answer.parsed
    verified = _ask(
        lambda: webauthn.verify_authentication_response(
            credential=parsed, expected_challenge=answer.challenge, expected_rp_id=relying.id,
            expected_origin=relying.origin, credential_public_key=public_key,
            credential_current_sign_count=sign_count, require_user_verification=True,
        )
    )  # fmt: skip
    flags = _ask(lambda: parse_authenticator_data(parsed.response.authenticator_data)).flags
    return Asserted(verified.new_sign_count, flags.be, flags.bs)


def _ask(question: Callable[[], _T]) -> _T:
    """Let the library answer; whatever it dislikes is PasskeyRefused."""
    try:
        return question()
    except _FOREIGN as error:
        raise PasskeyRefused("the passkey's answer is not accepted") from error


def as_json(options: dict[str, Any]) -> str:
    return json.dumps(options, separators=(",", ":"))
