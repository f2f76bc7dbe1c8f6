"""A licence's holders as the QR claim, the register and the public may show them."""

from collections.abc import Mapping
from typing import Final

from certificates import holders
from certificates.licence_type import LicenceType

#: Characters of all holders together: the register's column.
SHOWN_MAX: Final = 400


def shown(licence_type: LicenceType, content: Mapping[str, object]) -> str:
    """The names of the holders, each masked by the type's rule; cut with an ellipsis."""
    text = "、".join(
        licence_type.public_holder(each.name, each.code_type) for each in holders.of(content)
    )
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"
