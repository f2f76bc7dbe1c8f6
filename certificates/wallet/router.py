"""The wallet over HTTP, for apps: a holder's own licences and those of bodies they act for.

Whoever calls has an access token of scope `trust`; whose licences they may use is asked of the
identity provider anew for each request (`app.state.wallet`).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from certificates.wallet import shown as wallet_shown
from certificates.wallet.acts import Wallet
from certificates.wallet.copy_models import LicenceCopy
from certificates.wallet.entrust import Terms
from certificates.wallet.holder import NotYours
from certificates.wallet.holder_models import Entrustment, HolderGrant
from certificates.wallet.schemas import (
    AskedOut,
    AuthorisationIn,
    AuthorisationOut,
    CardOut,
    CodeOut,
    CopyIn,
    CopyOut,
    DisputeIn,
    DisputeOut,
    EntrustmentIn,
    EntrustmentOut,
    LicenceViewOut,
    LookOut,
)
from trust.access import Caller
from trust.dependencies import Now, Reading, Someone, no_store

router = APIRouter(tags=["证照夹 wallet"], dependencies=[Depends(no_store)])
_SECURITY: dict[str, Any] = {"security": [{"oauth": ["trust"]}]}
_ONE = "/v1/wallet/licences/{identifier}"

Identifier = Annotated[str, Path(max_length=200, description="电子证照标识 / Licence identifier")]
Number = Annotated[str, Path(max_length=40, description="加注件编号 / The copy's number")]


def _wallet(request: Request, caller: Someone, now: Now) -> Wallet:
    opened = cast(Callable[[Caller, datetime], Wallet], request.app.state.wallet)
    return opened(caller, now())


Mine = Annotated[Wallet, Depends(_wallet)]


@router.get("/v1/wallet/licences", summary="我的证照 / My licences", openapi_extra=_SECURITY)
def list_wallet(mine: Mine, reading: Reading) -> list[CardOut]:
    """本人、所代表单位的和受托使用的证照，不打开内容。

    One's own, those of bodies one acts for, and what was entrusted. Nothing is opened.
    """
    own = mine.by.account
    return [wallet_shown.card(reading, one.licence, one.party, own=own) for one in mine.cards()]


@router.get(_ONE, summary="打开证照 / Open a licence", openapi_extra=_SECURITY)
def open_licence(identifier: Identifier, mine: Mine, reading: Reading) -> LicenceViewOut:
    """证照各项内容；每次打开都有记录。 / Its items, in full; every look is audited."""
    return wallet_shown.opened(reading, mine.open(identifier), own=mine.by.account)


@router.get(
    _ONE + "/file", summary="取本人证照文件 / Fetch one's own file", openapi_extra=_SECURITY,
    response_class=Response, responses={200: {"content": {"application/pdf": {}}}},
)  # fmt: skip
def read_own_file(identifier: Identifier, mine: Mine) -> Response:
    """已签章的原件；每次都有记录。 / The sealed original; every look is audited."""
    return _pdf(mine.file(identifier))


def _pdf(data: bytes) -> Response:
    headers = {"Cache-Control": "no-store", "Content-Disposition": "attachment"}
    return Response(data, media_type="application/pdf", headers=headers)


@router.get(_ONE + "/looks", summary="查看记录 / Who looked", openapi_extra=_SECURITY)
def list_looks(
    identifier: Identifier, mine: Mine,
    before: Annotated[int | None, Query(ge=0, le=2**53, description="序号之前 / Before")] = None,
) -> list[LookOut]:  # fmt: skip
    """谁、为何、何时看过这张证照，最近的在前。 / Every look at it, newest first."""
    fields = LookOut.model_fields
    found = mine.looks(identifier, before=before)
    return [LookOut(**{name: getattr(one, name) for name in fields}) for one in found]


# --- showing -------------------------------------------------------------------------------------


@router.post(
    _ONE + "/showing-codes", status_code=201, summary="生成亮证码 / A code to show it by",
    openapi_extra=_SECURITY,
)  # fmt: skip
def create_showing_code(identifier: Identifier, mine: Mine) -> CodeOut:
    """一次性亮证码，60 秒有效；换码后旧码 5 秒内失效。

    A one-time code, good for 60 seconds; the one before ends 5 seconds after.
    """
    code = mine.show(identifier)
    return CodeOut(text=code.text, typed=code.typed, good_until=code.good_until)


@router.get(
    "/v1/wallet/showings", summary="等待确认的亮证 / Who asks to see", openapi_extra=_SECURITY
)
def list_asked(mine: Mine, reading: Reading) -> list[AskedOut]:
    """扫了码、等待确认的单位。 / Offices that scanned a code and wait for an answer."""
    return [
        AskedOut(
            **wallet_shown.request(reading, standing).model_dump(),
            licence=wallet_shown.card(reading, licence, None, own=mine.by.account),
        )
        for standing, licence in mine.asked()
    ]


@router.post(
    "/v1/wallet/showings/{key}/confirmation", status_code=204,
    summary="确认亮证 / Let the office look", openapi_extra=_SECURITY,
)  # fmt: skip
def confirm_showing(key: UUID, mine: Mine) -> None:
    """确认后该单位可在 5 分钟内查看一次。 / The office may look once, within 5 minutes."""
    mine.confirm(key)


@router.post(
    "/v1/wallet/showings/{key}/refusal", status_code=204, summary="拒绝亮证 / Refuse",
    openapi_extra=_SECURITY,
)  # fmt: skip
def refuse_showing(key: UUID, mine: Mine) -> None:
    """拒绝后该单位看不到任何内容。 / The office sees nothing."""
    mine.refuse(key)


# --- authorising ---------------------------------------------------------------------------------


@router.get(_ONE + "/authorisations", summary="授权列表 / Leave given", openapi_extra=_SECURITY)
def list_authorisations(identifier: Identifier, mine: Mine) -> list[AuthorisationOut]:
    """这张证照的全部授权，最近的在前。 / Newest first."""
    return [_authorisation(row) for row in mine.grants(identifier)]


@router.post(
    _ONE + "/authorisations", status_code=201, summary="授权一个单位 / Let an office have it",
    openapi_extra=_SECURITY,
)  # fmt: skip
def create_authorisation(
    identifier: Identifier, body: AuthorisationIn, mine: Mine
) -> AuthorisationOut:
    """一个单位、一个目的、一段时间。 / One office, one purpose, until a time."""
    return _authorisation(
        mine.authorise(
            identifier, office=body.office, purpose=body.purpose.checked(), until=body.until
        )
    )


def _authorisation(row: HolderGrant) -> AuthorisationOut:
    return AuthorisationOut(
        id=row.id, office=row.office, purpose=row.cause, item_code=row.item_code, until=row.until,
        revoked_at=row.revoked_at,
    )  # fmt: skip


@router.post(
    _ONE + "/authorisations/{key}/revocation", status_code=204,
    summary="收回授权 / Take leave back", openapi_extra=_SECURITY,
)  # fmt: skip
def revoke_authorisation(identifier: Identifier, key: UUID, mine: Mine) -> None:
    """立即生效。 / At once."""
    mine.revoke_grant(identifier, key)


# --- copies --------------------------------------------------------------------------------------


@router.get(_ONE + "/copies", summary="加注件列表 / Copies", openapi_extra=_SECURITY)
def list_copies(identifier: Identifier, mine: Mine) -> list[CopyOut]:
    """做过的加注件，最近的在前。 / Newest first."""
    return [_copy(row) for row in mine.copies(identifier)]


@router.post(
    _ONE + "/copies", status_code=201, summary="制作加注件 / Make a marked copy",
    openapi_extra=_SECURITY,
)  # fmt: skip
def create_copy(identifier: Identifier, body: CopyIn, mine: Mine, response: Response) -> CopyOut:
    """带事由、制作者、期限和水印，由平台证照服务专用章签章。

    Marked with purpose, maker and end, across the page too; sealed with the platform's copy seal.
    """
    made = mine.copy(identifier, purpose=body.purpose.checked(), maker=body.maker, until=body.until)
    (row,) = [one for one in mine.copies(identifier) if one.number == made.number]
    shown = _copy(row)
    response.headers["Location"] = shown.file
    return shown


def _copy(row: LicenceCopy) -> CopyOut:
    file = f"/v1/wallet/licences/{row.licence}/copies/{row.number}"
    return CopyOut(
        number=row.number, purpose=row.cause, maker=row.maker, made_at=row.made_at,
        until=row.until, qr=row.claim, file=file,
    )  # fmt: skip


@router.get(
    _ONE + "/copies/{number}", summary="取加注件 / Fetch a copy", openapi_extra=_SECURITY,
    response_class=Response, responses={200: {"content": {"application/pdf": {}}}},
)  # fmt: skip
def read_copy(identifier: Identifier, number: Number, mine: Mine) -> Response:
    """已签章的加注件文件。 / The sealed copy."""
    return _pdf(mine.copy_file(identifier, number))


# --- entrusting and complaining ------------------------------------------------------------------


@router.get("/v1/wallet/entrustments", summary="委托列表 / Entrusted", openapi_extra=_SECURITY)
def list_entrustments(mine: Mine) -> list[EntrustmentOut]:
    """本人和所代表单位给出的委托。 / What one, or a body one represents, has entrusted."""
    return [_entrustment(row) for row in mine.entrusted()]


@router.post(
    "/v1/wallet/entrustments", status_code=201, summary="委托 / Entrust an agent",
    openapi_extra=_SECURITY,
)  # fmt: skip
def create_entrustment(body: EntrustmentIn, mine: Mine) -> EntrustmentOut:
    """受托人可查看、亮证和制作加注件。 / The agent may look, show, and have copies made."""
    parties = [each for each in mine.holder.parties if body.holder in (None, each.code)]
    if not parties:
        raise NotYours("you do not act for this holder")
    terms = Terms(
        matter=body.matter, until=body.until, licence=body.licence, type_code=body.type_code
    )
    return _entrustment(mine.entrust(parties[0], body.agent, terms))


def _entrustment(row: Entrustment) -> EntrustmentOut:
    return EntrustmentOut(
        id=row.id, principal=row.principal_public, agent=row.agent, licence=row.licence,
        type_code=row.type_code, matter=row.matter, until=row.until, revoked_at=row.revoked_at,
    )  # fmt: skip


@router.post(
    "/v1/wallet/entrustments/{key}/revocation", status_code=204,
    summary="收回委托 / End an entrustment", openapi_extra=_SECURITY,
)  # fmt: skip
def revoke_entrustment(key: UUID, mine: Mine) -> None:
    """委托人或受托人均可，立即生效。 / By either side, at once."""
    mine.revoke_entrustment(key)


@router.get(_ONE + "/disputes", summary="异议列表 / Complaints", openapi_extra=_SECURITY)
def list_own_disputes(identifier: Identifier, mine: Mine) -> list[DisputeOut]:
    """对这张证照提过的异议和答复。 / Complaints about it, with their answers."""
    return [wallet_shown.complaint(one) for one in mine.disputes(identifier)]


@router.post(
    _ONE + "/disputes", status_code=201, summary="提出异议 / Say that it is wrong",
    openapi_extra=_SECURITY,
)  # fmt: skip
def create_dispute(identifier: Identifier, body: DisputeIn, mine: Mine) -> DisputeOut:
    """转颁发机构办理，可查看进展。 / Goes to the issuer, and is tracked."""
    made = mine.dispute(identifier, body.words)
    (found,) = [one for one in mine.disputes(identifier) if one.id == made.id]
    return wallet_shown.complaint(found)
