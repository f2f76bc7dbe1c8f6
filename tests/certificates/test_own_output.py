"""The look at a whole block: SM2 values are computed many at once, and a bad one is still told."""

import pytest
from sqlalchemy import select

from certificates import issue
from certificates.issue import Issued
from certificates.models import Licence
from certificates.press.own_output import UnsoundOutput, require_all_sound
from seal import asn1
from seal.pdf import document, fields
from tests.regions import Region
from trust.clock import utc_now
from trust.crypto import cms


def issued(region: Region, count: int) -> list[tuple[bytes, str]]:
    """Files and claims of as many licences."""
    workshop = region.platform.workshop(at=utc_now())
    found = issue.issue_many(
        workshop, [region.approved() for _ in range(count)], by=region.caller("market.approver"),
        at=utc_now(),
    )  # fmt: skip
    names = [each.identifier for each in found if isinstance(each, Issued)]
    with region.platform.reading() as session:
        claims = {
            row.identifier: row.claim
            for row in session.scalars(select(Licence).where(Licence.identifier.in_(names)))
        }
    return [(region.platform.store.get(name), claims[name]) for name in names]


def with_wrong(pdf: bytes, value: bytes) -> bytes:
    """The file with the last bit of a DER signature turned, which stays DER."""
    hexed = value.hex().encode()
    assert pdf.count(hexed) == 1
    wrong = value[:-1] + bytes([value[-1] ^ 1])
    return pdf.replace(hexed, wrong.hex().encode())


@pytest.mark.parametrize(
    ("part", "told"),
    [("seal", "signature.1: signature_invalid"), ("time-stamp", "time.1: time_stamp_invalid")],
)
def test_one_bad_value_in_a_block_is_told_and_which(
    sqlite_region: Region, part: str, told: str
) -> None:
    files = issued(sqlite_region, 3)
    knowledge, at = sqlite_region.platform.knowledge, utc_now()
    assert len(require_all_sound(files, knowledge, at=at)) == 3
    pdf, claim = files[1]
    stamp = asn1.parse_stamp(fields.signatures(document.read(pdf))[0].contents)
    token = cms.parse(stamp.time_stamp or b"")
    files[1] = with_wrong(pdf, stamp.signature if part == "seal" else token.signature), claim
    with pytest.raises(UnsoundOutput, match=told):
        require_all_sound(files, knowledge, at=at)
