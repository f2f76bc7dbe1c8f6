"""OFD packages with signatures (GB/T 33190-2016, 18), made for tests."""

import base64
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence

from tests.seal.vendors import Signer, ofdrw
from trust.crypto import hashes

_SPACE = 'xmlns:ofd="http://www.ofdspec.org/2016"'
CONTENT = {
    "OFD.xml": f'<ofd:OFD {_SPACE} Version="1.0"><ofd:DocBody><ofd:DocRoot>Doc_0/Document.xml'
    "</ofd:DocRoot><ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures></ofd:DocBody>"
    "</ofd:OFD>",
    "Doc_0/Document.xml": f"<ofd:Document {_SPACE}/>",
    "Doc_0/Pages/Page_0/Content.xml": f"<ofd:Page {_SPACE}/>",
}
Make = Callable[[Signer, bytes], bytes]


def signed_ofd(
    by: Signer, makers: Sequence[Make], *, kind: str = "Sign", integrity: bool = False,
    smuggled: Mapping[str, bytes] | None = None, dropped: str = "",
) -> bytes:  # fmt: skip
    """A package with one signature by each maker over all its content; `smuggled` and `dropped`
    are files put in and taken out after the integrity file was signed."""
    files = {name: text.encode() for name, text in CONTENT.items()}
    protected = dict(files)
    if not makers:
        files["OFD.xml"] = b"".join(files["OFD.xml"].partition(b"<ofd:Signatures>")[:1]) + (
            b"</ofd:DocBody></ofd:OFD>"
        )
    listed = ""
    for number, make in enumerate(makers):
        folder = f"Doc_0/Signs/Sign_{number}"
        document = signature_xml(protected, folder)
        files[f"{folder}/Signature.xml"] = document
        files[f"{folder}/SignedValue.dat"] = make(by, document)
        base = f"/{folder}/Signature.xml"
        listed += f'<ofd:Signature ID="s{number}" Type="{kind}" BaseLoc="{base}"/>'
    if makers:
        files["Doc_0/Signs/Signatures.xml"] = (
            f"<ofd:Signatures {_SPACE}>{listed}</ofd:Signatures>".encode()
        )
    if integrity:
        files |= _entries(by, files)
    files |= smuggled or {}
    files.pop(dropped, None)
    return packed(files)


def signature_xml(protected: Mapping[str, bytes], folder: str) -> bytes:
    references = "".join(
        f'<ofd:Reference FileRef="/{name}"><ofd:CheckValue>'
        f"{base64.b64encode(hashes.sm3(data)).decode()}</ofd:CheckValue></ofd:Reference>"
        for name, data in protected.items()
    )
    return (
        f"<ofd:Signature {_SPACE}><ofd:SignedInfo>"
        '<ofd:Provider ProviderName="a maker"/>'
        "<ofd:SignatureDateTime>2026-05-01 08:00:00</ofd:SignatureDateTime>"
        f'<ofd:References CheckMethod="1.2.156.10197.1.401">{references}</ofd:References>'
        f"</ofd:SignedInfo><ofd:SignedValue>/{folder}/SignedValue.dat</ofd:SignedValue>"
        "</ofd:Signature>"
    ).encode()


def _entries(by: Signer, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The integrity file of GM/T 0099, over the names of all files."""
    listed = "".join(
        f'<ofd:File ID="{n}" FileLoc="/{name}"/>' for n, name in enumerate(sorted(files), 2)
    )
    document = (
        f'<ofd:DocEntries {_SPACE} ID="1" CreatorName="a maker"><ofd:SignedValueLoc>'
        f"/signedvalue.dat</ofd:SignedValueLoc><ofd:FileList>{listed}</ofd:FileList>"
        "</ofd:DocEntries>"
    ).encode()
    return {"OFDEntries.xml": document, "signedvalue.dat": ofdrw(by, document)}


def packed(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in files.items():
            target.writestr(name, data)
    return out.getvalue()
