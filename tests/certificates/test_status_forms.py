"""Status lists as CWT and as deltas: the same states, however they travel."""

import zlib
from datetime import UTC, datetime, timedelta

import cbor2
import cwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certificates import registry, revoke
from certificates.models import Licence, LicenceState
from certificates.status import cwt as status_cwt
from certificates.status import delta as status_delta
from certificates.status import lists as status_list
from certificates.status.delta import DeltaDoesNotFit
from certificates.status.lists import Status
from certificates.status.publish import NoDelta, StatusForms
from tests.regions import Region
from trust.clock import utc_now
from trust.crypto import cose, jose, private_keys
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.errors import InvalidSignature, Malformed

KEY = private_keys.generate(KeyKind.P256)
OTHER = private_keys.generate(KeyKind.P256)
AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
SINCE = AT - timedelta(hours=1)
DAY = timedelta(hours=24)
ROOM = 4096
STATES = st.dictionaries(st.integers(0, ROOM - 1), st.sampled_from(Status), max_size=40)


def signed(packed: bytes) -> bytes:
    return status_cwt.write(
        packed, subject="https://x/status/1", at=AT, lifetime=DAY, ttl=timedelta(minutes=10),
        algorithm=Algorithm.ES256, x5c=(b"certificate",),
        sign=lambda message: KEY.sign(Algorithm.ES256, message),
    )  # fmt: skip


def delta(changes: dict[int, Status], packed: bytes, *, subject: str = "s") -> str:
    return status_delta.write(
        changes, packed, since=SINCE, subject=subject, at=AT, lifetime=DAY,
        algorithm=Algorithm.ES256, kid="k", x5c=(),
        sign=lambda message: KEY.sign(Algorithm.ES256, message),
    )  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(STATES)
def test_a_cwt_tells_what_was_written(states: dict[int, Status]) -> None:
    packed = status_list.pack(states, capacity=ROOM)
    found = status_cwt.parse(signed(packed))
    assert (found.packed, found.subject, found.chain) == (
        packed, "https://x/status/1", (b"certificate",),
    )  # fmt: skip
    assert (found.issued_at, found.expires_at) == (AT, AT + DAY)
    found.require_signature(KEY.spki)
    with pytest.raises(InvalidSignature):
        found.require_signature(OTHER.spki)


def test_another_library_verifies_the_cwt() -> None:
    packed = status_list.pack({5: Status.VOID}, capacity=ROOM)
    point = KEY.spki[-64:]
    key = cwt.COSEKey.new({1: 2, -1: 1, 3: -7, -2: point[:32], -3: point[32:]})
    payload = cwt.COSE.new().decode(signed(packed), key)
    claims = cbor2.loads(payload)
    assert zlib.decompress(claims[65533]["lst"]) == packed
    assert claims[65533]["bits"] == 2


def test_every_changed_byte_of_a_cwt_is_noticed() -> None:
    whole = signed(status_list.pack({5: Status.VOID}, capacity=64))
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1
        try:
            found = status_cwt.parse(bytes(changed))
        except (Malformed, InvalidSignature):
            continue
        except Exception as error:
            if getattr(error, "code", "") == "unknown_algorithm":
                continue
            raise
        with pytest.raises(InvalidSignature):
            found.require_signature(KEY.spki)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200))
def test_garbage_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        status_cwt.parse(data)


def test_a_list_that_unpacks_too_far_is_refused() -> None:
    with pytest.raises(Malformed):
        status_cwt.parse(signed(bytes(status_list.UNPACKED_MAX + 1)))
    with pytest.raises(Malformed):
        status_cwt.parse(bytes(status_cwt.TOKEN_MAX + 1))


@settings(max_examples=40, deadline=None)
@given(STATES, STATES)
def test_a_list_and_its_delta_are_the_newer_list(
    before: dict[int, Status], changes: dict[int, Status]
) -> None:
    old = status_list.pack(before, capacity=ROOM)
    new = status_list.pack({**before, **changes}, capacity=ROOM)
    found = status_delta.parse(delta(changes, new))
    jose.verify(found.jws, KEY.spki)
    for issued_at in (SINCE, AT):
        assert status_delta.apply(found, old, subject="s", issued_at=issued_at) == new


def test_a_delta_for_another_list_or_another_time_does_not_fit() -> None:
    old = status_list.pack({}, capacity=ROOM)
    new = status_list.pack({7: Status.VOID}, capacity=ROOM)
    found = status_delta.parse(delta({7: Status.VOID}, new))
    with pytest.raises(DeltaDoesNotFit):
        status_delta.apply(found, old, subject="another", issued_at=SINCE)
    with pytest.raises(DeltaDoesNotFit):
        status_delta.apply(found, old, subject="s", issued_at=SINCE - timedelta(seconds=1))
    with pytest.raises(DeltaDoesNotFit):
        status_delta.apply(found, old, subject="s", issued_at=AT + timedelta(seconds=1))
    missed = status_list.pack({9: Status.VOID}, capacity=ROOM)
    with pytest.raises(DeltaDoesNotFit):
        status_delta.apply(found, missed, subject="s", issued_at=SINCE)
    with pytest.raises(DeltaDoesNotFit):
        status_delta.apply(found, old[:1], subject="s", issued_at=SINCE)


@pytest.mark.parametrize(
    "listed", [[[2, 1], [1, 1]], [[1, 1], [1, 2]], [[-1, 1]], [[1, 4]], [1], {}]
)
def test_changes_have_one_form(listed: object) -> None:
    payload = {
        "sub": "s", "iat": 2, "exp": 3, "since": 1, "digest": "",
        "changes": jose.b64url(zlib.compress(cose.encode(listed))),
    }  # fmt: skip
    token = jose.sign(
        jose.canonical_json(payload), algorithm=Algorithm.ES256, typ=status_delta.TYPE, kid="k",
        sign=lambda message: KEY.sign(Algorithm.ES256, message),
    )  # fmt: skip
    with pytest.raises(Malformed):
        status_delta.parse(token)


def test_a_suspension_and_its_end_travel_as_deltas(region: Region) -> None:
    """Each delta brings the list of before to what the whole list says now, also back to valid."""
    made = region.issued("food-business-licence")
    base_at = _tens(utc_now()) + timedelta(minutes=10)
    forms = StatusForms(region.platform.reading, region.platform.keys, lifetime=DAY)
    held = status_cwt.parse(forms.cwt(made.status_list, at=base_at))
    for state in (LicenceState.SUSPENDED, LicenceState.REVOKED):
        base_at += timedelta(seconds=30)
        _bring(region, made, state, at=base_at)
        at = base_at + timedelta(seconds=1)
        since = int(_tens(base_at).timestamp())
        found = status_delta.parse(forms.delta(made.status_list, since, at=at).decode())
        whole = status_cwt.parse(forms.cwt(made.status_list, at=at))
        applied = status_delta.apply(
            found, held.packed, subject=held.subject, issued_at=held.issued_at
        )
        assert applied == whole.packed != held.packed
        wanted = registry.PUBLISHED.get(state, Status.VOID)
        assert applied[made.status_index // 4] >> 2 * (made.status_index % 4) & 3 == wanted


def _tens(at: datetime) -> datetime:
    return datetime.fromtimestamp(int(at.timestamp()) // 600 * 600, UTC)


def _bring(region: Region, made: Licence, state: LicenceState, *, at: datetime) -> None:
    with region.platform.sessions.begin() as session:
        revoke.change(
            session, made.identifier, state, reason="检查", by=region.caller("market.approver"),
            at=at, vault=region.platform.vault,
        )  # fmt: skip


@pytest.mark.parametrize("since", [1, 2**53 - 1, 0])
def test_a_delta_begins_at_a_whole_ten_minutes_of_late(sqlite_region: Region, since: int) -> None:
    made = sqlite_region.issued("food-business-licence")
    forms = StatusForms(sqlite_region.platform.reading, sqlite_region.platform.keys, lifetime=DAY)
    with pytest.raises(NoDelta):
        forms.delta(made.status_list, since, at=utc_now())


def test_ten_million_licences_at_one_per_cent_void_fit_in_two_hundred_kilobytes() -> None:
    """Every whole list of a region of ten million, by a generator that is not random."""
    lists = 10_000_000 / status_list.CAPACITY
    packed = _scattered(status_list.CAPACITY // 100)
    certificate = 1000  # beside the few bytes that stand for it here
    assert lists * (len(signed(packed)) + certificate) < 200_000


def _scattered(count: int) -> bytes:
    """`count` void licences, placed as a keyed shuffle places them."""
    state = 1
    states: dict[int, Status] = {}
    while len(states) < count:
        state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        states[(state >> 33) % status_list.CAPACITY] = Status.VOID
    return status_list.pack(states, capacity=status_list.CAPACITY)
