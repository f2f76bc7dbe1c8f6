"""Who a holder is: themselves and the bodies they act for. The identity provider says so, through a
callable on the application's state; nothing here knows accounts or passwords."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from trust.access import Caller
from trust.errors import Forbidden, NotFound

#: Kinds of holder code that a body has (GB/T 36903-2018, annex A).
BODY_CODES = ("001", "099")


class NotYours(NotFound):
    """There is no such licence, or it is somebody else's: which of the two is not told."""

    code = "licence_not_found"


class MayNotDispose(Forbidden):
    """An agent uses licences; who may have them is for the holder to say."""

    code = "may_not_dispose"


@dataclass(frozen=True, slots=True)
class Party:
    """A person or body whose licences somebody may use.

    `code` stands on its licences, `code_type` is its kind; `account` the provider's name for it.
    `disposes` is whether more than using is allowed: authorising, entrusting, complaining. Its repr
    shows nothing of the person.
    """

    code_type: str
    code: str = field(repr=False)
    name: str = field(repr=False)
    account: str
    disposes: bool = True

    @property
    def is_body(self) -> bool:
        return self.code_type in BODY_CODES


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody with a wallet. `parties` begins with themselves, where their number was proved."""

    caller: Caller
    parties: tuple[Party, ...]

    def party(self, code_type: str, code: str) -> Party | None:
        """The party of that code, if this holder acts for it."""
        same = (each for each in self.parties if (each.code_type, each.code) == (code_type, code))
        return next(same, None)


#: Who somebody is, found out anew for each request: an agent who was dismissed is none at once.
#: Raises Forbidden (`level_too_low`) for an account whose number nobody has proved.
HolderOf = Callable[[Caller, datetime], Holder]
