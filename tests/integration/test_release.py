"""A release of a whole made-up study: what others open, what they must not find, and what is refused."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
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
from laktasi.release.documents import SUMS, files_of, sha256
from laktasi.release.pseudonyms import pseudonyms
from laktasi.release.rule import read_rule
from laktasi.release.target import is_release
from laktasi.secret import key_of
from laktasi.settings import Settings
from laktasi.store.warehouse import open_research
from laktasi.study import read_study
from tests import release_world
from tests.release_world import DEVICE, NAME, REMARK, people

K = 3
BANDS = ("< 20", "20–29", "30–39", "≥ 40")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = release_world.settings_of(tmp_path_factory.mktemp("world"))
    release_world.run(settings)
    return settings


@pytest.fixture(scope="module")
def folder(world: Settings) -> Path:
    made = releasing.release(world, language="en").path
    assert made is not None
    return made


def with_rule(world: Settings, tmp_path: Path, rule: str) -> Settings:
    """Give the same data under another rule."""
    project = tmp_path / "project"
    (project / "schemas").mkdir(parents=True)
    (project / "schemas" / "release.yml").write_text(rule, encoding="utf-8")
    shutil.copy(world.folders.study, project / "schemas" / "study.yml")
    return world.model_copy(update={"project": project, "data": world.data_folder.root})


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_pandas_opens_csv_and_parquet(folder: Path) -> None:
    frame = pd.read_csv(folder / "records.csv")
    assert len(frame) == len(people())
    assert frame["record"].is_unique
    assert frame["sugar"].dtype == np.float64
    other = pd.read_parquet(folder / "records.parquet")
    assert list(other) == list(frame)
    assert other["sugar"].tolist() == frame["sugar"].tolist()
    assert sorted(frame["sugar"]) == sorted(float(person.answers["sugar"]) for person in people())


def test_spss_and_stata_have_codes_with_labels(folder: Path) -> None:
    true = Counter(person.answers["cups"] for person in people())
    for name, read in (("records.sav", pyreadstat.read_sav), ("records.dta", pyreadstat.read_dta)):
        frame, meta = read(folder / name)
        assert meta.column_names_to_labels["milk"] == "Milk?"
        assert meta.variable_value_labels["cups"] == {1: "Few", 2: "Some", 3: "Many"}
        # a list of numbers keeps them
        assert meta.variable_value_labels["school"] == {0: "None", 1: "Primary", 2: "Secondary"}
        labelled, _ = read(folder / name, apply_value_formats=True)
        assert Counter(labelled["cups"]) == {"Few": true["few"], "Some": true["some"], "Many": true["many"]}
        assert meta.file_label == "Tea and milk"
        assert str(frame["met"].iloc[0]) == rows(folder / "records.csv")[0]["met"]


def test_the_codes_of_spss_have_the_order_of_the_study(folder: Path) -> None:
    """The choices stand as yes, no in the form; the study says that no is lower. tau_b must not change its sign."""
    from scipy.stats import kendalltau

    frame, meta = pyreadstat.read_sav(folder / "records.sav")
    assert meta.variable_value_labels["milk"] == {1: "No", 2: "Yes"}
    assert meta.variable_measure["cups"] == "ordinal"
    (naive,) = rows(folder / "results" / "pooled.csv")
    assert kendalltau(frame["milk"], frame["cups"]).statistic == pytest.approx(float(naive["tau_b"]), rel=5e-3)


def test_duckdb_has_rows_codebook_and_results(folder: Path) -> None:
    with duckdb.connect(str(folder / "study.duckdb"), read_only=True) as con:
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


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed here")
def test_r_opens_the_csv(folder: Path) -> None:
    program = (
        'd <- read.csv("records.csv", na.strings = "", encoding = "UTF-8");'
        'cat(nrow(d), class(d$sugar), round(mean(d$sugar), 6), sum(is.na(d$school)), sep = " ")'
    )
    said = subprocess.run(
        ["Rscript", "--vanilla", "-e", program], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    frame = pd.read_csv(folder / "records.csv")
    assert said[:2] == [str(len(frame)), "numeric"]
    assert float(said[2]) == pytest.approx(frame["sugar"].mean(), abs=1e-6)
    assert int(said[3]) == int(frame["school"].isna().sum())


def test_a_label_is_in_the_chosen_language(world: Settings, tmp_path: Path) -> None:
    made = releasing.release(world, to=tmp_path / "rilis", language="id").path
    assert made is not None
    _, meta = pyreadstat.read_sav(made / "records.sav")
    assert meta.column_names_to_labels["milk"] == "Susu?"
    assert "Laporan perlindungan identitas" in (made / "disclosure.md").read_text(encoding="utf-8")
    questionnaire = (made / "questionnaire.md").read_text(encoding="utf-8")
    assert "- en: Milk?" in questionnaire
    assert "- id: Susu?" in questionnaire
    assert '<html lang="id">' in (made / "codebook.html").read_text(encoding="utf-8")


def test_the_package_and_the_sums_fit_the_files(folder: Path) -> None:
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    for resource in package["resources"]:
        path = folder / resource["path"]
        assert resource["bytes"] == path.stat().st_size
        assert resource["hash"] == f"sha256:{sha256(path)}"
    (records,) = [item for item in package["resources"] if item["path"] == "records.csv"]
    fields = {field["name"]: field for field in records["schema"]["fields"]}
    assert list(fields) == list(rows(folder / "records.csv")[0])
    assert fields["cups"]["constraints"] == {"enum": ["few", "some", "many"]}
    assert fields["met"]["type"] == "date"
    for row in rows(folder / "records.csv"):
        assert row["cups"] in ("few", "some", "many")
    subprocess.run(["sha256sum", "--quiet", "-c", SUMS], cwd=folder, check=True, timeout=60)


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_report_lists_every_column_that_nothing_is_done_to(world: Settings, folder: Path, language: str) -> None:
    report = releasing.release(world, is_trial=True, language=language).report
    listed = set(re.findall(r"^\| `(\w+)` \| [^|]* \|$", report, flags=re.M))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    untreated = {column["name"] for column in manifest["columns"] if not column["treatment"]}
    assert listed == untreated - {"record", "withheld"} > {"milk", "cups", "sugar"}


def test_the_codebook_loads_nothing(folder: Path) -> None:
    page = (folder / "codebook.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=\"(?!#)|url\(|@import", page)
    assert "style=" not in page.replace("style-src", "")


# Attacks


def test_no_id_code_name_remark_or_position_is_in_any_byte(world: Settings, folder: Path) -> None:
    secret = key_of(world.data_folder)
    wanted = [NAME, REMARK, DEVICE, "taster-71", "taster-72", "Rahasia", secret.hex()]
    for person in people():
        wanted += [person.instance.removeprefix("uuid:"), person.answers["code"], person.answers["place"].split()[0]]
    wanted_bytes = [text.encode() for text in wanted] + [secret]
    for path in [*files_of(folder), folder / SUMS]:
        content = path.read_bytes()
        assert [text for text in wanted_bytes if text in content] == [], path.name
    with duckdb.connect(str(folder / "study.duckdb"), read_only=True) as con:
        for (table,) in con.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall():
            text = repr(con.execute(f"from {table}").fetchall())
            assert [word for word in wanted if word in text] == [], table


def true_people(world: Settings) -> dict[str, dict[str, str]]:
    """Find the answers behind each record, as only the owner of the key can."""
    rule = read_rule(world.folders.release)
    everybody = people()
    key, salt = key_of(world.data_folder), release_world.salt(world, rule)
    named = pseudonyms(key, salt, "record", [person.instance for person in everybody])
    return {name or "": person.answers for name, person in zip(named, everybody, strict=True)}


def test_who_knows_all_quasi_identifiers_still_has_k_to_choose_from(world: Settings, folder: Path) -> None:
    """Look for each respondent by what is true of her: at least k records fit as well as her own."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    quasi = [column["name"] for column in manifest["columns"] if column["is_quasi"]]
    assert quasi == ["area", "age", "school", "children", "first"]
    released = rows(folder / "records.csv")
    found = Counter(tuple((row[name], name in row["withheld"].split()) for name in quasi) for row in released)
    assert min(found.values()) >= K
    truth = true_people(world)
    withheld = 0
    for row in released:
        answers = truth[row["record"]]
        lost = row["withheld"].split()
        withheld += len(set(lost) & set(quasi))
        for name in ("area", "school", "children", "first"):
            assert row[name] == ("" if name in lost else answers[name])
        age = answers["age"]
        band = BANDS[sum(int(age) >= point for point in (20, 30, 40))] if age else ""
        assert row["age"] == ("" if "age" in lost else band)
    told = manifest["disclosure"]
    assert withheld == sum(column["withheld"] for column in told["quasi"]) > 0


def test_no_true_date_stands_there_and_days_between_hold(world: Settings, folder: Path) -> None:
    truth = true_people(world)
    moved = set()
    for row in rows(folder / "records.csv"):
        days = {
            (date.fromisoformat(row[name]) - date.fromisoformat(truth[row["record"]][name])).days
            for name in ("met", "born")
            if name not in row["withheld"].split()
        }
        assert len(days) <= 1
        moved |= days
    assert 0 not in moved
    assert max(map(abs, moved)) <= 60
    assert len(moved) > 40


def test_the_order_of_records_tells_nothing(world: Settings, folder: Path) -> None:
    released = [row["record"] for row in rows(folder / "records.csv")]
    assert released == sorted(released)
    truth = true_people(world)
    arrived = [truth[name]["code"] for name in released]
    assert arrived != sorted(arrived)


def test_no_subtraction_gives_back_a_withheld_centre(world: Settings, folder: Path) -> None:
    """Take the tables that are shown away from what the rows count, in all and in each area."""
    shown = {line["centre_code"] for line in rows(folder / "results" / "kendall.csv")}
    # h5 and h6 are too small; h2 and h4 go with them, since each would be alone in its area
    assert shown == {"h1", "h3"}
    told = Counter(
        {
            (line["centre_code"], line["exposure_rank"], line["outcome_rank"]): int(line["n"])
            for line in rows(folder / "results" / "contingency.csv")
        }
    )
    truth = Counter((p.answers["house"], p.answers["milk"], p.answers["cups"]) for p in people())
    ranks = {"no": "1", "yes": "2", "few": "1", "some": "2", "many": "3"}
    assert told == {(house, ranks[milk], ranks[cups]): n for (house, milk, cups), n in truth.items() if house in shown}
    assert min(told.values()) >= K
    for area, hidden in (("north", ("h2", "h6")), ("south", ("h4", "h5"))):
        counted = Counter((row["milk"], row["cups"]) for row in rows(folder / "records.csv") if row["area"] == area)
        mine = [house for house in shown if release_world.AREAS[house] == area]
        rest = {
            (milk, cups): n - sum(told[house, ranks[milk], ranks[cups]] for house in mine)
            for (milk, cups), n in counted.items()
        }
        for centre in hidden:
            alone = {cell[1:]: n for cell, n in truth.items() if cell[0] == centre}
            assert rest != alone
        assert sum(rest.values()) == sum(release_world.SIZES[house] for house in hidden)


def test_rows_name_a_centre_only_where_its_table_may_be_counted(world: Settings, tmp_path: Path) -> None:
    settings = with_rule(world, tmp_path, release_world.RULE.replace("area: keep", "area: keep\n  own/house: keep"))
    made = releasing.release(settings, to=tmp_path / "out").path
    assert made is not None
    named = Counter(row["house"] for row in rows(made / "records.csv"))
    shown = {line["centre_code"] for line in rows(made / "results" / "kendall.csv")}
    assert set(named) == {"", *shown}
    assert {"h1", "h3"} <= shown <= {"h1", "h2", "h3", "h4"}
    assert all(named[house] == release_world.SIZES[house] for house in shown)
    _, meta = pyreadstat.read_sav(made / "records.sav")
    assert len(meta.variable_value_labels["house"]) == len(shown)
    assert all("house" in row["withheld"].split() for row in rows(made / "records.csv") if not row["house"])


def test_what_is_pooled_over_few_withheld_centres_stays_in(folder: Path) -> None:
    """Two withheld centres in an area: a stratified estimate or tau2 would single their tables out."""
    assert {line["method"] for line in rows(folder / "results" / "pooled.csv")} == {"naive"}
    assert not (folder / "results" / "random_effects.csv").exists()
    assert not (folder / "results" / "leave_one_out.csv").exists()
    assert all(not line["p_holm"] and not line["p_bh"] for line in rows(folder / "results" / "kendall.csv"))
    # a count over all of an answer that is withheld in some would give these back
    assert {line["variable"] for line in rows(folder / "results" / "frequencies.csv")} == {"milk", "cups"}


def test_two_releases_by_different_rules_cannot_be_joined_by_pseudonym(
    world: Settings, folder: Path, tmp_path: Path
) -> None:
    again = releasing.release(world, to=tmp_path / "again").path
    changed = with_rule(world, tmp_path, release_world.RULE.replace("area: keep", "area: drop"))
    other = releasing.release(changed, to=tmp_path / "other").path
    assert again is not None
    assert other is not None
    records = [{row["record"] for row in rows(made / "records.csv")} for made in (folder, again, other)]
    assert records[0] == records[1]
    assert records[0].isdisjoint(records[2])
    assert (folder / "records.csv").read_bytes() == (again / "records.csv").read_bytes()


# What is refused


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copied"))


def check(world: Settings, folder: Path, change: dict[str, Any] | None = None) -> None:
    """Verify a folder after its sums were written anew, as a faulty maker would."""
    lines = [f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files_of(folder)]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")
    study, rule = read_study(world.folders.study), read_rule(world.folders.release)
    assert study is not None
    assert rule is not None
    key = key_of(world.data_folder)
    instances = [person.instance for person in people()]
    named = pseudonyms(key, release_world.salt(world, rule), "record", instances)
    whose = {name or "": instance for name, instance in zip(named, instances, strict=True)}
    with open_research(world.data_folder.research) as con:
        verifying.verify(
            folder, con, study, replace(rule, **(change or {})), whose=whose, key=key, versions=release_world.versions()
        )


def test_what_was_made_is_true(world: Settings, copied: Path) -> None:
    check(world, copied)


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
    world: Settings, copied: Path, edit: Callable[[Path], None], said: str
) -> None:
    edit(copied)
    with pytest.raises(ReleaseError) as refused:
        check(world, copied)
    assert said in refused.value.what
    assert refused.value.exit_code == 11
    assert not any(person.answers["code"] in str(refused.value) for person in people())


def test_a_secret_in_a_file_is_refused(world: Settings, copied: Path) -> None:
    key = key_of(world.data_folder).hex()
    edit_text("README.md", lambda text: text + key)(copied)
    with pytest.raises(ReleaseError, match="holds the project's secret"):
        check(world, copied)


def test_a_file_without_its_sum_is_refused(world: Settings, copied: Path) -> None:
    study, rule = read_study(world.folders.study), read_rule(world.folders.release)
    assert study is not None
    assert rule is not None
    (copied / "more.txt").write_text("more", encoding="utf-8")
    with open_research(world.data_folder.research) as con, pytest.raises(ReleaseError, match="SHA256SUMS"):
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
    world: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str, made: str, said: str
) -> None:
    from laktasi.release import suppress

    def nothing_lost(codes: Any, *_: Any) -> suppress.Suppressed:
        return suppress.Suppressed(np.zeros(codes.shape, dtype=bool), 0)

    faults: dict[str, Callable[..., Any]] = {
        "nothing_lost": nothing_lost,
        "always": lambda *_: True,
        "all_blurred": lambda _sizes, _k, starts: np.ones(len(starts), dtype=bool),
        "never": lambda *_: False,
        "no_shift": lambda _key, _salt, _days, persons: [0 for _ in persons],
    }
    monkeypatch.setattr(f"laktasi.release.{module}.{name}", faults[made])
    target = tmp_path / "out"
    with pytest.raises(ReleaseError) as refused:
        releasing.release(world, to=target)
    assert said in refused.value.what
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_goes_out_untreated_is_found(
    world: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = with_rule(world, tmp_path, release_world.RULE.replace("  area: keep\n", ""))
    made = releasing.release(settings, is_trial=True)
    assert made.told["left_out"]["place"] == ["area", "own/house"]
    monkeypatch.setattr("laktasi.release.prepare.says_where", lambda *_: False)
    with pytest.raises(ReleaseError, match="column area: its answers tell the health centre"):
        releasing.release(settings, to=tmp_path / "out")


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
    world: Settings, tmp_path: Path, old: str, new: str, said: str
) -> None:
    rule = release_world.RULE.replace(old, new).replace("results: {at_least: 12}\n", "")
    settings = with_rule(world, tmp_path, rule)
    with pytest.raises(ReleaseError) as refused:
        releasing.release(settings, is_trial=True)
    assert said in refused.value.what


def test_a_respondents_code_may_go_out_as_a_pseudonym(world: Settings, tmp_path: Path) -> None:
    settings = with_rule(world, tmp_path, release_world.RULE.replace("area: keep", "area: keep\n  own/code: pseudonym"))
    made = releasing.release(settings, to=tmp_path / "out").path
    assert made is not None
    codes = [row["code"] for row in rows(made / "records.csv")]
    assert len(set(codes)) == len(people())
    assert all(re.fullmatch("c-[a-z2-7]{8}", code) for code in codes)


# The folder as a whole


def test_what_is_no_release_is_not_replaced(world: Settings, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ReleaseError, match="is no release"):
        releasing.release(world, to=tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text(encoding="utf-8") == "years of work"
    (tmp_path / "empty").mkdir()
    assert is_release(releasing.release(world, to=tmp_path / "empty").path or tmp_path)


@pytest.fixture
def standing(folder: Path, tmp_path: Path) -> Iterator[Path]:
    """Give a release that stands somewhere, and see that nothing is beside it in the end."""
    place = Path(shutil.copytree(folder, tmp_path / "out"))
    (place / "results" / "mark.csv").write_text("the old one", encoding="utf-8")
    with (place / SUMS).open("a", encoding="utf-8") as sums:
        sums.write(f"{sha256(place / 'results' / 'mark.csv')}  results/mark.csv\n")
    yield place
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_release_takes_the_place_of_an_older_one(world: Settings, standing: Path) -> None:
    releasing.release(world, to=standing)
    assert not (standing / "results" / "mark.csv").exists()
    check(world, standing)


def test_a_release_that_breaks_off_leaves_the_older_one(
    world: Settings, standing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(verifying, "verify", torn)
    with pytest.raises(KeyboardInterrupt):
        releasing.release(world, to=standing)
    assert (standing / "results" / "mark.csv").exists()


def test_a_release_that_was_killed_between_two_moves_is_put_back(world: Settings, standing: Path) -> None:
    standing.rename(standing.with_name(".out.old-killed"))
    standing.with_name(".out.new-killed").mkdir()
    releasing.release(world, to=standing)
    check(world, standing)


def test_a_trial_prints_the_report_and_writes_nothing(world: Settings, tmp_path: Path) -> None:
    words = ["release", "--project", str(world.project), "--to", str(tmp_path / "out"), "--dry-run", "--language", "en"]
    said = CliRunner().invoke(main, words)
    assert said.exit_code == 0, said.output
    assert "# Disclosure report" in said.stdout
    assert "withheld, milk × cups: h2, h4, h5, h6" in said.stderr
    assert not list(tmp_path.iterdir())


def test_a_project_without_a_rule_releases_nothing(world: Settings, tmp_path: Path) -> None:
    project = Path(shutil.copytree(world.project, tmp_path / "project"))
    (project / "schemas" / "release.yml").unlink()
    said = CliRunner().invoke(main, ["release", "--project", str(project)])
    assert said.exit_code == 11
    assert "no schemas/release.yml" in said.stderr
