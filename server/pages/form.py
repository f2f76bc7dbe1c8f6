"""A page's form as it was posted: short texts and small files, each name once, nothing on disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from seal.upload import UPLOAD_MAX
from server.pages import csrf
from trust.errors import Invalid

BODY_MAX = 256 * 1024
#: A form with the picture of a seal.
PICTURE_FORM_MAX = UPLOAD_MAX + 32 * 1024
#: A form with the rows of a bulk job.
BATCH_FORM_MAX = 20 * 1024 * 1024
#: A form with the sealed file of a licence.
LICENCE_FORM_MAX = 8 * 1024 * 1024
FIELDS_MAX = 64
#: Certificates, signatures and key sets are pasted; nothing else is long.
TEXT_MAX = 64 * 1024


class BadPageForm(Invalid):
    """The body is not a form, is too large, or says something twice."""

    code = "bad_page_form"


@dataclass(frozen=True, slots=True)
class Form:
    """Field names to texts, file names to bytes."""

    texts: Mapping[str, str] = field(repr=False)  # passwords among them
    files: Mapping[str, bytes] = field(repr=False)

    def text(self, name: str, *, cap: int = 256) -> str:
        """The field without blanks around it, "" where it is missing; BadPageForm over `cap`."""
        found = self.texts.get(name, "").strip()
        if len(found) > cap:
            raise BadPageForm(f"{name} is longer than {cap} characters")
        return found

    def secret(self, name: str, *, cap: int = 256) -> str:
        """The field exactly as typed: blanks are part of a password."""
        found = self.texts.get(name, "")
        if len(found) > cap:
            raise BadPageForm(f"{name} is longer than {cap} characters")
        return found

    def file(self, name: str) -> bytes:
        return self.files.get(name, b"")


class _InMemory(MultiPartParser):
    spool_max_size = 1 << 40  # never to disk; the form's limit caps it


async def read(request: Request) -> Form:
    """The form in a body, url-encoded or multipart; BadPageForm for anything else, ForeignForm for
    what another site posted."""
    return await _read(request, BODY_MAX)


async def read_with_picture(request: Request) -> Form:
    """The same, with room for the picture of a seal."""
    return await _read(request, PICTURE_FORM_MAX)


async def read_with_batch(request: Request) -> Form:
    """The same, with room for a file of rows."""
    return await _read(request, BATCH_FORM_MAX)


async def read_with_licence(request: Request) -> Form:
    """The same, with room for the sealed file of a licence."""
    return await _read(request, LICENCE_FORM_MAX)


async def _read(request: Request, most: int) -> Form:
    csrf.refuse_elsewhere(request)
    kind = request.headers.get("content-type", "")[:200].partition(";")[0].strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            return _from_urlencoded(await _read_short(request))
        if kind == "multipart/form-data":
            return await _from_multipart(request, most)
    except ClientDisconnect as error:
        raise BadPageForm("the body ended early") from error
    raise BadPageForm("send a form")


Posted = Annotated[Form, Depends(read)]
PostedPicture = Annotated[Form, Depends(read_with_picture)]
PostedLicence = Annotated[Form, Depends(read_with_licence)]
PostedBatch = Annotated[Form, Depends(read_with_batch)]


async def _read_short(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            raise BadPageForm(f"a form has at most {BODY_MAX} bytes")
    return bytes(body)


def _from_urlencoded(body: bytes) -> Form:
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict",
            max_num_fields=FIELDS_MAX,
        )  # fmt: skip
    except ValueError as error:
        raise BadPageForm("the form is not well-formed") from error
    return Form(_once(pairs), {})


async def _from_multipart(request: Request, most: int) -> Form:
    declared = request.headers.get("content-length", "")
    if not declared.isdigit() or int(declared[:12]) > most:
        raise BadPageForm(f"a form has at most {most} bytes and says how many")
    parser = _InMemory(
        request.headers, request.stream(), max_files=4, max_fields=FIELDS_MAX,
        max_part_size=TEXT_MAX,
    )  # fmt: skip
    try:
        parsed = await parser.parse()
    except (MultiPartException, UnicodeDecodeError, KeyError) as error:
        raise BadPageForm("the form is not well-formed") from error
    items = parsed.multi_items()
    texts = _once([(name, value) for name, value in items if isinstance(value, str)])
    files: dict[str, bytes] = {}
    for name, value in items:
        if isinstance(value, UploadFile):
            if name in files:
                raise BadPageForm("the form says something twice")
            files[name] = await value.read()
            await value.close()
    return Form(texts, files)


def _once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """One value a name: of two, nobody could say which one was checked."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadPageForm("the form says something twice")
    if any(len(value) > TEXT_MAX or "\0" in value for value in found.values()):
        raise BadPageForm("a field is too long or holds a NUL")
    return found
