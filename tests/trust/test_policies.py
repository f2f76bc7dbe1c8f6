"""Certificate policies: the rules one by one, and the graph against RFC 5280's tree as written."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.test_validation import KEYS, NOW, ROOT, SIGNING, authority, make
from trust.crypto import der, x509
from trust.crypto.errors import Malformed
from trust.crypto.x509 import Extension
from trust.path_errors import PathFailed, PathUnknown
from trust.policies import ANY_POLICY, PolicyFacts, PolicyInputs, check_policies, read_policies
from trust.validation import check_path, choose_path

A, B, C, D = "1.2.3.1", "1.2.3.2", "1.2.3.3", "1.2.3.4"
EXPLICIT = PolicyInputs(explicit_policy=True)


def facts(
    *policies: str, mappings: dict[str, frozenset[str]] | None = None, explicit: int | None = None,
    mapping: int | None = None, every: int | None = None, own: bool = False,
    silent: bool = False,
) -> PolicyFacts:  # fmt: skip
    return PolicyFacts(
        None if silent else frozenset(policies), mappings or {}, explicit, mapping, every, own
    )


def wished(*policies: str) -> PolicyInputs:
    return PolicyInputs(frozenset(policies), explicit_policy=True)


def mapped(theirs: str, *ours: str) -> dict[str, frozenset[str]]:
    return {theirs: frozenset(ours)}


@pytest.mark.parametrize(
    ("path", "held"),
    [
        ([facts(A, B), facts(B, C)], {B}),
        ([facts(ANY_POLICY), facts(B)], {B}),
        ([facts(ANY_POLICY), facts(ANY_POLICY)], {ANY_POLICY}),
        ([facts(A, mappings=mapped(A, C)), facts(C)], {A}),
        ([facts(ANY_POLICY, mappings=mapped(A, C)), facts(C)], {A}),
        ([facts(A, every=0), facts(ANY_POLICY, own=True), facts(A)], {A}),
        ([facts(A, explicit=3), facts(silent=True)], set()),
    ],
)
def test_the_policies_that_hold_are_named_as_the_anchor_names_them(
    path: list[PolicyFacts], held: set[str]
) -> None:
    assert check_policies(path) == held


@pytest.mark.parametrize(
    ("path", "inputs"),
    [
        ([facts(A), facts(B)], EXPLICIT),
        ([facts(A), facts(silent=True)], EXPLICIT),
        ([facts(A), facts(A)], wished(B)),
        ([facts(A, explicit=0), facts(B)], PolicyInputs()),
        ([facts(A), facts(B, explicit=0)], PolicyInputs()),
        ([facts(A, mapping=0), facts(A, mappings=mapped(A, C)), facts(C)], EXPLICIT),
        ([facts(A, mappings=mapped(A, C)), facts(A)], EXPLICIT),
        ([facts(A, every=0), facts(ANY_POLICY)], EXPLICIT),
        ([facts(ANY_POLICY)], PolicyInputs(explicit_policy=True, any_policy_inhibited=True)),
        (
            [facts(A, mappings=mapped(A, C)), facts(C)],
            PolicyInputs(explicit_policy=True, mapping_inhibited=True),
        ),
        ([facts(A, mappings=mapped(A, ANY_POLICY)), facts(A)], PolicyInputs()),
        ([facts(A, mappings=mapped(ANY_POLICY, A)), facts(A)], PolicyInputs()),
    ],
)
def test_a_path_without_a_policy_that_is_required_fails(
    path: list[PolicyFacts], inputs: PolicyInputs
) -> None:
    with pytest.raises(PathFailed) as refusal:
        check_policies(path, inputs)
    assert refusal.value.code == "policy"


def test_an_anchors_policies_narrow_and_its_constraints_bind() -> None:
    path = [facts(A, B), facts(A, B)]
    assert check_policies(path, anchor=facts(A)) == {A}
    assert check_policies(path, wished(A, B), anchor=facts(B, ANY_POLICY)) == {A, B}
    with pytest.raises(PathFailed):
        check_policies(path, wished(B), anchor=facts(A))
    with pytest.raises(PathFailed):
        check_policies([facts(C), facts(A)], anchor=facts(silent=True, explicit=0))


def test_mappings_that_multiply_end_in_bounded_work() -> None:
    """Each certificate maps every policy to every other: a tree would have 20 ** 6 leaves."""
    many = [f"1.2.9.{n}" for n in range(20)]
    all_to_all = {one: frozenset(many) for one in many}
    path = [facts(*many, mappings=all_to_all)] * 6
    with pytest.raises(PathUnknown) as refusal:
        check_policies(path, EXPLICIT)
    assert refusal.value.code == "path_work"


# --- the same, by the letter of RFC 5280, 6.1: a tree --------------------------------------------


@dataclass(eq=False)
class Leaf:
    policy: str
    expected: set[str]
    parent: "Leaf | None" = None
    below: list["Leaf"] = field(default_factory=list)

    def child(self, policy: str, expected: set[str]) -> None:
        self.below.append(Leaf(policy, expected, self))


def level(root: Leaf, depth: int) -> list[Leaf]:
    found = [root]
    for _ in range(depth):
        found = [one for leaf in found for one in leaf.below]
    return found


def prune(root: Leaf, depth: int) -> Leaf | None:
    for at in range(depth - 1, -1, -1):
        for leaf in level(root, at):
            if not leaf.below:
                if leaf.parent is None:
                    return None
                leaf.parent.below.remove(leaf)
    return root


def grow(root: Leaf, one: PolicyFacts, depth: int, *, every: bool) -> Leaf | None:
    assert one.policies is not None
    above = level(root, depth - 1)
    for policy in one.policies - {ANY_POLICY}:
        fitting = [leaf for leaf in above if policy in leaf.expected]
        for leaf in fitting or [leaf for leaf in above if leaf.policy == ANY_POLICY]:
            leaf.child(policy, {policy})
    if ANY_POLICY in one.policies and every:
        for leaf in above:
            for wanted in leaf.expected - {node.policy for node in leaf.below}:
                leaf.child(wanted, {wanted})
    return prune(root, depth)


def translate(root: Leaf, one: PolicyFacts, depth: int, *, allowed: bool) -> Leaf | None:
    for theirs, ours in one.mappings.items():
        named = [leaf for leaf in level(root, depth) if leaf.policy == theirs]
        if not allowed:
            for leaf in named:
                assert leaf.parent is not None
                leaf.parent.below.remove(leaf)
            if prune(root, depth) is None:
                return None
            continue
        for leaf in named:
            leaf.expected = set(ours)
        wild = [leaf for leaf in level(root, depth) if leaf.policy == ANY_POLICY]
        if not named and wild:
            parent = wild[0].parent
            assert parent is not None
            parent.child(theirs, set(ours))
    return root


def by_the_letter(path: list[PolicyFacts], inputs: PolicyInputs) -> frozenset[str] | None:
    """The policies that hold, or None where the path fails."""
    n = len(path)
    tree: Leaf | None = Leaf(ANY_POLICY, {ANY_POLICY})
    explicit = 0 if inputs.explicit_policy else n + 1
    mapping = 0 if inputs.mapping_inhibited else n + 1
    every = 0 if inputs.any_policy_inhibited else n + 1
    for i, one in enumerate(path, 1):
        if one.policies is None:
            tree = None
        if tree is not None:
            tree = grow(tree, one, i, every=every > 0 or (i < n and one.self_issued))
        if explicit == 0 and tree is None:
            return None
        if i == n:
            break
        if tree is not None:
            tree = translate(tree, one, i, allowed=mapping > 0)
        if not one.self_issued:
            explicit, mapping, every = (max(x - 1, 0) for x in (explicit, mapping, every))
        explicit = explicit if one.require_explicit is None else min(explicit, one.require_explicit)
        mapping = mapping if one.inhibit_mapping is None else min(mapping, one.inhibit_mapping)
        every = every if one.inhibit_any is None else min(every, one.inhibit_any)
    explicit = 0 if path[-1].require_explicit == 0 else max(explicit - 1, 0)
    held = wanted_part(tree, n, inputs.accepted)
    return None if explicit == 0 and not held else held


def wanted_part(tree: Leaf | None, n: int, accepted: frozenset[str]) -> frozenset[str]:
    """6.1.5 (g): the roots of what is left, in the anchor's domain."""
    if tree is None:
        return frozenset()
    granted: set[str] = set()
    for depth in range(1, n + 1):
        for leaf in level(tree, depth):
            if leaf.parent is not None and leaf.parent.policy == ANY_POLICY:
                if leaf.policy != ANY_POLICY:
                    granted.add(leaf.policy)
                elif depth == n:
                    granted |= accepted
    return frozenset(granted) if ANY_POLICY in accepted else accepted & granted


NAMED = st.sampled_from([A, B, C, D])
SKIPS = st.none() | st.integers(0, 3)
CERTIFICATES = st.builds(
    PolicyFacts,
    st.none() | st.frozensets(st.sampled_from([A, B, C, D, ANY_POLICY]), min_size=1),
    st.dictionaries(NAMED, st.frozensets(NAMED, min_size=1, max_size=2), max_size=3),
    SKIPS, SKIPS, SKIPS, st.booleans(),
)  # fmt: skip
INPUTS = st.builds(
    PolicyInputs,
    st.just(frozenset({ANY_POLICY})) | st.frozensets(NAMED, min_size=1),
    st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip


@settings(deadline=None, max_examples=400)
@given(st.lists(CERTIFICATES, min_size=1, max_size=5), INPUTS)
def test_the_graph_says_what_the_tree_of_the_rfc_says(
    path: list[PolicyFacts], inputs: PolicyInputs
) -> None:
    expected = by_the_letter(path, inputs)
    try:
        held = check_policies(path, inputs)
    except PathFailed:
        assert expected is None
    else:
        assert held == expected


@settings(deadline=None, max_examples=150)
@given(st.lists(CERTIFICATES, min_size=1, max_size=5), INPUTS)
def test_asking_for_less_never_fails_what_passed(
    path: list[PolicyFacts], inputs: PolicyInputs
) -> None:
    try:
        check_policies(path, inputs)
    except PathFailed:
        return
    check_policies(path, replace(inputs, accepted=frozenset({ANY_POLICY})))


# --- read from certificates ----------------------------------------------------------------------


def policies(*oids: str, qualifier: bytes = b"") -> Extension:
    return Extension(
        x509.CERTIFICATE_POLICIES, True,
        der.sequence(*(der.sequence(der.oid(oid), qualifier) for oid in oids)),
    )  # fmt: skip


def constraints(*, explicit: int) -> Extension:
    return Extension(
        x509.POLICY_CONSTRAINTS, True, der.sequence(der.implicit(0, der.integer(explicit)))
    )


def test_a_chain_is_judged_by_the_policies_in_its_certificates() -> None:
    qualifier = der.sequence(der.sequence(der.oid("1.3.6.1.5.5.7.2.1"), der.ia5("http://cps")))
    mapping = Extension(
        x509.POLICY_MAPPINGS, True, der.sequence(der.sequence(der.oid(A), der.oid(B)))
    )
    sub = make("sub", KEYS[1], issuer=ROOT,
               extensions=[*authority(), policies(A, qualifier=qualifier), mapping])  # fmt: skip
    leaf = make("leaf", KEYS[2], issuer=sub, extensions=[*SIGNING, policies(B)])

    def check(inputs: PolicyInputs) -> None:
        choose_path(
            leaf.certificate, intermediates=[sub.certificate], anchors=[ROOT.certificate],
            at=NOW, policies=inputs,
        )  # fmt: skip

    check(wished(A))
    with pytest.raises(PathFailed) as refusal:
        check(wished(B))
    assert refusal.value.code == "policy"


def test_a_ca_may_require_a_policy_of_callers_that_ask_for_none() -> None:
    sub = make("sub", KEYS[1], issuer=ROOT,
               extensions=[*authority(), policies(A), constraints(explicit=0)])  # fmt: skip
    good = make("leaf", KEYS[2], issuer=sub, extensions=[*SIGNING, policies(A)])
    bad = make("leaf", KEYS[2], issuer=sub, extensions=SIGNING)
    choose_path(good.certificate, intermediates=[sub.certificate], anchors=[ROOT.certificate],
                at=NOW)  # fmt: skip
    with pytest.raises(PathFailed) as refusal:
        choose_path(bad.certificate, intermediates=[sub.certificate], anchors=[ROOT.certificate],
                    at=NOW)  # fmt: skip
    assert refusal.value.code == "policy"


@pytest.mark.parametrize(
    "extension",
    [
        policies(),
        policies(A, A),
        Extension(x509.CERTIFICATE_POLICIES, True, der.sequence(der.oid(A))),
        Extension(x509.POLICY_MAPPINGS, True, der.sequence(der.sequence(der.oid(A)))),
        Extension(x509.POLICY_CONSTRAINTS, True, der.sequence()),
        Extension(x509.POLICY_CONSTRAINTS, True, der.sequence(der.integer(0))),
        constraints(explicit=-1),
        Extension(x509.INHIBIT_ANY_POLICY, True, der.boolean(True)),
        policies(*(f"1.2.9.{n}" for n in range(300))),
    ],
)
def test_policy_extensions_of_another_form_are_malformed(extension: Extension) -> None:
    with pytest.raises(Malformed):
        read_policies({extension.oid: extension}, self_issued=False)
    leaf = make("leaf", KEYS[2], issuer=ROOT, extensions=[*SIGNING, extension])
    with pytest.raises((PathFailed, Malformed)):
        check_path(
            choose_path(leaf.certificate, intermediates=[], anchors=[ROOT.certificate], at=NOW),
            at=NOW,
        )
