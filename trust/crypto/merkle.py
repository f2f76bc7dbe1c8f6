"""Merkle trees as RFC 6962, section 2, and RFC 9162, section 2.1, describe them.

The digest is SHA-256 although SM3 is the platform's own: monitors and witnesses elsewhere check
these trees with tools that know no other, and a log nobody outside can check proves nothing. What
must rest on SM3 (the hash chain, the seals) does so beside the tree, not inside it.

A tree is stored as its complete subtrees. `Node(level, number)` covers the leaves
[number * 2^level, (number + 1) * 2^level); level 0 is the leaf hashes. Proofs are first planned as
ranges of leaves, then made from nodes, so that a store reads all it needs in one query.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from trust.errors import Invalid, TrustError

HASH_SIZE: Final = 32
#: The root of the tree without leaves (RFC 6962, 2.1).
EMPTY_ROOT: Final = sha256(b"").digest()


class ProofFailed(TrustError):
    """The proof does not lead from the one tree, or leaf, to the other."""

    code = "proof_failed"


class Node(NamedTuple):
    """A complete subtree of 2^level leaves, the number-th of its level."""

    level: int
    number: int


class Range(NamedTuple):
    """The leaves start <= i < end."""

    start: int
    end: int


def leaf_hash(leaf: bytes) -> bytes:
    """Hash a leaf; the prefix keeps leaves and nodes apart (RFC 6962, 2.1)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into one (RFC 6962, 2.1)."""
    return sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over a list of leaf hashes, in one pass with a stack of complete subtrees."""
    stack: list[bytes] = []
    for index, leaf in enumerate(leaf_hashes):
        top = leaf
        for _ in range(trailing_ones(index)):
            top = node_hash(stack.pop(), top)
        stack.append(top)
    return fold(stack)


def fold(hashes: Sequence[bytes]) -> bytes:
    """Join complete subtrees, given left to right by falling size, into the root over them."""
    if not hashes:
        return EMPTY_ROOT
    top = hashes[-1]
    for left in reversed(hashes[:-1]):
        top = node_hash(left, top)
    return top


def trailing_ones(index: int) -> int:
    """How many subtrees the leaf at `index` completes: the 1s at the end of its index."""
    return (~index & (index + 1)).bit_length() - 1


def subtrees(leaves: Range) -> list[Node]:
    """The complete subtrees that make up an aligned range, left to right."""
    nodes = []
    start = leaves.start
    while start < leaves.end:
        level = (leaves.end - start).bit_length() - 1
        nodes.append(Node(level, start >> level))
        start += 1 << level
    return nodes


def range_hash(leaves: Range, nodes: Mapping[Node, bytes]) -> bytes:
    """The hash over a range, from its complete subtrees."""
    return fold([nodes[node] for node in subtrees(leaves)])


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose hashes are the audit path of leaf `index`, leaf first (RFC 6962, 2.1.1)."""
    if not 0 <= index < size:
        raise Invalid(f"no leaf {index} in a tree of {size}")
    path: list[Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(Range(middle, end))
            end = middle
        else:
            path.append(Range(start, middle))
            start = middle
    return path[::-1]


def consistency_ranges(first: int, second: int) -> list[Range]:
    """The ranges whose hashes prove that `first` leaves became `second` (RFC 6962, 2.1.2)."""
    if not 0 <= first <= second:
        raise Invalid(f"a tree of {first} does not grow into one of {second}")
    if first in (0, second):
        return []
    path: list[Range] = []
    start, end = 0, second
    while end != first:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(Range(middle, end))
            end = middle
        else:
            path.append(Range(start, middle))
            start = middle
    # The first tree is itself a complete subtree only if no left half was cut off above.
    if start > 0:
        path.append(Range(start, end))
    return path[::-1]


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of one leaf among all, from the leaf up."""
    return [root(leaf_hashes[r.start : r.end]) for r in inclusion_ranges(index, len(leaf_hashes))]


def consistency_proof(leaf_hashes: Sequence[bytes], first: int) -> list[bytes]:
    """The proof that the tree over the first `first` leaves is a prefix of this one."""
    ranges = consistency_ranges(first, len(leaf_hashes))
    return [root(leaf_hashes[r.start : r.end]) for r in ranges]


def verify_inclusion(
    leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Raise ProofFailed unless a leaf hash is at `index` under `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofFailed(f"no leaf {index} in a tree of {size}")
    _check_lengths(proof)
    node, last, top = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise ProofFailed("the inclusion proof is too long")
        if node & 1 or node == last:
            top = node_hash(step, top)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            top = node_hash(top, step)
        node, last = node >> 1, last >> 1
    if last or top != root:
        raise ProofFailed("the inclusion proof does not lead to the root")


def verify_consistency(
    *, first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    """Raise ProofFailed unless the second tree extends the first (RFC 9162, 2.1.4.2).

    A tree of no leaves is a prefix of every tree; its proof is empty.
    """
    if not 0 <= first <= second:
        raise ProofFailed(f"a tree of {first} does not grow into one of {second}")
    _check_lengths(proof)
    if first in (0, second):
        expected = EMPTY_ROOT if first == 0 else second_root
        if proof or first_root != expected:
            raise ProofFailed("two trees of one size differ" if first else "not an empty tree")
        return
    steps = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    made_first, made_second = _consistency_roots(first - 1, second - 1, steps)
    if made_first != first_root or made_second != second_root:
        raise ProofFailed("the second tree does not extend the first")


def _consistency_roots(node: int, last: int, steps: list[bytes]) -> tuple[bytes, bytes]:
    """Both roots as the proof tells them (RFC 9162, 2.1.4.2, steps 3 to 6)."""
    if not steps:
        raise ProofFailed("the consistency proof is empty")
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise ProofFailed("the consistency proof is too long")
        if node & 1 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, step)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofFailed("the consistency proof is too short")
    return old, new


def _check_lengths(proof: Sequence[bytes]) -> None:
    """A proof of a tree below 2^64 leaves has at most 65 hashes."""
    if len(proof) > 65 or any(len(step) != HASH_SIZE for step in proof):
        raise ProofFailed("a proof is at most 65 hashes of 32 bytes")


def _split(size: int) -> int:
    """The largest power of two below `size` (RFC 6962, 2.1)."""
    return 1 << ((size - 1).bit_length() - 1)
