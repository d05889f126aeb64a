"""What a declared check finds in a warehouse of small records: asked by its own SQL, without Great Expectations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from laktasi.quality.declared import make_check
from laktasi.quality.plan import Batch, make_plan
from laktasi.store.sql import identifier
from tests.answers_fixture import Answered, answered
from tests.warehouse_fixture import STUDY

MESSAGES = {"id": "a", "en": "b"}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answered]:
    """Open a warehouse, once for a file of tests."""
    with answered(tmp_path_factory.mktemp("kinds")) as house:
        yield house


@pytest.fixture
def house(opened: Answered) -> Answered:
    """Give a warehouse in which nobody has answered yet."""
    return opened.emptied()


def ids(*numbers: int) -> set[str]:
    """Name submissions by their number."""
    return {f"uuid:{number}" for number in numbers}


def batches_of(house: Answered, folder: Path | None = None, study: Any = STUDY, **declared: Any) -> list[Batch]:
    """Plan one check, and give the batches that ask it."""
    check = make_check({"id": "x", "severity": "warning", "message": MESSAGES} | declared)
    plan = make_plan(house.questionnaires, [check], con=house.con, study=study, schemas=folder)
    return [batch for batch in plan.batches if "x" in {rule.rule_id for rule in batch.rules}]


def failing(house: Answered, folder: Path | None = None, study: Any = STUDY, **declared: Any) -> set[str]:
    """Give the submissions that fail a check of rows; ``<submission> <row>`` in a repeat."""
    return {place for place, good in asked(house, folder, study, **declared).items() if not good}


def asked(house: Answered, folder: Path | None = None, study: Any = STUDY, **declared: Any) -> dict[str, bool]:
    """Give every row that a check looks at, and whether it is good."""
    found: dict[str, bool] = {}
    for batch in batches_of(house, folder, study, **declared):
        (rule,) = [rule for rule in batch.rules if rule.rule_id == "x"]
        if batch.shape == "unique":
            verdict = f"count(*) over (partition by {rule.column}) = 1"
            query = (
                f"select _submission_id, _row, {verdict} from ({batch.select}) where _is_compared and _key is not null"
            )
        else:
            query = f"select _submission_id, _row, {identifier(rule.column)} from ({batch.select})"
        for submission, row, good in house.rows(query):
            place = f"{submission} {row}".strip()
            assert place not in found, "each row once"
            assert good is not None, "neither good nor bad"
            found[place] = good
    return found
