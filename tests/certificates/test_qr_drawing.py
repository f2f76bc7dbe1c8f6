import pytest

from certificates import qr_drawing
from trust.errors import Invalid


def test_a_code_has_at_most_version_15() -> None:
    # 412 bytes at level M are the most that version 15 holds (ISO/IEC 18004, table 7).
    assert 'viewBox="0 0 77 77"' in qr_drawing.draw("x" * 412)
    with pytest.raises(Invalid, match="version 15"):
        qr_drawing.draw("x" * 413)


@pytest.mark.parametrize("text", ["", "x" * 2001])
def test_a_code_of_nothing_or_of_too_much_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        qr_drawing.draw(text)
