"""`trust ca …`: certificates and CRLs. After a change of state comes the issuer's next CRL."""

import argparse
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ca import clock_order, crl, ending, issuers, outside
from ca import hold as ca_hold
from ca import renew as ca_renew
from ca import revoke as ca_revoke
from ca.issue import find_issuer
from ca.models import Certificate, CertificateState
from ca.revoke import Reason
from certificates import registry
from server.commands import ca_making, files, keys
from server.exits import Usage
from server.platform import Platform
from trust.access import SYSTEM
from trust.anchors import pem
from trust.clock import utc_now
from trust.crypto import x509
from trust.errors import NotFound
from trust.fetch import Fetcher, FetchFailed


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    cas = commands.add_parser("ca", help="证书 / certificates")
    inner = cas.add_subparsers(required=True, metavar="COMMAND")
    ca_making.add(inner)
    parser = _of_certificate(inner, "revoke", "吊销 / revoke for good", run_revoke)
    reasons = [reason.name.lower() for reason in Reason]
    parser.add_argument("--reason", required=True, choices=reasons)
    _of_certificate(inner, "hold", "暂停 / suspend", run_hold)
    _of_certificate(inner, "release", "恢复 / end a suspension", run_release)
    parser = _of_certificate(inner, "renew", "更新 / a further certificate", run_renew)
    parser.add_argument("--csr", type=Path, metavar="FILE", help="a PKCS#10 request: a new key")
    parser.add_argument("--out", type=Path, metavar="FILE.pem")
    parser = inner.add_parser("crl", help="publish a fresh CRL of an issuer")
    parser.add_argument("issuer", help="such as issuing-sm2")
    parser.add_argument("--out", type=Path, metavar="FILE.crl")
    parser.add_argument(
        "--from", dest="from_file", type=Path, metavar="FILE", help="an outside CA's, by hand"
    )
    parser.set_defaults(run=run_crl)
    parser = inner.add_parser("shards", help="spread an issuer's next certificates over N CRLs")
    parser.add_argument("issuer", help="such as issuing-sm2")
    parser.add_argument("number", type=int, help=f"1 (none) to {crl.SHARDS_MAX}")
    parser.set_defaults(run=run_shards)
    parser = inner.add_parser("clock", help="时钟 / is the clock behind what was issued last")
    parser.add_argument("--accept", metavar="REASON", help="it is right: it ran ahead before")
    parser.set_defaults(run=run_clock)
    parser = inner.add_parser("list", help="证书清单 / the certificates")
    parser.add_argument("--issuer")
    parser.add_argument("--state", choices=[state.value for state in CertificateState])
    parser.add_argument("--ending", type=int, metavar="DAYS", help="in force, and ending by then")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_list)
    parser = inner.add_parser("rotate", help="a new key for one of the platform's signers")
    parser.add_argument("signer", help="such as claim-signer-sm2; the same as `trust keys rotate`")
    parser.set_defaults(run=keys.run_rotate)


def _of_certificate(
    inner: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, told: str,
    run: Callable[[argparse.Namespace, Platform], int],
) -> argparse.ArgumentParser:  # fmt: skip
    parser = inner.add_parser(name, help=told)
    parser.add_argument("serial", help="hexadecimal")
    parser.add_argument("--issuer", required=True, help="such as issuing-sm2")
    parser.set_defaults(run=run)
    return parser


def _serial(arguments: argparse.Namespace) -> int:
    try:
        return int(arguments.serial, 16)
    except ValueError as error:
        raise Usage("a serial number is hexadecimal") from error


def _change(
    arguments: argparse.Namespace, platform: Platform,
    act: Callable[[Session, int, datetime], object],
) -> int:  # fmt: skip
    """Do `act` and publish the issuer's CRL in one transaction; the serial."""
    serial, at = _serial(arguments), utc_now()
    with platform.sessions.begin() as session:
        find_issuer(session, arguments.issuer)
        act(session, serial, at)
        crl.publish(session, arguments.issuer, keys=platform.keys, by=SYSTEM, at=at)
    return serial


def run_revoke(arguments: argparse.Namespace, platform: Platform) -> int:
    reason = Reason[arguments.reason.upper()]
    serial = _change(
        arguments, platform,
        lambda session, serial, at: ca_revoke.revoke(
            session, issuer=arguments.issuer, serial=serial, reason=reason, by=SYSTEM, at=at
        ),
    )  # fmt: skip
    print(f"✓ 已吊销证书 revoked certificate {serial:x}")
    return 0


def run_hold(arguments: argparse.Namespace, platform: Platform) -> int:
    serial = _change(
        arguments, platform,
        lambda session, serial, at: ca_hold.hold(
            session, issuer=arguments.issuer, serial=serial, by=SYSTEM, at=at
        ),
    )  # fmt: skip
    print(f"✓ 已暂停证书 certificate {serial:x} is on hold")
    return 0


def run_release(arguments: argparse.Namespace, platform: Platform) -> int:
    serial = _change(
        arguments, platform,
        lambda session, serial, at: ca_hold.release(
            session, issuer=arguments.issuer, serial=serial, by=SYSTEM, at=at
        ),
    )  # fmt: skip
    print(f"✓ 已恢复证书 released certificate {serial:x}")
    return 0


def run_renew(arguments: argparse.Namespace, platform: Platform) -> int:
    """The new certificate in PEM, on standard output or in a file."""
    request = files.read_request(arguments.csr) if arguments.csr else None
    with platform.reading() as session:
        base_url = registry.region(session).base_url
    made = ca_renew.renew(
        platform.sessions, issuer=arguments.issuer, serial=_serial(arguments), keys=platform.keys,
        by=SYSTEM, at=utc_now(), request=request, base_url=base_url,
    )  # fmt: skip
    if arguments.out:
        files.write(arguments.out, pem("CERTIFICATE", made.der))
        print(f"✓ 已更新证书 new certificate {made.serial:x} in {arguments.out}")
    else:
        print(pem("CERTIFICATE", made.der).decode(), end="")
    return 0


def run_crl(arguments: argparse.Namespace, platform: Platform) -> int:
    """Of our own CA the next CRL; of an outside CA the one it has published, or that of a file."""
    at = utc_now()
    with platform.reading() as session:
        is_outside = issuers.find(session, arguments.issuer).outside
    if is_outside:
        der = _outside_crl(arguments, platform, at=at)
    elif arguments.from_file:
        raise Usage(f"{arguments.issuer} is a CA of our own: its CRLs are made, not read")
    else:
        with platform.sessions.begin() as session:
            der = crl.publish(session, arguments.issuer, keys=platform.keys, by=SYSTEM, at=at)
    if arguments.out:
        files.write(arguments.out, der)
    print(f"✓ 已签发吊销列表 CRL of {arguments.issuer}: {len(x509.parse_crl(der).entries)} entries")
    return 0


def _outside_crl(arguments: argparse.Namespace, platform: Platform, *, at: datetime) -> bytes:
    name: str = arguments.issuer
    if arguments.from_file:
        data = files.read_crl(arguments.from_file)
        return outside.take_crl(platform.sessions, name, data, by=SYSTEM, at=at).der
    told = outside.ask(platform.sessions, name, fetch=Fetcher(), at=at)
    if told.problem:
        raise FetchFailed(f"{name} has not told what it has revoked: {told.problem}")
    with platform.reading() as session:
        found = crl.newest(session, name)
    if found is None:
        raise NotFound(f"{name} answers by OCSP and has no CRL here")
    return found


def run_shards(arguments: argparse.Namespace, platform: Platform) -> int:
    """The partitions' CRLs are there before the first certificate names one."""
    at = utc_now()
    with platform.sessions.begin() as session:
        crl.partition(
            session, arguments.issuer, shards=arguments.number,
            base_url=registry.region(session).base_url, by=SYSTEM, at=at,
        )  # fmt: skip
        crl.publish(session, arguments.issuer, keys=platform.keys, by=SYSTEM, at=at)
    print(f"✓ 吊销列表分片 {arguments.issuer}: {arguments.number}")
    return 0


def run_clock(arguments: argparse.Namespace, platform: Platform) -> int:
    """1 when the clock is behind, and nothing is issued."""
    at = utc_now()
    if arguments.accept:
        with platform.sessions.begin() as session:
            since, until = clock_order.accept(session, reason=arguments.accept, by=SYSTEM, at=at)
        print(f"✓ 不再计入 set aside: {since:%Y-%m-%dT%H:%M:%SZ} – {until:%Y-%m-%dT%H:%M:%SZ}")
        return 0
    with platform.reading() as session:
        last, late = clock_order.newest(session), clock_order.behind(session, at=at)
    right = late <= clock_order.TOLERANCE
    told = f"{last:%Y-%m-%dT%H:%M:%SZ}" if last is not None else "-"
    print(f"{'✓' if right else '✗'} 时钟 clock {at:%Y-%m-%dT%H:%M:%SZ}, 最近一次 last act {told}")
    return 0 if right else 1


def run_list(arguments: argparse.Namespace, platform: Platform) -> int:
    query = select(Certificate).order_by(Certificate.id)
    if arguments.issuer:
        query = query.where(Certificate.issuer == arguments.issuer)
    if arguments.state:
        query = query.where(Certificate.state == arguments.state)
    if arguments.ending is not None:
        query = query.where(*ending.within(at=utc_now(), margin=_days(arguments.ending)))
    with platform.reading() as session:
        rows = [_row(row) for row in session.scalars(query)]
    if arguments.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return 0
    for row in rows:
        print(f"{row['serial']}  {row['state']:9} {row['issuer']:12} {row['profile']:14} "
              f"{row['not_after'][:10]}  {row['subject']}")  # fmt: skip
    return 0


def _days(number: int) -> timedelta:
    if not 0 <= number <= 36_500:
        raise Usage("--ending is 0 to 36500 days")
    return timedelta(days=number)


def _row(row: Certificate) -> dict[str, Any]:
    return {
        "serial": row.serial, "issuer": row.issuer, "profile": row.profile,
        "state": str(row.state), "subject": row.subject,
        "not_before": row.not_before.isoformat(), "not_after": row.not_after.isoformat(),
        "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
        "reason": row.reason, "renews": row.renews,
    }  # fmt: skip
