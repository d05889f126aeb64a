"""What goes out does not depend on what does not: attacks by answers, lists, dates and a second release."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pyreadstat
import pytest

from laktasi import releasing
from laktasi.errors import ReleaseError
from laktasi.release import prepare as preparing
from laktasi.release.pseudonyms import pseudonyms
from laktasi.release.rule import read_rule
from laktasi.secret import key_of
from laktasi.settings import Settings
from tests import release_world
from tests.release_world import AREAS, Person

pytestmark = pytest.mark.slow

K, DAYS = 3, 60
EXTRA = """
| | select_one yes_no | clinic | C | C | ${house} = 'h5' | | none | |
| | select_one yes_no | again | B | B | ${helped} = 'yes' or ${helped} = 'no' | | none | |
| | begin_group | grp | G | G | ${children} = 1 | | | |
| | select_one yes_no | inside | I | I | | | none | |
| | end_group | | | | | | | |
| | select_one yes_no | late | L | L | today() > date('2026-10-31') | | none | |
| | select_one kid | kid | K | K | | | none | n=${children} |
| | select_one yes_no | sweet | S | S | ${milk} = 'yes' | | none | |
| | text | copy | | | | coalesce(${remark}, '-') | none | |
| | text | village | | | | if(${age} = 45, 'Hidden Village', 'other') | quasi | |
| | calculate | strength | | | | if(${cups} = 'many', 'strong', 'mild') | none | |
| | integer | days | | | | round(decimal-date-time(${met}) - decimal-date-time(${born})) | quasi | |
| | select_one yes_no | tested | T | T | | | none | |
| | decimal | result | R | R | ${tested} = 'yes' | | none | |
| | select_one yes_no | skipped | S | S | | | none | |
| | select_multiple spice | herbs | H | H | | | none | |
""".lstrip("\n")
RULE = release_world.RULE.replace("  born: {shift: 60}\n", "  village: category\n  strength: category\n")


def form() -> str:
    """Add questions that tell others to the form."""
    asked = release_world.FORM.replace("bind::laktasi:privacy|", "bind::laktasi:privacy| choice_filter |")
    asked = asked.replace("| choices | | | | |\n", f"{EXTRA}| choices | | | | |\n", 1)
    listed = asked.replace("| label::English (en) |\n| | yes_no", "| label::English (en) | n |\n| | yes_no", 1)
    kids = "".join(f"| | kid | k{n}{x} | K | K | {n} |\n" for n in (1, 2, 3, 5) for x in "ab")
    return listed.replace("| | spice | ginger |", f"{kids}| | spice | ginger |", 1)


def everybody() -> list[Person]:
    """Answer them."""
    found = []
    for number, person in enumerate(release_world.people()):
        answers = dict(person.answers)
        said = ("yes", "no")[number % 2]
        answers |= {
            "clinic": said if answers["house"] == "h5" else "",
            "again": said if answers["helped"] else "",
            "grp/inside": said if answers["children"] == "1" else "",
            "late": said if answers["today"] > "2026-10-31" else "",
            "kid": f"k{answers['children']}{'ab'[number % 2]}",
            "sweet": said if answers["milk"] == "yes" else "",
            "copy": answers["remark"],
            "village": "Hidden Village" if number == 10 else "other",
            "strength": "strong" if answers["cups"] == "many" else "mild",
            "days": str((date.fromisoformat(answers["met"]) - date.fromisoformat(answers["born"])).days),
            # one centre of the north, as large as any there, has a laboratory; and one of the south skips a question
            "tested": "yes" if answers["house"] == "h2" and number % 3 == 0 else "no",
            "result": f"{number}.5" if answers["house"] == "h2" and number % 3 == 0 else "",
            "skipped": "" if answers["house"] == "h4" and number % 2 else said,
            "herbs": "ginger" if AREAS[answers["house"]] == "north" else "clove",
        }
        if number == 10:
            answers["met"] = "2019-03-05"
        found.append(replace(person, answers=answers))
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = release_world.settings_of(
        tmp_path_factory.mktemp("attacks"), rule=RULE, form=form(), everybody=everybody()
    )
    release_world.run(settings)
    return settings


def by(world: Settings, *changes: tuple[str, str]) -> Settings:
    """Change the rule."""
    rule = RULE
    for before, after in changes:
        assert before in rule
        rule = rule.replace(before, after)
    world.folders.release.write_text(rule, encoding="utf-8")
    return world


@pytest.fixture(scope="module")
def folder(world: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = releasing.release(by(world), to=tmp_path_factory.mktemp("out") / "release", language="en").path
    assert made is not None
    return made


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "records.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def truth(world: Settings) -> dict[str, dict[str, str]]:
    rule = read_rule(by(world).folders.release)
    people: Sequence[Person] = everybody()
    named = pseudonyms(
        key_of(world.data_folder), release_world.salt(world, rule), "record", [person.instance for person in people]
    )
    return {name or "": person.answers for name, person in zip(named, people, strict=True)}


def left_out(folder: Path) -> dict[str, str]:
    told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["disclosure"]["left_out"]
    return {path: why for why, paths in told.items() for path in paths}


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("clinic", "relies"),  # asked at one centre, which is left out
        ("helped", "relies"),  # asked by a quasi-identifier
        ("again", "relies"),  # asked by what is asked by it
        ("grp/inside", "relies"),  # in a group that is
        ("late", "relies"),  # asked by the day
        ("kid", "relies"),  # what it offers is
        ("tested", "one_centre"),
        ("result", "relies"),  # asked by what tells the centre
        ("skipped", "one_centre"),  # by its empty cells
        ("herbs", "place"),
        ("copy", "text"),
    ],
)
def test_a_question_that_tells_another_is_left_out(folder: Path, path: str, why: str) -> None:
    assert left_out(folder)[path] == why
    assert path.replace("/", "_") not in rows(folder)[0]


def test_a_question_that_depends_on_what_goes_out_goes_out(folder: Path) -> None:
    assert {"sweet", "milk", "cups", "strength"} <= set(rows(folder)[0])
    columns = {item["name"]: item for item in json.loads((folder / "manifest.json").read_text("utf-8"))["columns"]}
    assert not columns["strength"]["is_quasi"]  # cups tells it
    assert columns["village"]["is_quasi"]


def test_what_rests_on_a_dropped_question_goes_with_it(world: Settings) -> None:
    told = releasing.release(by(world, ("k: 3", "k: 3"), ("  met:", "  cups: drop\n  met:")), is_trial=True).told
    names = {line["path"]: line for line in (*told["quasi"], *told["other"])}
    assert "strength" in names
    assert any(line["path"] == "strength" for line in told["quasi"])
    told = releasing.release(by(world, ("  met:", "  milk: drop\n  met:")), is_trial=True).told
    assert "sweet" in told["left_out"]["relies"]


def test_no_list_holds_a_value_that_no_record_has(world: Settings, tmp_path: Path) -> None:
    settings = by(world, ("  met: {shift: 60}", "  met: {truncate: month}"))
    made = releasing.release(settings, to=tmp_path / "out", language="en").path
    assert made is not None
    for path in made.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert b"Hidden Village" not in content, path.name
        assert b"2019-03" not in content, path.name
    released = rows(made)
    with duckdb.connect(str(made / "study.duckdb"), read_only=True) as con:
        listed = con.execute(
            "select name, value, code from choices where name in ('met', 'village', 'area')"
        ).fetchall()
    assert {(name, value) for name, value, _ in listed} == {
        (name, row[name]) for row in released for name in ("met", "village", "area") if row[name]
    }
    _, meta = pyreadstat.read_sav(made / "records.sav")
    assert set(meta.variable_value_labels["met"].values()) == {row["met"] for row in released if row["met"]}
    # numbers without a gap, where something stood
    for name in ("met", "village", "area"):
        codes = sorted(code for column, _, code in listed if column == name)
        assert codes == list(range(1, len(codes) + 1))


def test_a_list_with_more_values_is_refused(world: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "_comes_of_data", lambda _: False)
    with pytest.raises(ReleaseError, match="values are listed that no record has"):
        releasing.release(by(world), to=tmp_path / "out")


def test_a_question_that_relies_on_another_is_refused(
    world: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "_known", lambda _source, _rule, made: set(made) - {"village"})
    monkeypatch.setattr(preparing, "_silent", lambda _source, _rule, columns, *_: list(columns))
    monkeypatch.setattr(preparing, "_check_treated", lambda *_: None)
    with pytest.raises(ReleaseError, match="which does not go out as it is"):
        releasing.release(by(world), to=tmp_path / "out")


def test_an_answer_of_one_centre_is_refused(world: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "one_centre", lambda *_: False)
    with pytest.raises(ReleaseError, match="an answer is given at one health centre of a place only"):
        releasing.release(by(world), to=tmp_path / "out")


def test_who_knows_the_true_day_has_k_to_choose_from(world: Settings, folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    quasi = [column["name"] for column in manifest["columns"] if column["is_quasi"]]
    released, true = rows(folder), truth(world)

    def known(row: dict[str, str]) -> tuple[tuple[str, bool], ...]:
        return tuple((row[name], name in row["withheld"].split()) for name in quasi)

    withheld = [row for row in released if "met" in row["withheld"].split()]
    for row in released:
        day = date.fromisoformat(true[row["record"]]["met"])
        fitting = [
            other
            for other in released
            if known(other) == known(row)
            and ("met" in other["withheld"].split() or abs((date.fromisoformat(other["met"]) - day).days) <= DAYS)
        ]
        assert len(fitting) >= K
    assert 0 < len(withheld) < len(released)
    (line,) = [line for line in manifest["disclosure"]["other"] if line["name"] == "met"]
    assert line["withheld"] == len(withheld)
    outlier = next(row for row in released if true[row["record"]]["met"] == "2019-03-05")
    assert not outlier["met"]


def test_days_that_are_not_withheld_are_refused(
    world: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "hide_days", lambda true, *_: true != true)
    with pytest.raises(ReleaseError, match="people could have a true day"):
        releasing.release(by(world), to=tmp_path / "out")


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("born: {shift: 60}", "born and met cannot both be shifted: days is computed from them"),
        ("born: {shift: 60}\n  days: {band: [30, 60]}", "cannot both be shifted"),
        ("copy: category", "copy can hold a text that somebody typed"),
        ("own/house: pseudonym", "own/house is the health centre"),
        ("tested: keep", "tested tells the health centre"),
    ],
)
def test_a_rule_that_the_form_undoes_is_refused(world: Settings, added: str, said: str) -> None:
    with pytest.raises(ReleaseError) as refused:
        releasing.release(by(world, ("  met:", f"  {added}\n  met:")), is_trial=True)
    assert said in refused.value.what
    assert refused.value.next_step


def test_a_question_with_another_privacy_is_counted_where_the_rule_keeps_it(world: Settings) -> None:
    told = releasing.release(by(world, ("  met:", "  again: keep\n  met:")), is_trial=True).told
    assert "again" in [line["path"] for line in told["quasi"]]
    assert "helped" in told["left_out"]["relies"]


def test_two_releases_of_two_runs_share_no_pseudonym_but_the_shifts(
    world: Settings, folder: Path, tmp_path: Path
) -> None:
    before, were = rows(folder), truth(world)
    release_world.run(by(world))
    made = releasing.release(world, to=tmp_path / "again", language="en").path
    assert made is not None
    after, are = rows(made), truth(world)
    assert {row["record"] for row in before}.isdisjoint(row["record"] for row in after)
    # one date moved by two numbers of days would be known more closely than by one
    first = {were[row["record"]]["code"]: row["met"] for row in before}
    assert first == {are[row["record"]]["code"]: row["met"] for row in after}
