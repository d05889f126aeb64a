"""A release of a whole made-up study: what others open, which rules are refused, and the folder as a whole."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyreadstat
import pytest
from click.testing import CliRunner

from laktasi import releasing
from laktasi.cli import main
from laktasi.errors import ReleaseError
from laktasi.release import verify as verifying
from laktasi.release.documents import SUMS, sha256
from laktasi.release.target import is_release
from laktasi.settings import Settings
from tests import release_world
from tests.release_fixture import check, rows, with_rule
from tests.release_world import people


def test_pandas_opens_csv_and_parquet(released: Path) -> None:
    frame = pd.read_csv(released / "records.csv")
    assert len(frame) == len(people())
    assert frame["record"].is_unique
    assert frame["sugar"].dtype == np.float64
    other = pd.read_parquet(released / "records.parquet")
    assert list(other) == list(frame)
    assert other["sugar"].tolist() == frame["sugar"].tolist()
    assert sorted(frame["sugar"]) == sorted(float(person.answers["sugar"]) for person in people())


def test_spss_and_stata_have_codes_with_labels(released: Path) -> None:
    true = Counter(person.answers["cups"] for person in people())
    for name, read in (("records.sav", pyreadstat.read_sav), ("records.dta", pyreadstat.read_dta)):
        frame, meta = read(released / name)
        assert meta.column_names_to_labels["milk"] == "Milk?"
        assert meta.variable_value_labels["cups"] == {1: "Few", 2: "Some", 3: "Many"}
        # a list of numbers keeps them
        assert meta.variable_value_labels["school"] == {0: "None", 1: "Primary", 2: "Secondary"}
        labelled, _ = read(released / name, apply_value_formats=True)
        assert Counter(labelled["cups"]) == {"Few": true["few"], "Some": true["some"], "Many": true["many"]}
        assert meta.file_label == "Tea and milk"
        moved = ["" if pd.isna(value) else str(value) for value in frame["met"]]
        assert moved == [row["met"] for row in rows(released / "records.csv")]


def test_the_codes_of_spss_have_the_order_of_the_study(released: Path) -> None:
    """The choices stand as yes, no in the form; the study says that no is lower. tau_b must not change its sign."""
    from scipy.stats import kendalltau

    frame, meta = pyreadstat.read_sav(released / "records.sav")
    assert meta.variable_value_labels["milk"] == {1: "No", 2: "Yes"}
    assert meta.variable_measure["cups"] == "ordinal"
    (naive,) = rows(released / "results" / "pooled.csv")
    assert kendalltau(frame["milk"], frame["cups"]).statistic == pytest.approx(float(naive["tau_b"]), rel=5e-3)


def test_duckdb_has_rows_codebook_and_results(released: Path) -> None:
    with duckdb.connect(str(released / "study.duckdb"), read_only=True) as con:
        assert con.execute("select count(*), min(met)::varchar < max(met)::varchar from records").fetchone() == (
            len(people()),
            True,
        )
        assert con.execute("select label from codebook where name = 'spices_ginger'").fetchone() == ("Spices: Ginger",)
        assert con.execute("select count(distinct centre_code) from results.kendall").fetchone() == (2,)
        comment = con.execute(
            "select comment from duckdb_columns() where column_name = 'cups' and table_name = 'records'"
        )
        assert comment.fetchone() == ("Cups",)


@pytest.mark.skipif(
    shutil.which("Rscript") is None, reason="no Rscript here; with Debian's r-base-core, make test runs it"
)
def test_r_opens_the_csv(released: Path) -> None:
    program = (
        'd <- read.csv("records.csv", na.strings = "", encoding = "UTF-8");'
        'cat(nrow(d), class(d$sugar), round(mean(d$sugar), 6), sum(is.na(d$school)), sep = " ")'
    )
    said = subprocess.run(
        ["Rscript", "--vanilla", "-e", program], cwd=released, capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    frame = pd.read_csv(released / "records.csv")
    assert said[:2] == [str(len(frame)), "numeric"]
    assert float(said[2]) == pytest.approx(frame["sugar"].mean(), abs=1e-6)
    assert int(said[3]) == int(frame["school"].isna().sum())


@pytest.mark.slow
def test_a_label_is_in_the_chosen_language(released_world: Settings, tmp_path: Path) -> None:
    made = releasing.release(released_world, to=tmp_path / "rilis", language="id").path
    assert made is not None
    _, meta = pyreadstat.read_sav(made / "records.sav")
    assert meta.column_names_to_labels["milk"] == "Susu?"
    assert "Laporan perlindungan identitas" in (made / "disclosure.md").read_text(encoding="utf-8")
    questionnaire = (made / "questionnaire.md").read_text(encoding="utf-8")
    assert "- en: Milk?" in questionnaire
    assert "- id: Susu?" in questionnaire
    assert '<html lang="id">' in (made / "codebook.html").read_text(encoding="utf-8")


def test_the_package_and_the_sums_fit_the_files(released: Path) -> None:
    package = json.loads((released / "datapackage.json").read_text(encoding="utf-8"))
    for resource in package["resources"]:
        path = released / resource["path"]
        assert resource["bytes"] == path.stat().st_size
        assert resource["hash"] == f"sha256:{sha256(path)}"
    (records,) = [item for item in package["resources"] if item["path"] == "records.csv"]
    fields = {field["name"]: field for field in records["schema"]["fields"]}
    assert list(fields) == list(rows(released / "records.csv")[0])
    assert fields["cups"]["constraints"] == {"enum": ["few", "some", "many"]}
    assert fields["met"]["type"] == "date"
    for row in rows(released / "records.csv"):
        assert row["cups"] in ("few", "some", "many")
    subprocess.run(["sha256sum", "--quiet", "-c", SUMS], cwd=released, check=True, timeout=60)


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_report_lists_every_column_that_nothing_is_done_to(
    released_world: Settings, released: Path, language: str
) -> None:
    report = releasing.release(released_world, is_trial=True, language=language).report
    listed = set(re.findall(r"^\| `(\w+)` \| [^|]* \|$", report, flags=re.M))
    manifest = json.loads((released / "manifest.json").read_text(encoding="utf-8"))
    untreated = {column["name"] for column in manifest["columns"] if not column["treatment"]}
    assert listed == untreated - {"record", "withheld"} > {"milk", "cups", "sugar"}


def test_results_say_what_they_are_in_the_package_and_in_the_duckdb_file(released: Path) -> None:
    package = json.loads((released / "datapackage.json").read_text(encoding="utf-8"))
    told = {item["path"]: item for item in package["resources"] if item["path"].startswith("results/")}
    assert {f"results/{path.name}" for path in (released / "results").iterdir()} == set(told)
    fields = {field["name"]: field for field in told["results/kendall.csv"]["schema"]["fields"]}
    assert list(fields) == list(rows(released / "results" / "kendall.csv")[0])
    assert [fields[name]["type"] for name in ("centre_code", "n", "tau_b")] == ["string", "integer", "number"]
    with duckdb.connect(str(released / "study.duckdb"), read_only=True) as con:
        comments = con.execute(
            "select table_name, comment from duckdb_tables() where schema_name = 'results' union all"
            " select column_name, comment from duckdb_columns() where schema_name = 'results'"
        ).fetchall()
    assert [name for name, comment in comments if not comment] == []
    assert ("tau_b", fields["tau_b"]["description"]) in comments
    assert "Kendall's tau_b" in told["results/kendall.csv"]["description"]


def test_the_codebook_loads_nothing(released: Path) -> None:
    page = (released / "codebook.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=\"(?!#)|url\(|@import", page)
    assert "style=" not in page.replace("style-src", "")


# Rules


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("area: keep", "area: keep\n  own/name: keep", "own/name never goes out"),
        ("area: keep", "area: keep\n  place: keep", "place never goes out"),
        ("area: keep", "area: keep\n  remark: category", "remark is of type text: 'category' is for texts that the"),
        ("area: keep", "area: keep\n  remark: keep", "remark is of type text"),
        ("area: keep", "area: keep\n  own/code: category", "own/code is of type text: 'category'"),
        ("area: keep", "area: keep\n  own/taster: keep", "own/taster is the code of a person"),
        ("area: keep", "area: keep\n  own/taster: pseudonym", "own/taster cannot go out as a pseudonym"),
        ("area: keep", "area: keep\n  today: keep", "today is of type date: 'keep' is for choices and numbers"),
        ("area: keep", "area: {shift: 60}", "area is of type select_one: 'shift' is for dates"),
        ("area: keep", "aera: keep", "has no question 'aera'"),
        ("suppress: [children", "suppress: [area, children", "area under 'suppress' is no quasi-identifier"),
        ("k: 3", "k: 300", "all records together are as good as one"),
    ],
)
def test_a_rule_that_asks_for_too_much_is_refused(
    released_world: Settings, tmp_path: Path, old: str, new: str, said: str
) -> None:
    rule = release_world.RULE.replace(old, new).replace("results: {at_least: 12}\n", "")
    settings = with_rule(released_world, tmp_path, rule)
    with pytest.raises(ReleaseError) as refused:
        releasing.release(settings, is_trial=True)
    assert said in refused.value.what


@pytest.mark.slow
def test_a_respondents_code_may_go_out_as_a_pseudonym(released_world: Settings, tmp_path: Path) -> None:
    settings = with_rule(
        released_world, tmp_path, release_world.RULE.replace("area: keep", "area: keep\n  own/code: pseudonym")
    )
    made = releasing.release(settings, to=tmp_path / "out").path
    assert made is not None
    codes = [row["code"] for row in rows(made / "records.csv")]
    assert len(set(codes)) == len(people())
    assert all(re.fullmatch("c-[a-z2-7]{8}", code) for code in codes)


# The folder as a whole


@pytest.mark.slow
def test_what_is_no_release_is_not_replaced(released_world: Settings, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ReleaseError, match="is no release"):
        releasing.release(released_world, to=tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text(encoding="utf-8") == "years of work"
    (tmp_path / "empty").mkdir()
    assert is_release(releasing.release(released_world, to=tmp_path / "empty").path or tmp_path)


@pytest.fixture
def standing(released: Path, tmp_path: Path) -> Iterator[Path]:
    """Give a release that stands somewhere, and see that nothing is beside it in the end."""
    place = Path(shutil.copytree(released, tmp_path / "out"))
    (place / "results" / "mark.csv").write_text("the old one", encoding="utf-8")
    with (place / SUMS).open("a", encoding="utf-8") as sums:
        sums.write(f"{sha256(place / 'results' / 'mark.csv')}  results/mark.csv\n")
    yield place
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.slow
def test_a_release_takes_the_place_of_an_older_one(released_world: Settings, standing: Path) -> None:
    releasing.release(released_world, to=standing)
    assert not (standing / "results" / "mark.csv").exists()
    check(released_world, standing)


def test_a_release_that_breaks_off_leaves_the_older_one(
    released_world: Settings, standing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(verifying, "verify", torn)
    with pytest.raises(KeyboardInterrupt):
        releasing.release(released_world, to=standing)
    assert (standing / "results" / "mark.csv").exists()


@pytest.mark.slow
def test_a_release_that_was_killed_between_two_moves_is_put_back(released_world: Settings, standing: Path) -> None:
    standing.rename(standing.with_name(".out.old-killed"))
    standing.with_name(".out.new-killed").mkdir()
    releasing.release(released_world, to=standing)
    check(released_world, standing)


def test_a_trial_prints_the_report_and_writes_nothing(released_world: Settings, tmp_path: Path) -> None:
    words = [
        "release",
        "--project",
        str(released_world.project),
        "--to",
        str(tmp_path / "out"),
        "--dry-run",
        "--language",
        "en",
    ]
    said = CliRunner().invoke(main, words)
    assert said.exit_code == 0, said.output
    assert "# Disclosure report" in said.stdout
    assert "withheld, milk × cups: h2, h4, h5, h6" in said.stderr
    assert not list(tmp_path.iterdir())


def test_the_records_written_are_counted_against_those_accepted(released_world: Settings, tmp_path: Path) -> None:
    words = ["release", "--project", str(released_world.project), "--to", str(tmp_path / "out")]
    said = CliRunner().invoke(main, words)
    assert said.exit_code == 0, said.output
    written = len(rows(tmp_path / "out" / "records.csv"))
    assert f"{written} of {len(people())} accepted records, k = 3:" in said.stdout
    disclosure = (tmp_path / "out" / "disclosure.md").read_text(encoding="utf-8")
    assert f"Records written: {written} of {len(people())} that" in disclosure


def test_a_project_without_a_rule_releases_nothing(released_world: Settings, tmp_path: Path) -> None:
    project = Path(shutil.copytree(released_world.project, tmp_path / "project"))
    (project / "schemas" / "release.yml").unlink()
    said = CliRunner().invoke(main, ["release", "--project", str(project)])
    assert said.exit_code == 11
    assert "no schemas/release.yml" in said.stderr
