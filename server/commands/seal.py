"""`trust seal …`: a seal's life, who may use it, what it has sealed, and anybody's seals looked at.

`--as ACCOUNT` names who acts. What the region does as making-and-management unit (make, remake,
invalidate) and reading it may be left to the platform itself, `system`.
"""

import argparse
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from seal import cancel, confirm, decide, file, freeze, life, remake, request
from seal.ledger import Use
from seal.models import Seal, SealKind
from seal.pdf.document import SIZE_MAX
from seal.picture import Rank
from seal.request import Wanted
from seal.seal_kinds import LICENCE_PURPOSE, Size
from seal.upload import UPLOAD_MAX
from server import provision_seals
from server.commands import pictures, seal_records
from server.exits import OUTCOMES, CannotOpen, Usage
from server.platform import Platform
from sso import accounts
from trust import anchors
from trust.access import SYSTEM, Caller
from trust.anchors import Anchors
from trust.clock import utc_now

Run = Callable[[argparse.Namespace, Platform], int]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    seals = commands.add_parser("seal", help="电子印章 / seals")
    inner = seals.add_subparsers(required=True, metavar="COMMAND")
    _add_request(inner)
    _acting(inner, "approve", "批准 / approve", "application", run_approve)
    parser = _acting(inner, "refuse", "不予批准 / refuse", "application", run_refuse)
    parser.add_argument("--reason", required=True)
    _acting(inner, "make", "制作、备案 / make and file", "application", run_make, needed=False)
    for name, told, run, needed in (
        ("freeze", "冻结 / freeze", run_freeze, True),
        ("unfreeze", "解冻 / release", run_unfreeze, True),
        ("cancel", "注销 / cancel for good", run_cancel, True),
        ("invalidate", "标记无效 / mark as unlawfully made", run_invalidate, False),
        ("remake", "重新制作 / new keys and certificates", run_remake, False),
    ):
        parser = _acting(inner, name, told, "seal", run, needed=needed)
        parser.add_argument("--reason", required=True)
    _acting(inner, "assign", "用于证照 / seal the owner's licences with it", "seal", run_assign)
    parser = _acting(inner, "ask", "申请一次用印 / ask for one use", "seal", run_ask)
    parser.add_argument("--case", required=True, help="such as an application's number")
    parser.add_argument("--type", help="for a licence of this type")
    parser.add_argument("--document", default="")
    _acting(inner, "confirm", "确认一次用印 / confirm somebody's use", "use", run_confirm)
    seal_records.add(inner)
    parser = inner.add_parser("inspect", help="a seal, a seal signature, an OFD or a sealed PDF")
    parser.add_argument("file", type=Path)
    parser.add_argument("--anchors", type=Path, metavar="DIR")
    pictures.add(parser)
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_inspect)


def _acting(
    inner: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, told: str, what: str,
    run: Run, *, needed: bool = True,
) -> argparse.ArgumentParser:  # fmt: skip
    parser = inner.add_parser(name, help=told)
    parser.add_argument(what, metavar=what.upper())
    parser.add_argument("--as", dest="actor", required=needed, metavar="ACCOUNT")
    parser.set_defaults(run=run)
    return parser


def _add_request(inner: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = inner.add_parser("request", help="申请 / apply for a seal; prints the application")
    parser.add_argument("--as", dest="actor", required=True, metavar="ACCOUNT")
    parser.add_argument("--kind", required=True, choices=[kind.value for kind in SealKind])
    parser.add_argument("--name", help="its name; without it what the rules give")
    parser.add_argument("--rank", choices=[rank.value for rank in Rank], help="the owner's rank")
    parser.add_argument("--number", default="", help="drawn on the lower arc")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="SVG or PNG, not drawn")
    parser.add_argument("--size", metavar="WxH", help="mm, of a personal seal's picture")
    parser.set_defaults(run=run_request)


def actor(session: Session, name: str | None) -> Caller:
    """The account of `--as`, or the platform itself."""
    return SYSTEM if name is None else accounts.caller(session, name)


def key_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Usage("an application, grant or use is named by its UUID") from error


def run_request(arguments: argparse.Namespace, platform: Platform) -> int:
    """Enter an application for the actor's own authority; its number on standard output."""
    kind, rank = SealKind(arguments.kind), Rank(arguments.rank) if arguments.rank else None
    if rank is None and kind in (SealKind.LICENCE, SealKind.SPECIAL):
        rank = Rank.SPECIAL
    with platform.sessions.begin() as session:
        by = actor(session, arguments.actor)
        owner = by.authority or ""
        owner_name = provision_seals.owner_name(platform, owner)
        wanted = Wanted(
            kind, arguments.name or _name(kind, owner_name), rank, arguments.number,
            _picture(arguments.picture), _size(arguments.size),
        )  # fmt: skip
        made = request.request(
            session, wanted, owner=owner, owner_name=owner_name, by=by, at=utc_now(),
            fallback=platform.settings.fallback_font,
        )  # fmt: skip
    print(f"✓ 已申请 applied {made.id}")
    return 0


def _name(kind: SealKind, owner_name: str) -> str:
    names = {SealKind.STATUTORY: owner_name, SealKind.LICENCE: owner_name + LICENCE_PURPOSE}
    if kind not in names:
        raise Usage(f"a {kind} seal needs --name")
    return names[kind]


def _size(text: str | None) -> Size | None:
    if text is None:
        return None
    try:
        width, height = (float(part) for part in text.lower().split("x"))
    except ValueError as error:
        raise Usage("--size is WIDTHxHEIGHT in millimetres") from error
    return Size(width, height)


def _picture(path: Path | None) -> bytes | None:
    return None if path is None else _read(path, UPLOAD_MAX)


def _read(path: Path, most: int) -> bytes:
    """At most one byte more than `most`, for the reader to refuse."""
    try:
        with path.open("rb") as opened:
            return opened.read(most + 1)
    except OSError as error:
        raise CannotOpen(f"{path} cannot be opened: {error.strerror}") from error


def run_approve(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.sessions.begin() as session:
        by = actor(session, arguments.actor)
        decide.approve(session, key_of(arguments.application), by=by, at=utc_now())
    print(f"✓ 已批准 approved {arguments.application}")
    return 0


def run_refuse(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.sessions.begin() as session:
        by, key = actor(session, arguments.actor), key_of(arguments.application)
        decide.refuse(session, key, reason=arguments.reason, by=by, at=utc_now())
    print(f"✓ 不予批准 refused {arguments.application}")
    return 0


def run_make(arguments: argparse.Namespace, platform: Platform) -> int:
    at = utc_now()
    with platform.reading() as session:
        by = actor(session, arguments.actor)
    made = file.make_and_file(
        platform.sessions, key_of(arguments.application), by=by, at=at, keys=platform.keys,
        maker=provision_seals.seal_maker(platform, at=at),
    )  # fmt: skip
    print(f"✓ 已制作并备案 made and filed {made.es_id} {made.name}")
    return 0


def run_remake(arguments: argparse.Namespace, platform: Platform) -> int:
    at = utc_now()
    with platform.reading() as session:
        by = actor(session, arguments.actor)
    made = remake.remake(
        platform.sessions, arguments.seal, reason=arguments.reason, by=by, at=at,
        keys=platform.keys, maker=provision_seals.seal_maker(platform, at=at),
    )  # fmt: skip
    print(f"✓ 已重新制作 made anew {made.es_id}, until {made.valid_until:%Y-%m-%d}")
    return 0


def _change(
    arguments: argparse.Namespace, platform: Platform,
    act: Callable[[Session, Caller, datetime], Seal],
) -> int:  # fmt: skip
    at = utc_now()
    with platform.sessions.begin() as session:
        changed = act(session, actor(session, arguments.actor), at)
    print(f"✓ {changed.es_id} {life.present(changed, at=at)}")
    return 0


def run_freeze(arguments: argparse.Namespace, platform: Platform) -> int:
    return _change(arguments, platform, lambda session, by, at: freeze.freeze(
        session, arguments.seal, reason=arguments.reason, by=by, at=at
    ))  # fmt: skip


def run_unfreeze(arguments: argparse.Namespace, platform: Platform) -> int:
    return _change(arguments, platform, lambda session, by, at: freeze.unfreeze(
        session, arguments.seal, reason=arguments.reason, by=by, at=at
    ))  # fmt: skip


def run_cancel(arguments: argparse.Namespace, platform: Platform) -> int:
    return _end(arguments, platform, cancel.cancel)


def run_invalidate(arguments: argparse.Namespace, platform: Platform) -> int:
    return _end(arguments, platform, cancel.invalidate)


def _end(arguments: argparse.Namespace, platform: Platform, act: Callable[..., Seal]) -> int:
    """For good; the CRLs that say so are published with it."""
    return _change(arguments, platform, lambda session, by, at: act(
        session, arguments.seal, reason=arguments.reason, keys=platform.keys, by=by, at=at
    ))  # fmt: skip


def run_assign(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.sessions.begin() as session:
        by = actor(session, arguments.actor)
        owner = provision_seals.assign(session, arguments.seal, by=by, at=utc_now())
    print(f"✓ {owner.name} {owner.code}: {arguments.seal}")
    return 0


def run_ask(arguments: argparse.Namespace, platform: Platform) -> int:
    type_code = seal_records.type_of(platform, arguments.type) or ""
    use = Use(arguments.seal, type_code, arguments.case, arguments.document)
    with platform.sessions.begin() as session:
        made = confirm.ask(session, use, by=actor(session, arguments.actor), at=utc_now())
    print(f"✓ 待确认 to be confirmed {made.id}")
    return 0


def run_confirm(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.sessions.begin() as session:
        by, key = actor(session, arguments.actor), key_of(arguments.use)
        confirm.confirm(session, key, by=by, at=utc_now())
    print(f"✓ 已确认 confirmed {arguments.use}")
    return 0


def run_inspect(arguments: argparse.Namespace, _platform: Platform) -> int:
    from seal import inspect  # it loads pyHanko, which no other command needs

    data = _read(arguments.file, SIZE_MAX)
    known = anchors.load(arguments.anchors) if arguments.anchors else Anchors(())
    found = inspect.inspect(data, anchors=known, now=utc_now())
    shown = json.dumps(found.as_json(), ensure_ascii=False, indent=2)
    lines = pictures.show(data, arguments.pictures)
    print(shown if arguments.json else "\n".join([found.text(), *lines]))
    return OUTCOMES[found.outcome]
