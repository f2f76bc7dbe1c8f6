"""The kinds of seals: names, ranks and sizes by the rules."""

import pytest

from seal import seal_kinds
from seal.appearance import appearance
from seal.models import SealKind
from seal.picture import Rank
from seal.seal_kinds import NeedsEmblem, Size
from tests.regions import MARKET
from trust.errors import Invalid

DEPARTMENT = Rank.DEPARTMENT


@pytest.mark.parametrize(
    ("kind", "name", "rank"),
    [
        (SealKind.STATUTORY, "另一个局", DEPARTMENT),
        (SealKind.STATUTORY, MARKET.name, Rank.SPECIAL),
        (SealKind.DEPARTMENT, MARKET.name, DEPARTMENT),
        (SealKind.DEPARTMENT, f"{MARKET.name}办公室", Rank.PROVINCE),
        (SealKind.LICENCE, f"{MARKET.name}专用章", Rank.SPECIAL),
        (SealKind.LICENCE, MARKET.seal_name, DEPARTMENT),
        (SealKind.SPECIAL, "合同专用章", Rank.SPECIAL),
        (SealKind.PERSONAL, "张三", DEPARTMENT),
        (SealKind.PERSONAL, "张", None),
        (SealKind.BRANCH, "分局\n", DEPARTMENT),
        (SealKind.BRANCH, "分局", None),
    ],
)
def test_name_and_rank_go_with_the_kind(kind: SealKind, name: str, rank: Rank | None) -> None:
    with pytest.raises(Invalid):
        seal_kinds.draw(kind, name, owner_name=MARKET.name, rank=rank)


@pytest.mark.parametrize(
    ("kind", "name", "rank", "side"),
    [
        (SealKind.STATUTORY, MARKET.name, DEPARTMENT, 45),
        (SealKind.STATUTORY, "狮泉河镇人民政府", Rank.TOWNSHIP, 42),
        (SealKind.STATUTORY, "阿里地区行政公署", Rank.COMMISSIONERS_OFFICE, 45),
        (SealKind.BRANCH, "阿里地区市场监督管理局一分局", Rank.INTERNAL_BODY, 42),
        (SealKind.LICENCE, MARKET.seal_name, Rank.SPECIAL, 40),
        (SealKind.PERSONAL, "张三", None, 20),
        (SealKind.PERSONAL, "扎西多吉", None, 20),
    ],
)
def test_a_drawn_seal_has_the_size_of_its_owners_rank(
    kind: SealKind, name: str, rank: Rank | None, side: float
) -> None:
    owner_name = name if kind is SealKind.STATUTORY else MARKET.name
    svg, size = seal_kinds.draw(kind, name, owner_name=owner_name, rank=rank)
    assert size == Size(side, side)
    appearance("SVG", svg, width_mm=size.width, height_mm=size.height)


@pytest.mark.parametrize("rank", sorted(seal_kinds.EMBLEM))
def test_a_seal_with_the_national_emblem_is_not_drawn(rank: Rank) -> None:
    with pytest.raises(NeedsEmblem):
        seal_kinds.draw(
            SealKind.STATUTORY, "噶尔县人民政府", owner_name="噶尔县人民政府", rank=rank
        )


@pytest.mark.parametrize(
    ("kind", "rank", "size"),
    [
        (SealKind.STATUTORY, Rank.LOCAL_GOVERNMENT, Size(42, 42)),
        (SealKind.STATUTORY, Rank.LOCAL_GOVERNMENT, Size(45, 40)),
        (SealKind.PERSONAL, None, Size(41, 20)),
        (SealKind.PERSONAL, None, Size(20, 9)),
    ],
)
def test_an_uploaded_picture_has_the_size_of_the_rules(
    kind: SealKind, rank: Rank | None, size: Size
) -> None:
    with pytest.raises(Invalid):
        seal_kinds.check_size(kind, rank, size)
