"""`trust ca init|issue|request|import`: CAs and certificates made, and certified outside."""

import argparse
from pathlib import Path

from ca import certify, import_certificate
from ca import subject as subjects
from ca.certify import Wish
from certificates import registry
from server import authorities
from server.commands import files
from server.exits import Usage
from server.platform import Platform
from sso import accounts
from trust.access import SYSTEM, Caller
from trust.anchors import pem
from trust.clock import utc_now
from trust.crypto import x509
from trust.crypto.algorithms import KeyKind

_KINDS = {"SM2": KeyKind.SM2, "RSA": KeyKind.RSA, "P-256": KeyKind.P256}
_REQUESTED = ("issuing", "seal", "signing", *sorted(import_certificate.SIGNER_PURPOSES))


def add(inner: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = inner.add_parser("init", help="新建 CA / a further root, or with --parent issuing CA")
    parser.add_argument("name", help="such as issuing-sm2-b")
    parser.add_argument("--kind", required=True, choices=("SM2", "RSA"))
    parser.add_argument("--parent", metavar="CA", help="the root above it; without one: a root")
    parser.add_argument("--subject", metavar="NAME", help="such as C=CN,O=某市,OU=310000,CN=…")
    parser.set_defaults(run=run_init)
    parser = inner.add_parser("issue", help="签发证书 / a certificate for a PKCS#10 request")
    parser.add_argument("--csr", type=Path, required=True, metavar="FILE")
    parser.add_argument("--profile", required=True, choices=sorted(certify.PROFILES))
    parser.add_argument("--issuer", required=True, metavar="CA")
    parser.add_argument("--subject", metavar="NAME", help="instead of the request's own name")
    parser.add_argument("--particular", action="append", default=[], metavar="KIND=TEXT")
    parser.add_argument("--as", dest="actor", metavar="ACCOUNT", help="a CA administrator")
    parser.add_argument("--out", type=Path, metavar="FILE.pem")
    parser.set_defaults(run=run_issue)
    parser = inner.add_parser("request", help="a request to an outside CA, for a key kept here")
    parser.add_argument("key", help="the key's name; of a CA its own")
    parser.add_argument("--purpose", required=True, choices=_REQUESTED)
    parser.add_argument("--kind", required=True, choices=sorted(_KINDS))
    parser.add_argument("--subject", metavar="NAME")
    parser.add_argument("--out", type=Path, metavar="FILE.csr")
    parser.set_defaults(run=run_request)
    parser = inner.add_parser("import", help="what the outside CA has certified")
    parser.add_argument("key", help="as in `trust ca request`")
    parser.add_argument("certificate", type=Path, metavar="FILE")
    parser.add_argument("--chain", type=Path, metavar="FILE", help="the CAs in between")
    parser.add_argument("--root", type=Path, metavar="FILE", help="trusted from now on")
    parser.add_argument("--crl-url", default="", metavar="URL")
    parser.add_argument("--ocsp-url", default="", metavar="URL")
    parser.set_defaults(run=run_import)


def run_init(arguments: argparse.Namespace, platform: Platform) -> int:
    made = authorities.create_ca(
        platform, arguments.name, kind=_KINDS[arguments.kind], parent=arguments.parent,
        subject=_name(arguments), by=SYSTEM, at=utc_now(),
    )  # fmt: skip
    print(f"✓ {arguments.name}: {x509.name_text(made.subject)}, {made.not_after:%Y-%m-%d}")
    return 0


def run_issue(arguments: argparse.Namespace, platform: Platform) -> int:
    """The certificate in PEM, on standard output or in a file."""
    request = files.read_request(arguments.csr)
    with platform.reading() as session:
        region = registry.region(session)
    wish = Wish(
        request, arguments.profile, arguments.issuer, region.code, subject=_name(arguments),
        particulars=_particulars(arguments.particular), base_url=region.base_url,
    )  # fmt: skip
    by = _actor(arguments, platform)
    made = certify.certify(platform.sessions, wish, keys=platform.keys, by=by, at=utc_now())
    _hand_out(pem("CERTIFICATE", made.der), arguments.out, f"证书 certificate {made.serial:x}")
    return 0


def run_request(arguments: argparse.Namespace, platform: Platform) -> int:
    made = authorities.ask_outside(
        platform, arguments.key, purpose=arguments.purpose, kind=_KINDS[arguments.kind],
        subject=_name(arguments), by=SYSTEM, at=utc_now(),
    )  # fmt: skip
    _hand_out(pem("CERTIFICATE REQUEST", made), arguments.out, f"请求 request for {arguments.key}")
    return 0


def run_import(arguments: argparse.Namespace, platform: Platform) -> int:
    """The first certificate of the file is the key's own; what comes after it counts as chain."""
    first, *rest = files.read_certificates(arguments.certificate)
    chain = files.read_certificates(arguments.chain) if arguments.chain else ()
    roots = files.read_certificates(arguments.root) if arguments.root else ()
    sent = import_certificate.Delivery(
        first, (*rest, *chain), roots, crl_url=arguments.crl_url, ocsp_url=arguments.ocsp_url
    )
    made = authorities.take_in(platform, arguments.key, sent, by=SYSTEM, at=utc_now())
    print(f"✓ 已导入 imported {arguments.key}, by {made.issuer}: serial {first.serial:x}, "
          f"until {first.not_after:%Y-%m-%d}")  # fmt: skip
    for sentence in made.advice:
        print(f"  ! {sentence}")
    return 0


def _name(arguments: argparse.Namespace) -> bytes | None:
    return subjects.parse(arguments.subject) if arguments.subject else None


def _particulars(words: list[str]) -> tuple[tuple[str, str], ...]:
    pairs = [word.partition("=") for word in words]
    if not all(kind and mark for kind, mark, _ in pairs):
        raise Usage("--particular is KIND=TEXT, the kinds those of ca/extensions.toml")
    return tuple((kind, text) for kind, _, text in pairs)


def _actor(arguments: argparse.Namespace, platform: Platform) -> Caller:
    if not arguments.actor:
        return SYSTEM
    with platform.reading() as session:
        return accounts.caller(session, arguments.actor)


def _hand_out(data: bytes, out: Path | None, told: str) -> None:
    if out is None:
        print(data.decode(), end="")
        return
    files.write(out, data)
    print(f"✓ {told}: {out}")
