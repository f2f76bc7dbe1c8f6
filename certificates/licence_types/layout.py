"""The page of a licence type that has no template of its own: data for `templates/form.typ`."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict
from pydantic import Field as Constraint

#: A KZ_ item, or one of the common items that may be printed; TERM is the validity as one line.
Row = Annotated[str, Constraint(pattern=r"^(KZ_[A-Z0-9]{1,24}|CZZT|CZZTDM|ZZBH|TERM|HOLDERS)$")]
Words = Annotated[str, Constraint(max_length=60)]
Rows = Annotated[tuple[Row, ...], Constraint(max_length=24)]


class Paper(StrEnum):
    """A4 upright, A4 across, or half of it (A5 across) for what is carried as a card."""

    PORTRAIT = "portrait"
    LANDSCAPE = "landscape"
    CARD = "card"


#: Width and height in millimetres.
SIZES = {Paper.PORTRAIT: (210, 297), Paper.LANDSCAPE: (297, 210), Paper.CARD: (210, 148)}


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands where. `rows` stand beside the code, `wide` beneath them across the page; `long`
    is set smaller than the rest when the text does not fit. HOLDERS is the table of holders. With
    two `columns` the wide part, and on landscape paper the rows, go two and two.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    paper: Paper = Paper.PORTRAIT
    ink: Annotated[str, Constraint(pattern="^#[0-9a-f]{6}$")] = "#3a6290"
    rows: Rows = ("CZZT", "CZZTDM")
    wide: Rows = ()
    long: Annotated[str, Constraint(pattern=r"^(KZ_[A-Z0-9]{1,24})?$")] = ""
    columns: Annotated[int, Constraint(ge=1, le=2)] = 1
    number_zh: Words = "证照编号"
    number_en: Words = "Number"
    authority_zh: Words = "发证机关"
    authority_en: Words = "Issuing authority"
    #: The sentence of law that some licences begin with.
    preamble: Annotated[str, Constraint(max_length=300)] = ""

    def face(self) -> dict[str, object]:
        """For the template, as JSON."""
        width, height = SIZES[self.paper]
        return {**asdict(self), "width": width, "height": height}
