"""What the primitives refuse."""

from trust.errors import Invalid, TrustError


class InvalidSignature(TrustError):
    """The signature is not one by this key over this message; never says which part was wrong."""

    code = "invalid_signature"


class Malformed(Invalid):
    """The bytes do not have the structure they claim, or not in the one accepted encoding."""

    code = "malformed"


class UnknownAlgorithm(Invalid):
    """An algorithm that is not on the allow-list, named."""

    code = "unknown_algorithm"


class DecryptionFailed(Invalid):
    """One answer for a wrong key, a wrong context and a changed box, so that none is an oracle."""

    code = "decryption_failed"
