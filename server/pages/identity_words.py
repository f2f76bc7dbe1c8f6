"""The words of the identity pages: Chinese, then English. Keys are codes of the floors below."""

from collections.abc import Iterable
from typing import Final

from trust.errors import TrustError

Words = tuple[str, str]

#: What a scope lets a platform see or do; the third says that it is guarded (docs/identity.md).
SCOPES: Final[dict[str, tuple[str, str, bool]]] = {
    "openid": ("确认您的身份（不含姓名）", "know it is you, without your name", False),
    "profile": ("查看姓名、性别、出生日期", "see your name, gender and birth date", False),
    "email": ("查看电子邮箱", "see your e-mail address", False),
    "address": ("查看住址", "see your address", False),
    "phone": ("查看手机号", "see your mobile number", False),
    "offline_access": (
        "您不在场时继续访问，直到撤销", "keep access while you are away, until you end it", True,
    ),
    "identity": ("查看证件类型和脱敏的证件号", "see your document's type and masked number", False),
    "id_number": ("查看完整的证件号", "see your whole document number", True),
    "organisation": (
        "查看您代表的单位和权限范围", "see which organisation you act for, and how far", False,
    ),
    "level": ("查看认证等级及其依据", "see your assurance level and what it rests on", False),
    "trust": (
        "以您的名义办理证照、印章和管理业务", "act for you: licences, seals, administration", True,
    ),
}  # fmt: skip

#: Authentication methods (RFC 8176).
METHODS: Final[dict[str, Words]] = {
    "pwd": ("密码", "password"),
    "otp": ("动态口令", "one-time code"),
    "user": ("通行密钥", "passkey"),
    "sms": ("短信", "text message"),
    "sc": ("数字证书", "certificate"),
    "mca": ("手机扫码", "QR code"),
    "recovery": ("恢复码", "recovery code"),
}

#: Roles (docs/roles.md).
ROLES: Final[dict[str, Words]] = {
    "clerk": ("受理人员", "clerk"),
    "approver": ("审批人员", "approver"),
    "seal_admin": ("印章管理员", "seal administrator"),
    "ca_admin": ("证书管理员", "CA administrator"),
    "system_admin": ("系统管理员", "system administrator"),
    "security_admin": ("安全管理员", "security administrator"),
    "audit_admin": ("审计管理员", "audit administrator"),
    "office": ("用证单位人员", "office user"),
    "operator": ("运维人员", "operator"),
}

CAPACITIES: Final[dict[str, Words]] = {
    "legal_representative": ("法定代表人", "legal representative"),
    "agent": ("经办人", "agent"),
}

#: Acts of the audit log that a person finds in their own history.
ACTS: Final[dict[str, Words]] = {
    "account.created": ("账户开通", "Account created"),
    "account.closed": ("账户注销", "Account closed"),
    "account.suspended": ("账户暂停", "Account suspended"),
    "account.resumed": ("账户恢复", "Account let act again"),
    "account.contact_changed": ("联系方式变更", "Contact changed"),
    "account.roles_changed": ("角色变更", "Roles changed"),
    "account.key_lost": ("证件号已由他人核验", "Somebody else proved the number"),
    "sign_in.proved": ("登录验证通过", "Identity proved at sign-in"),
    "sign_in.failed": ("登录失败", "Sign-in failed"),
    "sign_in.locked": ("因多次失败暂时锁定", "Locked for a while after failures"),
    "session.ended": ("退出登录", "Signed out"),
    "sessions.ended": ("在所有设备上退出", "Signed out everywhere"),
    "password.set": ("设置密码", "Password set"),
    "totp.enrolled": ("开通动态口令", "Authenticator app set up"),
    "totp.removed": ("关闭动态口令", "Authenticator app turned off"),
    "recovery_codes.renewed": ("换发恢复码", "New recovery codes"),
    "passkey.registered": ("添加通行密钥", "Passkey added"),
    "passkey.removed": ("移除通行密钥", "Passkey removed"),
    "certificate.registered": ("登记数字证书", "Certificate registered"),
    "certificate.removed": ("移除数字证书", "Certificate removed"),
    "qr_login.approved": ("扫码确认登录", "Another device let in by QR"),
    "qr_login.denied": ("扫码拒绝登录", "Another device refused by QR"),
    "device.approved": ("允许设备", "Device let in"),
    "device.denied": ("拒绝设备", "Device refused"),
    "assurance.raised": ("认证依据增加", "Assurance evidence added"),
    "assurance.refused": ("身份核验未通过", "Identity check refused"),
    "assurance.withdrawn": ("认证依据撤回", "Assurance evidence withdrawn"),
    "authorization.granted": ("登录到平台", "Signed in to a platform"),
    "access.withdrawn": ("撤销平台访问", "Platform's access revoked"),
    "token.reused": ("令牌被重复使用，已撤销", "A token was used twice and revoked"),
    "particulars.read": ("个人信息被读取", "Personal data read"),
    "person.searched": ("被管理员查找", "Looked up by an administrator"),
    "recovery.refused": ("窗口找回未通过", "Recovery at a counter refused"),
    "account.unlocked": ("解除锁定", "Unlocked"),
    "account.factors_reset": ("第二因素已重置", "Second factors reset"),
    "recovery.begun": ("开始找回账户", "Recovery begun"),
    "recovery.proved": ("找回：身份已证明", "Recovery: identity proved"),
    "recovery.tries_spent": ("找回：尝试次数用尽", "Recovery: no tries left"),
    "recovery.cancelled": ("取消找回账户", "Recovery stopped"),
    "recovery.completed": ("完成找回账户", "Recovery completed"),
    "agency.granted": ("授权经办人", "Agent appointed"),
    "agency.revoked": ("撤销经办人", "Agent revoked"),
}

_WRONG_CODE: Final = ("验证码不正确或已使用。", "The code is wrong or was used before.")
#: Refusals by their code. What is not here is shown by its own message.
REFUSALS: Final[dict[str, Words]] = {
    "sign_in_failed": (
        "账号或密码不正确，或暂时锁定。请稍后再试。",
        "Wrong name or password, or locked for a while. Try again later.",
    ),
    "factor_locked": (
        "输错次数过多，请稍后再试，或改用其他方式。",
        "Too many wrong codes. Try again later, or another way.",
    ),
    "wrong_totp": _WRONG_CODE,
    "wrong_one_time_code": _WRONG_CODE,
    "wrong_recovery_code": _WRONG_CODE,
    "wrong_password": ("密码不正确。", "The password is wrong."),
    "hashing_busy": ("系统繁忙，请稍后再试。", "Busy; try again in a moment."),
    "foreign_form": (
        "页面已失效，请重新打开。浏览器须允许 Cookie。",
        "This page was out of date; open it again. Cookies must be allowed.",
    ),
    "bad_page_form": ("填写的内容过长或格式有误。", "What was filled in is too long or malformed."),
    "bad_certificate_form": (
        "证书或签名无法读取。", "The certificate or the signature cannot be read.",
    ),
    "bad_jwks": ("公钥集不是 JSON。", "The key set is not JSON."),
    "invalid_particulars": ("填写的信息有误，请核对。", "Something filled in is not right."),
    "too_many_codes": ("发送过于频繁，请稍后再试。", "Codes were sent too often; wait a while."),
    "too_many_names": ("查找次数过多，请稍后再试。", "Too many looked for; wait a while."),
    "too_many_device_codes": ("尝试次数过多，请稍后再试。", "Too many tries; wait a while."),
    "too_many_checks": ("今日核验次数过多，请明日再试。", "Too many checks today; try tomorrow."),
    "nothing_pending": ("等待时间过长，请重新开始。", "It took too long; begin again."),
    "challenge_gone": ("等待时间过长，请重新开始。", "It took too long; begin again."),
    "check_refused": ("身份核验未通过。", "The identity check was not passed."),
    "proof_refused": ("未能证明账户属于您。", "This does not prove that the account is yours."),
    "check_unavailable": ("核验服务暂不可用，请稍后再试。", "The check is not available now."),
    "key_taken": ("该证件号已由其他账户核验。", "Another account has proved this number."),
    "account_taken": ("未能注册，请登录或找回账户。", "Not possible: sign in or recover instead."),
    "recovery_gone": ("此次找回已结束。", "This recovery has ended."),
    "recovery_not_ready": ("还不能完成找回。", "This recovery is not complete yet."),
    "passkey_refused": ("通行密钥未被接受，请重试。", "The passkey was not accepted; try again."),
    "passkey_taken": ("该通行密钥已登记。", "This passkey is registered already."),
    "too_many_passkeys": ("通行密钥数量已达上限。", "There are as many passkeys as may be."),
    "qr_login_gone": ("二维码已失效，请重新生成。", "This code is no longer good; make a new one."),
    "no_such_code": ("没有设备在使用这个代码。", "No device shows this code."),
    "sign_in_too_old": (
        "请先退出，用第二因素重新登录后再更改登录方式。",
        "Sign out, then in again with your second factor, to change how you sign in.",
    ),
    "session_gone": ("登录已结束，请重新登录。", "This sign-in has ended; sign in again."),
    "level_too_low": (
        "请先在概况页完成人脸核验，将认证等级提升到 2。",
        "Raise your level to 2 first, on the overview page.",
    ),
    "documents_refused": (
        "证件与账户不符，或没有这个账户。已记录。",
        "The document is not the account's, or there is none. This is on record.",
    ),
    "staff_do_not_close": (
        "工作账户由安全管理员注销。", "Staff accounts are closed by a security administrator.",
    ),
    "other_account": ("请填写本账户的用户名。", "Type this account's own user name."),
    "certificate_refused": (
        "证书或签名未被接受。", "The certificate or the signature was not accepted.",
    ),
    "certificate_taken": ("该证书已登记。", "This certificate is registered already."),
    "message_not_sent": ("暂时无法发送。", "Nothing can be sent now."),
    "may_not_act": ("您未获授权代表该单位。", "You may not act for this organisation."),
    "may_not_grant": ("您不能授予这些角色。", "You may not grant these roles."),
    "enrolment_not_due": ("此步骤不需要开通第二因素。", "No factor is to be set up at this step."),
    "forbidden": ("无权办理。", "Not allowed."),
    "not_found": ("没有找到。", "Not found."),
    "unavailable": ("暂时无法办理，请稍后再试。", "Not available now; try again later."),
}  # fmt: skip
_KEY_REFUSED: Final = (
    "未能确认，请重试或改用其他方式。",
    "That was not accepted. Try again, or another way.",
)
_FALLBACK: Final = "未能办理，请核对后重试。"


def refusal(error: TrustError) -> Words:
    """Why something was refused, for the person in front of it. Many messages are Chinese and
    English themselves, with a slash between."""
    if error.code in REFUSALS:
        return REFUSALS[error.code]
    zh, slash, en = str(error).partition(" / ")
    if slash and not zh.isascii():
        return zh, en
    return _FALLBACK, str(error)


def code_refusal(error: TrustError) -> Words:
    """`refusal`, where it was a code and not a password that was typed."""
    return _WRONG_CODE if error.code == "sign_in_failed" else refusal(error)


def key_refusal(error: TrustError) -> Words:
    """`refusal`, where something was signed."""
    return _KEY_REFUSED if error.code == "sign_in_failed" else refusal(error)


def scopes(names: Iterable[str]) -> list[tuple[str, str, bool]]:
    """Scopes in plain words, in the table's order; unknown ones by their name, as guarded."""
    wanted = set(names)
    known = [words for name, words in SCOPES.items() if name in wanted]
    return known + [(name, name, True) for name in sorted(wanted - SCOPES.keys())]


def methods(names: Iterable[str]) -> str:
    """`密码 password · 动态口令 one-time code`; amr values without words are left out."""
    return " · ".join(" ".join(METHODS[name]) for name in names if name in METHODS)
