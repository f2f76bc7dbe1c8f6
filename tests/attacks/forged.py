"""USF, universal signature forgery: the signature object is made unreadable, so that a reader
that shrugs shows the file as signed. The file's language is changed besides."""

from tests.attacks.attack import Attack, Attacks, overwritten
from tests.certificates.mutated_signatures import signatures

_NOT_READ = frozenset({"malformed", "byte_range", "not_canonical", "signature_malformed"})


def attacks(pdf: bytes) -> Attacks:
    """Each way on the signature that closes the file."""
    closing = signatures(pdf)[-1]
    start, stop, end = closing.start, closing.stop, closing.end
    tampered = pdf.replace(b"/Lang (zh-CN)", b"/Lang (xx-XX)")
    assert tampered != pdf

    def contents(name: str, value: bytes) -> Attack:
        return _usf(f"Contents {name}", overwritten(tampered, start, stop, value))

    yield contents("null", b"null")
    yield contents("empty", b"<>")
    yield contents("one zero", b"<00>")
    yield contents("all zeros", b"<" + b"0" * (stop - start - 2) + b">")
    yield contents("a number", b"0")
    yield contents("a reference to itself", b"%d 0 R" % closing.number)
    yield contents("an empty sequence", b"<3000" + b"0" * (stop - start - 6) + b">")
    key = tampered.rindex(b"/Contents ", 0, start)
    yield _usf("Contents absent", overwritten(tampered, key, key + 9, b"/Xontents"))
    at = tampered.rindex(b"/ByteRange [", 0, start) + len(b"/ByteRange ")
    close = tampered.index(b"]", at) + 1
    for name, value in {
        "null": b"null", "a negative start": b"[-1 1 1 1]", "zeros": b"[0 0 0 0]",
        "empty": b"[]", "too large": b"[0 99999999 99999999 9]",
        "of the page alone": b"[0 %d 0 0]" % start,
        "with the gap at the end": b"[0 %d %d 0]" % (start, end),
        "reaching past the end": b"[0 %d %d %d]" % (start, stop, end - stop + 9),
    }.items():  # fmt: skip
        yield _usf(f"ByteRange {name}", overwritten(tampered, at, close, value))
    key = at - len(b"/ByteRange ")
    yield _usf("ByteRange absent", overwritten(tampered, key, key + 10, b"/XyteRange"))
    yield from _kinds(tampered, start)


def _kinds(tampered: bytes, start: int) -> Attacks:
    """The kind of the signature, or of its field, is another."""
    for old, new, codes in (
        (b"/ETSI.CAdES.detached", b"/adbe.x509.rsa_sha1", {"algorithm_refused"}),
        (b"/ETSI.CAdES.detached", b"/adbe.pkcs7.detached", {"algorithm_refused"}),
        (b"/GM.sm2seal", b"/Unknown.xx", {"algorithm_refused"}),
        (b"/SubFilter /", b"/XubFilter /", {"algorithm_refused"}),
    ):
        found = tampered.rfind(old, 0, start)
        if found > tampered.rindex(b"/Type /Sig", 0, start) - 200:
            name = f"{old.decode()} becomes {new.decode()}"
            changed = tampered[:found] + new + tampered[found + len(old) :]
            if len(changed) == len(tampered):
                yield _usf(name, changed, *codes)
    last = tampered.rindex(b"/FT /Sig")
    yield _usf("the field is text", overwritten(tampered, last, last + 8, b"/FT /Tx"))
    value = tampered.index(b"/V ", last)
    yield _usf(
        "the field has no value", overwritten(tampered, value, value + 2, b"/X"), "no_signature",
        "changed", "changed_between", "signature_invalid", "digest_mismatch",
    )  # fmt: skip


def _usf(name: str, pdf: bytes, *codes: str) -> Attack:
    return Attack("USF", name, pdf, frozenset(codes) or _NOT_READ)
