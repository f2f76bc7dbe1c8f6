"""The shapes of requests and answers about certificates, for the interface's description."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

ReasonText = Literal[
    "unspecified", "key_compromise", "ca_compromise", "affiliation_changed", "superseded",
    "cessation_of_operation",
]  # fmt: skip


class AuthorityOut(BaseModel):
    """一个签发者 / A CA."""

    name: str = Field(description="签发者名 / Its name here")
    parent: str | None = Field(None, description="上级，根为空 / The CA above; null for a root")
    algorithm: str = Field(description="签名算法 / What it signs with")
    outside: bool = Field(description="外部 CA / Somebody else's CA")
    signs: bool = Field(description="现在可以签发 / May sign now")
    subject: str = Field(description="主体名称 / Subject")
    not_before: datetime = Field(description="有效期起 / Start of validity")
    not_after: datetime = Field(description="有效期止 / End of validity")
    shards: int = Field(description="吊销列表分片数 / Partitions of its CRL")


class CertificateOut(BaseModel):
    """登记的一张证书 / A certificate of the registry."""

    serial: str = Field(description="序列号，十六进制 / Serial, hexadecimal")
    issuer: str = Field(description="签发者 / The issuer's name")
    profile: str = Field(description="证书模板 / Profile")
    state: str = Field(
        description="状态 / State: reserved, issued, held, revoked, abandoned", examples=["issued"]
    )
    subject: str = Field(description="主体名称 / Subject")
    not_before: datetime = Field(description="有效期起 / Start of validity")
    not_after: datetime = Field(description="有效期止 / End of validity")
    revoked_at: datetime | None = Field(None, description="吊销或暂停时间 / Revoked or held since")
    reason: int | None = Field(None, description="原因代码 / Reason (RFC 5280, 5.3.1)")
    renews: str | None = Field(None, description="所更新证书的序列号 / Serial it took over from")


class CertificatesOut(BaseModel):
    """一页证书 / A page of certificates."""

    certificates: list[CertificateOut] = Field(description="证书 / Certificates")
    next: int | None = Field(
        None, description="下一页的 after，末页为空 / `after` of the next page"
    )


class RevocationOrder(BaseModel):
    """吊销的原因 / Why a certificate is revoked."""

    reason: ReasonText = Field(description="原因 / Reason (RFC 5280, 5.3.1)")


class CrlOut(BaseModel):
    """刚签发的吊销列表 / The CRL that was made."""

    issuer: str = Field(description="签发者 / The issuer's name")
    entries: int = Field(description="条目数 / How many certificates it lists")
    this_update: datetime = Field(description="签发时间 / Made at")
    next_update: datetime = Field(description="下次签发时间 / Good until")
