"""Certificate requests (RFC 2986): read, possession proved, the key judged."""

from dataclasses import dataclass

from trust.crypto import signatures, x509
from trust.crypto.algorithms import KeyKind
from trust.crypto.errors import InvalidSignature
from trust.errors import Invalid
from trust.validation import verify_signed


class NoPossession(Invalid):
    code = "no_proof_of_possession"


@dataclass(frozen=True, slots=True)
class Proved:
    """A request whose sender holds the private key. `subject` is DER and only a wish."""

    subject: bytes
    spki: bytes
    kind: KeyKind


def prove(data: bytes) -> Proved:
    """Read a DER request; Malformed, UnknownAlgorithm (weak or unknown key) or NoPossession."""
    request = x509.parse_request(data)
    kind = signatures.kind_of(request.spki)
    try:
        verify_signed(request, request.spki)
    except InvalidSignature as error:
        raise NoPossession("the request is not signed by the key it names") from error
    return Proved(request.subject, request.spki, kind)
