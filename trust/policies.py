"""Certificate policies along a path (RFC 5280, 6.1, as RFC 9618 rewrites it).

The policies form a graph with one node per policy and certificate, not a tree, so that a few
certificates with many mappings cannot grow it beyond measure; `STEPS` bounds what is left.
Policy qualifiers are read over. An anchor's own extensions are inputs (RFC 5937).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from trust.crypto import der, x509
from trust.crypto.errors import Malformed
from trust.crypto.x509 import Extension
from trust.path_errors import PathFailed, PathUnknown

ANY_POLICY = "2.5.29.32.0"
#: Nodes made and edges drawn in one path.
STEPS = 500
#: Policies or mappings in one certificate.
LISTED = 256


@dataclass(frozen=True, slots=True)
class PolicyInputs:
    """The caller's wishes (RFC 5280, 6.1.1): user-initial-policy-set and the three initial flags.

    `accepted` are policy OIDs, dotted, in the anchor's domain.
    """

    accepted: frozenset[str] = frozenset({ANY_POLICY})
    explicit_policy: bool = False
    mapping_inhibited: bool = False
    any_policy_inhibited: bool = False


ANY = PolicyInputs()


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """What one certificate says of policies; None for what it does not say."""

    policies: frozenset[str] | None
    mappings: Mapping[str, frozenset[str]]
    require_explicit: int | None
    inhibit_mapping: int | None
    inhibit_any: int | None
    self_issued: bool

    @property
    def can_fail(self) -> bool:
        """Whether it can break a path of a caller that asks for no policy."""
        return bool(self.mappings) or self.require_explicit is not None


def read_policies(extensions: Mapping[str, Extension], *, self_issued: bool) -> PolicyFacts:
    """Read the four policy extensions (RFC 5280, 4.2.1.4, .5, .11, .14); Malformed."""
    explicit, mapping = _constraints(extensions.get(x509.POLICY_CONSTRAINTS))
    inhibit = extensions.get(x509.INHIBIT_ANY_POLICY)
    return PolicyFacts(
        policies=_policies(extensions.get(x509.CERTIFICATE_POLICIES)),
        mappings=_mappings(extensions.get(x509.POLICY_MAPPINGS)),
        require_explicit=explicit, inhibit_mapping=mapping,
        inhibit_any=None if inhibit is None else _count(der.parse(inhibit.value)),
        self_issued=self_issued,
    )  # fmt: skip


def _parts(extension: Extension, what: str) -> list[der.Value]:
    parts = der.children(der.parse(extension.value, tag=der.SEQUENCE))
    if not 1 <= len(parts) <= LISTED:
        raise Malformed(f"{what}: {len(parts)}, where 1 to {LISTED} are allowed")
    return parts


def _policies(extension: Extension | None) -> frozenset[str] | None:
    if extension is None:
        return None
    found = []
    for item in _parts(extension, "certificate policies"):
        information = der.children(der.expect(item, der.SEQUENCE))
        if not 1 <= len(information) <= 2:
            raise Malformed("a policy has one or two parts")
        found.append(der.read_oid(information[0]))
    if len(set(found)) != len(found):
        raise Malformed("a policy stands twice in a certificate")
    return frozenset(found)


def _mappings(extension: Extension | None) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for item in _parts(extension, "policy mappings") if extension else ():
        pair = der.children(der.expect(item, der.SEQUENCE))
        if len(pair) != 2:
            raise Malformed("a policy mapping has two parts")
        theirs, ours = der.read_oid(pair[0]), der.read_oid(pair[1])
        found[theirs] = found.get(theirs, frozenset()) | {ours}
    return found


def _constraints(extension: Extension | None) -> tuple[int | None, int | None]:
    """(requireExplicitPolicy, inhibitPolicyMapping)."""
    found: dict[int, int] = {}
    for part in _parts(extension, "policy constraints") if extension else ():
        if part.tag not in (0x80, 0x81) or part.tag in found:
            raise Malformed("policy constraints of another form")
        found[part.tag] = _count(part._replace(tag=der.INTEGER))
    return found.get(0x80), found.get(0x81)


def _count(value: der.Value) -> int:
    count = der.read_integer(value)
    if count < 0:
        raise Malformed("a number of certificates below zero")
    return count


def check_policies(
    path: Sequence[PolicyFacts], inputs: PolicyInputs = ANY, *, anchor: PolicyFacts | None = None
) -> frozenset[str]:
    """The policies, in the anchor's domain, that hold for the whole path; may be none.

    `path` is without the anchor. PathFailed (`policy`) when a policy is required and none holds,
    or a mapping touches anyPolicy; PathUnknown (`path_work`) when `STEPS` are used up.
    """
    state = _State(len(path), inputs)
    if anchor is not None:
        state.lower(anchor)
    for facts in path[:-1]:
        state.take(facts)
        state.pass_on(facts)
    if path:
        state.take(path[-1], last=True)
        state.end(path[-1])
    held = state.graph.held(_accepted(inputs, anchor))
    if state.explicit == 0 and not held:
        raise PathFailed("policy", "no policy that is asked for holds for the whole chain")
    return held


def _accepted(inputs: PolicyInputs, anchor: PolicyFacts | None) -> frozenset[str]:
    """The wished policies narrowed to the anchor's own (RFC 5937, 3.2)."""
    if anchor is None or anchor.policies is None or ANY_POLICY in anchor.policies:
        return inputs.accepted
    if ANY_POLICY in inputs.accepted:
        return anchor.policies
    return inputs.accepted & anchor.policies


@dataclass(slots=True)
class _Node:
    """`expected` are the OIDs that mean this policy one certificate below."""

    expected: frozenset[str]
    parents: frozenset[str]


_Level = dict[str, _Node]


@dataclass(slots=True)
class _Graph:
    """valid_policy_graph (RFC 9618, 5.2): a level per certificate, a node per policy in it.

    An empty last level is the NULL graph.
    """

    levels: list[_Level] = field(
        default_factory=lambda: [{ANY_POLICY: _Node(frozenset({ANY_POLICY}), frozenset())}]
    )
    steps: int = STEPS

    def grow(self, policies: Iterable[str], *, every: bool) -> None:
        """Add a level: 6.1.3 (d) (1) for each policy, (2) when `every` stands for the rest."""
        above = self.levels[-1]
        expecting: dict[str, set[str]] = {}
        for name, node in above.items():
            for wanted in node.expected:
                self._spend()
                expecting.setdefault(wanted, set()).add(name)
        wildcard = {ANY_POLICY} if ANY_POLICY in above else set()
        level: _Level = {}
        for policy in policies:
            self._add(level, policy, expecting.get(policy, wildcard))
        for wanted, parents in expecting.items() if every else ():
            if wanted not in level:
                self._add(level, wanted, parents)
        self.levels.append(level)
        self._prune()

    def _add(self, level: _Level, policy: str, parents: set[str]) -> None:
        self._spend()
        if parents:
            level[policy] = _Node(frozenset({policy}), frozenset(parents))

    def _spend(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise PathUnknown("path_work", "the chain's policies take more work than is allowed")

    def clear(self) -> None:
        self.levels = [{}]

    def translate(self, policy: str, into: frozenset[str]) -> None:
        """6.1.4 (b) (1): below, `policy` is called by the names of `into`."""
        level = self.levels[-1]
        if policy in level:
            level[policy].expected = into
        elif ANY_POLICY in level:
            self._spend()
            level[policy] = _Node(into, frozenset({ANY_POLICY}))

    def drop(self, policy: str) -> None:
        """6.1.4 (b) (2): a mapping where mapping is inhibited ends its policy."""
        if self.levels[-1].pop(policy, None):
            self._prune()

    def _prune(self) -> None:
        """Take away every node that leads to no policy of the last level."""
        if not self.levels[-1]:
            self.clear()
        for at in range(len(self.levels) - 1, 0, -1):
            alive = frozenset().union(*(node.parents for node in self.levels[at].values()))
            self.levels[at - 1] = {k: v for k, v in self.levels[at - 1].items() if k in alive}

    def held(self, accepted: frozenset[str]) -> frozenset[str]:
        """The user-constrained-policy-set (RFC 5280, 6.1.5 (g))."""
        granted = {
            policy
            for level in self.levels[1:]
            for policy, node in level.items()
            if ANY_POLICY in node.parents and policy != ANY_POLICY
        }
        # anyPolicy down to the last certificate grants whatever was asked for.
        if len(self.levels) > 1 and ANY_POLICY in self.levels[-1]:
            granted |= accepted
        return frozenset(granted) if ANY_POLICY in accepted else accepted & granted


class _State:
    """The counters of 6.1.2 (d) to (f): certificates that may still follow before it binds."""

    def __init__(self, length: int, inputs: PolicyInputs) -> None:
        self.graph = _Graph()
        self.explicit = 0 if inputs.explicit_policy else length + 1
        self.mapping = 0 if inputs.mapping_inhibited else length + 1
        self.every = 0 if inputs.any_policy_inhibited else length + 1

    def take(self, facts: PolicyFacts, *, last: bool = False) -> None:
        """6.1.3 (d) to (f)."""
        if facts.policies is None:
            self.graph.clear()
        elif self.graph.levels[-1]:
            rest = self.every > 0 or (facts.self_issued and not last)
            named = facts.policies - {ANY_POLICY}
            self.graph.grow(sorted(named), every=rest and ANY_POLICY in facts.policies)
        if self.explicit == 0 and not self.graph.levels[-1]:
            raise PathFailed("policy", "a policy is required and the chain has none")

    def pass_on(self, facts: PolicyFacts) -> None:
        """6.1.4 (a), (b), (h) to (j)."""
        for theirs, ours in facts.mappings.items():
            if theirs == ANY_POLICY or ANY_POLICY in ours:
                raise PathFailed("policy", "a policy mapping maps anyPolicy")
            if self.mapping > 0:
                self.graph.translate(theirs, ours)
            else:
                self.graph.drop(theirs)
        if not facts.self_issued:
            self.explicit = max(self.explicit - 1, 0)
            self.mapping = max(self.mapping - 1, 0)
            self.every = max(self.every - 1, 0)
        self.lower(facts)

    def lower(self, facts: PolicyFacts) -> None:
        """6.1.4 (i) and (j)."""
        self.explicit = _lower(self.explicit, facts.require_explicit)
        self.mapping = _lower(self.mapping, facts.inhibit_mapping)
        self.every = _lower(self.every, facts.inhibit_any)

    def end(self, facts: PolicyFacts) -> None:
        """6.1.5 (a) and (b)."""
        self.explicit = max(self.explicit - 1, 0)
        if facts.require_explicit == 0:
            self.explicit = 0


def _lower(counter: int, to: int | None) -> int:
    return counter if to is None else min(counter, to)
