"""`trust verify`: a file or a QR code, with this deployment's registry or a folder of anchors."""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx

from certificates import bundle_knowledge, evidence, offline_bundle, qr_reading
from certificates.evidence import Knowledge
from certificates.regions.exchange import AskedStatus
from certificates.verify import verify_file
from certificates.verify_claim import Verification, verify_claim
from seal.pdf.document import SIZE_MAX
from server.commands import pictures, text, verify_many
from server.exits import OUTCOMES, CannotOpen, Usage
from server.platform import Platform
from trust import anchors
from trust.anchors import Anchors
from trust.clock import utc_now
from trust.report import failed

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("verify", help="核验证照文件或二维码 / verify a file or a QR code")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE.pdf")
    parser.add_argument("--qr", metavar="TEXT|IMAGE", help="a QR code's text, or a picture of it")
    parser.add_argument(
        "--many", type=Path, metavar="FILE", help="QR codes' texts, a line each: a row for each"
    )
    parser.add_argument("--anchors", type=Path, metavar="DIR", help="judge by this folder alone")
    parser.add_argument("--bundle", type=Path, metavar="FILE", help="judge by an offline bundle")
    parser.add_argument("--offline", action="store_true", help="ask no network")
    pictures.add(parser)
    parser.add_argument("--at", metavar="TIME", help="judge as of this time (RFC 3339)")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, platform: Platform) -> int:
    """Print the report; 0 PASSED, 1 FAILED, 2 INDETERMINATE."""
    if [arguments.file, arguments.qr, arguments.many].count(None) != 2:
        raise Usage("give either a file, --qr or --many")
    if arguments.offline and arguments.anchors is None and arguments.bundle is None:
        raise Usage("--offline needs --anchors or --bundle")
    at = _time(arguments.at)
    data = _contents(arguments.file) if arguments.file is not None else b""
    with httpx.Client(follow_redirects=False, trust_env=False) as client:
        knowledge = _knowledge(arguments, platform, client, at)
        if arguments.many is not None:
            return verify_many.run(
                arguments.many, knowledge, at=at, out=sys.stdout, as_json=arguments.json
            )
        found = (
            verify_file(data, knowledge, at=at)
            if arguments.file is not None
            else _verify_code(arguments.qr, knowledge, at)
        )
    shown = pictures.show(data, arguments.pictures)
    if arguments.json:
        print(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
    else:
        print("\n".join([text.report(found), *shown]))
    return OUTCOMES[found.outcome]


def _verify_code(given: str, knowledge: Knowledge, at: datetime) -> Verification:
    try:
        return verify_claim(_code(given), knowledge, at=at)
    except qr_reading.NoCode:
        return Verification(at, None, None, (failed("claim", "qr_unreadable"),))


def _time(given: str | None) -> datetime:
    if given is None:
        return utc_now()
    try:
        at = datetime.fromisoformat(given)
    except ValueError as error:
        raise Usage("--at takes an RFC 3339 time, such as 2026-11-22T08:00:00+08:00") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _knowledge(
    arguments: argparse.Namespace, platform: Platform, client: httpx.Client, at: datetime
) -> Knowledge:
    if arguments.anchors is None and arguments.bundle is None:
        if not platform.has_database():
            print(f"trust: no region in {platform.settings.home} and no --anchors: "
                  "nothing is trusted", file=sys.stderr)  # fmt: skip
            return evidence.offline(Anchors(()), evidence.store_of(Anchors(())))
        return platform.knowledge
    known = _known(arguments, at)
    store = evidence.store_of(known)
    if arguments.offline:
        return evidence.offline(known, store)
    return Knowledge(store, known.signer, None, AskedStatus(known, store, client=client))


def _known(arguments: argparse.Namespace, at: datetime) -> Anchors:
    """The folder, the bundle, or both: then the folder's list signer has to have signed it."""
    folder = anchors.load(arguments.anchors) if arguments.anchors is not None else None
    if arguments.bundle is None:
        return folder or Anchors(())
    try:
        with arguments.bundle.open("rb") as file:
            data = file.read(offline_bundle.BUNDLE_MAX + 1)
    except OSError as error:
        raise CannotOpen(f"{arguments.bundle} cannot be opened: {error.strerror}") from error
    return bundle_knowledge.read(data, at=at, known=folder)


def _contents(path: Path) -> bytes:
    """The file, one byte over the cap at most: the verifier says that it is too large."""
    try:
        with path.open("rb") as file:
            return file.read(SIZE_MAX + 1)
    except OSError as error:
        raise CannotOpen(f"{path} cannot be opened: {error.strerror}") from error


def _code(given: str) -> str:
    """The code's text: itself, or out of a text file or a picture of that name."""
    path = Path(given) if len(given) < 1024 else None
    try:
        is_file = path is not None and path.is_file()
    except (OSError, ValueError):
        is_file = False
    if path is None or not is_file:
        if given.lower().endswith(_PICTURES):
            raise CannotOpen(f"{given} cannot be opened")
        return given.strip()
    data = _contents(path)
    if path.suffix.lower() == ".txt":
        return data.decode("ascii", "replace").strip()
    return qr_reading.from_image(data)
