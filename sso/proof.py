"""What a step of signing in yields, and the one refusal of all the others; both are audited."""

from dataclasses import dataclass
from datetime import datetime

from sso import lockout
from sso.accounts import ANONYMOUS
from sso.provider import Provider
from sso.throttle import Admission
from trust.access import Caller
from trust.audit import JSON
from trust.errors import Unauthenticated


class SignInFailed(Unauthenticated):
    """What was shown proves nothing; the message does not say which part was wrong."""

    code = "sign_in_failed"


class FactorLocked(SignInFailed):
    """Too many wrong codes; told only to who gave the password already."""

    code = "factor_locked"


@dataclass(frozen=True, slots=True)
class Proof:
    """Somebody proved to be an account's holder. `methods` are amr values (sso.factors)."""

    account: str
    methods: tuple[str, ...]
    at: datetime


def failed(
    provider: Provider, account: str | None, method: str, admission: Admission, *, at: datetime
) -> SignInFailed:
    """The one refusal, after it was audited and the holder told of a lock."""
    locked = admission.locked_until is not None
    details: dict[str, JSON] = {"method": method, "locked": locked}
    provider.audit.record(
        "sign_in.failed", subject=account or lockout.UNKNOWN, by=ANONYMOUS, at=at, details=details
    )
    if admission.began:
        lockout.lock_began(provider, account, admission.began, at=at)
    if method in ("totp", "recovery") and locked:
        return FactorLocked("输错次数过多,请稍后再试 / too many wrong codes; try again later")
    return SignInFailed(
        "登录失败:信息不正确,或尝试过于频繁 / sign-in failed: wrong, or tried too often"
    )


def proved(provider: Provider, account: str, methods: tuple[str, ...], *, at: datetime) -> Proof:
    """The proof, once the audit log has it."""
    by = Caller(account=account, authority=None, roles=frozenset())
    provider.audit.record(
        "sign_in.proved", subject=account, by=by, at=at, details={"methods": list(methods)}
    )
    return Proof(account, methods, at)
