"""Ways to change a sealed licence, each a generator of changed files; seeded, so always the same."""

import random
import re
from collections.abc import Callable, Iterator

from seal import asn1
from seal.pdf import document, fields
from seal.pdf.fields import Signature
from seal.pdf.objects import Dict, Name, Object, Ref, Stream
from seal.pdf.update import Update
from trust.crypto import cms, der

Files = Iterator[tuple[str, bytes]]


def signatures(pdf: bytes) -> list[Signature]:
    return fields.signatures(document.read(pdf))


def flips(pdf: bytes, seed: random.Random, count: int) -> Files:
    for _ in range(count):
        at, change = seed.randrange(len(pdf)), seed.randrange(1, 256)
        yield f"byte {at} xor {change}", pdf[:at] + bytes((pdf[at] ^ change,)) + pdf[at + 1 :]


def flips_of_signatures(pdf: bytes, seed: random.Random, count: int) -> Files:
    """One bit of the DER in a /Contents, the file otherwise untouched."""
    for _ in range(count):
        signature = seed.choice(signatures(pdf))
        value = bytearray(signature.contents)
        at, bit = seed.randrange(len(value)), 1 << seed.randrange(8)
        value[at] ^= bit
        yield f"{signature.field} byte {at} xor {bit}", refilled(pdf, signature, bytes(value))


def digits_of_signatures(pdf: bytes, seed: random.Random, count: int) -> Files:
    """A character of a /Contents, in the padding too, becomes another one."""
    for _ in range(count):
        signature = seed.choice(signatures(pdf))
        at = seed.randrange(signature.start, signature.stop)
        new = seed.choice(b"0123456789abcdefABCDEF <>\n/()\x00")
        if new != pdf[at]:
            yield f"character {at} to {new:#x}", pdf[:at] + bytes((new,)) + pdf[at + 1 :]


def cuts(pdf: bytes, seed: random.Random, count: int) -> Files:
    for _ in range(count):
        at, size = seed.randrange(len(pdf)), seed.choice((1, 2, 3, 16, 100, 4096))
        yield f"{size} bytes cut at {at}", pdf[:at] + pdf[at + size :]


def insertions(pdf: bytes, seed: random.Random, count: int) -> Files:
    for _ in range(count):
        at, size = seed.randrange(len(pdf)), seed.choice((1, 2, 16, 100))
        yield f"{size} bytes put at {at}", pdf[:at] + seed.randbytes(size) + pdf[at:]


def truncations(pdf: bytes, seed: random.Random, count: int) -> Files:
    for revision in document.read(pdf).revisions[:-1]:
        for slip in (-2, -1, 0, 1):
            yield f"truncated at revision end {slip:+}", pdf[: revision.end + slip]
    yield "without its last byte", pdf[:-1]
    for _ in range(count):
        at = seed.randrange(len(pdf))
        yield f"truncated at {at}", pdf[:at]


def appended(pdf: bytes, seed: random.Random, count: int) -> Files:
    for tail in (b"\n", b" ", b"%", b"\r\n", b"\x00", b"%%EOF\n", b"startxref\n0\n%%EOF\n"):
        yield f"appended {tail!r}", pdf + tail
    yield "itself appended", pdf + pdf
    last = pdf.rindex(b"startxref")
    yield "the last startxref repeated", pdf + pdf[last:]
    for _ in range(count):
        yield "random bytes appended", pdf + seed.randbytes(seed.choice((1, 10, 1000)))
        yield "random bytes and an end appended", pdf + seed.randbytes(9) + pdf[last:]


# --- signatures --------------------------------------------------------------------------------


def refilled(pdf: bytes, signature: Signature, value: bytes, *, padding: bytes = b"") -> bytes:
    """The file with another value in a /Contents, of the same length over all."""
    room = (signature.stop - signature.start - 2) // 2
    filled = (value + padding)[:room].ljust(room, b"\x00")
    return pdf[: signature.start + 1] + filled.hex().encode() + pdf[signature.stop - 1 :]


def respelled(pdf: bytes) -> Files:
    """The same signature in other spellings: each would verify, none is ours."""
    for signature in signatures(pdf):
        inner = pdf[signature.start + 1 : signature.stop - 1]
        name = signature.field

        def put(new: bytes, signature: Signature = signature) -> bytes:
            return pdf[: signature.start + 1] + new + pdf[signature.stop - 1 :]

        yield f"{name} in upper case", put(inner.upper())
        yield (
            f"{name} with one capital",
            put(re.sub(b"[a-f]", lambda m: m[0].upper(), inner, count=1)),
        )
        yield f"{name} with a space for padding", put(inner[:-2] + b"  ")
        yield f"{name} one digit short", put(inner[:-1] + b"\n")
        for padding in (b"\x01", b"\x00\x00\x01", b"\x30\x00", b"\xff" * 9):
            yield (
                f"{name} padded with {padding!r}",
                refilled(pdf, signature, signature.contents, padding=padding),
            )
        yield f"{name} padded longer", put(inner + b"00")
        yield f"{name} padded shorter", put(inner[:-2])
        yield (
            f"{name} twice",
            refilled(pdf, signature, signature.contents, padding=signature.contents),
        )
        yield f"{name} empty", refilled(pdf, signature, b"")


def swapped(pdf: bytes, other: bytes) -> Files:
    """Signatures of another licence, and one's own in each other's place."""
    ours, theirs = signatures(pdf), signatures(other)
    for mine, foreign in zip(ours, theirs, strict=True):
        yield f"{mine.field} of another licence", refilled(pdf, mine, foreign.contents)
    both = pdf
    for mine, foreign in zip(ours, theirs, strict=True):
        both = refilled(both, mine, foreign.contents)
    yield "both of another licence", both
    for mine, own in zip(ours, reversed(ours), strict=True):
        if mine is not own:
            yield f"{own.field} in the place of {mine.field}", refilled(pdf, mine, own.contents)
    for revision in document.read(pdf).revisions[:-1]:
        cut = revision.end
        yield (
            "revisions of two licences",
            pdf[:cut] + other[document.read(other).revisions[0].end :],
        )


def reencoded_cms(pdf: bytes, *, stray: bytes) -> Files:
    """The closing signature in other encodings that mean the same to a lenient reader."""
    closing = signatures(pdf)[-1]
    for name, value in _cms_variants(closing.contents, stray):
        assert value != closing.contents, name
        yield f"CMS: {name}", refilled(pdf, closing, value)


def _cms_variants(value: bytes, stray: bytes) -> Iterator[tuple[str, bytes]]:
    outer = der.children(der.parse(value))
    body = der.children(der.parse(outer[1].content))
    version, digests, content, certificates, infos = (part.raw for part in body)
    inside = [item.raw for item in der.children(body[3])]
    info = [part.raw for part in der.children(der.children(body[4])[0])]

    def build(*, parts: list[bytes] | None = None, held: list[bytes] | None = None,
              signer: list[bytes] | None = None, after: bytes = b"") -> bytes:  # fmt: skip
        chosen = der.tlv(0xA0, b"".join(inside if held is None else held))
        signed = der.set_of(der.sequence(*(signer or info)))
        whole = parts or [version, digests, content, chosen, signed]
        return der.sequence(outer[0].raw, der.explicit(0, der.sequence(*whole, after)))

    assert build() == value
    yield "an extra certificate", build(held=[*inside, stray])
    yield "an extra certificate in order", build(held=sorted([*inside, stray]))
    yield "a certificate twice", build(held=[*inside, inside[0]])
    yield "certificates reordered", build(held=inside[::-1])
    yield "a certificate removed", build(held=[stray_free(inside, info)])
    yield "no certificates", build(parts=[version, digests, content, infos])
    yield (
        "an empty set of CRLs",
        build(parts=[version, digests, content, certificates, b"\xa1\x00", infos]),
    )
    unsigned = der.tlv(0xA1, der.sequence(der.oid("1.2.3.4"), der.set_of(der.null())))
    yield "an unsigned attribute", build(signer=[*info, unsigned])
    yield "empty unsigned attributes", build(signer=[*info, b"\xa1\x00"])
    yield "version 3", build(parts=[der.integer(3), digests, content, certificates, infos])
    yield "signer version 3", build(signer=[der.integer(3), *info[1:]])
    yield "content present", build(
        parts=[version, digests, der.sequence(der.oid(cms.Dress.RFC5652.value[1]),
               der.explicit(0, der.octets(b""))), certificates, infos]
    )  # fmt: skip
    yield "no digest algorithms", build(parts=[version, b"\x31\x00", content, certificates, infos])
    bare = der.sequence(der.oid(cms.SHA256))
    yield "digest parameters absent", build(signer=[*info[:2], bare, *info[3:]])
    for oid in ("1.2.840.113549.1.1.1", "1.2.840.113549.1.1.5", "1.2.840.113549.1.1.12",
                "1.2.840.113549.1.1.10", cms.SM2_SIGN):  # fmt: skip
        renamed = der.sequence(der.oid(oid), der.null())
        yield f"signature algorithm {oid}", build(signer=[*info[:4], renamed, info[5]])
    plain = der.sequence(der.oid("1.2.840.113549.1.1.11"))
    yield "signature parameters absent", build(signer=[*info[:4], plain, info[5]])
    attributes = [item.raw for item in der.children(der.read(info[3]))]
    yield (
        "attributes reordered",
        build(signer=[*info[:3], der.tlv(0xA0, b"".join(attributes[::-1])), *info[4:]]),
    )
    yield (
        "an attribute twice",
        build(signer=[*info[:3], der.tlv(0xA0, b"".join([*attributes, attributes[0]])), *info[4:]]),
    )
    odd = der.sequence(der.oid("1.2.3"), der.null(), der.null())
    yield (
        "an attribute of three parts",
        build(signer=[*info[:3], der.tlv(0xA0, b"".join([*attributes, odd])), *info[4:]]),
    )
    yield (
        "an attribute of no parts",
        build(signer=[*info[:3], der.tlv(0xA0, b"\x30\x00"), *info[4:]]),
    )
    yield "no attributes", build(signer=[*info[:3], *info[4:]])
    yield "empty attributes", build(signer=[*info[:3], b"\xa0\x00", *info[4:]])
    yield (
        "two signers",
        build(
            parts=[
                version,
                digests,
                content,
                certificates,
                der.tlv(der.SET, der.sequence(*info) * 2),
            ]
        ),
    )
    yield "the other dress", der.sequence(der.oid(cms.Dress.GMT0010.value[0]), outer[1].raw)
    yield from _ber(value)


def stray_free(certificates: list[bytes], info: list[bytes]) -> bytes:
    """The signer's own certificate: the one whose serial number its identifier names."""
    serial = der.children(der.read(info[1]))[1].raw
    return next(one for one in certificates if serial in one[:60])


def _ber(value: bytes) -> Iterator[tuple[str, bytes]]:
    """BER that is not DER."""
    content = der.parse(value).content
    size = len(content)
    yield "a length with a leading zero", b"\x30\x83" + size.to_bytes(3, "big") + content
    yield "an indefinite length", b"\x30\x80" + content + b"\x00\x00"
    yield "a long tag", b"\x3f\x10" + value[1:]


def reencoded_stamp(pdf: bytes, *, stray: bytes) -> Files:
    """The SM2 seal signature in other encodings."""
    first = signatures(pdf)[0]
    stamp = asn1.parse_stamp(first.contents)
    tbs, signer, oid, signature = (part.raw for part in der.children(der.parse(first.contents)))
    r, s = (der.read_integer(part) for part in der.children(der.parse(stamp.signature)))
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    order = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
    variants = {
        "signature raw": der.sequence(tbs, signer, oid, der.bits(raw)),
        "signature raw, zero first": der.sequence(tbs, signer, oid, der.bits(b"\x00" + raw)),
        "s negated": der.sequence(tbs, signer, oid, der.bits(_pair(r, order - s))),
        "r above the order": der.sequence(tbs, signer, oid, der.bits(_pair(r + order, s))),
        "s above the order": der.sequence(tbs, signer, oid, der.bits(_pair(r, s + order))),
        "trailing byte in the signature": der.sequence(tbs, signer, oid, der.bits(stamp.signature + b"\x00")),
        "r with a leading zero": der.sequence(tbs, signer, oid, der.bits(
            der.sequence(b"\x02" + bytes((34,)) + b"\x00\x00" + r.to_bytes(32, "big"), der.integer(s)))),
        "a time-stamp": der.sequence(tbs, signer, oid, signature, der.explicit(0, der.bits(b"\x30\x00"))),
        "an untagged fifth part": der.sequence(tbs, signer, oid, signature, der.bits(b"\x00")),
        "another certificate": der.sequence(tbs, der.octets(stray), oid, signature),
        "another algorithm": der.sequence(tbs, signer, der.oid("1.2.156.10197.1.301.1"), signature),
        "RSA named": der.sequence(tbs, signer, der.oid("1.2.840.113549.1.1.11"), signature),
        "the form of 2014": der.sequence(tbs, signature),
        "bits not whole": der.sequence(tbs, signer, oid, signature[:2] + b"\x01" + signature[3:]),
    }  # fmt: skip
    for name, value in [*variants.items(), *_ber(first.contents)]:
        assert value != first.contents, name
        yield f"SES: {name}", refilled(pdf, first, value)


def _pair(r: int, s: int) -> bytes:
    return der.sequence(der.integer(r), der.integer(s))


# --- ByteRange lies ----------------------------------------------------------------------------


def lies(pdf: bytes) -> Files:
    """USF, SWA and ISA as Mladenov and others describe them (CCS 2019), in our file's terms."""
    for signature in signatures(pdf):
        start, stop, end = signature.start, signature.stop, signature.end
        true = f"[0 {start} {stop} {end - stop}".encode()
        at = pdf.rindex(true, 0, start)
        room = pdf.index(b"]", at) - at
        for lie in (
            "[", "[0", f"[0 {start}", f"[0 {start} {stop}", f"[0 {start} {stop} {end - stop - 1}",
            f"[0 {start} {stop} {end - stop + 1}", f"[1 {start} {stop} {end - stop}",
            f"[0 {start + 1} {stop} {end - stop}", f"[0 {start} {stop - 1} {end - stop + 1}",
            f"[0 0 {stop} {end - stop}", f"[0 {start} {stop} -1", f"[0 {-start} {stop} {end - stop}",
            "[null", "[0 1.5 2 3", f"[0 {start} {stop} {end - stop} 0", "[0 99999999999 1 1",
        ):  # fmt: skip
            yield (
                f"{signature.field} {lie}]",
                pdf[:at] + lie.encode().ljust(room) + pdf[at + room :],
            )
        for word in (b"/ByteRange", b"/Contents", b"/SubFilter", b"/Filter", b"/Type /Sig"):
            spot = pdf.rindex(word, 0, start)
            gone = word[:1] + b"x" * (len(word) - 1)
            yield f"{signature.field} without {word!r}", pdf[:spot] + gone + pdf[spot + len(word) :]
    yield from _wrapped(pdf)


def _wrapped(pdf: bytes) -> Files:
    """SWA: the second half is moved back, and other content put between."""
    closing = signatures(pdf)[-1]
    rest = pdf[closing.stop :]
    for evil in (b" " * 100, b"\n9 0 obj\n<</Type /Page>>\nendobj\n"):
        yield "wrapped: content before the second half", pdf[: closing.stop] + evil + rest
        filler = pdf[closing.start : closing.stop - 1] + b"00" * 50 + b">"
        yield "wrapped: a longer gap", pdf[: closing.start] + filler + evil + rest


# --- appended revisions ------------------------------------------------------------------------


def revisions(pdf: bytes) -> Files:
    """One more revision that changes something, written without fault."""
    for name, change in CHANGES.items():
        update = Update(document.read(pdf))
        change(update)
        yield f"revision: {name}", pdf + update.write()
        whole = long_term(pdf)
        update = Update(document.read(whole))
        change(update)
        yield f"revision after long-term data: {name}", whole + update.write()
    genuine = long_term(pdf)[len(pdf) :]
    yield "long-term data after junk", pdf + b"%junk\n" + genuine
    yield from trailers(pdf)


def trailers(pdf: bytes) -> Files:
    """A revision with long-term data whose trailer says something more."""
    genuine = long_term(pdf)
    last = document.read(genuine).revisions[-1]
    first = document.read(pdf).revisions[0]
    at = genuine.rindex(b"trailer\n<<") + len(b"trailer\n<<")
    for name, entry in {
        "Encrypt": b"/Encrypt 1 0 R ", "XRefStm": b"/XRefStm 10 ", "Root again": b"/Root 1 0 R ",
        "an unknown key": b"/Evil true ",
    }.items():  # fmt: skip
        yield f"trailer: {name}", genuine[:at] + entry + genuine[at:]
    previous = f"/Prev {last.trailer['Prev']}".encode()
    spot = genuine.rindex(previous)
    start = genuine.rindex(b"startxref", 0, first.end) + len(b"startxref\n")
    early = b"/Prev " + genuine[start : genuine.index(b"\n", start)]
    yield "trailer: Prev past the seals", genuine[:spot] + early + genuine[spot + len(previous) :]


def long_term(pdf: bytes) -> bytes:
    """The file with one more revision that holds a DSS and nothing else: allowed."""
    update = Update(document.read(pdf))
    _add_dss(update)
    return pdf + update.write()


def _add_dss(update: Update) -> None:
    base = update.document
    stream = update.add(Stream({}, b"\x30\x00"))
    held: Dict = {"Certs": [stream], "CRLs": [update.add(Stream({}, b"\x30\x00"))]}
    update.put(base.root, {**base.catalog(), "DSS": update.add(held)})


def _change_catalog(update: Update, **entries: Object) -> None:
    update.put(update.document.root, {**update.document.catalog(), **entries})


def _page(update: Update) -> tuple[Ref, Dict]:
    ref = update.document.pages()[0]
    return ref, update.document.dictionary(ref, "page")


def _change_page(update: Update, **entries: Object) -> None:
    ref, page = _page(update)
    update.put(ref, {**page, **entries})


def _note() -> Dict:
    return {"Type": Name("Annot"), "Subtype": Name("FreeText"), "Contents": b"forged",
            "Rect": [0, 0, 300, 300], "F": 4}  # fmt: skip


def _annotate(update: Update) -> None:
    ref, page = _page(update)
    held = page["Annots"]
    current = update.document.array(held, "Annots")
    if isinstance(held, Ref):
        update.put(held, [*current, update.add(_note())])
    else:
        update.put(ref, {**page, "Annots": [*current, update.add(_note())]})


def _rewrite_content(update: Update) -> None:
    ref = _page(update)[1]["Contents"]
    assert isinstance(ref, Ref)
    update.put(ref, Stream({}, b"BT ET"))


def _rewrite_attachment(update: Update) -> None:
    whole = update.document
    for number in whole.numbers():
        found = whole.get(Ref(number, 0))
        if isinstance(found, Stream) and found.dictionary.get("Type") == "EmbeddedFile":
            update.put(Ref(number, 0), Stream({"Type": Name("EmbeddedFile")}, b"{}"))


def _form(update: Update) -> tuple[Ref, Dict]:
    ref = update.document.catalog()["AcroForm"]
    assert isinstance(ref, Ref)
    return ref, update.document.dictionary(ref, "form")


def _change_form(update: Update, **entries: Object) -> None:
    ref, form = _form(update)
    update.put(ref, {**form, **entries})


def _forge_field(update: Update) -> None:
    ref, form = _form(update)
    field: Dict = {"FT": Name("Sig"), "T": b"Forged", "Type": Name("Annot"),
                   "Subtype": Name("Widget"), "Rect": [0, 0, 300, 300]}  # fmt: skip
    fields_ = update.document.array(form["Fields"], "Fields")
    update.put(ref, {**form, "Fields": [*fields_, update.add(field)]})


def _move_seal(update: Update) -> None:
    fields_ = update.document.array(_form(update)[1]["Fields"], "Fields")
    ref = fields_[0]
    assert isinstance(ref, Ref)
    widget = update.document.dictionary(ref, "widget")
    update.put(ref, {**widget, "Rect": [0, 0, 1, 1]})


def _redraw_seal(update: Update) -> None:
    fields_ = update.document.array(_form(update)[1]["Fields"], "Fields")
    widget = update.document.dictionary(fields_[0], "widget")
    look = update.document.dictionary(widget["AP"], "AP")["N"]
    assert isinstance(look, Ref)
    update.put(look, Stream({"Subtype": Name("Form"), "BBox": [0, 0, 9, 9]}, b""))


def _with_dss(change: Callable[[Update], None]) -> Callable[[Update], None]:
    def both(update: Update) -> None:
        _add_dss(update)
        change(update)

    return both


def _empty_list(update: Update) -> None:
    """An empty array rewritten as itself: no change, and a trap for a reader that looks at its end."""
    _change_catalog(update, Extra=[])


def _retitle(update: Update) -> None:
    """Another /Info by way of the trailer, in what is otherwise long-term data."""
    _add_dss(update)
    update.document.trailer["Info"] = update.add({"Title": b"forged"})


def _rewrite_metadata(update: Update) -> None:
    ref = update.document.catalog()["Metadata"]
    assert isinstance(ref, Ref)
    update.put(ref, Stream({"Type": Name("Metadata"), "Subtype": Name("XML")}, b"<x/>"))


CHANGES: dict[str, Callable[[Update], None]] = {
    "a note on the page": _annotate,
    "the page's content": _rewrite_content,
    "the page's content by another stream": lambda u: _change_page(u, Contents=u.add(Stream({}, b""))),
    "the page's box": lambda u: _change_page(u, MediaBox=[0, 0, 10, 10]),
    "the page tree": lambda u: _change_catalog(u, Pages=u.add({"Type": Name("Pages"), "Kids": [], "Count": 0})),
    "the attachment": _rewrite_attachment,
    "the names": lambda u: _change_catalog(u, Names={}),
    "an open action": lambda u: _change_catalog(u, OpenAction={"S": Name("JavaScript"), "JS": b"1"}),
    "a catalogue entry beside the DSS": _with_dss(lambda u: _change_catalog(u, DSS={}, Evil=True)),
    "another form": lambda u: _change_catalog(u, AcroForm=u.add({"Fields": []})),
    "a form without fields": lambda u: _change_form(u, Fields=[]),
    "the form's appearances": lambda u: _change_form(u, NeedAppearances=True),
    "one more field": _forge_field,
    "a moved seal": _move_seal,
    "a redrawn seal": _redraw_seal,
    "the metadata": _rewrite_metadata,
    "an extra list": _empty_list,
    "a note beside a DSS": _with_dss(_annotate),
    "the page's content beside a DSS": _with_dss(_rewrite_content),
    "the metadata beside a DSS": _with_dss(_rewrite_metadata),
    "the document's title beside a DSS": _retitle,
}  # fmt: skip
