"""The proof that a licence is in the public log, for whoever holds the licence's file."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from certificates import log_proof, public_log
from trust.dependencies import Checkpoints, Now, Reading

router = APIRouter(tags=["日志 logs"])


@router.get(
    f"/log/{public_log.LOG}/entry",
    summary="证照在日志中的证明 / Proof that a licence is in the log",
)
def prove_entry(
    reading: Reading,
    checkpoints: Checkpoints,
    now: Now,
    response: Response,
    sm3: Annotated[
        str,
        Query(
            pattern="^[0-9a-f]{64}$",
            description="文件内 licence.json 的 SM3 / SM3 of the file's licence.json, hex",
        ),
    ],
) -> dict[str, Any]:
    """持有证照文件者据其 licence.json 的摘要查得叶、路径与已签名的检查点。

    Leaf, audit path and signed checkpoint for the licence of that digest. The digest is salted:
    only who has the file can ask. 404 when the log has no such licence, or the checkpoint, at most
    a minute old, does not cover it yet.
    """
    note = checkpoints.text(public_log.LOG, at=now())
    response.headers["Cache-Control"] = "no-store"
    return log_proof.prove(reading, bytes.fromhex(sm3), note).as_json()
