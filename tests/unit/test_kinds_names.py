"""A question may be called like anything that the SQL of a check calls its own: no kind takes the one for the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from laktasi.quality.declared import make_check
from laktasi.quality.kinds import KINDS
from laktasi.quality.plan import Batch, make_plan
from laktasi.quality.suites import Rule
from tests.answers_fixture import Answered, answered
from tests.kinds_fixture import MESSAGES
from tests.warehouse_fixture import FORM, STUDY

Named = Callable[[str], str]

OTHERS = [
    "value", "n", "k", "rank", "hand", "r", "i", "f", "a", "b", "v", "p", "x", "s", "w", "v0", "v1", "q0", "_code",
    "_answer", "_day", "_id", "_told", "_wanted", "times", "low", "high", "one", "other", "span", "near", "middle",
    "lat", "lon", "is_good", "is_asked", "is_earlier", "is_wrong", "since", "age", "known", "listed", "wanted",
    "event", "seconds", "node", "seen_at", "is_past", "newest_day", "newest_at", "newer_since", "form_version",
    "submission_id", "landed_at", "centre_code", "included", "places", "points", "dealt", "pairs", "alike", "kept",
    "counted", "newest", "targets", "targets_until", "variable", "type", "interviews",
]  # fmt: skip
"""Texts, beside those below."""
TYPED = {"value": "decimal", "k": "integer", "day": "date", "moment": "dateTime", "p": "geopoint", "stated": "text"}
NAMES = tuple(dict.fromkeys([*TYPED, "code", *OTHERS]))

CHECKS: dict[str, Callable[[Named], dict[str, Any]]] = {
    "row": lambda of: {"expression": f"${{{of('value')}}} < 30"},
    "range": lambda of: {"question": of("value"), "max": f"${{{of('k')}}}"},
    "answered": lambda of: {"questions": [of("rank")]},
    "in_order": lambda of: {"questions": [of("value"), of("k")]},
    "accuracy": lambda of: {"question": of("p"), "at_most": 4},
    "unique": lambda of: {"questions": [of("code"), of("value")]},
    "listed": lambda of: {"question": of("code"), "list": "codes.csv", "column": "code"},
    "allotted": lambda of: {"question": of("k"), "list": "codes.csv", "by": of("code"), "column": "code"},
    "matches": lambda of: {"question": of("code"), "in_question": of("hand"), "in_where": f"${{{of('k')}}} > 1"},
    "outlier": lambda of: {"question": of("value"), "by": of("code"), "at_least": 10},
    "near_others": lambda of: {"question": of("value"), "by": of("code"), "at_most": 9},
    "not_future": lambda of: {"question": of("day")},
    "clock": lambda _of: {},
    "outdated_version": lambda _of: {"grace_days": 1},
    "near_duplicate": lambda of: {"by": of("code"), "at_least": 3, "share": 0.7},
    "same_as_earlier": lambda of: {"questions": [of("value")], "subject": of("code")},
    "nearest": lambda of: {"question": of("p"), "place": of("stated"), "list": "codes.csv", "code": "code"},
    "share": lambda of: {"of": f"${{{of('value')}}} > 5", "by": of("code"), "at_most": 0.1},
    "missing_rate": lambda of: {"questions": [of("n")], "by": of("code"), "at_most": 0.1},
    "distinct": lambda of: {"questions": [of("value"), of("n")], "by": of("code")},
    "value_rate": lambda of: {"question": of("k"), "values": [3], "by": of("code"), "at_most": 0.1},
    "digit_preference": lambda of: {"question": of("k"), "by": of("code"), "at_most": 0.3},
    "too_frequent": lambda of: {"question": of("value"), "by": of("code"), "at_most": 0.1},
    "duration": lambda _of: {"at_least": 20},
    "late": lambda _of: {"at_most": 2},
    "working_hours": lambda _of: {"from": 9, "to": 17},
    "answer_seconds": lambda of: {"questions": [of("value")], "at_least": 5},
    "day_hours": lambda of: {"by": of("code"), "at_most": 3},
    "day_records": lambda of: {"by": of("code"), "at_most": 3},
    "target": lambda _of: {},
    "roster": lambda of: {"question": of("code"), "list": "codes.csv", "column": "code"},
    "silent": lambda of: {"by": of("code"), "at_most": 3},
    "version_share": lambda of: {"by": of("code"), "at_most": 0.1, "last_days": 20, "at_least_rows": 2},
    "error_rate": lambda of: {"by": of("code"), "at_most": 0.1},
    "back_check_rate": lambda _of: {"type": 1, "at_most": 0.1},
}


def fancy(name: str) -> str:
    return name


def plain(name: str) -> str:
    return f"the_{name}_of_it"


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Named, Answered]]:
    """Give two warehouses with the same answers, to questions of such names and of others."""
    folder = tmp_path_factory.mktemp("names")
    with answered(folder / "fancy", asking(fancy)) as one, answered(folder / "plain", asking(plain)) as other:
        opened: dict[Named, Answered] = {fancy: one, plain: other}
        for of, house in opened.items():
            fill(house, of)
        yield opened


def asking(of: Named) -> str:
    return "\n".join(f"| | {TYPED.get(name, 'text')} | {of(name)} | A | B | none | |" for name in NAMES)


def fill(house: Answered, of: Named) -> None:
    for version in ("1", "2"):
        records = [
            {of(name): f"{name}{number % 3}" for name in NAMES if name != "n"}
            | {
                of("value"): str(number % 7 * 3 if number else 99),
                of("k"): str(number % 5),
                of("day"): "2027-01-01" if number == 3 else "2026-11-02",
                of("moment"): "2026-11-02T08:00:00.000+08:00",
                of("p"): f"0.{number} 124.3 0 {number}",
                of("stated"): f"code{number % 3}",
                of("hand"): f"code{number % 2}",
                "today": f"2026-11-{2 + number:02d}",
                "start": f"2026-11-{2 + number:02d}T08:{number:02d}:00.000+08:00",
                "end": f"2026-11-{2 + number:02d}T08:{2 * number:02d}:30.000+08:00",
            }
            for number in range(24)
        ]
        house.take(*records, version=version)
    house.con.execute("insert into marts.targets values ('c1', 500, '2026-11-02')")
    house.con.execute("update marts.interviews set lag_hours = 3 where submission_id < 'uuid:2'")
    house.con.execute(
        "insert into raw.submissions by name select form_id, instance_id, payload_sha256, form_version, status,"
        " first_landed_at as landed_at, '' as payload, 'phones' as source, '' as run_id from staging.submissions"
    )
    house.con.execute(
        f"""
        insert into audit_log.events by name
        select form_id, submission_id, submission_id as instance_id, 1 as position, 'question' as event,
            '/data/{of("value")}' as node, now() as started_at, 3::double as seconds
        from marts.interviews
        """
    )
    house.con.execute(
        "insert into quality.failing by name select form_id, submission_id, '' as row, 'massage.choice' as rule_id"
        " from marts.interviews"
    )


def schemas(folder: Path) -> Path:
    rows = [f"code{number},{10 * number},{10 * number + 3},0.{number},124.3" for number in range(4)]
    (folder / "codes.csv").write_text("\n".join(["code,from,to,lat,lon", *rows]), encoding="utf-8")
    side = {"form": FORM, "match": ["centre"]}
    declared = {
        "original": side,
        "back_check": {**side, "form": "again", "checker": "enumerator"},
        "variables": {"weight": {"original": "weight", "back_check": "weight", "type": 1}},
        "alarms": {1: 0.1},
        "sample": {"share": 0.2, "seed": 1},
    }
    (folder / "back_checks.yml").write_text(yaml.safe_dump(declared), encoding="utf-8")
    return folder


def test_every_kind_is_asked_here() -> None:
    assert set(CHECKS) == set(KINDS)


@pytest.mark.parametrize("kind", CHECKS)
def test_a_kind_finds_the_same_whatever_the_questions_are_called(
    houses: dict[Named, Answered], tmp_path: Path, kind: str
) -> None:
    grouped = "by" in CHECKS[kind](fancy)
    found: dict[Named, list[list[tuple[Any, ...]]]] = {fancy: [], plain: []}
    for of, house in houses.items():
        for by in ({"by": of("code")}, {"by": of("stated")}, {"by": "enumerator"}) if grouped else ({},):
            entry = {"id": "x", "form": FORM, "severity": "warning", "message": MESSAGES, "kind": kind}
            check = make_check(entry | CHECKS[kind](of) | by | {"where": f"${{{of('value')}}} != 3"})
            plan = make_plan(house.questionnaires, [check], con=house.con, study=STUDY, schemas=schemas(tmp_path))
            found[of] += [told(house, batch, rule) for batch in plan.batches for rule in batch.rules]
    assert found[fancy] == found[plain]
    assert all(any(rows) for rows in found.values()) or kind == "back_check_rate"


def told(house: Answered, batch: Batch, rule: Rule) -> list[tuple[Any, ...]]:
    if rule.rule_id != "x":
        return []
    key = "_submission_id || _row" if batch.shape != "measures" else "regexp_replace(_row, '^.*:', '')"
    return house.rows(f'select {key}, "{rule.column}" from ({batch.select}) order by all')
