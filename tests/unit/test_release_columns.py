"""Names, labels, pseudonyms and what treatments make of answers; and slips in release.yml."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laktasi.errors import ReleaseError
from laktasi.release.columns import Column, Level, treated
from laktasi.release.documents import _package_name
from laktasi.release.names import NAME_LENGTH, RESERVED, name_columns, plain_label, shortened
from laktasi.release.pseudonyms import pseudonyms, shifts
from laktasi.release.rule import Rule, Treatment, read_rule

KEY = b"k" * 32


def test_names_are_the_last_part_where_that_is_the_only_one() -> None:
    paths = ["visit/date", "infant/date", "mother/age", "if", "2nd/Ümlaut Name", "a/" + "x" * 40, "b/" + "x" * 40]
    names = name_columns(paths, ["record"])
    assert list(names.values())[:5] == ["visit_date", "infant_date", "age", "if_2", "umlaut_name"]
    assert len(set(names.values())) == len(paths)


@given(st.lists(st.text(min_size=1, max_size=50), max_size=12, unique=True))
def test_every_program_takes_every_name(paths: list[str]) -> None:
    names = name_columns(paths, ["record", "withheld"])
    assert len({name.lower() for name in names.values()} | {"record", "withheld"}) == len(paths) + 2
    for name in names.values():
        assert name.isascii()
        assert name.isidentifier()
        assert name[0].isalpha()
        assert len(name) <= NAME_LENGTH
        assert name not in RESERVED


def test_labels_lose_marks_and_are_cut_where_they_must_be() -> None:
    assert plain_label("## **Susu** _ya_\n<span style='color:red'>merah</span>") == "Susu _ya_ merah"
    assert shortened("é" * 60, size=120) == "é" * 60
    assert shortened("é" * 61, size=120) == "é" * 58 + "…"
    assert shortened("kata " * 20, characters=80) == ("kata " * 16).rstrip()[:79].rstrip() + "…"


def test_pseudonyms_are_the_same_for_the_same_and_tell_nothing_else() -> None:
    values: list[str | None] = [f"uuid:{number}" for number in range(2000)]
    made = pseudonyms(KEY, "rule", "record", [*values, None, "uuid:0"])
    assert len(set(made[:2000])) == 2000
    assert made[2000] is None
    assert made[2001] == made[0]
    assert all(text is None or text.startswith("r-") for text in made)
    for other in (
        pseudonyms(KEY, "another rule", "record", values),
        pseudonyms(b"l" * 32, "rule", "record", values),
        pseudonyms(KEY, "rule", "code", values),
    ):
        assert {text and text[2:] for text in other}.isdisjoint({text and text[2:] for text in made})


def test_pseudonyms_that_would_collide_are_made_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laktasi.release.pseudonyms.LENGTH", 1)
    values: list[str | None] = [str(number) for number in range(500)]
    made = pseudonyms(KEY, "", "record", values)
    assert len(set(made)) == 500
    assert len({len(text or "") for text in made}) == 1


def test_shifts_are_never_nothing_and_never_too_far() -> None:
    moved = shifts(KEY, 15, [str(number) for number in range(3000)])
    assert set(moved) == set(range(-15, 16)) - {0}
    assert moved == shifts(KEY, 15, [str(number) for number in range(3000)])


def number(*values: float) -> Column:
    return Column("age", "whole", {}, np.array(values, dtype=float), "integer")


def test_bands_begin_at_their_points() -> None:
    made = treated(number(19, 20, 29, 30, np.nan, 35), Treatment("band", points=(20.0, 30.0, 35.0)))
    assert [made.levels[at].value if at >= 0 else None for at in made.data] == [
        *("< 20", "20–29", "20–29", "30–34", None, "≥ 35")
    ]
    assert made.is_quasi


def test_dates_are_truncated_or_moved() -> None:
    days = np.array(["2026-02-28", "2026-11-01", "NaT"], dtype="datetime64[D]")
    column = Column("met", "date", {}, days, "date")
    for unit, expected in (("month", "2026-02 2026-11"), ("quarter", "2026-Q1 2026-Q4"), ("year", "2026 2026")):
        made = treated(column, Treatment("truncate", unit=unit))
        assert [made.levels[at].value for at in made.data[:2]] == expected.split()
        assert made.data[2] == -1
        assert made.is_quasi
    moved = treated(column, Treatment("shift", days=60), moved=np.array([1, -1, 5]))
    assert moved.data.astype(str).tolist() == ["2026-03-01", "2026-10-31", "NaT"]
    assert not moved.is_quasi


def test_a_category_keeps_only_levels_that_somebody_has() -> None:
    levels = tuple(Level(at + 1, value, {}) for at, value in enumerate("abc"))
    column = Column("place", "category", {}, np.array([2, -1, 0]), "select_one", levels=levels)
    trimmed = column.trimmed()
    assert [level.value for level in trimmed.levels] == ["a", "c"]
    assert trimmed.data.tolist() == [1, -1, 0]
    assert [level.code for level in trimmed.levels] == [1, 2]


def test_a_rule_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "release.yml"
    assert read_rule(path) is None
    path.write_text(
        "k: 4\ntreat:\n  a: keep\n  b: {band: [1, 2.5]}\n  c: {truncate: year}\n  d: {shift: 30}\nsuppress: [a]\n",
        encoding="utf-8",
    )
    treat = {
        "a": Treatment("keep"),
        "b": Treatment("band", points=(1.0, 2.5)),
        "c": Treatment("truncate", unit="year"),
        "d": Treatment("shift", days=30),
    }
    assert read_rule(path) == Rule(k=4, at_least=8, treat=treat, suppress=("a",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("treat: {}", "'k' is missing"),
        ("k: 1", "'k' must be a whole number, 2 or more"),
        ("k: true", "'k' must be"),
        ("k: 5\nresults: {at_least: 4}", "'at_least' of 'results' must be a whole number, 5 or more"),
        ("k: 5\nresults: {atleast: 9}", "unknown key 'atleast'"),
        ("k: 5\nquasi: []", "unknown key 'quasi'"),
        ("k: 5\ntreat: [a]", "'treat' must be a mapping"),
        ("k: 5\ntreat: {a: kept}", "a: the treatment must be one of"),
        ("k: 5\ntreat: {a: {band: [3, 2]}}", "a: 'band' must be a list of numbers"),
        ("k: 5\ntreat: {a: {band: []}}", "a: 'band' must be"),
        ("k: 5\ntreat: {a: {band: [1, x]}}", "a: 'band' must be"),
        ("k: 5\ntreat: {a: {truncate: week}}", "a: dates are truncated to month, quarter, year"),
        ("k: 5\ntreat: {a: {shift: 3}}", "'shift' of a must be a whole number, 15 or more"),
        ("k: 5\ntreat: {a: {shift: 99999999999999}}", "'shift' of a must be 3650 at most"),
        ("k: 5\nsuppress: a", "'suppress' must be a list"),
        ("k: 5\nsuppress: [a, a]", "stands twice under 'suppress'"),
        ("- 5", "it must be a mapping"),
        ("k: [", "not YAML"),
    ],
)
def test_a_slip_in_the_rule_is_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "release.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReleaseError) as slip:
        read_rule(path)
    assert said in slip.value.what
    assert slip.value.exit_code == 11


@pytest.mark.parametrize(
    ("study", "name"), [("Étude ASI!", "etude-asi"), ("tea", "tea"), ("tea_2.1 (b)", "tea_2.1-b"), ("茶", "study")]
)
def test_a_package_has_a_name_that_packages_may_have(study: str, name: str) -> None:
    assert _package_name(study) == name
