"""People with wallets, and an office that looks: for tests of the holder's side."""

from certificates.models import Licence
from certificates.wallet.acts import Wallet
from server import holders, identity
from sso import agents, people
from sso.models import Account
from sso.particulars import CITIZEN_ID, USCC, Particulars
from sso.people_models import Capacity
from sso.provider import Provider
from tests.regions import TRANSPORT, Region, example
from tests.seal import living
from trust.access import SYSTEM, Caller, Role
from trust.audit_queue import AuditQueue
from trust.clock import utc_now

#: Made up, with good check characters.
NUMBER, OTHER_NUMBER, AGENT_NUMBER = (
    "110105194912310054", "440524198801010011", "110101199003070011",
)  # fmt: skip
NAME = "张三丰"
HOLDER: dict[str, object] = {
    "CZZT": NAME, "CZZTDM": NUMBER, "CZZTDMLX": "公民身份号码", "CZZTDMLXDM": "111",
}  # fmt: skip
COMPANY_TYPE = "business-licence"


def citizen(region: Region, name: str, number: str, title: str) -> str:
    """A person whose number was proved by face, made at their first mention."""
    with region.platform.sessions.begin() as session:
        if session.get(Account, name) is None:
            people.add_person(
                session, region.platform.vault, Particulars(title, CITIZEN_ID, number), by=SYSTEM,
                at=utc_now(), name=name, level=2,
            )  # fmt: skip
    return name


def holder(region: Region) -> str:
    return citizen(region, "wallet.holder", NUMBER, NAME)


def stranger(region: Region) -> str:
    return citizen(region, "wallet.stranger", OTHER_NUMBER, "李四光")


def agent(region: Region) -> str:
    return citizen(region, "wallet.agent", AGENT_NUMBER, "王五常")


def company(region: Region) -> str:
    """The account of the body that the example business licence is about."""
    known = example(COMPANY_TYPE)
    with region.platform.sessions.begin() as session:
        found = people.find_by_key(session, region.platform.vault, USCC, known["CZZTDM"])
        if found is None:
            found = people.add_organisation(
                session, region.platform.vault, uscc=known["CZZTDM"], name=known["CZZT"],
                by=SYSTEM, at=utc_now(),
            )  # fmt: skip
        return found.name


def acting(region: Region, person: str, capacity: Capacity) -> None:
    """Let a person act for that body."""
    at, body = utc_now(), company(region)
    with region.platform.sessions.begin() as session:
        if any(one.organisation == body for one in agents.acting_for(session, person, at=at)):
            return
        agents.grant(
            session, organisation=body, agent=person, capacity=capacity, scope="全部事项",
            not_before=at, not_after=at.replace(year=at.year + 1), by=SYSTEM, at=at,
        )  # fmt: skip


def office(region: Region, name: str = "wallet.office") -> Caller:
    """Somebody who works for an office that relies on licences."""
    return living.person(region, name, Role.OFFICE, authority=TRANSPORT.code)


def personal_licence(region: Region, **changes: object) -> Licence:
    """A food business licence of the holder's own; a number of its own each time."""
    return region.issued("food-business-licence", **(HOLDER | changes))


def wallet(region: Region, name: str, *, queue: AuditQueue | None = None) -> Wallet:
    platform, at = region.platform, utc_now()
    audit = queue or AuditQueue(platform.sessions)
    provider: Provider = identity.open_provider(platform, audit=audit, clock=utc_now)
    return holders.wallet(platform, provider, audit, region.caller(name), at)
