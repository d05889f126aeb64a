"""The analysis of a whole run: every table of results is filled from the marts, by functions that are tested alone."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import numpy as np
import pytest

from laktasi import pipeline
from laktasi.analysis.adjusted import stratified_tau
from laktasi.analysis.paired import before_after
from laktasi.analysis.pooled import stratified
from laktasi.analysis.random_effects import leave_one_out, random_effects
from laktasi.analysis.tables import analyse_tables
from laktasi.settings import Settings, read_settings
from tests import mini

PEOPLE = 41
STUDY = (
    mini.STUDY.replace("variables:", 'variables:\n  strength: {question: strength, levels: ["no", "yes"]}')
    + "adjust_for: [strength, milk]\n"
    + "paired:\n"
    + "  - {name: warmth, before: before, after: after, labels: {en: Warmth}}\n"
    + "  - {name: nobodys, before: before, after: never, labels: {en: Never measured}}\n"
)
EXTRA = """
| | select_one yes_no | strength | Kuat? | Strong? | | | | none |
| | decimal | before | Sebelum | Before | | | | none |
| | decimal | after | Sesudah | After | | | | none |
| | decimal | never | Tidak pernah | Never | | | | none |
""".strip()


def answers(number: int) -> dict[str, Any]:
    """Forty people at two houses, and one alone at a third."""
    return {
        **mini.person(number),
        "house": "h3" if number == PEOPLE - 1 else ("h1", "h2")[number % 2],
        "strength": ("no", "yes")[number % 5 % 2],
        "before": 50 + number % 7,
        "after": 53 + number % 11 - number % 5,
    }


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("analysing")
    for number in range(PEOPLE):
        mini.put(root / "phone", f"tea{number}", mini.xml(answers(number), f"uuid:tea-{number}"))
    project = mini.make_project(root / "project", extra=EXTRA, study=STUDY)
    settings = read_settings(project, phones=(root / "phone",))
    pipeline.walk(settings, pipeline.WAY, door="cli")
    return settings


@pytest.fixture(scope="module")
def counts() -> Any:
    """Counted here from the answers, not by the warehouse: houses × milk × cups × strength."""
    found = np.zeros((3, 2, 3, 2), dtype=np.int64)
    for number in range(PEOPLE):
        given = answers(number)
        found[
            ("h1", "h2", "h3").index(given["house"]),
            ("no", "yes").index(given["milk"]),
            ("few", "some", "many").index(given["cups"]),
            ("no", "yes").index(given["strength"]),
        ] += 1
    return found


def ask(settings: Settings, table: str, where: str = "true") -> list[dict[str, Any]]:
    with duckdb.connect(str(settings.data_folder.research), read_only=True) as con:
        found = con.execute(f"select * exclude (run_id) from analysis.{table}_latest where {where} order by all")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def same(stored: dict[str, Any], found: Any) -> bool:
    """Say whether what is stored is what was found, where both have it; NULL is nan or None."""
    about = {"exposure", "outcome", "population", "centre_code", "measure", "unit"}
    return all(value == getattr(found, name) for name, value in stored.items() if name not in about)


def test_each_centre_has_every_measure_or_a_reason(ran: Settings, counts: Any) -> None:
    expected = analyse_tables(counts.sum(axis=3), max_n=ran.exact_max_n, draws=ran.monte_carlo_draws, seed=ran.seed)
    rows = ask(ran, "kendall", "population = 'accepted'")
    assert [row["centre_code"] for row in rows] == ["h1", "h2", "h3"]
    for name, values in expected.items():
        stored = np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=object)
        given = np.array([np.nan if value is None else value for value in values], dtype=object)
        assert [str(value) for value in stored] == [str(value) for value in given], name
    assert rows[2]["reason"] == "only one record"
    assert rows[0]["gamma"] is not None


def test_what_pools_centres_takes_them_all(ran: Settings, counts: Any) -> None:
    tables = counts.sum(axis=3)
    (mean,) = ask(ran, "random_effects", "population = 'all'")
    found = random_effects(tables)
    assert json.loads(mean.pop("left_out")) == found.left_out == {"one_record": 1}
    assert same(mean, found)
    without = {row["centre_code"]: row["tau_b"] for row in ask(ran, "leave_one_out", "population = 'all'")}
    assert list(without) == ["h1", "h2", "h3"]
    assert [np.nan if value is None else value for value in without.values()] == pytest.approx(
        leave_one_out(tables).tau_b, nan_ok=True
    )
    pooled = stratified(tables)
    assert [(row["basis"], row["tau_b"]) for row in ask(ran, "next_round", "population = 'all' and power = 0.8")] == [
        ("estimate", pooled.tau_b),
        ("nearer limit", pooled.ci_low),
    ]


def test_a_covariate_is_held_equal_unless_it_is_part_of_the_question(ran: Settings, counts: Any) -> None:
    rows = ask(ran, "adjusted", "population = 'all'")
    assert {row["covariate"] for row in rows} == {"strength"}
    assert {(row["centre_code"], row["method"]) for row in rows} == {
        (centre, method) for centre in (None, "h1", "h2", "h3") for method in ("partial", "stratified")
    }
    found = stratified_tau(counts)
    stored = {row["centre_code"]: row["tau_b"] for row in rows if row["method"] == "stratified"}
    assert stored[None] == found.together.tau_b[0]
    assert [stored["h1"], stored["h2"]] == found.by_centre.tau_b[:2].tolist()
    assert stored["h3"] is None


def test_before_and_after_go_by_centre_and_together(ran: Settings) -> None:
    rows = {row["centre_code"]: row for row in ask(ran, "paired", "population = 'all' and measure = 'warmth'")}
    assert set(rows) == {None, "h1", "h2", "h3"}
    people = [answers(number) for number in range(PEOPLE)]
    for centre in (None, "h1"):
        here = [person for person in people if centre in (None, person["house"])]
        values = [np.array([person[name] for person in here], dtype=float) for name in ("before", "after")]
        assert same(rows[centre], before_after(*values))
    assert rows["h3"]["estimate"] is None
    assert rows["h3"]["reason"] == "fewer than 6 pairs"
    (nobody,) = ask(ran, "paired", "population = 'all' and measure = 'nobodys'")
    assert (nobody["centre_code"], nobody["n"], nobody["reason"]) == (None, 0, "fewer than 6 pairs")


def test_the_trend_has_one_period_here_and_says_what_the_pooled_result_says(ran: Settings, counts: Any) -> None:
    (period,) = ask(ran, "trend", "population = 'all'")
    assert (str(period["period"]), period["unit"], period["n"]) == ("2026-11-02", "week", PEOPLE)
    assert period["tau_b"] == stratified(counts.sum(axis=3)).tau_b
