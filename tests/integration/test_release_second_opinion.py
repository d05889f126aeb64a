"""A release whose making is broken on purpose: its second opinion finds what no reader may be given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from laktasi import releasing
from laktasi.errors import ReleaseError
from laktasi.pipeline import silent
from laktasi.release import documents
from laktasi.release.rule import read_rule
from laktasi.secret import key_of
from laktasi.settings import Settings
from laktasi.store.warehouse import open_research
from laktasi.study import Pair, read_study
from tests import release_world


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
