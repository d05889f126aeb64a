"""How numbers are written in the report."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from laktasi.report import numbers


@pytest.mark.parametrize(
    ("value", "english", "indonesian"),
    [
        (0.00030440426405303, "< .001", "< 0,001"),
        (0.0, "< .001", "< 0,001"),
        (1e-300, "< .001", "< 0,001"),
        (0.00099999, "< .001", "< 0,001"),
        (0.001, ".001", "0,001"),
        (0.0494, ".049", "0,049"),
        (0.9996, "1.000", "1,000"),
        (None, "–", "–"),
    ],
)
def test_a_p_value_is_never_written_as_zero(value: float | None, english: str, indonesian: str) -> None:
    assert numbers.p_value(value, "en") == english
    assert numbers.p_value(value, "id") == indonesian


def test_a_p_value_in_a_sentence_has_its_relation() -> None:
    assert numbers.p_value(0.0494, "en", relation=True) == "= .049"
    assert numbers.p_value(0.0004, "en", relation=True) == "< .001"


@pytest.mark.parametrize(
    ("value", "english", "indonesian"),
    [
        (0.698661601623117, "0.699", "0,699"),
        (-0.3211, "−0.321", "−0,321"),
        (-0.0001, "0.000", "0,000"),
        (1.0, "1.000", "1,000"),
        (None, "–", "–"),
    ],
)
def test_a_coefficient_has_three_decimals_and_a_true_minus(value: float | None, english: str, indonesian: str) -> None:
    assert numbers.coefficient(value, "en") == english
    assert numbers.coefficient(value, "id") == indonesian


def test_counts_and_percentages_follow_the_language() -> None:
    assert (numbers.whole(1234567, "en"), numbers.whole(1234567, "id")) == ("1,234,567", "1.234.567")
    assert (numbers.percent(44.04, "en"), numbers.percent(44.04, "id")) == ("44.0%", "44,0%")
    assert numbers.whole(None, "id") == numbers.percent(None, "en") == "–"


def test_a_moment_is_told_in_utc_whatever_its_zone() -> None:
    makassar = timezone(timedelta(hours=8))
    moment = datetime(2026, 5, 1, 7, 5, tzinfo=makassar)
    assert numbers.moment(moment, "id") == "30 Apr 2026 23.05 UTC"
    assert numbers.moment(moment, "en") == "30 Apr 2026 23:05 UTC"
    assert numbers.moment(moment.astimezone(UTC), "en") == numbers.moment(moment, "en")
