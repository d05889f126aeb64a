"""Reading what Great Expectations answers: a check that broke must never look like one that passed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from laktasi.errors import CheckError
from laktasi.quality.engine import ID_COLUMNS, _verdict

NOTHING_RAISED = {"raised_exception": False, "exception_traceback": None, "exception_message": None}
RAISED = {"raised_exception": True, "exception_traceback": "…", "exception_message": "no such column\nmore"}


def answer(exception_info: Any, *, success: bool = False, **result: Any) -> Any:
    config = SimpleNamespace(meta={"rule_id": "age.constraint"}, type="expect_column_values_to_be_in_set")
    return SimpleNamespace(expectation_config=config, exception_info=exception_info, success=success, result=result)


def test_failing_rows_are_read_as_columns() -> None:
    ids = [{"_submission_id": ["a", "b"], "_row": ["", "2"]}]
    verdict = _verdict("visit", answer(NOTHING_RAISED, unexpected_count=2, unexpected_index_list=ids), ID_COLUMNS)
    assert (verdict.holds, verdict.count, verdict.failing) == (False, 2, ids[0])
    assert verdict.expectation == "expect_column_values_to_be_in_set"


@pytest.mark.parametrize("success", [True, False])
def test_without_ids_only_the_outcome_is_read(success: bool) -> None:
    verdict = _verdict("visit", answer(NOTHING_RAISED, success=success), ())
    assert (verdict.holds, verdict.count, verdict.failing) == (success, 0, {})


@pytest.mark.parametrize("columns", [ID_COLUMNS, ()])
@pytest.mark.parametrize(
    "info",
    [RAISED, {"metric one": RAISED}, {"metric one": NOTHING_RAISED, "metric two": RAISED}],
    ids=["flat", "nested", "one of two"],
)
def test_an_exception_inside_a_check_is_an_error_in_either_shape(info: Any, columns: tuple[str, ...]) -> None:
    with pytest.raises(CheckError, match=r"check 'age\.constraint' of suite 'visit' could not be run") as raised:
        _verdict("visit", answer(info, success=True), columns)
    assert raised.value.why == "no such column"


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (answer(NOTHING_RAISED, unexpected_count=30, unexpected_index_list=[]), "30 rows fail, but 0 ids came back"),
        (answer(NOTHING_RAISED, success=True, unexpected_count=3), "3 rows fail, but 0 ids came back"),
        (answer(NOTHING_RAISED, success=False, unexpected_count=0), "contradicts"),
        (
            answer(
                NOTHING_RAISED,
                success=True,
                unexpected_count=1,
                unexpected_index_list=[{"_submission_id": ["a"], "_row": [""]}],
            ),
            "contradicts",
        ),
    ],
)
def test_an_answer_that_contradicts_itself_is_an_error(broken: Any, why: str) -> None:
    with pytest.raises(CheckError) as raised:
        _verdict("visit", broken, ID_COLUMNS)
    assert why in raised.value.why
