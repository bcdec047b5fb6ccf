"""Values of cells as their number formats say them, with every digit that they have."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from memento.tools.documents.number_formats import cell_text


@pytest.mark.parametrize(
    ("value", "number_format", "expected"),
    [
        (0.25, "0%", "25%"),
        (0.256, "0%", "25.6%"),  # no digit is rounded away
        (0.5, "0.00%", "50.00%"),
        (-0.25, "0%", "-25%"),
        (25, '0"%"', "25%"),
        (1e-7, "0%", "0.00001%"),
        (12, "000000", "000012"),
        (-12, "0000", "-0012"),
        (12345678, r"000\-00\-0000", "012-34-5678"),
        (5551234567, "(###) ###-####", "(555) 123-4567"),
        (2.5, "0.00", "2.50"),
        (0.1 + 0.2, "0.0", "0.3"),
        (2250000, "#,##0", "2250000"),
        (1234.5, '"$"#,##0.00', "$1234.50"),
        (1234.5, "#,##0.00 [$\u20ac-407]", "1234.50 \u20ac"),
        (12.5, "[$EUR ]#,##0.00_-", "EUR 12.50"),
        (-5, '"$"#,##0.00_);[Red]("$"#,##0.00)', "-$5.00"),
        (-12.5, "#,##0.00;[Red]-#,##0.00", "-12.50"),
        (0, r'_(* #,##0_);_(* \(#,##0\);_(* "-"_);_(@_)', "0"),
        (5, '0" kg"', "5 kg"),
        (1234567, '0.0,,"M"', "1.234567M"),
        (150, '[>=100]"big "0;0', "big 150"),
        (50, '[>=100]"big "0;0', "50"),
        (1, '[=1]"Yes";"No"', "Yes (1)"),
        (7, ";;;", "7"),  # which hides it
        (0.000123, "0.00E+00", "0.000123"),
        (1.5, "# ?/?", "1.5"),
        (1e25, "0.00", "1e+25"),
        (3, 'General "x"', "3"),
        (3, None, "3"),
        (float("inf"), "0%", "inf"),
        (True, "0%", "TRUE"),
        ("text", "0%", "text"),
        (None, "0%", ""),
        (datetime.fromisoformat("2024-05-06"), "mmm-yy", "2024-05-06"),
        (datetime.fromisoformat("2024-05-06 14:30"), "d/m", "2024-05-06 14:30:00"),
        (date(2024, 5, 6), "d/m", "2024-05-06"),
        (time(14, 30), "h AM/PM", "14:30:00"),
        (timedelta(hours=26, minutes=3), "[h]:mm", "26:03:00"),
        (-timedelta(minutes=90), "[h]:mm", "-1:30:00"),
    ],
)
def test_a_value_says_what_its_format_says(value: Any, number_format: str | None, expected: str) -> None:
    assert cell_text(value, number_format) == expected
