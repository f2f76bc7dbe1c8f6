"""licence.json, the attachment of a licence: its content completed to the items of GB/T 36903."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from certificates import catalogue
from certificates.content import parse_date
from certificates.identifier import Identifier
from certificates.licence_type import LicenceType
from certificates.models import Authority
from seal.apply import Suites
from trust.clock import CHINA
from trust.crypto import jose

#: 关联证照标识 (GB/T 36903): the licence that this one follows.
PREVIOUS = "GLZZBS"


def dates(
    licence_type: LicenceType, content: Mapping[str, object], *, at: datetime
) -> dict[str, str]:
    """ZZBFRQ, ZZYXQQSRQ and, unless it is valid without end, ZZYXQJZRQ; InvalidField."""
    today = at.astimezone(CHINA).date()
    issued = parse_date("ZZBFRQ", content.get("ZZBFRQ", f"{today:%Y%m%d}"))
    until = catalogue.valid_until(licence_type, content, issued=issued)
    start = catalogue.valid_from(licence_type, content, issued=issued)
    found = {"ZZBFRQ": f"{issued:%Y%m%d}", "ZZYXQQSRQ": f"{start:%Y%m%d}"}
    return found if until is None else {**found, "ZZYXQJZRQ": f"{until:%Y%m%d}"}


def complete(
    licence_type: LicenceType, content: Mapping[str, object], owners: Sequence[Authority],
    known: Identifier, *, number: str, previous: str | None, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """The content completed to the items of GB/T 36903. Of several authorities that seal together
    names and codes are lists, the leading one first."""
    names, codes = [owner.name for owner in owners], [owner.code for owner in owners]
    given = {key: value for key, value in content.items() if key != "ZZYXQJZRQ"}
    metadata: dict[str, Any] = {
        **given, "ZZMC": licence_type.name, "ZZLXDM": licence_type.code, "ZZBS": str(known),
        "ZZBH": number, "ZZBFJG": names if len(names) > 1 else names[0],
        "ZZBFJGDM": codes if len(codes) > 1 else codes[0],
        **dates(licence_type, content, at=at),
    }  # fmt: skip
    return metadata if previous is None else {**metadata, PREVIOUS: previous}


def write(metadata: dict[str, Any], region: str, suites: Suites) -> bytes:
    """The attachment. The salt keeps its digest, in the log and in the QR code, unguessable."""
    return jose.canonical_json(
        {
            "version": 1, "region": region, "seals": str(suites),
            "salt": jose.b64url(secrets.token_bytes(16)), "licence": metadata,
        }
    )  # fmt: skip
