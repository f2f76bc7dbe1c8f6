"""SM2 arithmetic by the system's libcrypto (OpenSSL 3 and later), called through cffi.

The one file that knows OpenSSL's names. Only the EVP, EC_POINT and OSSL_PARAM interfaces are used:
they exist from 3.0 on and are not deprecated, which the EC_KEY ones are. cffi releases the GIL for
every call. Digests come in ready made (`e` of GB/T 32918.2, 6.1), so OpenSSL never sees a user id.
"""

import functools
from typing import Any

import cffi

from trust.crypto.errors import DecryptionFailed, InvalidSignature, Malformed
from trust.errors import Unavailable

_DECLARATIONS = """
typedef struct { const char *key; unsigned int data_type; void *data;
                 size_t data_size; size_t return_size; } OSSL_PARAM;
typedef struct evp_pkey_st EVP_PKEY;       typedef struct evp_pkey_ctx_st EVP_PKEY_CTX;
typedef struct ec_group_st EC_GROUP;       typedef struct ec_point_st EC_POINT;
typedef struct bignum_st BIGNUM;           typedef struct bignum_ctx BN_CTX;
const char *OpenSSL_version(int);
unsigned long OpenSSL_version_num(void);
void ERR_clear_error(void);
void OPENSSL_cleanse(void *, size_t);
EVP_PKEY_CTX *EVP_PKEY_CTX_new_from_name(void *, const char *, const char *);
EVP_PKEY_CTX *EVP_PKEY_CTX_new_from_pkey(void *, EVP_PKEY *, const char *);
void EVP_PKEY_CTX_free(EVP_PKEY_CTX *);
void EVP_PKEY_free(EVP_PKEY *);
int EVP_PKEY_fromdata_init(EVP_PKEY_CTX *);
int EVP_PKEY_fromdata(EVP_PKEY_CTX *, EVP_PKEY **, int, OSSL_PARAM *);
int EVP_PKEY_get_bn_param(const EVP_PKEY *, const char *, BIGNUM **);
int EVP_PKEY_sign_init(EVP_PKEY_CTX *);
int EVP_PKEY_sign(EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t);
int EVP_PKEY_verify_init(EVP_PKEY_CTX *);
int EVP_PKEY_verify(EVP_PKEY_CTX *, const unsigned char *, size_t, const unsigned char *, size_t);
int EVP_PKEY_encrypt_init(EVP_PKEY_CTX *);
int EVP_PKEY_encrypt(EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t);
int EVP_PKEY_decrypt_init(EVP_PKEY_CTX *);
int EVP_PKEY_decrypt(EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t);
int OBJ_txt2nid(const char *);
EC_GROUP *EC_GROUP_new_by_curve_name(int);
void EC_GROUP_free(EC_GROUP *);
EC_POINT *EC_POINT_new(const EC_GROUP *);
void EC_POINT_clear_free(EC_POINT *);
int EC_POINT_mul(const EC_GROUP *, EC_POINT *, const BIGNUM *, const EC_POINT *, const BIGNUM *,
                 BN_CTX *);
size_t EC_POINT_point2oct(const EC_GROUP *, const EC_POINT *, int, unsigned char *, size_t,
                          BN_CTX *);
BIGNUM *BN_bin2bn(const unsigned char *, int, BIGNUM *);
int BN_bn2binpad(const BIGNUM *, unsigned char *, int);
void BN_clear_free(BIGNUM *);
"""
_NAMES = ("libcrypto.so.3", "libcrypto.so.4")
_INTEGER, _UTF8, _OCTETS = 2, 4, 5
_PUBLIC, _KEY_PAIR = 0x86, 0x87
_CURVE_OID = b"1.2.156.10197.1.301"

_ffi = cffi.FFI()
_ffi.cdef(_DECLARATIONS)


class Key:
    """An EVP_PKEY with the contexts that wait for their next use.

    A context serves one thread at a time: a caller takes one from the list, or makes one, and puts
    it back (`list.pop` and `append` are atomic). So there are as many as ever ran at once.
    libcrypto wipes the private number when the last reference is gone.
    """

    __slots__ = ("idle", "pkey")

    def __init__(self, pkey: Any) -> None:
        self.pkey = pkey
        self.idle: dict[str, list[Any]] = {"sign": [], "verify": []}


class Libcrypto:
    """SM2 by one loaded libcrypto. Every method may be called from many threads at once."""

    def __init__(self, lib: Any) -> None:
        """Take the loaded library; ValueError if it has no SM2."""
        self._lib = lib
        number: int = lib.OpenSSL_version_num()
        self.version = f"{number >> 28}.{number >> 20 & 0xFF}.{number >> 4 & 0xFF}"
        group = lib.EC_GROUP_new_by_curve_name(lib.OBJ_txt2nid(_CURVE_OID))
        if group == _ffi.NULL:
            self._forget_errors()
            raise ValueError("this libcrypto has no SM2 curve")
        self._group = _ffi.gc(group, lib.EC_GROUP_free)
        self._by_name()

    def _forget_errors(self) -> None:
        """Empty the thread's error queue, or Python's own ssl module would find it and stumble."""
        self._lib.ERR_clear_error()

    def _by_name(self) -> Any:
        """Return a context for making keys; ValueError where SM2 was built out."""
        context = self._lib.EVP_PKEY_CTX_new_from_name(_ffi.NULL, b"SM2", _ffi.NULL)
        if context == _ffi.NULL:
            self._forget_errors()
            raise ValueError("this libcrypto has no SM2")
        return _ffi.gc(context, self._lib.EVP_PKEY_CTX_free)

    def _from_data(self, selection: int, *fields: tuple[bytes, int, Any, int]) -> Key:
        """Make a key of OSSL_PARAM fields: name, type, buffer, size."""
        params = _ffi.new("OSSL_PARAM[]", len(fields) + 1)
        names = [_ffi.new("char[]", name) for name, _, _, _ in fields]
        for at, (_, kind, buffer, size) in enumerate(fields):
            params[at].key, params[at].data_type = names[at], kind
            params[at].data, params[at].data_size = buffer, size
        made = _ffi.new("EVP_PKEY **")
        context = self._by_name()
        good = self._lib.EVP_PKEY_fromdata_init(context) == 1 and (
            self._lib.EVP_PKEY_fromdata(context, made, selection, params) == 1
        )
        if not good:
            self._forget_errors()
            raise Malformed("libcrypto refuses this SM2 key")
        return Key(_ffi.gc(made[0], self._lib.EVP_PKEY_free))

    def public(self, public_key: bytes) -> Key:
        """Load 64 bytes of a point that is already known to be on the curve."""
        point = _ffi.new("unsigned char[]", b"\x04" + public_key)
        return self._from_data(_PUBLIC, _GROUP_FIELD, (b"pub", _OCTETS, point, 65))

    def private(self, scalar: bytes, public_key: bytes) -> Key:
        """Load a scalar already known to be in range, with its point."""
        point = _ffi.new("unsigned char[]", b"\x04" + public_key)
        secret = _ffi.new("unsigned char[32]")
        # OSSL_PARAM integers are in the machine's byte order.
        _ffi.buffer(secret)[:] = scalar[::-1] if _LITTLE_ENDIAN else scalar
        try:
            return self._from_data(
                _KEY_PAIR,
                _GROUP_FIELD,
                (b"pub", _OCTETS, point, 65),
                (b"priv", _INTEGER, secret, 32),
            )
        finally:
            self._lib.OPENSSL_cleanse(secret, 32)

    def scalar(self, key: Key) -> bytes:
        """Copy the 32 secret bytes out."""
        number = _ffi.new("BIGNUM **")
        if self._lib.EVP_PKEY_get_bn_param(key.pkey, b"priv", number) != 1:
            self._forget_errors()
            raise Unavailable("libcrypto does not give the SM2 private key out")
        out = _ffi.new("unsigned char[32]")
        try:
            self._lib.BN_bn2binpad(number[0], out, 32)
            return bytes(_ffi.buffer(out))
        finally:
            self._lib.OPENSSL_cleanse(out, 32)
            self._lib.BN_clear_free(number[0])

    def multiply_base(self, scalar: bytes) -> bytes:
        """Return the 64 bytes of [scalar]G, by OpenSSL's constant-time ladder."""
        lib = self._lib
        number = _ffi.gc(lib.BN_bin2bn(scalar, 32, _ffi.NULL), lib.BN_clear_free)
        point = _ffi.gc(lib.EC_POINT_new(self._group), lib.EC_POINT_clear_free)
        out = _ffi.new("unsigned char[65]")
        null = _ffi.NULL
        good = lib.EC_POINT_mul(self._group, point, number, null, null, null) == 1
        if not good or lib.EC_POINT_point2oct(self._group, point, 4, out, 65, null) != 65:
            self._forget_errors()
            raise Unavailable("libcrypto could not multiply on the SM2 curve")
        return bytes(_ffi.buffer(out))[1:]

    def _context(self, key: Key, purpose: str) -> Any:
        """Make a context ready for `purpose`: sign, verify, encrypt or decrypt."""
        lib = self._lib
        context = lib.EVP_PKEY_CTX_new_from_pkey(_ffi.NULL, key.pkey, _ffi.NULL)
        if context != _ffi.NULL:
            context = _ffi.gc(context, lib.EVP_PKEY_CTX_free)
            if getattr(lib, f"EVP_PKEY_{purpose}_init")(context) == 1:
                return context
        self._forget_errors()
        raise Unavailable(f"libcrypto cannot {purpose} with SM2")

    def sign(self, key: Key, digest: bytes) -> bytes:
        """Sign the 32 bytes of `e`; returns DER. The nonce is libcrypto's, from its own DRBG."""
        idle = key.idle["sign"]
        try:
            context = idle.pop()
        except IndexError:
            context = self._context(key, "sign")
        out, size = _ffi.new("unsigned char[80]"), _ffi.new("size_t *", 80)
        if self._lib.EVP_PKEY_sign(context, out, size, digest, len(digest)) != 1:
            self._forget_errors()
            raise Unavailable("libcrypto could not sign with SM2")
        idle.append(context)
        return bytes(_ffi.buffer(out, size[0]))

    def verify(self, key: Key, digest: bytes, signature: bytes) -> None:
        """Raise InvalidSignature unless the DER `signature` is good for the 32 bytes of `e`."""
        idle = key.idle["verify"]
        try:
            context = idle.pop()
        except IndexError:
            context = self._context(key, "verify")
        good = self._lib.EVP_PKEY_verify(context, signature, len(signature), digest, len(digest))
        idle.append(context)
        # Below 0 stands for a fault inside: it proves nothing, so it is no success either.
        if good != 1:
            self._forget_errors()
            raise InvalidSignature("the SM2 signature does not verify")

    def encrypt(self, key: Key, plaintext: bytes) -> bytes:
        """Encrypt to DER SM2Cipher."""
        out, size = self._run("encrypt", key, plaintext)
        if out is None:
            raise Unavailable("libcrypto could not encrypt with SM2")
        return bytes(_ffi.buffer(out, size))

    def decrypt(self, key: Key, ciphertext: bytes) -> bytes:
        """Decrypt DER SM2Cipher; DecryptionFailed for any reason there is."""
        out, size = self._run("decrypt", key, ciphertext)
        if out is None:
            raise DecryptionFailed("the SM2 ciphertext does not open with this key")
        try:
            return bytes(_ffi.buffer(out, size))
        finally:
            self._lib.OPENSSL_cleanse(out, size)

    def _run(self, purpose: str, key: Key, data: bytes) -> tuple[Any, int]:
        """Run the two-step calls of OpenSSL: ask the size, then do it. (None, 0) on failure."""
        context = self._context(key, purpose)
        call = getattr(self._lib, f"EVP_PKEY_{purpose}")
        size = _ffi.new("size_t *")
        if call(context, _ffi.NULL, size, data, len(data)) == 1:
            out = _ffi.new("unsigned char[]", max(size[0], len(data)))
            if call(context, out, size, data, len(data)) == 1:
                return out, size[0]
        self._forget_errors()
        return None, 0


_GROUP_NAME = _ffi.new("char[]", b"SM2")
_GROUP_FIELD = (b"group", _UTF8, _GROUP_NAME, 3)
_LITTLE_ENDIAN = bytes(_ffi.buffer(_ffi.new("uint16_t *", 1))) == b"\x01\x00"


@functools.cache
def load() -> Libcrypto | None:
    """Return the system's libcrypto, or None if it is missing, too old or has no SM2."""
    for name in _NAMES:
        try:
            return Libcrypto(_ffi.dlopen(name))
        except (OSError, AttributeError, ValueError):
            continue  # Not there, before 3.0, or built with no-sm2: the next may be better.
    return None
