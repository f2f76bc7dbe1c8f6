"""What somebody hands in to be verified, read from a request: a file, or a QR code's text.

Files stay in memory, below the body limit: a licence must not lie about in a temporary directory.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from certificates import qr, qr_reading
from certificates.evidence import Knowledge
from certificates.qr_reading import NoCode
from certificates.verify import verify_file
from certificates.verify_claim import Verification, verify_claim
from trust.errors import Invalid
from trust.report import failed

JSON_MAX = 8 * 1024
#: Fields besides the file, each short.
_FIELDS_MAX = 4
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF")


class TooLarge(Invalid):
    """More bytes than are read."""

    code = "body_too_large"


class NothingToVerify(Invalid):
    """Neither a file nor a QR code's text came."""

    code = "nothing_to_verify"


class BadForm(Invalid):
    """The body is not what its Content-Type says."""

    code = "bad_form"


@dataclass(frozen=True, slots=True)
class Submission:
    """One of the two: `file` (PDF or picture) or `qr` (the code's text)."""

    file: bytes | None = None
    qr: str | None = None

    @property
    def how(self) -> str:
        """`qr`, `picture` or `pdf`, for the audit log."""
        if self.file is None:
            return "qr"
        return "picture" if self.file.startswith(_MAGIC) else "pdf"


class _InMemory(MultiPartParser):
    spool_max_size = 1 << 40  # never to disk; the body limit caps it


async def read_submission(request: Request) -> Submission:
    """The submission in a body: `multipart/form-data` with `file` or `qr`, or JSON `{"qr": …}`.

    NothingToVerify, BadForm or TooLarge.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/json":
            return _from_json(await _read_short(request))
        if kind == "multipart/form-data":
            return await _from_form(request)
    except ClientDisconnect as error:
        raise BadForm("the body ended early") from error
    raise NothingToVerify(
        "send multipart/form-data with a file, or application/json with a QR code's text"
    )


async def _read_short(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > JSON_MAX:
            raise TooLarge(f"a JSON body has at most {JSON_MAX} bytes")
    return body


def _from_json(body: bytes) -> Submission:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadForm("the body is not JSON") from error
    if not isinstance(content, dict) or set(content) != {"qr"}:
        raise NothingToVerify('the JSON body is {"qr": "<the QR code\'s text>"}')
    return _claimed(content["qr"])


async def _from_form(request: Request) -> Submission:
    parser = _InMemory(
        request.headers, request.stream(), max_files=1, max_fields=_FIELDS_MAX,
        max_part_size=JSON_MAX,
    )  # fmt: skip
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        # KeyError: a multipart body without a boundary.
        raise BadForm("the body is not a readable form with at most one file") from error
    try:
        file = form.get("file")
        if isinstance(file, UploadFile) and (data := await file.read()):
            return Submission(file=data)
    finally:
        await form.close()
    return _claimed(form.get("qr"))


def _claimed(text: object) -> Submission:
    """A QR code's text; `verify_claim` caps and judges it."""
    if not isinstance(text, str) or not text.strip():
        raise NothingToVerify("no file was chosen and no QR code's text was given")
    text = text.strip()
    if len(text) > qr.READ_MAX:
        raise NothingToVerify(f"a QR code's text has at most {qr.READ_MAX} characters")
    return Submission(qr=text)


def verify(submission: Submission, knowledge: Knowledge, *, at: datetime) -> Verification:
    """The report on a submission. What is no PDF and shows no QR code is no licence: FAILED."""
    if submission.qr is not None:
        return verify_claim(submission.qr, knowledge, at=at)
    file = submission.file or b""
    if submission.how != "picture":
        return verify_file(file, knowledge, at=at)
    try:
        text = qr_reading.from_image(file)
    except NoCode:
        return Verification(at, None, None, (failed("claim", "qr_unreadable"),))
    return verify_claim(text, knowledge, at=at)
