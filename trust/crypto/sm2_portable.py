"""SM2 verification (GB/T 32918.2-2016, 7.1) where libcrypto has no SM2: the one file that speaks to
gmssl, which answers a bad signature with False, 0 or an accident of its own. It never signs: gmssl
draws its nonces from `random`, and its constructor eats leading 0s and 4s of some public keys.
"""

from importlib.metadata import version
from typing import Any, Final

from gmssl.sm2 import CryptSM2

from trust.crypto.errors import InvalidSignature

VERSION = version("gmssl")
_Curve: Final[Any] = CryptSM2  # untyped below this line


def verify(public_key: bytes, digest: bytes, signature: tuple[int, int]) -> None:
    """Raise InvalidSignature unless r and s, both in [1, n-1], are good for the digest `e`.

    `public_key` is 64 bytes of a point on the curve, `digest` is 32 bytes, SM3(ZA || M).
    """
    r, s = signature
    curve = _Curve(private_key="", public_key="")
    curve.public_key = public_key.hex()
    try:
        good = curve.verify(f"{r:064x}{s:064x}", digest)
    except (TypeError, ValueError) as error:
        # A sum at infinity comes back as None inside gmssl, and it trips over that.
        raise InvalidSignature("the SM2 signature does not verify") from error
    if good is not True:
        raise InvalidSignature("the SM2 signature does not verify")
