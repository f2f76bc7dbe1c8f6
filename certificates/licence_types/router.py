"""The licence types over HTTP: the catalogue of GB/T 36902, a type's definition, what a content
must look like. Public: whoever asks for a licence has to know what is asked of them."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel

from certificates import catalogue
from certificates.licence_type import LicenceType
from certificates.licence_types import items, registry, schema
from trust.clock import CHINA
from trust.dependencies import Now, Reading

router = APIRouter(prefix="/v1/licence-types", tags=["类型 licence types"])
Key = Annotated[
    str,
    Path(min_length=3, max_length=256, description="21 位代码、代号或名称 / code, slug or name"),
]


class CatalogueRow(BaseModel):
    """One type, in the words of GB/T 36902-2018."""

    CertificateTypeName: str
    CertificateTypeCode: str
    CertificateDefineAuthorityName: str
    CertificateDefineAuthorityCode: str
    CertificateDefineAuthorityLevel: str
    ItemName: list[str]
    ItemCode: list[str]
    CertificateHolderCategory: str
    ValidityRange: list[str]
    CertificateIssuingAuthorityLevel: list[str]
    slug: str
    version: str


def _row(licence_type: LicenceType, bound: dict[str, str]) -> CatalogueRow:
    served = {**licence_type.items, **bound}
    return CatalogueRow.model_validate(
        {
            **licence_type.catalogue_row(), "ItemName": list(served.values()),
            "ItemCode": list(served), "slug": licence_type.slug, "version": licence_type.version,
        }
    )  # fmt: skip


@router.get("", summary="证照类型目录 / The types in force")
def list_licence_types(session: Reading, now: Now) -> list[CatalogueRow]:
    """现行的证照类型，以及今日各自对应的政务服务事项。

    With the service items that each is given for today.
    """
    today = now().astimezone(CHINA).date()
    return [
        _row(each, items.items_for_type(session, each.code, on=today))
        for each in registry.all_current(session)
    ]


@router.get("/{key}", summary="证照类型定义 / The definition in force")
def show_licence_type(key: Key, session: Reading) -> dict[str, Any]:
    """证照类型的完整定义：信息项、有效期、编号规则、印章位置和版面。

    The whole definition: fields, validity, number rule, places of seals, layout.
    """
    found: dict[str, Any] = json.loads(catalogue.write(registry.current(session, key)))
    return found


@router.get("/{key}/schema", summary="证照内容的 JSON Schema / What a content must look like")
def show_licence_schema(key: Key, session: Reading) -> dict[str, Any]:
    """录入内容的 JSON Schema（2020-12 版）。

    The JSON Schema (draft 2020-12) of the content that is entered.
    """
    return schema.schema(registry.current(session, key))
