"""`trust ca …`: certificates and CRLs. After a change of state comes the issuer's next CRL."""

import argparse
import base64
import binascii
import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ca import crl
from ca import hold as ca_hold
from ca import renew as ca_renew
from ca import revoke as ca_revoke
from ca.issue import find_issuer
from ca.models import Certificate, CertificateState
from ca.revoke import Reason
from certificates import registry
from server import provision
from server.exits import CannotOpen, CannotWrite, Usage
from server.platform import Platform
from trust.access import SYSTEM
from trust.anchors import pem
from trust.clock import utc_now
from trust.crypto import x509
from trust.crypto.errors import Malformed
from trust.errors import Invalid

_REQUEST_MAX = x509.CERTIFICATE_MAX


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    cas = commands.add_parser("ca", help="证书 / certificates")
    inner = cas.add_subparsers(required=True, metavar="COMMAND")
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
    parser.set_defaults(run=run_crl)
    parser = inner.add_parser("shards", help="spread an issuer's next certificates over N CRLs")
    parser.add_argument("issuer", help="such as issuing-sm2")
    parser.add_argument("number", type=int, help=f"1 (none) to {crl.SHARDS_MAX}")
    parser.set_defaults(run=run_shards)
    parser = inner.add_parser("list", help="证书清单 / the certificates")
    parser.add_argument("--issuer")
    parser.add_argument("--state", choices=[state.value for state in CertificateState])
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_list)
    parser = inner.add_parser("rotate", help="a new key for one of the platform's signers")
    parser.add_argument("signer", choices=[name for name, *_ in provision.SIGNERS])
    parser.set_defaults(run=run_rotate)


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
    request = _read_request(arguments.csr) if arguments.csr else None
    with platform.reading() as session:
        base_url = registry.region(session).base_url
    made = ca_renew.renew(
        platform.sessions, issuer=arguments.issuer, serial=_serial(arguments), keys=platform.keys,
        by=SYSTEM, at=utc_now(), request=request, base_url=base_url,
    )  # fmt: skip
    if arguments.out:
        _write(arguments.out, pem("CERTIFICATE", made.der))
        print(f"✓ 已更新证书 new certificate {made.serial:x} in {arguments.out}")
    else:
        print(pem("CERTIFICATE", made.der).decode(), end="")
    return 0


def _read_request(path: Path) -> bytes:
    """DER or PEM of a certificate request."""
    try:
        with path.open("rb") as file:
            data = file.read(_REQUEST_MAX + 1)
    except OSError as error:
        raise CannotOpen(f"{path} cannot be opened: {error.strerror}") from error
    if not data.startswith(b"-----BEGIN"):
        return data
    return _from_pem(data)


def _from_pem(data: bytes) -> bytes:
    found = re.search(
        rb"-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----(.*?)-----END", data, re.DOTALL
    )
    if found is None:
        raise Invalid("the file holds no certificate request")
    try:
        return base64.b64decode(b"".join(found[1].split()), validate=True)
    except binascii.Error as error:
        raise Malformed("the certificate request is not Base64") from error


def run_crl(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.sessions.begin() as session:
        der = crl.publish(session, arguments.issuer, keys=platform.keys, by=SYSTEM, at=utc_now())
    if arguments.out:
        _write(arguments.out, der)
    print(f"✓ 已签发吊销列表 CRL of {arguments.issuer}: {len(x509.parse_crl(der).entries)} entries")
    return 0


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


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror}") from error


def run_list(arguments: argparse.Namespace, platform: Platform) -> int:
    query = select(Certificate).order_by(Certificate.id)
    if arguments.issuer:
        query = query.where(Certificate.issuer == arguments.issuer)
    if arguments.state:
        query = query.where(Certificate.state == arguments.state)
    with platform.reading() as session:
        rows = [_row(row) for row in session.scalars(query)]
    if arguments.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return 0
    for row in rows:
        print(f"{row['serial']}  {row['state']:9} {row['issuer']:12} {row['profile']:14} "
              f"{row['not_after'][:10]}  {row['subject']}")  # fmt: skip
    return 0


def _row(row: Certificate) -> dict[str, Any]:
    return {
        "serial": row.serial, "issuer": row.issuer, "profile": row.profile,
        "state": str(row.state), "subject": row.subject,
        "not_before": row.not_before.isoformat(), "not_after": row.not_after.isoformat(),
        "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
        "reason": row.reason, "renews": row.renews,
    }  # fmt: skip


def run_rotate(arguments: argparse.Namespace, platform: Platform) -> int:
    """The new key is used from now on; what the old one signed stays verifiable."""
    key_id = provision.rotate_signer(platform, arguments.signer, at=utc_now())
    print(f"✓ 新密钥 new key {key_id}")
    return 0
