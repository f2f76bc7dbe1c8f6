"""Failed tries, counted before they are judged.

What is counted (GB/T 22239-2019, 8.1.4.1 b: five failures lock):
- a password for one account from one network (/24, /64): 5, then 15 minutes, each lock twice as
  long as the last, at most a day;
- a password for one account from one known device: the same, on its own. A device is known when
  the right password was once given with its cookie. It is touched by no other counter, so nobody
  locks a holder out who does not sit at the holder's desk;
- a password for one account from anywhere unknown: 60, a password from one network for anybody:
  300; both lock for 15 minutes and more, and never a known device;
- codes of an authenticator: 20 wrong ones in a row, an hour and more; recovery codes the same.

Counting first and judging afterwards leaves no gap in which many requests at once are all let in.
A success clears the account's counters. Nothing locks for ever.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Table, and_, case, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from sso.credential_models import KnownDevice, Throttle
from trust.crypto.hashes import sha256

#: Failures without another for so long are forgotten, and so are the locks before.
MEMORY = timedelta(hours=24)
DEVICE_LIFETIME = timedelta(days=180)
DEVICES = 20
_TABLE = Throttle.__table__


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries; the last of them locks, unless it succeeds."""

    tries: int
    lock: timedelta = timedelta(minutes=15)
    longest: timedelta = timedelta(hours=24)


PASSWORD = Limit(5)
PASSWORD_ANYWHERE = Limit(60)
PASSWORD_NETWORK = Limit(300)
CODES = Limit(20, lock=timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Counter:
    """`who` is an account's name or a digest of what was typed, `where` a network or a device."""

    kind: str
    who: str
    where: str
    limit: Limit
    account: str | None

    @property
    def digest(self) -> bytes:
        return sha256("\0".join((self.kind, self.who, self.where)).encode(errors="replace"))


@dataclass(frozen=True, slots=True)
class Admission:
    """May this try be judged? `locked_until` None: yes. `began`: the counters whose lock begins
    with this try, should it fail. `network`: the whole network is locked, whoever is meant."""

    locked_until: datetime | None
    began: tuple[Counter, ...] = ()
    network: bool = False


def network_of(address: str) -> str:
    """The /24 or /64 an address (or network) lies in; "unknown" for anything else."""
    try:
        ip = ipaddress.ip_interface(address[:64]).ip
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 64), strict=False))


def password_counters(
    who: str, *, account: str | None, network: str, known_device: bytes | None
) -> tuple[Counter, ...]:
    """The counters of a password try. `who`: the account's name, or what stands for a login that
    is nobody's (they lock alike, or locking would tell which exist)."""
    if known_device is not None:
        device = f"device:{known_device.hex()}"
        return (Counter("password", who, device, PASSWORD, account),)
    place = network_of(network)
    return (
        Counter("password", who, place, PASSWORD, account),
        Counter("password_any", who, "", PASSWORD_ANYWHERE, account),
        Counter("password_net", "", place, PASSWORD_NETWORK, None),
    )


def code_counter(kind: str, account: str) -> Counter:
    """The counter of an account's codes; `kind` is totp, recovery or sms."""
    return Counter(kind, account, "", CODES, account)


def admit(session: Session, counters: Sequence[Counter], *, at: datetime) -> Admission:
    """Count a try that is about to be judged. A locked counter takes none.

    Commit before judging. Rows are taken in one order, so that two tries never wait for each
    other.
    """
    ordered = sorted(counters, key=lambda counter: counter.digest)
    digests = [counter.digest for counter in ordered]
    locked = session.execute(
        select(Throttle.digest, Throttle.locked_until).where(
            Throttle.digest.in_(digests), Throttle.locked_until > at
        )
    ).all()
    latest = max((row.locked_until for row in locked if row.locked_until), default=None)
    if latest is not None:
        shared = {counter.digest for counter in ordered if not counter.who}
        return Admission(latest, network=any(row.digest in shared for row in locked))
    began = []
    for counter in ordered:
        failures = _count(session, counter, at=at)
        if failures is None:  # locked since the look above
            return Admission(at + counter.limit.lock)
        if failures >= counter.limit.tries:
            _lock(session, counter, at=at)
            began.append(counter)
    return Admission(None, tuple(began))


def _count(session: Session, counter: Counter, *, at: datetime) -> int | None:
    """The failures with this one, in one statement; None when the counter is locked."""
    assert isinstance(_TABLE, Table)  # noqa: S101 - narrows a declarative attribute's type
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    # A lock as long as the memory must not make itself forgotten.
    stale = and_(
        _TABLE.c.last_at <= at - MEMORY,
        or_(_TABLE.c.locked_until.is_(None), _TABLE.c.locked_until <= at - MEMORY),
    )
    statement = dialect.insert(_TABLE).values(
        digest=counter.digest, kind=counter.kind, account=counter.account, failures=1, locks=0,
        last_at=at,
    )  # fmt: skip
    counted = statement.on_conflict_do_update(
        index_elements=[_TABLE.c.digest],
        set_={
            "failures": case((stale, 1), else_=_TABLE.c.failures + 1),
            "locks": case((stale, 0), else_=_TABLE.c.locks),
            "last_at": at,
        },
        where=or_(_TABLE.c.locked_until.is_(None), _TABLE.c.locked_until <= at),
    ).returning(_TABLE.c.failures)
    found: int | None = session.execute(counted).scalar_one_or_none()
    return found


def _lock(session: Session, counter: Counter, *, at: datetime) -> None:
    """Each lock is twice the last. The row is this transaction's since `_count`."""
    locks = session.scalars(select(Throttle.locks).where(Throttle.digest == counter.digest)).one()
    length = min(counter.limit.lock * 2 ** min(locks, 20), counter.limit.longest)
    session.execute(
        update(Throttle)
        .where(Throttle.digest == counter.digest)
        .values(failures=0, locks=Throttle.locks + 1, locked_until=at + length)
    )


def clear(session: Session, counters: Sequence[Counter], *, at: datetime) -> None:
    """A try succeeded. What is counted for a whole network is not cleared by one who got in."""
    digests = [counter.digest for counter in counters if counter.who]
    session.execute(delete(Throttle).where(Throttle.digest.in_(digests)))
    shared = [counter.digest for counter in counters if not counter.who]
    session.execute(
        update(Throttle)
        .where(Throttle.digest.in_(shared), Throttle.failures > 0)
        .values(failures=Throttle.failures - 1)
    )


def told(session: Session, account: str, kind: str, *, at: datetime) -> bool:
    """Whether the holder is to be told of a lock of this kind now: at most once a day, or whoever
    causes locks could also send messages."""
    own = (Throttle.account == account, Throttle.kind == kind)
    last = session.scalar(
        select(Throttle.told_at).where(*own, Throttle.told_at > at - MEMORY).limit(1)
    )
    if last is not None:
        return False
    session.execute(update(Throttle).where(*own).values(told_at=at))
    return True


def unlock(session: Session, account: str) -> int:
    """Forget every count of an account; how many there were. The caller audits who did it."""
    return len(
        session.scalars(
            delete(Throttle).where(Throttle.account == account).returning(Throttle.digest)
        ).all()
    )


def locked_until(session: Session, account: str, *, at: datetime) -> datetime | None:
    """The latest lock of an account in force, for its own page and its administrator's."""
    return session.scalar(
        select(Throttle.locked_until)
        .where(Throttle.account == account, Throttle.locked_until > at)
        .order_by(Throttle.locked_until.desc())
        .limit(1)
    )


def known_device(session: Session, account: str, device: str, *, at: datetime) -> bytes | None:
    """The digest of a device cookie that this account knows, or None."""
    if not device:
        return None
    return session.scalar(
        select(KnownDevice.digest).where(
            KnownDevice.account == account,
            KnownDevice.digest == _device_digest(device),
            KnownDevice.last_seen_at > at - DEVICE_LIFETIME,
        )
    )


def know_device(session: Session, account: str, device: str, *, at: datetime) -> None:
    """From this device the right password came. The newest twenty are kept."""
    if not device:
        return
    session.merge(KnownDevice(account=account, digest=_device_digest(device), last_seen_at=at))
    session.flush()
    newest = (
        select(KnownDevice.digest)
        .where(KnownDevice.account == account)
        .order_by(KnownDevice.last_seen_at.desc())
        .limit(DEVICES)
    )
    session.execute(
        delete(KnownDevice).where(KnownDevice.account == account, KnownDevice.digest.not_in(newest))
    )


def forget_devices(session: Session, account: str) -> None:
    """After a recovery nobody's device is known any more."""
    session.execute(delete(KnownDevice).where(KnownDevice.account == account))


def _device_digest(device: str) -> bytes:
    return sha256(device[:200].encode(errors="replace"))
