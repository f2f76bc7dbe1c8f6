"""The licence that an applied-for licence follows: there is one, it is the holder's, it may be
followed now."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from certificates import holders
from certificates.applications import transfer
from certificates.applications.refusals import (
    HolderDiffers,
    ItemOfOtherTypes,
    PaperNumberTaken,
    PreviousNotFound,
    PreviousRequired,
)
from certificates.applications.transfer import Judged, TransferRefused
from certificates.licence_type import LicenceType
from certificates.licence_types import items
from certificates.models import Application, ApplicationKind, Licence, LicenceHolder, LicenceState
from certificates.search import HOLDER
from certificates.states import LicenceNotInForce
from trust.clock import CHINA
from trust.vault import Vault

#: States in which a paper is still tied to its licence.
_STANDING = (LicenceState.ACTIVE, LicenceState.SUSPENDED)


def check(
    session: Session, made: Application, licence_type: LicenceType, content: Mapping[str, object],
    judged: Judged | None, *, vault: Vault,
) -> Judged | None:  # fmt: skip
    """Whether the application may follow what it says it follows; the finding of a transfer, with
    what the holder adds to it.

    Raises PreviousRequired, PreviousNotFound, LicenceNotInForce, HolderDiffers or TransferRefused.
    """
    cites = made.kind in (ApplicationKind.REISSUE, ApplicationKind.TRANSFER_IN)
    if cites != (made.previous is not None) and made.kind != ApplicationKind.STOCK:
        raise PreviousRequired(
            "换发、转入须注明原证照标识，新办不得注明 / a re-issue and a transfer name the licence "
            "that they follow, a new application names none"
        )
    if (made.kind == ApplicationKind.TRANSFER_IN) != (judged is not None):
        raise PreviousRequired(
            "转入须提交原证照文件或二维码供核验，其他申请不提交 / a transfer hands in the other "
            "region's licence to be verified, nothing else does"
        )
    if made.kind == ApplicationKind.REISSUE:
        _check_own(session, made, content, vault)
    if judged is None:
        return None
    if judged.licence != made.previous:
        raise TransferRefused(
            "核验的证照不是所注明的证照 / what was verified is not the licence that is named"
        )
    transfer.require_same_type(judged, licence_type)
    return transfer.with_holder(judged, licence_type, content)


def _check_own(
    session: Session, made: Application, content: Mapping[str, object], vault: Vault
) -> None:
    found = session.get(Licence, made.previous)
    if found is None or (found.type_code, found.authority) != (made.type_code, made.authority):
        raise PreviousNotFound(
            "本机构没有这份同类型证照 / there is no such licence of this type and authority"
        )
    require_replaceable(found)
    codes = {vault.index(each.code, column=HOLDER) for each in holders.of(content)}
    if codes.isdisjoint({found.holder_index, *_holders(session, found.identifier)}):
        raise HolderDiffers(
            "持证主体与原证照不一致；持证主体有误的，先注销再新办 / the licence belongs to another "
            "holder; where the holder was wrong, cancel it and apply anew"
        )


def _holders(session: Session, identifier: str) -> set[bytes]:
    query = select(LicenceHolder.code_index).where(LicenceHolder.licence == identifier)
    return set(session.scalars(query))


def require_replaceable(found: Licence) -> None:
    """LicenceNotInForce unless the licence is active: a suspension is not left by a new copy."""
    if found.state != LicenceState.ACTIVE:
        raise LicenceNotInForce(
            f"原证照当前状态不能换发 / the licence to be replaced is {LicenceState(found.state)}"
        )


def require_still(session: Session, application: Application) -> None:
    """Asked again at the approval: LicenceNotInForce, PreviousNotFound, TransferNotSettled."""
    if application.kind == ApplicationKind.TRANSFER_IN:
        transfer.require_settled(session, application.id)
    if application.kind == ApplicationKind.REISSUE:
        found = session.get(Licence, application.previous)
        if found is None:
            raise PreviousNotFound("没有原证照 / the licence to be replaced is not there")
        require_replaceable(found)


def require_bound_item(session: Session, made: Application) -> None:
    """ItemOfOtherTypes when the service item is bound to types, and this is none of them."""
    day = made.entered_at.astimezone(CHINA).date()
    bound = items.types_for_item(session, made.item_code or "", on=day)
    if bound and made.type_code not in bound:
        raise ItemOfOtherTypes(
            "该事项不对应此证照类型 / the service item is bound to other types of licence"
        )


def require_free_paper(session: Session, made: Application) -> None:
    """PaperNumberTaken when the paper is tied to another standing licence of the type."""
    taken = session.scalar(
        select(Licence.identifier)
        .where(
            Licence.paper_number == made.paper_number, Licence.type_code == made.type_code,
            Licence.state.in_(_STANDING), Licence.identifier != (made.previous or ""),
        )
        .limit(1)
    )  # fmt: skip
    if taken is not None:
        raise PaperNumberTaken(
            f"该纸质证照编号已对应证照 {taken} / the paper of that number belongs to {taken}"
        )
