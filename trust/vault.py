"""Personal data at rest: sealed under one data key, looked up by a keyed hash.

The data key never leaves the process; it is kept sealed beside the signing keys.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from trust.crypto import sm4, sm4_batch


@dataclass(frozen=True, slots=True)
class Vault:
    """`data_key` is 16 bytes (SM4), `index_key` 32; neither is ever shown."""

    data_key: bytes = field(repr=False)
    index_key: bytes = field(repr=False)

    def seal(self, plaintext: bytes, *, context: str) -> bytes:
        """A box that opens only in the same context (table and row): rows can't be swapped."""
        return sm4.seal(self.data_key, plaintext, context=context.encode())

    def seal_many(self, items: Sequence[tuple[bytes, str]]) -> list[bytes]:
        """`seal` of each (plaintext, context), in their order; sixteen at a time where the CPU
        can."""
        return sm4_batch.seal_many(
            self.data_key, [(plaintext, context.encode()) for plaintext, context in items]
        )

    def unseal(self, box: bytes, *, context: str) -> bytes:
        """The plaintext; DecryptionFailed for a wrong key or context, or a changed box."""
        return sm4.unseal(self.data_key, box, context=context.encode())

    def index(self, value: str, *, column: str) -> bytes:
        """32 bytes by which equal values of one column are found without being stored."""
        return hmac.digest(self.index_key, f"{column}\0{value}".encode(), hashlib.sha256)
