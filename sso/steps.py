"""What a login in progress needs next: who stands there, how surely, and what they agreed to."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import bindparam, exists, or_, select
from sqlalchemy.orm import Session

from sso import agents, assurance, clients, factors, grants, scopes, subjects
from sso.authorization_request import AuthorizationRequest
from sso.browser_session import lives
from sso.credential_models import BrowserSession, CertificateCredential, Passkey, Totp
from sso.factors import Missing
from sso.interaction_models import Interaction
from sso.models import Account, AccountRole
from sso.policy import Policy, acr, level_of_acr
from sso.provider import Provider

#: They prove something more, never who somebody is by themselves.
_SECOND_ONLY = frozenset({"otp", "recovery", "mfa"})


#: Built once: an account of which more than a password may be due.
_SPECIAL = select(Account.name).where(
    Account.name == bindparam("wanted"),
    or_(
        *(
            exists().where(table.account == Account.name)
            for table in (AccountRole, Totp, Passkey, CertificateCredential)
        )
    ),
)


class Step(StrEnum):
    """What the pages show next."""

    SIGN_IN = "sign_in"
    SECOND_FACTOR = "second_factor"
    ENROL_FACTOR = "enrol_factor"
    RAISE_LEVEL = "raise_level"
    CONSENT = "consent"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class Standing:
    """Who has proved to be somebody for this login. `session_id`: the browser session that all or
    part of it rests on; `fresh`: something was proved in this interaction. `acting_for`: the
    organisation chosen here, or before in the same person's session; None for oneself."""

    account: str
    methods: tuple[str, ...]
    auth_time: datetime
    session_id: str | None
    fresh: bool
    acting_for: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The levels a request asks for, in the order of preference. `essential`: one or no login."""

    levels: tuple[int, ...] = field(default=())
    essential: bool = False

    @property
    def target(self) -> int:
        """The level to be reached: the least that an essential request takes, the first wish."""
        if not self.levels:
            return 0
        return min(self.levels) if self.essential else self.levels[0]


@dataclass(frozen=True, slots=True)
class Position:
    """How far a login is: the next step, who stands there, and at which level."""

    step: Step
    who: Standing | None = None
    level: int = 0


def next_step(
    provider: Provider, session: Session, interaction: Interaction,
    browser_session: BrowserSession | None, *, at: datetime,
) -> Step:  # fmt: skip
    """The first of: sign in, the factor that is missing, the level, consent; or finish."""
    return position(provider, session, interaction, browser_session, at=at).step


def position(
    provider: Provider, session: Session, interaction: Interaction,
    browser_session: BrowserSession | None, *, at: datetime,
) -> Position:  # fmt: skip
    """`next_step`, and what was found out on the way."""
    request = interaction.asked()
    who = standing(provider, session, interaction, browser_session, at=at)
    if who is None:
        return Position(Step.SIGN_IN)
    lacking = _lacking(session, who, policy=provider.policy, at=at)
    if lacking is Missing.SECOND_FACTOR:
        return Position(Step.SECOND_FACTOR, who)
    if lacking is Missing.ENROL_FACTOR:
        return Position(Step.ENROL_FACTOR, who)
    if request is None:
        return Position(Step.FINISH, who)
    evident = assurance.level_in_force(session, who.account, at=at)
    level = _counted(evident, who.methods, policy=provider.policy)
    raising = _raise(session, interaction, request, who, evident=evident, level=level)
    if raising is not None:
        return Position(raising, who, level)
    if _consent_needed(provider, session, interaction, request, who, at=at):
        return Position(Step.CONSENT, who, level)
    return Position(Step.FINISH, who, level)


def _lacking(session: Session, who: Standing, *, policy: Policy, at: datetime) -> Missing:
    """`factors.missing`; an account with neither role nor enrolled factor lacks nothing, and one
    statement says so."""
    special = session.connection().execute(_SPECIAL, {"wanted": who.account}).first()
    if special is None:
        return Missing.NOTHING
    return factors.missing(session, who.account, who.methods, policy=policy, at=at)


def standing(
    provider: Provider, session: Session, interaction: Interaction,
    browser_session: BrowserSession | None, *, at: datetime,
) -> Standing | None:  # fmt: skip
    """Who stands there by this interaction's proofs and the browser's session; None for nobody.

    A proof that only adds (an OTP) counts on top of the session of the same account, never alone.
    """
    usable = _usable(provider, session, interaction.asked(), browser_session, at=at)
    name, proved_at = interaction.account, interaction.proved_at
    if name is None or proved_at is None:
        if usable is None:
            return None
        acting_for = _acting_for(session, interaction, usable.account, usable, at=at)
        return Standing(
            usable.account, usable.methods, usable.auth_time, usable.id, fresh=False,
            acting_for=acting_for,
        )  # fmt: skip
    account = session.get(Account, name)
    if account is None or not account.active:
        return None
    methods, session_id = interaction.methods, None
    if set(methods) <= _SECOND_ONLY:
        if usable is None or usable.account != name:
            return None
        methods, session_id = factors.combine(usable.methods, methods), usable.id
    acting_for = _acting_for(session, interaction, name, browser_session, at=at)
    return Standing(name, methods, proved_at, session_id, fresh=True, acting_for=acting_for)


def _acting_for(
    session: Session, interaction: Interaction, account: str, row: BrowserSession | None, *,
    at: datetime,
) -> str | None:  # fmt: skip
    """What was chosen in this login; else what the session remembers, if it still holds."""
    if interaction.chosen and interaction.account == account:
        return interaction.acting_for
    if row is None or row.account != account or row.acting_for is None:
        return None
    try:
        agents.may_act(session, account, row.acting_for, at=at)
    except agents.MayNotAct:
        return None
    return row.acting_for


def _usable(
    provider: Provider, session: Session, request: AuthorizationRequest | None,
    row: BrowserSession | None, *, at: datetime,
) -> BrowserSession | None:  # fmt: skip
    """The browser's session, if this request lets it count (Core, 3.1.2.1)."""
    if row is None or not lives(row, at=at, policy=provider.policy):
        return None
    if request is None:
        return row
    if request.prompt & {"login", "select_account"}:
        return None
    if request.max_age == 0:  # "the same as prompt=login"
        return None
    if request.max_age is not None and at > row.auth_time + timedelta(seconds=request.max_age):
        return None
    if not is_hinted(provider, session, request, row.account):
        return None
    return row


def is_hinted(
    provider: Provider, session: Session, request: AuthorizationRequest, account: str
) -> bool:
    """Whether this account is whom an id_token_hint names, or nobody is named."""
    if request.id_token_hint_sub is None:
        return True
    client = clients.find(provider.reading, request.client_id)
    row = session.get(Account, account)
    if client is None or row is None:
        return False
    return subjects.subject(client, row.sub, provider.vault) == request.id_token_hint_sub


def wanted(request: AuthorizationRequest) -> Wanted:
    """The levels behind the acr values of a request; only those we know are in it."""
    essential = bool(request.essential_acr)
    named = request.essential_acr or request.acr_values
    levels = tuple(level for each in named if (level := level_of_acr(each)) is not None)
    return Wanted(levels, essential)


def reached(
    session: Session, account: str, methods: Iterable[str], *, policy: Policy, at: datetime
) -> int:
    """The level this login counts for: the account's, below `strong_level` without a
    cryptographic factor."""
    evident = assurance.level_in_force(session, account, at=at)
    return _counted(evident, methods, policy=policy)


def _counted(evident: int, methods: Iterable[str], *, policy: Policy) -> int:
    """Without a cryptographic factor shown here: below `strong_level`, and not above what another
    identity system is believed."""
    proved = tuple(methods)
    if factors.strength(proved):
        return evident
    believed = factors.federated(proved)
    return min(evident, policy.strong_level - 1, *(() if believed is None else (believed,)))


def acr_of(request: AuthorizationRequest, level: int) -> str:
    """The acr to tell: of essential ones the highest that was asked and reached (Core, 5.5.1.1),
    else the level itself."""
    asked = wanted(request)
    met = [each for each in asked.levels if each <= level]
    return acr(max(met)) if asked.essential and met else acr(level)


def _raise(
    session: Session, interaction: Interaction, request: AuthorizationRequest, who: Standing, *,
    evident: int, level: int,
) -> Step | None:  # fmt: skip
    """The step towards the level asked for; None when it is reached, or a wish was declined."""
    asked = wanted(request)
    if level >= asked.target:
        return None
    if not asked.essential and (interaction.declined or "none" in request.prompt):
        return None
    if evident < asked.target:
        return Step.RAISE_LEVEL
    enrolled = factors.second_factors(session, who.account)
    if enrolled & {"totp", "passkey", "certificate"}:
        return Step.SECOND_FACTOR
    if not asked.essential:
        return None
    own = factors.is_own(session, who.account, who.methods)
    return Step.ENROL_FACTOR if own else Step.SECOND_FACTOR


def has_agreed(interaction: Interaction, account: str) -> bool:
    """Whether this very person consented in this login: on a shared computer the session may have
    become another's since."""
    return interaction.consented and interaction.account == account


def _consent_needed(
    provider: Provider, session: Session, interaction: Interaction, request: AuthorizationRequest,
    who: Standing, *, at: datetime,
) -> bool:  # fmt: skip
    if has_agreed(interaction, who.account):
        return False
    if "consent" in request.prompt:
        return True
    client = clients.find(provider.reading, request.client_id)
    if client is None:
        return True
    if grants.consent_needed(
        session, client, who.account, scopes=request.scope, claims=request.claims
    ):
        return True
    # In whose name is asked where the platform wants to know it and there is a choice; a silent
    # request goes on in whatever name the session has.
    if scopes.ORGANISATION not in request.scope or interaction.chosen or who.acting_for:
        return False
    return "none" not in request.prompt and bool(agents.acting_for(session, who.account, at=at))
