"""A release that was made wrongly on purpose: its second opinion finds what no reader may be given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyreadstat
import pytest

from laktasi import releasing
from laktasi.errors import ReleaseError
from laktasi.pipeline import silent
from laktasi.release import documents
from laktasi.release import verify as verifying
from laktasi.release.rule import read_rule
from laktasi.secret import key_of
from laktasi.settings import Settings
from laktasi.store.warehouse import open_research
from laktasi.study import Pair, read_study
from tests import release_world
from tests.release_fixture import check, with_rule
from tests.release_world import people

pytestmark = pytest.mark.slow  # each makes a release of its own


@pytest.mark.parametrize("spelt", ["{}", "own/{}", "own__{}"])
def test_an_answer_is_withheld_however_the_study_spells_its_question(
    released_world: Settings, tmp_path: Path, spelt: str
) -> None:
    """By its last part, its path or its column: school is withheld in some records, so no result of it goes out."""
    text = release_world.STUDY
    for role, name in (("question", "school"), ("centre", "house"), ("enumerator", "taster"), ("subject", "code")):
        assert f"{role}: {name}" in text
        text = text.replace(f"{role}: {name}", f"{role}: {spelt.format(name)}")
    path = tmp_path / "study.yml"
    path.write_text(text, encoding="utf-8")
    study, rule = read_study(path), read_rule(released_world.folders.release)
    assert study is not None
    assert rule is not None
    study = replace(study, analyses=(*study.analyses, Pair("school", "cups")))
    with open_research(released_world.data_folder.research) as con:
        key = key_of(released_world.data_folder)
        told = releasing._make(con, study, release_world.versions(), rule, key, silent).told
    assert told["frequencies_withheld"] == ["school"]
    assert [pair["why"] for pair in told["pairs"]] == ["bits", "masked"]
    assert "own/house" in told["left_out"]["place"]
    assert {"own/taster", "own/code"} <= set(told["left_out"]["quasi"])


def same(table: Any) -> Any:
    return table


def nobody(*_: Any) -> set[str]:
    return set()


def very_many(*_: Any) -> float:
    return 1e9


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ({"_masked": nobody}, "results/frequencies.csv: school: some of its answers are withheld"),
        ({"hidden_bits": very_many}, "milk × cups: so many numbers across centres single a withheld one out"),
        ({"hidden_bits": very_many, "_rounded": same}, "milk × cups: more than 3 digits"),
        ({"_without": same}, "milk × cups: a column that rests on all centres"),
    ],
)
def test_a_result_that_tells_too_much_is_refused(
    released_world: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    faults: dict[str, Callable[..., Any]],
    said: str,
) -> None:
    for name, fault in faults.items():
        monkeypatch.setattr(f"laktasi.release.results.{name}", fault)
    with pytest.raises(ReleaseError) as refused:
        releasing.release(released_world, to=tmp_path / "out")
    assert said in refused.value.what
    assert list(tmp_path.iterdir()) == []


def not_quasi(manifest: dict[str, Any]) -> None:
    manifest["columns"] = [{**column, "is_quasi": False} for column in manifest["columns"]]


def one_more(manifest: dict[str, Any]) -> None:
    manifest["disclosure"]["accepted"] += 1


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        (not_quasi, "manifest.json does not count area among the quasi-identifiers"),
        (one_more, "manifest.json tells another number of records"),
    ],
)
def test_a_manifest_is_not_believed(
    released_world: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lie: Callable[[dict[str, Any]], None],
    said: str,
) -> None:
    write = documents._write_json

    def lying(path: Path, content: dict[str, Any]) -> None:
        if path.name == documents.MANIFEST:
            lie(content)
        write(path, content)

    monkeypatch.setattr(documents, "_write_json", lying)
    with pytest.raises(ReleaseError) as refused:
        releasing.release(released_world, to=tmp_path / "out")
    assert said in refused.value.what


def test_what_was_made_is_true(released_world: Settings, copied: Path) -> None:
    check(released_world, copied)


def edit_text(name: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / name
        before = path.read_text(encoding="utf-8")
        after = change(before)
        assert after != before
        path.write_text(after, encoding="utf-8")

    return edit


def edit_duckdb(statement: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        with duckdb.connect(str(folder / "study.duckdb")) as con:
            con.execute(statement)

    return edit


def edit_sav(folder: Path) -> None:
    frame, meta = pyreadstat.read_sav(folder / "records.sav")
    frame["sugar"] = frame["sugar"] + 1
    pyreadstat.write_sav(frame, folder / "records.sav", variable_value_labels=meta.variable_value_labels)


def first_code(_: str) -> str:
    return people()[3].answers["code"]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (edit_text("README.md", lambda text: text + first_code(text)), "README.md holds a code"),
        (edit_text("codebook.html", lambda text: text + people()[3].instance), "codebook.html holds the id"),
        (edit_text("questionnaire.md", lambda text: f"{text} taster-71"), "questionnaire.md holds a code"),
        (edit_duckdb("insert into choices values ('x', 1, 'y', 'collect:PhoneXq7Phone')"), "study.duckdb"),
        (edit_duckdb("create table further as select 1 as n"), "study.duckdb is not what records.csv has"),
        (edit_duckdb("update records set sugar = 9 where record = (select min(record) from records)"), "column sugar"),
        (edit_sav, "records.sav, column sugar"),
        (edit_text("manifest.json", lambda text: text.replace('"k": 3', '"k": 2')), "tells another rule"),
    ],
)
def test_a_release_that_was_made_wrongly_is_refused(
    released_world: Settings, copied: Path, edit: Callable[[Path], None], said: str
) -> None:
    edit(copied)
    with pytest.raises(ReleaseError) as refused:
        check(released_world, copied)
    assert said in refused.value.what
    assert refused.value.exit_code == 11
    assert not any(person.answers["code"] in str(refused.value) for person in people())


def test_a_secret_in_a_file_is_refused(released_world: Settings, copied: Path) -> None:
    key = key_of(released_world.data_folder).hex()
    edit_text("README.md", lambda text: text + key)(copied)
    with pytest.raises(ReleaseError, match="holds the project's secret"):
        check(released_world, copied)


def test_a_file_without_its_sum_is_refused(released_world: Settings, copied: Path) -> None:
    study, rule = read_study(released_world.folders.study), read_rule(released_world.folders.release)
    assert study is not None
    assert rule is not None
    (copied / "more.txt").write_text("more", encoding="utf-8")
    with open_research(released_world.data_folder.research) as con, pytest.raises(ReleaseError, match="SHA256SUMS"):
        verifying.verify(copied, con, study, rule, whose={}, key=b"k" * 32, versions=())


@pytest.mark.parametrize(
    ("module", "name", "made", "said"),
    [
        # nothing is withheld
        ("prepare", "suppress", "nothing_lost", "fewer than 3 people share a combination"),
        ("prepare", "says_where", "never", "is found by subtraction"),
        # every centre is shown
        ("places", "passes", "always", "a centre's table that the rule for cells withholds"),
        ("places", "blurs", "all_blurred", "is found by subtraction"),
        # dates stay where they are
        ("prepare", "shifts", "no_shift", "a date that did not move"),
    ],
)
def test_a_fault_in_the_making_is_found_in_what_was_made(
    released_world: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    name: str,
    made: str,
    said: str,
) -> None:
    from laktasi.release import suppress

    def nothing_lost(codes: Any, *_: Any) -> suppress.Suppressed:
        return suppress.Suppressed(np.zeros(codes.shape, dtype=bool), 0)

    faults: dict[str, Callable[..., Any]] = {
        "nothing_lost": nothing_lost,
        "always": lambda *_: True,
        "all_blurred": lambda _sizes, _k, starts: np.ones(len(starts), dtype=bool),
        "never": lambda *_: False,
        "no_shift": lambda _key, _days, persons: [0 for _ in persons],
    }
    monkeypatch.setattr(f"laktasi.release.{module}.{name}", faults[made])
    target = tmp_path / "out"
    with pytest.raises(ReleaseError) as refused:
        releasing.release(released_world, to=target)
    assert said in refused.value.what
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_goes_out_untreated_is_found(
    released_world: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = with_rule(released_world, tmp_path, release_world.RULE.replace("  area: keep\n", ""))
    made = releasing.release(settings, is_trial=True)
    assert made.told["left_out"]["place"] == ["area", "own/house"]
    monkeypatch.setattr("laktasi.release.prepare.says_where", lambda *_: False)
    with pytest.raises(ReleaseError, match="column area: its answers tell the health centre"):
        releasing.release(settings, to=tmp_path / "out")
