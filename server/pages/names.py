"""What pages call things: checks, outcomes, items of a licence; Chinese, then English."""

from typing import Final

#: A check's name, or its first word.
CHECKS: Final = {
    "structure": ("文件结构", "File structure"),
    "signature": ("签名", "Signature"),
    "chain": ("证书链", "Certificate chain"),
    "revocation": ("证书吊销", "Certificate revocation"),
    "seal": ("电子印章", "Seal"),
    "time": ("签章时间", "Time of sealing"),
    "changes": ("签章后改动", "Changes after sealing"),
    "content": ("证照内容", "Licence content"),
    "owner": ("印章归属", "Seal's owner"),
    "qr": ("二维码", "QR code"),
    "claim": ("二维码内容", "QR code content"),
    "claim.signature": ("二维码签名", "QR code signature"),
    "registry": ("登记库", "Registry"),
    "log": ("公开日志", "Public log"),
    "region": ("信任列表", "Trust list"),
    "digest": ("内容摘要", "Content digest"),
    "state": ("证照状态", "State"),
    "state.asked": ("颁发地区的答复", "The issuing region's answer"),
    "listed": ("信任列表中的签发者", "Signer on the trust list"),
    "listed.issuer": ("信任列表中的颁发机构", "Issuer on the trust list"),
    "recognition": ("跨地区互认", "Mutual recognition"),
    "dates": ("有效期", "Validity dates"),
    "container": ("归档包容器", "Package's container"),
    "part": ("归档包各部分", "Package's parts"),
    "manifest": ("归档清单", "Package's manifest"),
    "roots": ("根证书", "Roots"),
    "metadata": ("元数据", "Metadata"),
    "archived": ("归档状态", "State when archived"),
    "audit": ("审计证明", "Audit proof"),
    "copy": ("加注件", "Marked copy"),
    "original": ("加注件的原件", "The copy's original"),
}

#: Outcome: name, what it means for the reader.
OUTCOMES: Final = {
    "PASSED": (("通过", "Passed"), ("各项检查全部通过。", "Every check passed.")),
    "FAILED": (
        ("不通过", "Failed"),
        ("至少一项检查不通过，请勿采信。", "At least one check failed. Do not rely on it."),
    ),
    "INDETERMINATE": (
        ("无法确定", "Indeterminate"),
        (
            "有检查项得不出结论：既不能认定有效，也不能认定无效。",
            "Some checks could not be decided: it is shown neither good nor bad.",
        ),
    ),
}

#: Item of a report's licence, its name. In the order of the page.
FIELDS: Final = (
    ("type", "证照类型", "Type"),
    ("number", "证照编号", "Number"),
    ("holder", "持证主体", "Holder"),
    ("authority_name", "颁发机构", "Issued by"),
    ("authority", "颁发机构代码", "Issuer's code"),
    ("issued", "颁发日期", "Issued on"),
    ("valid_from", "有效期起", "Valid from"),
    ("valid_until", "有效期止", "Valid until"),
    ("region_name", "颁发地区", "Region"),
    ("identifier", "电子证照标识", "Licence identifier"),
    ("copy_purpose", "加注件仅用于", "Copy for this only"),
    ("copy_maker", "加注件制作者", "Copy made for"),
    ("copy_until", "加注件有效期止", "Copy good until"),
    ("copy_number", "加注件编号", "Copy's number"),
)

#: What stands above a licence's summary, or in its place.
NOTES: Final = {
    "compare": (
        "二维码只证明下列内容由颁发机构签发。请与手中的证照逐项对照，不一致的即非该证照。",
        "The code only proves that the items below were issued. Compare them, one by one, with the "
        "licence in front of you.",
    ),
    "unconfirmed": (
        "下列内容只是文件或二维码自称的，尚未证实。",
        "This is only what the file or the code says of itself; it is not confirmed.",
    ),
    "not_shown": (
        "没有可以采信的内容，因此不显示。",
        "Nothing is shown, because nothing of it could be relied on.",
    ),
}


def name_of(check: str) -> tuple[str, str]:
    """What a check is called; `signature.2` is that of the second seal."""
    if check in CHECKS:
        return CHECKS[check]
    first, _, rest = check.partition(".")
    zh, en = CHECKS.get(first, (first, first))
    if rest == "claim":
        return f"{zh}（二维码）", f"{en}, QR code"
    return f"{zh}（第 {rest} 个签章）", f"{en}, seal {rest}"
