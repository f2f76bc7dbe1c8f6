"""`trust keys …`: every signing key, its next one, its end."""

import argparse
import json

from ca import destroy as ca_destroy
from server import authorities, key_list
from server.platform import Platform
from sso import accounts
from trust.clock import utc_now


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    keys = commands.add_parser("keys", help="密钥 / the signing keys")
    inner = keys.add_subparsers(required=True, metavar="COMMAND")
    parser = inner.add_parser("list", help="密钥清单 / the keys, what for, how often used")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_list)
    parser = inner.add_parser("rotate", help="轮换 / a new key for one of the platform's signers")
    parser.add_argument("signer", help="such as claim-signer-sm2")
    parser.set_defaults(run=run_rotate)
    parser = inner.add_parser("destroy", help="销毁 / a key's end, by two people, with proof")
    parser.add_argument("key", metavar="KEY", help="its id, as `trust keys list` prints it")
    parser.add_argument("--reason", required=True)
    parser.add_argument("--as", dest="actor", required=True, metavar="ACCOUNT")
    parser.add_argument("--witness", required=True, metavar="ACCOUNT")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_destroy)


def run_list(arguments: argparse.Namespace, platform: Platform) -> int:
    rows = [each.as_json() for each in key_list.keys_of(platform)]
    if arguments.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return 0
    for row in rows:
        ends = (row["certificate_ends"] or "-")[:10]
        print(f"{row['id']:34} {row['kind']:7} {row['place']:14} {row['uses']:9}  {ends:10}  "
              f"{row['purpose']}")  # fmt: skip
    return 0


def run_rotate(arguments: argparse.Namespace, platform: Platform) -> int:
    """The new key is used from now on; what the old one signed stays verifiable."""
    key_id = authorities.rotate_signer(platform, arguments.signer, at=utc_now())
    print(f"✓ 新密钥 new key {key_id}")
    return 0


def run_destroy(arguments: argparse.Namespace, platform: Platform) -> int:
    """Prints the record and the signed statement, to be filed."""
    at = utc_now()
    with platform.reading() as session:
        by = accounts.caller(session, arguments.actor)
        witness = accounts.caller(session, arguments.witness)
        if key_list.token_key_in_use(session, arguments.key, at=at):
            raise ca_destroy.KeyInUse("tokens that the key signed may still be shown")
    done = ca_destroy.destroy(
        platform.sessions, arguments.key, keys=platform.keys, by=by, witness=witness,
        reason=arguments.reason, at=at,
    )  # fmt: skip
    said = {
        "key": done.key_id, "spki_sha256": done.spki_sha256, "method": done.method,
        "audit_entry": done.sequence, "statement": done.statement,
    }  # fmt: skip
    if arguments.json:
        print(json.dumps(said, ensure_ascii=False))
    else:
        print("✓ 已销毁密钥 destroyed " + "\n  ".join(f"{k}: {v}" for k, v in said.items()))
    return 0
