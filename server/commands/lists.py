"""`trust list`: our own trust list, and those of other regions."""

import argparse
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from certificates import registry
from certificates.regions import region_list, region_services
from server import region_login
from server.commands import files
from server.exits import OUTCOMES
from server.platform import Platform
from trust import list_alarms, list_fetch, lists, lists_judge, lists_xml_read
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.crypto import x509
from trust.crypto.x509 import Certificate
from trust.fetch import Fetcher
from trust.list_accept import Taken
from trust.list_models import HeldList, ListSource
from trust.list_store import ListStore, TrustedRegion, decoded
from trust.lists_model import ListContent, Service, ServiceStatus, ServiceType, TrustList
from trust.report import Outcome, printable


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("list", help="信任列表 / trust lists")
    inner = parser.add_subparsers(required=True, metavar="COMMAND")
    parser = inner.add_parser("show", help="whose lists are held, how fresh; or what one says")
    parser.add_argument("region", nargs="?", metavar="CODE", help="a region; our own is one too")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_show)
    parser = inner.add_parser("fetch", help="取回 / fetch and judge all lists, or one")
    parser.add_argument("region", nargs="?", metavar="CODE")
    parser.set_defaults(run=run_fetch)
    parser = inner.add_parser("publish", help="公布 / sign our list anew if what it says changed")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write it there in both forms")
    parser.set_defaults(run=run_publish)
    parser = inner.add_parser("verify", help="核验 / judge a list in a file, JSON or XML")
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--signer", action="append", type=Path, default=[], metavar="FILE.pem",
        help="who may sign it; else those who are named for its region here",
    )  # fmt: skip
    parser.add_argument("--at", type=datetime.fromisoformat, metavar="TIME", help="judge it then")
    parser.set_defaults(run=run_verify)
    parser = inner.add_parser(
        "notice", help="say that an authority of ours issues no more, or again"
    )
    parser.add_argument("subject", metavar="USCC", help="or our region's code, of a place")
    parser.add_argument(
        "--kind", choices=[str(kind) for kind in region_services.NOTICED],
        default=str(ServiceType.ISSUER),
    )  # fmt: skip
    parser.add_argument("--status", required=True, choices=[str(each) for each in ServiceStatus])
    parser.add_argument("--since", type=datetime.fromisoformat, metavar="TIME")
    parser.set_defaults(run=run_notice)
    parser = inner.add_parser("settle", help="an alarm was looked into")
    parser.add_argument("alarm", type=int, metavar="NUMBER")
    parser.set_defaults(run=run_settle)


def run_show(arguments: argparse.Namespace, platform: Platform) -> int:
    store = ListStore(platform.reading)
    with platform.reading() as session:
        own = registry.region(session).code
        alarms = list_alarms.open_alarms(session)
        if arguments.region == own:
            listed = lists.parse(region_list.newest(session).document)
            return _show_services(listed, as_json=arguments.json)
    if arguments.region:
        found = store.region(arguments.region)
        if found.listed is None:
            print(f"✗ {found.code} {found.name}: 尚无列表 no list was had yet")
            return OUTCOMES[Outcome.INDETERMINATE]
        return _show_services(found.listed, as_json=arguments.json)
    regions = [_region(each, utc_now()) for each in store.regions()]
    if arguments.json:
        told = [{"number": a.id, "region": a.region, "code": a.code, "times": a.times}
                for a in alarms]  # fmt: skip
        print(json.dumps({"regions": regions, "alarms": told}, ensure_ascii=False, indent=1))
        return 0
    for row in regions:
        print(f"{row['region']}  {row['freshness']:7}  {row['sequence'] or '-':>10}  "
              f"{row['next_update'] or '-':20}  {printable(row['name'])}")  # fmt: skip
    for alarm in alarms:
        print(f"! {alarm.id}: {alarm.region} {alarm.code} ({alarm.times}×) "
              f"{printable(alarm.detail)}")  # fmt: skip
    return 0


def _region(found: TrustedRegion, at: datetime) -> dict[str, Any]:
    listed = found.listed
    return {
        "region": found.code, "name": found.name, "uri": found.uri, "named_by": found.parent,
        "freshness": str(found.freshness(at)), "sequence": found.sequence,
        "digest": found.digest or None,
        "next_update": f"{listed.next_update:%Y-%m-%dT%H:%M:%SZ}" if listed else None,
    }  # fmt: skip


def _show_services(listed: TrustList, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps(lists.as_json(_content(listed)), ensure_ascii=False, indent=1))
        return 0
    life = f"{listed.issued_at:%Y-%m-%dT%H:%M:%SZ} – {listed.next_update:%Y-%m-%dT%H:%M:%SZ}"
    print(f"{listed.region} {printable(listed.operator)}  {listed.sequence}  {life}")
    for service in listed.services:
        print(f"  {service.kind:18} {_history(service)}  {printable(service.name)} {service.code}")
    for pointer in listed.pointers:
        print(f"  → {pointer.region} {printable(pointer.name)}  {pointer.uri}  "
              f"{pointer.sequence or '-'}")  # fmt: skip
    return 0


def _content(listed: TrustList) -> ListContent:
    return ListContent(
        listed.region, listed.operator, listed.sequence, listed.issued_at, listed.next_update,
        listed.services, listed.pointers,
    )  # fmt: skip


def _history(service: Service) -> str:
    """The newest first, such as "withdrawn 2026-11-22 < granted 2026-01-01"."""
    return " < ".join(f"{each.status} {each.since:%Y-%m-%d}" for each in service.periods())


def run_fetch(arguments: argparse.Namespace, platform: Platform) -> int:
    """0 when every list was had and good, 1 when one was refused, 2 when one did not come."""
    with platform.reading() as session:
        own = registry.region(session).code
    at, fetch = utc_now(), Fetcher()
    taken: tuple[Taken, ...]
    if arguments.region:
        taken = (
            list_fetch.fetch_one(
                platform.sessions, arguments.region, fetch=fetch, own=own, at=at
            ),
        )  # fmt: skip
    else:
        taken = list_fetch.refresh(platform.sessions, fetch=fetch, own=own, at=at)
    region_login.keep_in_step(platform, at=at)
    for each in taken:
        number = each.listed.sequence if each.listed else ""
        print(f"{'✗' if each.refused else '✓'} {each.region} {each.code} {number}"
              f"{printable(each.detail)}")  # fmt: skip
    return _code(taken)


def _code(taken: tuple[Taken, ...]) -> int:
    codes = {each.code for each in taken if each.refused}
    if codes - {list_fetch.UNREACHABLE}:
        return OUTCOMES[Outcome.FAILED]
    return OUTCOMES[Outcome.INDETERMINATE] if codes else 0


def run_publish(arguments: argparse.Namespace, platform: Platform) -> int:
    made = region_list.publish(
        platform.sessions, keys=platform.keys, at=utc_now(), issuer=platform.settings.issuer_url
    )
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        files.write(arguments.out / "trust-list.json", made.document)
        if made.xml:
            files.write(arguments.out / "trust-list.xml", made.xml)
    print(f"✓ 信任列表 trust list {made.sequence}, until {made.next_update:%Y-%m-%dT%H:%M:%SZ}")
    return 0


def run_verify(arguments: argparse.Namespace, platform: Platform) -> int:
    """0 when it is good; a refusal is told by its code and ends with 1."""
    data = files.read(arguments.file, most=lists_xml_read.XML_MAX)
    at = (arguments.at or utc_now()).astimezone()
    given = tuple(each for path in arguments.signer for each in files.read_certificates(path))
    try:
        if data.lstrip()[:1] == b"<":
            listed = lists_xml_read.judge(data, signers=given, at=at)
            told = f"{listed.territory} {listed.sequence}, {len(listed.services)} services"
        else:
            told = _judge_json(data, given, platform, at)
    except lists_judge.ListRefused as error:
        print(f"✗ {printable(str(error))} [{error.code}]")
        return OUTCOMES[Outcome.FAILED]
    print(f"✓ {told}")
    return 0


def _judge_json(
    data: bytes, given: tuple[Certificate, ...], platform: Platform, at: datetime
) -> str:
    region = lists_judge.read(data).region
    signers = given or _known(platform, region)
    listed = lists_judge.judge(data, region=region, signers=signers, at=at)
    return f"{region} {listed.sequence}, {len(listed.services)} services"


def _known(platform: Platform, region: str) -> tuple[Certificate, ...]:
    """Who may sign a region's list by what is known here."""
    with platform.reading() as session:
        if region == registry.region(session).code:
            newest = lists.parse(region_list.newest(session).document)
            return tuple(
                x509.parse_certificate(each.certificate)
                for each in newest.of_kind(lists.ServiceType.LIST_SIGNER)
            )
        source, held = session.get(ListSource, region), session.get(HeldList, region)
        texts = [*(source.signers if source else ()), *(held.announced if held else ())]
        return decoded(texts)


def run_notice(arguments: argparse.Namespace, platform: Platform) -> int:
    """The next list says so: it is made at once."""
    at = utc_now()
    since = arguments.since.astimezone() if arguments.since else at
    with platform.sessions.begin() as session:
        region_services.notice(
            session, ServiceType(arguments.kind), arguments.subject,
            status=ServiceStatus(arguments.status), since=since, by=SYSTEM, at=at,
        )  # fmt: skip
    return run_publish(argparse.Namespace(out=None), platform)


def run_settle(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.sessions.begin() as session:
        list_alarms.settle(session, arguments.alarm, by=SYSTEM, at=utc_now())
    print(f"✓ {arguments.alarm}")
    return 0
