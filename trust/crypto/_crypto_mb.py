"""Intel's crypto_mb, loaded through cffi: its SM2 and SM4-GCM calls, and the buffers of the former.

The one file that declares its names. What its answers are worth is for `sm2_batch` and `sm4_batch`
to say.
"""

import os
import threading
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any, Final

import cffi

LANES: Final = 8
#: crypto_mb needs these by name; they sit in the environment, where the loader does not look.
_RUNTIME = ("libintlc.so.5", "libirng.so", "libimf.so", "libsvml.so")

ffi = cffi.FFI()
ffi.cdef("""
int mbx_is_crypto_mb_applicable(uint64_t);
uint32_t mbx_sm2_ecdsa_sign_mb8(uint8_t *r[8], uint8_t *s[8],
    const uint8_t *const id[8], const int id_len[8], const uint8_t *const msg[8],
    const int msg_len[8], const uint64_t *const nonce[8], const uint64_t *const scalar[8],
    const uint64_t *const x[8], const uint64_t *const y[8], const uint64_t *const z[8], void *);
uint32_t mbx_sm2_ecdsa_verify_mb8(const uint8_t *const r[8], const uint8_t *const s[8],
    const uint8_t *const id[8], const int id_len[8], const uint8_t *const msg[8],
    const int msg_len[8], const uint64_t *const x[8], const uint64_t *const y[8],
    const uint64_t *const z[8], void *);
uint64_t mbx_sm4_gcm_init_mb16(const uint8_t *const key[16], const uint8_t *const iv[16],
    const int iv_len[16], void *context);
uint64_t mbx_sm4_gcm_update_aad_mb16(const uint8_t *const aad[16], const int aad_len[16],
    void *context);
uint64_t mbx_sm4_gcm_encrypt_mb16(uint8_t *out[16], const uint8_t *const in[16],
    const int in_len[16], void *context);
uint64_t mbx_sm4_gcm_get_tag_mb16(uint8_t *tag[16], const int tag_len[16], void *context);
""")


#: Loaded libraries are unloaded with their last reference.
_KEPT: list[Any] = []


@cache
def load() -> Any:
    """Return the loaded library, or None where it or the CPU for it is missing."""
    try:
        runtime, package = distribution("intel-cmplr-lib-rt"), distribution("ipp-crypto")
        flags = os.RTLD_NOW | os.RTLD_GLOBAL
        for name in _RUNTIME:
            _KEPT.append(ffi.dlopen(_located(runtime, name), flags))
        lib: Any = ffi.dlopen(_located(package, "libcrypto_mb.so.13"))
        applicable = lib.mbx_is_crypto_mb_applicable(0) == 1
    except (PackageNotFoundError, OSError, AttributeError):
        return None
    return lib if applicable else None


def _located(package: Any, name: str) -> str:
    """Return the path of a file that a package installed; OSError if it did not."""
    for path in package.files or ():
        if path.name == name:
            return str(path.locate())
    raise OSError(f"{name} is not installed")


class Lanes(threading.local):
    """One thread's buffers for a group of eight: numbers of 32 bytes and pointers to each."""

    def __init__(self) -> None:
        self.memory: list[Any] = []
        self.r, self.rs = self._numbers("uint8_t")
        self.s, self.ss = self._numbers("uint8_t")
        self.x, self.xs = self._numbers("uint64_t")
        self.y, self.ys = self._numbers("uint64_t")
        self.nonce, self.nonces = self._numbers("uint64_t")
        self.scalar, self.scalars = self._numbers("uint64_t")
        self.ids, self.id_lengths = ffi.new("uint8_t *[8]"), ffi.new("int[8]")
        self.messages, self.lengths = ffi.new("uint8_t *[8]"), ffi.new("int[8]")

    def _numbers(self, kind: str) -> tuple[Any, Any]:
        """Return a writable view of 8 x 32 bytes and the eight pointers into it."""
        memory = ffi.new("uint64_t[32]")
        self.memory.append(memory)
        start = ffi.cast("char *", memory)
        aims = [ffi.cast(f"{kind} *", start + 32 * lane) for lane in range(LANES)]
        return ffi.buffer(memory), ffi.new(f"{kind} *[8]", aims)

    def point_at(self, texts: Sequence[bytes], user_id: bytes) -> list[Any]:
        """Aim the lanes at id and messages; what is returned must live until the call is over."""
        if len(set(map(len, texts))) != 1:
            raise ValueError("the eight messages of one call have one length")
        kept = [ffi.from_buffer("uint8_t[]", text or b"\0") for text in (user_id, *texts)]
        for lane in range(LANES):
            self.ids[lane], self.id_lengths[lane] = kept[0], len(user_id)
            self.messages[lane], self.lengths[lane] = kept[lane + 1], len(texts[lane])
        return kept

    def public_keys(self, keys: Sequence[bytes]) -> None:
        """Put eight public keys in, as little-endian numbers."""
        self.x[:] = b"".join(key[31::-1] for key in keys)
        self.y[:] = b"".join(key[:31:-1] for key in keys)
