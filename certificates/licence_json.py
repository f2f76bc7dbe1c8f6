"""licence.json, the attachment of a licence: its content completed to the items of GB/T 36903."""

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from certificates import catalogue, registry
from certificates.content import parse_date
from certificates.identifier import Identifier
from certificates.licence_type import LicenceType
from certificates.models import Authority
from seal.apply import Suites
from trust.clock import CHINA
from trust.crypto import jose


def complete(
    session: Session, licence_type: LicenceType, content: dict[str, object], owner: Authority,
    known: Identifier, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """The content completed to the items of GB/T 36903."""
    today = at.astimezone(CHINA).date()
    issued = parse_date("ZZBFRQ", content.get("ZZBFRQ", f"{today:%Y%m%d}"))
    until = catalogue.valid_until(licence_type, content, issued=issued)
    number = content.get("ZZBH")
    if number is None:
        name = f"{licence_type.code}/{owner.division}"
        sequence = registry.next_number(session, name)
        number = catalogue.number(licence_type, content, sequence, owner.division)
    metadata: dict[str, Any] = {
        **content,
        "ZZMC": licence_type.name, "ZZLXDM": licence_type.code, "ZZBS": str(known),
        "ZZBH": number, "ZZBFJG": owner.name, "ZZBFJGDM": owner.code,
        "ZZBFRQ": f"{issued:%Y%m%d}",
        "ZZYXQQSRQ": f"{catalogue.valid_from(licence_type, content, issued=issued):%Y%m%d}",
    }  # fmt: skip
    metadata.pop("ZZYXQJZRQ", None)
    if until is not None:
        metadata["ZZYXQJZRQ"] = f"{until:%Y%m%d}"
    return metadata


def write(metadata: dict[str, Any], region: str, suites: Suites) -> bytes:
    """The attachment. The salt keeps its digest, in the log and in the QR code, unguessable."""
    return jose.canonical_json(
        {
            "version": 1, "region": region, "seals": str(suites),
            "salt": jose.b64url(secrets.token_bytes(16)), "licence": metadata,
        }
    )  # fmt: skip
