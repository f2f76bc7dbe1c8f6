from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases import cases
from trust.crypto import merkle
from trust.crypto.merkle import Node, ProofFailed, Range
from trust.errors import Invalid

LEAVES = [merkle.leaf_hash(bytes([value])) for value in range(70)]
sizes = st.integers(1, 70)


def naive_root(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if len(hashes) < 2:
        return hashes[0] if hashes else merkle.EMPTY_ROOT
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    return merkle.node_hash(naive_root(hashes[:k]), naive_root(hashes[k:]))


def naive_subproof(m: int, hashes: Sequence[bytes], whole: bool) -> list[bytes]:
    """RFC 6962, 2.1.2, word for word."""
    if m == len(hashes):
        return [] if whole else [naive_root(hashes)]
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    if m <= k:
        return [*naive_subproof(m, hashes[:k], whole), naive_root(hashes[k:])]
    return [*naive_subproof(m - k, hashes[k:], False), naive_root(hashes[:k])]


@pytest.mark.parametrize("case", cases("merkle"))
def test_trees_and_proofs_agree_with_certificate_transparency(case: dict[str, Any]) -> None:
    hashes = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in case["leaves"]]
    assert merkle.root(hashes).hex() == case["root"]
    if "inclusion" in case:
        proof = merkle.inclusion_proof(hashes, case["index"])
        assert [step.hex() for step in proof] == case["inclusion"]
    if "consistency" in case:
        proof = merkle.consistency_proof(hashes, case["first"])
        assert [step.hex() for step in proof] == case["consistency"]


def test_every_root_agrees_with_the_naive_one() -> None:
    for size in range(len(LEAVES) + 1):
        assert merkle.root(LEAVES[:size]) == naive_root(LEAVES[:size])


def test_every_proof_of_trees_up_to_24_leaves_verifies() -> None:
    for size in range(1, 25):
        hashes = LEAVES[:size]
        top = merkle.root(hashes)
        for index in range(size):
            proof = merkle.inclusion_proof(hashes, index)
            merkle.verify_inclusion(hashes[index], index=index, size=size, proof=proof, root=top)
        for first in range(size + 1):
            proof = merkle.consistency_proof(hashes, first)
            if first:
                assert proof == naive_subproof(first, hashes, True)
            merkle.verify_consistency(
                first=first,
                second=size,
                proof=proof,
                first_root=merkle.root(hashes[:first]),
                second_root=top,
            )


def test_nodes_give_the_same_hash_as_leaves() -> None:
    nodes = {
        Node(level, index): merkle.root(LEAVES[index << level : (index + 1) << level])
        for level in range(7)
        for index in range(len(LEAVES) >> level)
    }
    for size in range(len(LEAVES) + 1):
        assert merkle.range_hash(Range(0, size), nodes) == merkle.root(LEAVES[:size])


@settings(deadline=None, max_examples=200)
@given(sizes, st.data())
def test_a_changed_inclusion_proof_is_noticed(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    hashes = LEAVES[:size]
    proof = merkle.inclusion_proof(hashes, index)
    wrong = data.draw(st.sampled_from(["leaf", "index", "root", "step", "longer", "shorter"]))
    leaf, top = hashes[index], merkle.root(hashes)
    if wrong == "leaf":
        leaf = merkle.leaf_hash(b"another")
    elif wrong == "index":
        index = data.draw(st.integers(-1, size + 1).filter(lambda other: other != index))
    elif wrong == "root":
        top = merkle.leaf_hash(b"another")
    elif wrong == "step" and proof:
        proof[data.draw(st.integers(0, len(proof) - 1))] = merkle.leaf_hash(b"another")
    elif wrong == "shorter" and proof:
        proof.pop()
    else:
        proof.append(merkle.leaf_hash(b"another"))
    with pytest.raises(ProofFailed):
        merkle.verify_inclusion(leaf, index=index, size=size, proof=proof, root=top)


@settings(deadline=None, max_examples=200)
@given(sizes, st.data())
def test_a_log_that_forks_has_no_consistency_proof(second: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, second))
    at = data.draw(st.integers(0, first - 1))
    forked = LEAVES[:second]
    forked[at] = merkle.leaf_hash(b"rewritten")
    with pytest.raises(ProofFailed):
        merkle.verify_consistency(
            first=first,
            second=second,
            proof=merkle.consistency_proof(forked, first),
            first_root=merkle.root(LEAVES[:first]),
            second_root=merkle.root(forked),
        )


@settings(deadline=None, max_examples=200)
@given(st.integers(-2, 80), st.integers(-2, 80), st.lists(st.binary(max_size=40), max_size=70))
def test_garbage_proofs_fail_and_never_crash(a: int, b: int, proof: list[bytes]) -> None:
    with pytest.raises(ProofFailed):
        merkle.verify_inclusion(LEAVES[0], index=a, size=b, proof=proof, root=b"root")
    with pytest.raises(ProofFailed):
        merkle.verify_consistency(
            first=a, second=b, proof=proof, first_root=b"root", second_root=b"another"
        )


def test_a_good_proof_does_not_hold_for_a_larger_tree() -> None:
    one, two = LEAVES[0], merkle.node_hash(LEAVES[0], LEAVES[1])
    with pytest.raises(ProofFailed):
        merkle.verify_inclusion(one, index=0, size=2, proof=[], root=one)
    with pytest.raises(ProofFailed):
        merkle.verify_consistency(
            first=1, second=3, proof=[LEAVES[1]], first_root=one, second_root=two
        )


def test_an_impossible_tree_is_refused() -> None:
    for index, size in ((-1, 3), (3, 3), (0, 0)):
        with pytest.raises(Invalid):
            merkle.inclusion_ranges(index, size)
    with pytest.raises(Invalid):
        merkle.consistency_ranges(4, 3)
