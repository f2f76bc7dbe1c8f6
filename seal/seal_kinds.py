"""The kinds of seals: what each is called, how large and how drawn, and of which there is but one.

Diameters and centres follow 国发〔1999〕25号; a seal with the national emblem is not drawn here:
its picture is uploaded, from the office that is entitled to it.
"""

from dataclasses import dataclass
from pathlib import Path

from seal import name_picture, picture
from seal.models import SealKind
from seal.picture import Centre, Rank
from trust.crypto import hashes
from trust.errors import Invalid

LICENCE_PURPOSE = "电子证照专用章"
NAME_MAX = 100
#: Millimetres a side of personal seals, by practice.
PERSONAL_MIN, PERSONAL_MAX = 10.0, 40.0

EMBLEM = frozenset(
    {Rank.STATE_COUNCIL, Rank.PROVINCE, Rank.MINISTRY, Rank.VICE_MINISTRY, Rank.NATIONAL_BUREAU,
     Rank.LOCAL_GOVERNMENT, Rank.FOREIGN_AFFAIRS}
)  # fmt: skip
_WITHIN = frozenset({Rank.INTERNAL_BODY, Rank.DEPARTMENT, Rank.ENTERPRISE, Rank.TOWNSHIP})
#: Whose rank a seal of the kind may have; the rank decides the diameter.
RANKS: dict[SealKind, frozenset[Rank]] = {
    SealKind.STATUTORY: frozenset(Rank) - {Rank.SPECIAL},
    SealKind.DEPARTMENT: _WITHIN,
    SealKind.BRANCH: _WITHIN,
    SealKind.LICENCE: frozenset({Rank.SPECIAL}),
    SealKind.SPECIAL: frozenset({Rank.SPECIAL}),
    SealKind.PERSONAL: frozenset(),
}
#: Of these an owner has one under each name; of licence and special seals there may be several.
_SINGLE = frozenset({SealKind.STATUTORY, SealKind.DEPARTMENT, SealKind.BRANCH, SealKind.PERSONAL})
_NAMED_AFTER_OWNER = (SealKind.DEPARTMENT, SealKind.LICENCE, SealKind.SPECIAL)


class NeedsEmblem(Invalid):
    """Such an owner's seal carries the national emblem: it is uploaded, not drawn."""

    code = "seal_needs_emblem"


@dataclass(frozen=True, slots=True)
class Size:
    """Millimetres."""

    width: float
    height: float


def check_name(kind: SealKind, name: str, *, owner_name: str) -> None:
    """Invalid for a name that such a seal cannot have."""
    if not 2 <= len(name) <= NAME_MAX or not name.isprintable() or name != name.strip():
        raise Invalid(f"a seal's name has 2 to {NAME_MAX} printable characters")
    if kind is SealKind.STATUTORY and name != owner_name:
        raise Invalid("a statutory seal bears its owner's statutory name, nothing else")
    named_after_owner = name.startswith(owner_name) and name != owner_name
    if kind in _NAMED_AFTER_OWNER and not named_after_owner:
        raise Invalid("such a seal's name is its owner's, followed by what it is for")
    if kind is SealKind.LICENCE and not name.endswith(LICENCE_PURPOSE):
        raise Invalid(f"the name of a licence seal ends with {LICENCE_PURPOSE}")


def check_rank(kind: SealKind, rank: Rank | None) -> None:
    """Invalid for a rank that does not go with the kind."""
    if kind is SealKind.PERSONAL:
        if rank is not None:
            raise Invalid("a personal seal has no rank")
    elif rank not in RANKS[kind]:
        raise Invalid(f"a {kind} seal has one of the ranks {', '.join(sorted(RANKS[kind]))}")


def slot(kind: SealKind, name: str, *, owner: str) -> bytes | None:
    """What only one living seal can have, as a digest; None where there may be several.

    A statutory seal's name is the owner's, so one a body follows from one a name.
    """
    if kind not in _SINGLE:
        return None
    words = "" if kind is SealKind.STATUTORY else name
    return hashes.sm3(f"{kind}\n{owner}\n{words}".encode())


def draw(
    kind: SealKind, name: str, *, owner_name: str, rank: Rank | None, number: str = "",
    fallback: Path | None = None,
) -> tuple[bytes, Size]:  # fmt: skip
    """The seal by the rules: SVG and its size. NeedsEmblem, UndrawableSeal or Invalid."""
    check_name(kind, name, owner_name=owner_name)
    check_rank(kind, rank)
    if rank is None:
        side = name_picture.SIDE_MM
        return name_picture.draw(name, fallback=fallback), Size(side, side)
    if rank in EMBLEM:
        raise NeedsEmblem(f"the seal of a {rank} carries the national emblem: upload its picture")
    special = rank is Rank.SPECIAL
    diameter = picture.diameter_mm(rank)
    drawn = picture.draw(
        name=owner_name if special else name, diameter_mm=diameter,
        centre=Centre.NONE if special else Centre.STAR,
        purpose=name.removeprefix(owner_name) if special else "", number=number, fallback=fallback,
    )  # fmt: skip
    return drawn, Size(diameter, diameter)


def size_of(kind: SealKind, rank: Rank | None) -> Size:
    """The size that the rules give; Invalid for personal seals, which choose theirs."""
    check_rank(kind, rank)
    if rank is None:
        raise Invalid("a personal seal's uploaded picture needs its size in millimetres")
    return Size(picture.diameter_mm(rank), picture.diameter_mm(rank))


def check_size(kind: SealKind, rank: Rank | None, size: Size) -> None:
    """Invalid for an uploaded picture of another size than the rules give."""
    check_rank(kind, rank)
    sides = (size.width, size.height)
    if rank is None:
        if not all(PERSONAL_MIN <= side <= PERSONAL_MAX for side in sides):
            raise Invalid(f"a personal seal is {PERSONAL_MIN:g} to {PERSONAL_MAX:g} mm a side")
    elif any(side != picture.diameter_mm(rank) for side in sides):
        raise Invalid(f"the seal of a {rank} is round, {picture.diameter_mm(rank):g} mm across")
