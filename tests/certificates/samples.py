"""Licences for the tests: the examples, completed as the issuing side would."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from certificates import catalogue
from certificates.licence_type import LicenceType

EXAMPLES = Path(__file__).parents[2] / "examples"
SLUGS = ("business-licence", "food-business-licence", "road-transport-licence")
TODAY = date(2024, 5, 20)
AT = datetime(2024, 5, 20, 9, 30, tzinfo=UTC)
AUTHORITY = "噶尔县市场监督管理局"
AUTHORITY_CODE = "1154252199900011XY"
QR_TEXT = "https://trust.example.cn/v#" + "0123456789ABCDEFGHJKMNPQRSTVWXYZ" * 9
VERIFY_AT = "https://trust.example.cn"


def example(slug: str) -> dict[str, Any]:
    """The example's content, as an applicant's system sends it."""
    content: dict[str, Any] = json.loads((EXAMPLES / f"{slug}.json").read_bytes())
    return content


def licence(slug: str, **changes: object) -> tuple[LicenceType, dict[str, object]]:
    """The type and complete metadata, with changes put over them unchecked."""
    licence_type = catalogue.find(slug)
    metadata = catalogue.check(licence_type, example(slug), today=TODAY)
    metadata |= {
        "ZZMC": licence_type.name,
        "ZZLXDM": licence_type.code,
        "ZZBH": catalogue.number(licence_type, metadata, 37, "542521"),
        "ZZBS": f"1.2.156.3005.2.{licence_type.code}.{AUTHORITY_CODE}.20240000000000000037.001.K",
        "ZZBFJG": AUTHORITY,
        "ZZBFJGDM": AUTHORITY_CODE,
        "ZZBFRQ": f"{TODAY:%Y%m%d}",
    }
    return licence_type, metadata | changes
