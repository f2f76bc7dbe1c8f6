"""Whether this region recognises what another one issued: the policy, decided without a database.

Trust lists say who another region's issuers are; the policy says what they are taken for here.
Withdrawals take effect at a stated time and are judged by history: what was issued before stays
recognised, unless the withdrawal is for a compromise, which leaves no time believable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

#: In the place of a region or a type: any.
ANY: Final = "*"


class Verdict(StrEnum):
    """What a rule says of licences of a type."""

    FULL = "full"
    CONDITIONAL = "conditional"
    REFUSED = "refused"


class Outcome(StrEnum):
    """RECOGNISED: take it. CONDITIONAL: only if what the reasons name is shown as well. UNKNOWN:
    no rule speaks of it, so nobody may take it on our word."""

    RECOGNISED = "recognised"
    CONDITIONAL = "conditional"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a licence must show. `level` is the assurance (1 to 3) with which its holder was proved;
    `seal_kinds` names of which one at least has sealed it (docs/seals.md), `fields` those that must
    have a value, by our own names."""

    level: int | None = None
    seal_kinds: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()

    def as_json(self) -> dict[str, Any]:
        return {
            "level": self.level, "seal_kinds": sorted(self.seal_kinds),
            "fields": sorted(self.fields),
        }  # fmt: skip


NO_CONDITIONS: Final = Conditions()


@dataclass(frozen=True, slots=True)
class Rule:
    """In force from `since` until a later one for the same region and type."""

    region: str
    type_code: str
    verdict: Verdict
    since: datetime
    conditions: Conditions = NO_CONDITIONS


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Nothing more is taken from a region, or from one of its issuers (USCC; "" is the whole
    region), that was issued from `effective_at` on. `compromised`: nor what was issued before.
    `lifted_at` ends it."""

    region: str
    issuer: str
    effective_at: datetime
    compromised: bool
    lifted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """All that this region has decided. `types` and `fields` map (region, local code) to ours."""

    rules: tuple[Rule, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    types: Mapping[tuple[str, str], str] = field(default_factory=dict)
    fields: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def national_type(self, region: str, local: str) -> str:
        """The national code of a type as a region calls it; its own name where nothing is said."""
        return self.types.get((region, local), local)

    def national_fields(self, region: str, local: frozenset[str]) -> frozenset[str]:
        return frozenset(self.fields.get((region, each), each) for each in local)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a licence; None is "not known", which no condition is met by.

    `fields` are the names of those that have a value, as the issuing region calls them.
    """

    issued_at: datetime | None = None
    issuer: str = ""
    level: int | None = None
    seal_kinds: frozenset[str] | None = None
    fields: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """`reasons` are codes of `trust.recognition_words`, the deciding one first; a colon and a
    detail may follow a code ("condition_level:2")."""

    outcome: Outcome
    reasons: tuple[str, ...]
    type_code: str  # the national one

    @property
    def recognised(self) -> bool:
        return self.outcome is Outcome.RECOGNISED


def decide(policy: Policy, region: str, type_code: str, at: datetime, facts: Facts) -> Decision:
    """Whether a licence of a region is taken here at `at`; `type_code` is the region's own.

    1 withdrawn, by the time of issue  2 the rule in force at `at`  3 its conditions
    """
    national = policy.national_type(region, type_code)
    withdrawn = _withdrawn(policy, region, facts, at)
    if withdrawn is not None:
        return Decision(withdrawn[0], (withdrawn[1],), national)
    rule = rule_for(policy, region, national, at)
    if rule is None:
        return Decision(Outcome.UNKNOWN, ("no_rule",), national)
    if rule.verdict is Verdict.REFUSED:
        return Decision(Outcome.REFUSED, ("type_not_recognised",), national)
    if rule.verdict is Verdict.FULL:
        return Decision(Outcome.RECOGNISED, ("recognised_fully",), national)
    return _conditions(policy, region, rule, facts, national)


def _withdrawn(
    policy: Policy, region: str, facts: Facts, at: datetime
) -> tuple[Outcome, str] | None:
    """The worst of the withdrawals that touch it: a compromise, an end, an unknown time."""
    found = [
        each for each in policy.withdrawals
        if each.region == region and each.issuer in ("", facts.issuer) and each.effective_at <= at
        and (each.lifted_at is None or at < each.lifted_at)
    ]  # fmt: skip
    if any(each.compromised for each in found):
        return Outcome.REFUSED, "withdrawn_compromised"
    if not found:
        return None
    if facts.issued_at is None:
        return Outcome.UNKNOWN, "issue_time_unknown"
    if any(each.effective_at <= facts.issued_at for each in found):
        return Outcome.REFUSED, "withdrawn"
    return None


def rule_for(policy: Policy, region: str, type_code: str, at: datetime) -> Rule | None:
    """The rule in force: of the region and type, of the region, of the type anywhere, of all."""
    for wanted in ((region, type_code), (region, ANY), (ANY, type_code), (ANY, ANY)):
        found = [
            rule for rule in policy.rules
            if (rule.region, rule.type_code) == wanted and rule.since <= at
        ]  # fmt: skip
        if found:
            # Of two of one moment the later entry counts.
            return max(enumerate(found), key=lambda each: (each[1].since, each[0]))[1]
    return None


def _conditions(policy: Policy, region: str, rule: Rule, facts: Facts, national: str) -> Decision:
    """REFUSED when one is known not to be met, CONDITIONAL when one is not known to be."""
    unmet, open_ = [], []
    wanted = rule.conditions
    if wanted.level is not None:
        name = f"condition_level:{wanted.level}"
        if facts.level is None:
            open_.append(name)
        elif facts.level < wanted.level:
            unmet.append(name)
    if wanted.seal_kinds:
        name = f"condition_seal:{','.join(sorted(wanted.seal_kinds))}"
        if facts.seal_kinds is None:
            open_.append(name)
        elif not wanted.seal_kinds & facts.seal_kinds:
            unmet.append(name)
    for each in sorted(wanted.fields):
        if facts.fields is None:
            open_.append(f"condition_field:{each}")
        elif each not in policy.national_fields(region, facts.fields):
            unmet.append(f"condition_field:{each}")
    if unmet:
        return Decision(Outcome.REFUSED, tuple(unmet), national)
    if open_:
        return Decision(Outcome.CONDITIONAL, tuple(open_), national)
    return Decision(Outcome.RECOGNISED, ("conditions_met",), national)
