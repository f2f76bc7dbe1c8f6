"""The transparency logs in public: signed checkpoints and the proofs that lead to them."""

import base64
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from trust import log as logs
from trust.dependencies import Checkpoints, Now, ProvedLogs, Reading, described, publication
from trust.errors import NotFound

router = APIRouter(tags=["日志 logs"])

_TREE_MAX = 2**53 - 1
LogName = Annotated[
    str,
    Path(description="日志名 / The log's name", pattern="^[a-z0-9][a-z0-9.-]{0,63}$"),
]
Leaves = Annotated[
    int, Query(ge=0, le=_TREE_MAX, description="树的大小（叶数） / Size of the tree in leaves")
]


class InclusionProof(BaseModel):
    """存在证明 / An inclusion proof (RFC 6962, 2.1.1). Hashes are base64 of 32 bytes."""

    log: str
    index: int = Field(description="叶序号 / Index of the leaf")
    size: int = Field(description="树的大小 / Size of the tree")
    root: str = Field(description="树根 / The root that the proof leads to")
    proof: list[str] = Field(description="自下而上的哈希 / Hashes from the leaf up")


class ConsistencyProof(BaseModel):
    """一致性证明 / A consistency proof (RFC 6962, 2.1.2). Hashes are base64 of 32 bytes."""

    log: str
    first: int = Field(description="较小的树 / Size of the smaller tree")
    second: int = Field(description="较大的树 / Size of the larger tree")
    proof: list[str] = Field(description="证明中的哈希 / The proof's hashes")


@router.get(
    "/log/{log}/checkpoint",
    summary="日志检查点 / A log's signed checkpoint",
    response_class=Response,
    responses=described("text/plain"),
)
def read_checkpoint(request: Request, log: LogName, checkpoints: Checkpoints, now: Now) -> Response:
    """日志当前状态的签名声明（C2SP tlog-checkpoint）。

    The signed state of a log, at most a minute old (C2SP tlog-checkpoint).
    """
    text = checkpoints.text(log, at=now())
    return publication(
        request, text.encode(), media_type="text/plain; charset=utf-8", max_age=30
    )  # fmt: skip


@router.get("/log/{log}/proof/inclusion", summary="存在证明 / Proof that a leaf is in the log")
def prove_inclusion(
    log: LogName,
    proved: ProvedLogs,
    session: Reading,
    index: Annotated[
        int, Query(ge=0, le=_TREE_MAX, description="叶序号，从 0 起 / Index of the leaf, from 0")
    ],
    size: Leaves,
) -> InclusionProof:
    """证明第 index 片叶在前 size 片叶构成的树中。

    The audit path from leaf `index` to the root of the tree of the first `size` leaves.
    """
    _require_proved(log, proved)
    path = logs.inclusion_proof(session, log, index, size)
    top = logs.root(session, log, size)
    return InclusionProof(
        log=log, index=index, size=size, root=_text(top), proof=[_text(part) for part in path]
    )


@router.get("/log/{log}/proof/consistency", summary="一致性证明 / Proof that the log only grew")
def prove_consistency(
    log: LogName, proved: ProvedLogs, session: Reading, first: Leaves, second: Leaves
) -> ConsistencyProof:
    """证明前 first 片叶的树是前 second 片叶的树的开头。

    The proof that the tree of `second` leaves extends the one of `first`.
    """
    _require_proved(log, proved)
    path = logs.consistency_proof(session, log, first, second)
    return ConsistencyProof(
        log=log, first=first, second=second, proof=[_text(part) for part in path]
    )


def _require_proved(log: str, proved: frozenset[str]) -> None:
    if log not in proved:
        raise NotFound(f"no proofs are given of a log {log!r}")


def _text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
