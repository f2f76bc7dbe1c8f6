"""`trust client`: the platforms that log their users in here."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from certificates.models import Authority
from server.commands.issue import DATA_MAX, read_data
from server.commands.user_roles import read_roles
from server.exits import CannotOpen, Usage
from server.identity import open_provider
from server.platform import Platform
from sso import client_metadata, clients, machines, registering
from sso.clients import Registered
from sso.provider import Provider
from trust.access import SYSTEM, Role
from trust.audit_queue import AuditQueue
from trust.clock import utc_now
from trust.crypto import jose
from trust.crypto.errors import Malformed
from trust.errors import Invalid, NotFound
from trust.report import printable

METHODS = (
    "none", "client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth",
    "self_signed_tls_client_auth",
)  # fmt: skip
#: What a platform may do unless it says less.
GRANTS = [
    "authorization_code", "refresh_token", "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
]  # fmt: skip
SCOPES = "openid profile email address phone identity organisation level offline_access"
#: What one needs that only acts for itself.
MACHINE_SCOPES = "trust"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("client", help="接入平台 / platforms that log users in here")
    inner = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_add(inner)
    parser = inner.add_parser("import", help="register a JSON list of RFC 7591 metadata")
    parser.add_argument("file", type=Path)
    parser.set_defaults(run=run_import)
    parser = inner.add_parser("list", help="the registered platforms")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_list)
    parser = inner.add_parser("disable", help="no login and no token from now on")
    parser.add_argument("client_id", metavar="ID")
    parser.set_defaults(run=run_disable)


def _add_add(inner: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = inner.add_parser("add", help="register a platform; prints its id and secret")
    parser.add_argument("--name", required=True)
    parser.add_argument("--redirect-uri", action="append", default=[], metavar="URI")
    parser.add_argument("--auth", choices=METHODS, default="client_secret_basic")
    parser.add_argument("--jwks", type=Path, metavar="FILE", help="its public keys (RFC 7517)")
    parser.add_argument("--fapi", action="store_true", help="FAPI 2.0 Security Profile")
    parser.add_argument("--no-pkce", action="store_true", help="do not insist on PKCE")
    parser.add_argument("--grant", action="append", metavar="TYPE")
    parser.add_argument("--scope")
    parser.add_argument("--post-logout-redirect-uri", action="append", default=[], metavar="URI")
    parser.add_argument("--backchannel-logout-uri", metavar="URI")
    parser.add_argument("--frontchannel-logout-uri", metavar="URI")
    parser.add_argument("--first-party", action="store_true", help="nobody is asked to consent")
    parser.add_argument(
        "--acts-as", action="append", default=[], metavar="ROLE@AUTHORITY",
        help="make a machine account with these roles, as which the platform's own token acts",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the RFC 7591 response")
    parser.set_defaults(run=run_add)


def _metadata(arguments: argparse.Namespace) -> dict[str, Any]:
    """The command's words as RFC 7591 metadata."""
    said: dict[str, Any] = {
        "client_name": arguments.name, "redirect_uris": arguments.redirect_uri,
        "token_endpoint_auth_method": arguments.auth,
        "scope": arguments.scope or (MACHINE_SCOPES if arguments.acts_as else SCOPES),
        "grant_types": arguments.grant or _grants(arguments),
        "post_logout_redirect_uris": arguments.post_logout_redirect_uri,
        "backchannel_logout_uri": arguments.backchannel_logout_uri,
        "frontchannel_logout_uri": arguments.frontchannel_logout_uri,
    }  # fmt: skip
    if arguments.backchannel_logout_uri:
        said["backchannel_logout_session_required"] = True
    if arguments.frontchannel_logout_uri:
        said["frontchannel_logout_session_required"] = True
    if arguments.no_pkce:
        said["require_pkce"] = False
    if arguments.jwks:
        said["jwks"] = read_data(arguments.jwks)
    return {name: value for name, value in said.items() if value not in (None, [])}


def _grants(arguments: argparse.Namespace) -> list[str]:
    """A public client cannot prove itself, one without a redirect URI sends nobody here."""
    left_out = {"client_credentials"} if arguments.auth == "none" else set()
    if not arguments.redirect_uri:
        left_out.add("authorization_code")
    return [each for each in GRANTS if each not in left_out]


def run_add(arguments: argparse.Namespace, platform: Platform) -> int:
    provider = provider_of(platform)
    made = register(
        platform, provider, _metadata(arguments), acts_as=machine_roles(arguments.acts_as),
        fapi=arguments.fapi, first_party=arguments.first_party,
    )  # fmt: skip
    said = response_of(made)
    if arguments.json:
        print(json.dumps(said, ensure_ascii=False))
    else:
        print(f"✓ {printable(made.client.name)}\n  client_id     {made.client.client_id}")
        if made.client_secret:
            print(f"  client_secret {made.client_secret}   (只显示这一次 shown once)")
        if made.client.machine_account:
            print(f"  acts as       {made.client.machine_account}")
    return 0


def machine_roles(words: list[str]) -> tuple[frozenset[Role], str] | None:
    """ROLE@AUTHORITY …: all of one authority; None when nothing was said."""
    if not words:
        return None
    roles, authority = read_roles(words)
    if authority is None:
        raise Usage("--acts-as is ROLE@AUTHORITY")
    return roles, authority


def register(
    platform: Platform, provider: Provider, metadata: Mapping[str, Any], *,
    acts_as: tuple[frozenset[Role], str] | None = None, **named: Any,
) -> Registered:  # fmt: skip
    """Register one platform: checked, its sector document fetched, then written, with the machine
    account it acts as in the same transaction."""
    _check(provider, metadata, fapi=bool(named.get("fapi")))
    at = utc_now()
    with platform.sessions.begin() as session:
        made = clients.add(session, metadata, by=SYSTEM, at=at, policy=provider.policy, **named)
        if acts_as is not None:
            roles, authority = acts_as
            if session.get(Authority, authority) is None:
                raise NotFound(f"no authority {authority}")
            account = machines.add(
                session, display_name=made.client.name[: machines.NAME_MAX], authority=authority,
                roles=roles, by=SYSTEM, at=at,
            )  # fmt: skip
            machines.tie(session, made.client.client_id, account.name, by=SYSTEM, at=at)
            made = replace(made, client=replace(made.client, machine_account=account.name))
        return made


def _check(provider: Provider, metadata: Mapping[str, Any], *, fapi: bool) -> None:
    client = clients.checked(
        metadata, "new", at=utc_now(), fapi=fapi, policy=provider.policy
    )  # fmt: skip
    registering.fetch_sector(provider, client)


def response_of(made: Registered) -> dict[str, Any]:
    """RFC 7591, 3.2.1."""
    said = client_metadata.metadata_of(made.client)
    if made.client_secret:
        said |= {"client_secret": made.client_secret, "client_secret_expires_at": 0}
    if made.client.machine_account:
        said["machine_account"] = made.client.machine_account
    return said


def run_import(arguments: argparse.Namespace, platform: Platform) -> int:
    """All or none: a list that breaks a rule registers nobody."""
    provider = provider_of(platform)
    entries = _read_list(arguments.file)
    for number, entry in enumerate(entries, 1):
        try:
            _check(provider, entry, fapi=entry.get("fapi") is True)
        except Invalid as error:
            raise Invalid(f"client {number}: {error}") from error
    with platform.sessions.begin() as session:
        made = [
            clients.add(
                session, entry, by=SYSTEM, at=utc_now(), fapi=entry.get("fapi") is True,
                client_id=entry.get("client_id"), client_secret=entry.get("client_secret"),
                first_party=entry.get("first_party") is True, policy=provider.policy,
            )
            for entry in entries
        ]  # fmt: skip
    print(json.dumps([response_of(each) for each in made], ensure_ascii=False))
    return 0


def _read_list(path: Path) -> list[dict[str, Any]]:
    try:
        if path.stat().st_size > DATA_MAX:
            raise Invalid(f"{path} is over {DATA_MAX} bytes")
        found = jose.load_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CannotOpen(f"{path} cannot be opened: {error.strerror}") from error
    except (UnicodeDecodeError, Malformed) as error:
        raise Invalid(f"{path} is not JSON in UTF-8") from error
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise Invalid(f"{path} is not a JSON list of objects")
    return found


def run_list(arguments: argparse.Namespace, platform: Platform) -> int:
    after = ""
    while True:
        with platform.reading() as session:
            found = clients.page(session, after=after)
        for client in found:
            if arguments.json:
                print(json.dumps(client_metadata.metadata_of(client), ensure_ascii=False))
            else:
                state = "" if client.active else "  (停用 disabled)"
                print(f"{client.client_id}  {printable(client.name)}{state}")
        if not found:
            return 0
        after = found[-1].client_id


def run_disable(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.sessions.begin() as session:
        clients.disable(session, arguments.client_id, by=SYSTEM, at=utc_now())
    print(f"✓ 已停用 disabled {arguments.client_id}")
    return 0


def provider_of(platform: Platform) -> Provider:
    """The provider for a command: its audit queue is not started, commands audit as they go."""
    return open_provider(platform, audit=AuditQueue(platform.sessions), clock=utc_now)
