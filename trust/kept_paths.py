"""The path that a signer stands on, remembered for as long as no certificate begins or ends.

A path is chosen anew for each signature, and of a million claims a few keys have signed all. By the
time alone the choice can only change where a certificate's validity begins or ends, so between two
such moments it is made once. Revocation is not part of it and is asked about each time.
"""

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from datetime import datetime
from threading import Lock
from typing import Final

from trust.crypto.x509 import Certificate
from trust.policies import PolicyInputs
from trust.validation import Path, TrustStore, choose_path

_STORES_MAX: Final = 64
_PATHS_MAX: Final = 1024

Moment = tuple[int, int, bool, bool]


class _Book:
    """The paths found in one set of roots and intermediates, which it keeps alive: their places in
    memory are what it is looked up by."""

    def __init__(self, store: TrustStore) -> None:
        self._roots, self._intermediates = store.roots, store.intermediates
        # Sorted at the second question: many a store is asked once and thrown away.
        self._moments: list[datetime] | None = None
        self._asked = False
        self._paths: OrderedDict[tuple[bytes, PolicyInputs, Moment], Path] = OrderedDict()
        self._lock = Lock()

    def choose(self, leaf: Certificate, *, at: datetime, policies: PolicyInputs) -> Path:
        """As `choose_path`; what it refuses is not remembered."""
        if not self._asked:
            self._asked = True
            return self._choose(leaf, at, policies)
        key = (leaf.der, policies, self.moment(leaf, at))
        found = self._paths.get(key)
        if found is None:
            found = self._choose(leaf, at, policies)
            with self._lock:
                self._paths[key] = found
                while len(self._paths) > _PATHS_MAX:
                    self._paths.popitem(last=False)
        return found

    def _choose(self, leaf: Certificate, at: datetime, policies: PolicyInputs) -> Path:
        return choose_path(
            leaf, intermediates=self._intermediates, anchors=self._roots, at=at, policies=policies
        )

    def moment(self, leaf: Certificate, at: datetime) -> Moment:
        """Equal for two times between which, or at which, nothing begins or ends."""
        if self._moments is None:
            every = (*self._roots, *self._intermediates)
            self._moments = sorted({t for one in every for t in (one.not_before, one.not_after)})
        return (
            bisect_left(self._moments, at), bisect_right(self._moments, at),
            at < leaf.not_before, at > leaf.not_after,
        )  # fmt: skip


_books: OrderedDict[tuple[int, int], _Book] = OrderedDict()
_lock = Lock()


def choose(leaf: Certificate, *, store: TrustStore, at: datetime, policies: PolicyInputs) -> Path:
    """As `validation.choose_path` among a store's certificates."""
    return _book(store).choose(leaf, at=at, policies=policies)


def moment(leaf: Certificate, *, store: TrustStore, at: datetime) -> Moment:
    """Equal for two times at which the same path of a store's certificates would be chosen."""
    return _book(store).moment(leaf, at)


def _book(store: TrustStore) -> _Book:
    key = (id(store.roots), id(store.intermediates))
    return _books.get(key) or _open(store, key)


def _open(store: TrustStore, key: tuple[int, int]) -> _Book:
    book = _Book(store)
    with _lock:
        _books[key] = book
        while len(_books) > _STORES_MAX:
            _books.popitem(last=False)
    return book
