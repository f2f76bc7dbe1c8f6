"""The refusals of sharing in words: Chinese, then English, by code."""

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "share_no_such_licence": ("没有此证照。", "There is no such licence."),
    "share_no_right": ("未获得该类证照的使用权限。", "No right to licences of this type."),
    "share_right_not_in_force": (
        "权限尚未生效或已终止。", "The right has not begun, or has ended.",
    ),
    "share_address_refused": (
        "当前网络地址不在权限范围内。", "The right does not hold for this network address.",
    ),
    "share_category_refused": (
        "权限不包括此类调用。", "The right does not cover this category of calls.",
    ),
    "share_ceiling_reached": ("今日调用次数已满。", "Today's calls are used up."),
    "share_item_not_bound": (
        "该事项当前不使用此类证照。", "The service item takes no licence of this type today.",
    ),
    "share_not_covered": (
        "权限未覆盖所请求的全部信息项。", "The right does not cover every item asked for.",
    ),
    "share_not_authorised": (
        "持证人未就此用途授权。", "The holder has given no leave for this purpose.",
    ),
    "share_not_entrusted": ("代理人未获委托。", "The agent was not entrusted with this licence."),
    "share_purpose_missing": ("请说明用途。", "Say what the licence is wanted for."),
    "share_bad_query": ("查询条件不符合要求。", "What is searched by is missing or malformed."),
    "share_no_public_key": (
        "未登记加密公钥，不能加密返回。", "No SM2 public key is registered for this caller.",
    ),
    "share_bad_signature": ("请求签名缺失或无效。", "The request's signature is missing or bad."),
    "share_link_gone": (
        "地址已使用、已失效或不存在。", "The link was used, is too old, or never was.",
    ),
    "share_licence_void": (
        "证照已失效，不再提供文件。", "The licence has ended; its file is not given.",
    ),
    "licence_not_copied": (
        "证照当前状态不能制作加注件。", "No copy is made of a licence in this state.",
    ),
    "no_copy_seal": ("平台加注件印章不可用。", "The platform's seal for copies is not in force."),
    "nothing_to_verify": (
        "请选择文件，或填写二维码内容。", "Choose a file, or give the text of a QR code.",
    ),
    "no_such_slip": ("没有此核验单。", "There is no such slip."),
    "bad_purpose": (
        "用途填写不符合要求，且不得含个人号码。", "The purpose is malformed or holds a number.",
    ),
    "bad_envelope": ("请求报文格式有误。", "The request is no well-formed envelope."),
    "envelope_item_missing": ("缺少必填项。", "A required item is missing."),
    "token_refused": ("未通过身份认证。", "Not authenticated."),
    "forbidden": ("无权办理。", "Forbidden."),
    "invalid": ("内容不符合规则。", "The content breaks a rule."),
    "not_found": ("没有找到。", "Not found."),
}  # fmt: skip
