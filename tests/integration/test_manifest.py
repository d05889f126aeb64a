"""The manifest of a run: what it read, used and found; computed anew it is the same, or says what is not."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from laktasi import pipeline, reproducing
from laktasi.cli import main
from laktasi.errors import VerifyError, WarehouseError
from laktasi.paths import DataFolder
from laktasi.reproducing import VERIFYING
from laktasi.settings import Settings, read_settings
from laktasi.store import runs
from laktasi.store.comparing import TOLERANCE, Comparison, compare
from laktasi.store.comparing_centres import beside
from laktasi.store.manifests import Manifest, digest_of, public_part, read_manifest, schema_files, write_manifest
from laktasi.store.results import write_results
from laktasi.store.run_results import by_centre_of, results_of, write_by_centre
from laktasi.workplace import alone
from tests import mini
from tests.history import history, manifests
from tests.integration.kill_driver import contents
from tests.warehouse_fixture import STUDY, Warehouse, warehouse

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def settings(past: Settings) -> Settings:
    return past


@pytest.fixture(scope="module")
def first(settings: Settings) -> Manifest:
    return read_manifest(manifests(settings)[0])


def verify(settings: Settings, path: Path) -> Result:
    return CliRunner().invoke(main, ["verify", str(path), "--project", str(settings.project)])


# What it holds


def test_a_manifest_says_what_was_read_used_and_found(first: Manifest, settings: Settings) -> None:
    assert first["known"]["until"].startswith("2026-02-01T09:00:")
    assert first["known"]["day"] == "2026-02-01"
    assert first["known"]["rows"] == {
        "quality.decisions": {"people": 3},
        "raw.attachments": {"phones": 13},
        "raw.forms": {"project": 1},
        "raw.submissions": {"phones": 13},
    }
    assert first["known"]["last_landing_run"] == first["run_id"]
    assert first["study"] == "tea"
    assert first["analysed"]["rows"] == 13
    assert first["decisions"]["count"] == 3
    assert list(first["forms"]) == ["tea 1"]
    assert list(first["schemas"]) == ["checks.yml", "study.yml"]
    assert first["settings"]["exact_max_n"] == settings.exact_max_n
    assert {"python", "duckdb", "numpy", "scipy", "great_expectations"} < set(first["versions"])
    assert "not for the public" in first["note"]
    run_id = first["run_id"]
    with duckdb.connect(str(settings.data_folder.research), read_only=True) as con:
        tables = con.execute("select table_name from duckdb_tables() where schema_name = 'analysis'").fetchall()
        assert set(first["results"]) == {name for (name,) in tables}
        found = con.execute("select * exclude (run_id) from analysis.pooled where run_id = ? order by all", [run_id])
        assert [name for name, *_ in found.description or ()] == first["results"]["pooled"]["columns"]
        # every digit
        assert [list(row) for row in found.fetchall()] == first["results"]["pooled"]["across"]
        listed = con.execute(
            """
            select to_json(listed)::varchar
            from (select * exclude (run_id) from analysis.kendall where run_id = ?) as listed
            """,
            [run_id],
        ).fetchall()
    lines = sorted(row.encode() for (row,) in listed)
    assert first["results"]["kendall"]["sha256"] == hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest()
    assert first["results"]["kendall"]["rows"] == len(lines) == 6
    assert {row[0] for table in ("kendall", "contingency") for row in first["results"][table]["across"]} == set()
    assert {row[0] for row in first["results"]["frequencies"]["across"]} == {None}
    names = {name: table["columns"][: table["key"]] for name, table in first["results"].items()}
    assert names["kendall"] == ["centre_code", "exposure", "outcome", "population"]
    assert names["contingency"] == ["centre_code", "exposure", "outcome", "population", "exposure_rank", "outcome_rank"]


@pytest.mark.slow
def test_it_names_the_suites_and_rules(tmp_path: Path) -> None:
    first = read_manifest(manifests(history(tmp_path, checked=True))[0])
    assert "set__one_code_once__tea" in first["suites"]
    assert "tea: age.constraint" in first["rules"]


def test_results_by_centre_lie_beside_it(first: Manifest, settings: Settings) -> None:
    path = by_centre_of(manifests(settings)[0], first["run_id"])
    assert first["by_centre"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with duckdb.connect() as con:
        counted = con.execute(
            f"""select "table", count(*) from '{path}' where centre_code is not null group by all"""
        ).fetchall()
        (rows,) = con.execute(f"select count(*) from '{path}'").fetchone() or (0,)
    by_centre = {
        name: table["rows"] - len(table["across"])
        for name, table in first["results"].items()
        if table["rows"] and "centre_code" in table["columns"]
    }
    assert dict(counted) == by_centre == {"contingency": 36, "frequencies": 30, "kendall": 6, "leave_one_out": 6}
    assert rows == first["by_centre"]["rows"] == sum(by_centre.values())


def test_a_manifest_holds_no_answer_and_no_path_and_is_private(settings: Settings) -> None:
    assert len(list(settings.data_folder.manifests.iterdir())) == 4
    for path in settings.data_folder.manifests.iterdir():
        text = path.read_bytes().decode("latin-1")
        for private in (mini.SECRET, "K0001", "uuid:", "Ani", str(settings.project), "hmac:"):
            assert private not in text
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.data_folder.manifests.stat().st_mode) == 0o700


def test_what_is_public_of_it_stands_with_the_run(settings: Settings) -> None:
    (_, last) = map(read_manifest, manifests(settings))
    with duckdb.connect(str(settings.data_folder.research), read_only=True) as con:
        (found,) = con.execute("select manifest from meta.runs where run_id = ?", [last["run_id"]]).fetchone() or ("",)
    kept = json.loads(found)
    assert kept["schemas"] == last["schemas"]
    assert kept["known"]["rows"] == last["known"]["rows"]
    assert "steps" in kept
    assert "results" not in kept
    assert set(public_part(last)) < set(kept) | {"sha256"}


@pytest.mark.slow
@pytest.mark.usefixtures("unchecked")
def test_the_same_inputs_give_the_same_manifest(own: Settings) -> None:
    for _ in range(2):
        pipeline.walk(own, (*pipeline.RECOMPUTING, pipeline.CLOSE), door="cli")
    one, other = map(read_manifest, manifests(own)[-2:])
    differ = {name for name in one if one[name] != other[name]}
    assert differ == {"run_id", "started_at", "sha256"}


def test_a_run_that_only_lands_has_no_manifest(own: Settings) -> None:
    before = manifests(own)
    pipeline.walk(own, pipeline.IMPORTING, door="import")
    assert manifests(own) == before


def test_a_finished_run_has_its_manifest_wherever_a_run_breaks_off(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = manifests(own)
    analyse = next(step for step in pipeline.WORK if step.name == "analyse")

    def fail(*_: object) -> None:
        raise OSError("the plug was pulled")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", fail)
        with pytest.raises(OSError, match="plug"):
            pipeline.walk(own, (analyse, pipeline.CLOSE), door="cli")
    assert manifests(own) == before
    with monkeypatch.context() as broken:
        broken.setattr(runs, "finish", fail)
        with pytest.raises(OSError, match="plug"):
            pipeline.walk(own, (analyse, pipeline.CLOSE), door="cli")
    pipeline.walk(own, (analyse, pipeline.CLOSE), door="cli")
    with duckdb.connect(str(own.data_folder.warehouse), read_only=True) as con:
        finished = con.execute("select run_id from meta.runs where status = 'finished' and manifest is not null")
        named = {run_id for (run_id,) in finished.fetchall()}
        rows = con.execute("select count(*) from meta.analysed_rows group by run_id order by run_id")
        assert rows.fetchall() == [(15,), (15,)]  # of the run that was published last, and of this one
    assert {path.stem for path in manifests(own)} >= named - {_landing_run(own)}
    assert not [path for path in own.data_folder.root.rglob("*") if path.name.startswith("tmp")]


def _landing_run(settings: Settings) -> str:
    with duckdb.connect(str(settings.data_folder.warehouse), read_only=True) as con:
        return str((con.execute("select run_id from meta.runs where door = 'import'").fetchone() or ("",))[0])


# Computed anew


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("number", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_manifest_is_the_same_after_later_runs(settings: Settings, number: int) -> None:
    before = contents(settings.data_folder.warehouse), settings.data_folder.research.read_bytes()
    path = manifests(settings)[number]
    told = verify(settings, path)
    assert told.exit_code == 0, told.output
    assert f"{path.name}, computed anew, is the same" in told.output
    assert "analysed rows: same" in told.output
    assert "analysis.kendall: same (6 rows)" in told.output
    assert f"the file {path.stem}.results.parquet: same" in told.output
    assert (contents(settings.data_folder.warehouse), settings.data_folder.research.read_bytes()) == before
    left = {path.name for path in (settings.data_folder.as_of / VERIFYING).iterdir()}
    assert left == {"run.lock"}


@pytest.mark.slow
def test_a_manifest_is_the_same_after_its_answers_are_checked_again(tmp_path: Path) -> None:
    settings = history(tmp_path, checked=True)
    for path in manifests(settings):
        told = verify(settings, path)
        assert told.exit_code == 0, told.output
        assert "suites" not in told.output


@pytest.mark.slow
@pytest.mark.usefixtures("unchecked")
def test_it_is_computed_by_its_own_settings(own: Settings) -> None:
    (own.project / "laktasi.toml").write_text("exact_max_n = 3\n", encoding="utf-8")
    told = verify(own, manifests(own)[0])
    assert told.exit_code == 0, told.output
    assert "setting exact_max_n: 30 then, 3 now; computed with 30" in told.output


def spoil_raw(settings: Settings) -> None:
    with duckdb.connect(str(settings.data_folder.warehouse)) as con:
        con.execute(
            """
            update raw.submissions set payload = replace(payload::varchar, '<cups>few', '<cups>many')::blob
            where instance_id = 'uuid:tea-0000'
            """
        )


def erase(settings: Settings) -> None:
    with duckdb.connect(str(settings.data_folder.warehouse)) as con:
        con.execute("delete from raw.submissions where instance_id = 'uuid:tea-0000'")


def turn_levels(settings: Settings) -> None:
    path = settings.folders.study
    text = path.read_text(encoding="utf-8").replace("[few, some, many]", "[many, some, few]")
    path.write_text(text, encoding="utf-8")


def lose_results(settings: Settings) -> None:
    erase(settings)
    for path in settings.data_folder.manifests.glob("*.parquet"):
        path.unlink()


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(
            spoil_raw,
            (
                *("as many rows (13), and not what stood in them", "raw.submissions: 1 rows no longer hold what"),
                *("analysis.kendall: not the same\n  at 1 centre: h1\n  h1 milk cups accepted: ", " then, "),
            ),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lose_results,
            (
                *("results.parquet is not there: results by centre were compared by their hash alone", "13 rows then"),
                "analysis.kendall: not the same\n  by their hash the rows are not the same\n",
            ),
            marks=pytest.mark.slow,
        ),
        (erase, ("13 rows then, 12 now", "raw.submissions from phones: 13 rows had landed then, 12 of that time")),
        pytest.param(
            turn_levels,
            (
                "schemas since: study.yml: changed",
                "analysis.kendall: not the same\n  at ",
                "analysis.contingency: not the same\n  at 3 centres: h1, h2, h3\n",
            ),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_was_changed_since_is_found(
    own: Settings, spoil: Callable[[Settings], None], said: tuple[str, ...]
) -> None:
    spoil(own)
    told = verify(own, manifests(own)[0])
    assert told.exit_code == VerifyError.exit_code
    assert "computed anew, is not the same: analysed rows, analysis." in told.output
    for words in said:
        assert words in told.output


@pytest.mark.slow
@pytest.mark.usefixtures("unchecked")
def test_a_file_that_changes_no_result_is_told_and_no_difference(own: Settings) -> None:
    with own.folders.study.open("a", encoding="utf-8") as file:
        file.write("# a remark\n")
    told = verify(own, manifests(own)[0])
    assert told.exit_code == 0, told.output
    assert "schemas since: study.yml: changed" in told.output


@pytest.mark.usefixtures("unchecked")
def test_what_cannot_be_computed_any_more_names_the_file_that_changed(own: Settings) -> None:
    text = own.folders.study.read_text(encoding="utf-8").replace("question: milk", "question: sugar")
    own.folders.study.write_text(text, encoding="utf-8")
    told = verify(own, manifests(own)[0])
    assert told.exit_code == VerifyError.exit_code
    assert "cannot be computed anew: " in told.output
    assert "Changed in schemas/ since that run: study.yml." in told.output


@pytest.mark.parametrize(
    ("payload", "code"),
    [("replace(payload::varchar, '<age>20', '<age>21')::blob", "what landed"), ("'<x'::blob", "cannot be computed")],
)
@pytest.mark.usefixtures("unchecked")
def test_a_payload_that_is_not_what_landed_decides_though_no_result_does(
    own: Settings, payload: str, code: str
) -> None:
    with duckdb.connect(str(own.data_folder.warehouse)) as con:
        con.execute(f"update raw.submissions set payload = {payload} where instance_id = 'uuid:tea-0000'")
    told = verify(own, manifests(own)[0])
    assert told.exit_code == VerifyError.exit_code, told.output
    assert "raw.submissions: 1 rows no longer hold what landed" in told.output
    assert code in told.output
    assert told.output.count("Error:") == 1


def test_one_verify_at_a_time(settings: Settings) -> None:
    with alone(DataFolder(settings.data_folder.as_of / VERIFYING)):
        told = verify(settings, manifests(settings)[0])
    assert told.exit_code == WarehouseError.exit_code
    assert "another run is working in" in told.output


def test_a_file_whose_name_is_no_utf_8_is_named(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xe9.csv")).touch()
    assert list(schema_files(tmp_path)) == ["b\\xe9.csv"]


def test_a_manifest_of_another_study_is_refused(first: Manifest, settings: Settings, tmp_path: Path) -> None:
    other = read_settings(
        mini.make_project(tmp_path / "other", study=mini.STUDY.replace("study: tea", "study: coffee")),
        data=settings.data_folder.root,
    )
    told = verify(other, manifests(settings)[0])
    assert told.exit_code == VerifyError.exit_code
    assert "is of the study 'tea', and this project is 'coffee'" in told.output


# Files that are no manifest


def _torn(text: str) -> str:
    return text[: len(text) // 2]


def _newer(text: str) -> str:
    return text.replace('"format_version": 1', '"format_version": 2')


def _without(part: str) -> Callable[[str], str]:
    def take_out(text: str) -> str:
        manifest = json.loads(text)
        del manifest[part]
        return json.dumps(manifest)

    return take_out


def _in(part: str, name: str, value: Any) -> Callable[[str], str]:
    def put_in(text: str) -> str:
        manifest = json.loads(text)
        manifest[part][name] = value
        return json.dumps(manifest)

    return put_in


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_torn, "is torn, or no manifest"),
        (lambda _: '{"a": 1}', "is no manifest of a run"),
        (lambda _: "[]", "is no manifest of a run"),
        (lambda _: "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "is torn, or no manifest"),
        (_newer, "was written by a newer laktasi"),
        (_without("results"), "is damaged: 'results' in the file itself is missing"),
        (_in("results", "kendall", {"rows": 6}), "is damaged: 'results.kendall' in the file"),
        (lambda text: text.replace('"run_id": "', '"run_id": "../'), "is damaged: 'run_id' in the file"),
        (_in("known", "until", None), "does not say up to when"),
        (_in("known", "until", "soon"), "does not say up to when"),
        (_in("settings", "exact_max_n", "thirty"), "is damaged: 'settings' in the file"),
        (_in("settings", "monte_carlo_draws", -3), "is damaged: 'settings' in the file"),
        (
            _in("settings", "monte_carlo_draws", 3),
            "the setting 'monte_carlo_draws' is not one that this code knows, or",
        ),
        (lambda _: "[" * 100_000, "is torn, or no manifest"),
        (_in("settings", "phase_of_the_moon", 3), "the setting 'phase_of_the_moon' is not one that this code knows"),
    ],
)
def test_a_file_that_cannot_be_verified_is_one_clear_error(
    settings: Settings, tmp_path: Path, spoil: Callable[[str], str], said: str
) -> None:
    path = tmp_path / "m.json"
    path.write_text(spoil(manifests(settings)[0].read_text(encoding="utf-8")), encoding="utf-8")
    told = verify(settings, path)
    assert told.exit_code == VerifyError.exit_code
    assert said in told.output
    assert told.output.count("Error:") == 1
    assert "Next: " in told.output


def test_a_file_that_is_not_there_is_one_clear_error(settings: Settings, tmp_path: Path) -> None:
    told = verify(settings, tmp_path / "none.json")
    assert told.exit_code == VerifyError.exit_code
    assert "none.json cannot be opened" in told.output


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the way to each part of a manifest; of lists to the first two."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for name in value if isinstance(value, dict) else range(min(len(value), 2)):
            yield from leaves(value[name], (*path, name))


@pytest.mark.parametrize("wrong", [None, "x", -1, 10**400, 0.5, True, [], {}, [[]], {"a": 1}, float("nan"), "gone"])
def test_whatever_is_damaged_is_told_and_breaks_nothing(
    first: Manifest, settings: Settings, tmp_path: Path, wrong: Any
) -> None:
    path = tmp_path / "m.json"
    for way in leaves(first | {"results": {name: first["results"][name] for name in ("pooled", "kendall", "paired")}}):
        spoiled = copy.deepcopy(first)
        part: Any = spoiled
        for name in way[:-1]:
            part = part[name]
        if wrong == "gone":
            del part[way[-1]]
        else:
            part[way[-1]] = wrong
        if spoiled == first:
            continue
        path.write_text(json.dumps(spoiled), encoding="utf-8")
        try:
            then = read_manifest(path)
            reproducing._watermark(path, then)
            reproducing._settings_of(path, then, settings)
        except VerifyError:
            continue
        for now in (first, otherwise(first)):
            found = compare(then, now)
            assert "the file itself" in found.wrong, way
            assert [line for part in found.parts for line in part.lines()]


# Two manifests compared


def signed(manifest: Manifest) -> Manifest:
    return manifest | {"sha256": digest_of(manifest)}


def changed(
    manifest: Manifest, table: str, column: str, change: Callable[[float], Any], *, sign: bool = True
) -> Manifest:
    """Give a manifest in which one number across centres is another."""
    other = copy.deepcopy(manifest)
    found = other["results"][table]
    place = found["columns"].index(column)
    row = next(row for row in found["across"] if isinstance(row[place], float) and row[place])
    row[place] = change(row[place])
    found["sha256"] = "0"
    return signed(other) if sign else other


def otherwise(manifest: Manifest) -> Manifest:
    """Give a manifest that another version of numpy made."""
    other = copy.deepcopy(manifest)
    other["versions"]["numpy"] = "1.0"
    return signed(other)


def test_a_result_that_somebody_changed_is_found_twice(first: Manifest) -> None:
    by_hand = compare(changed(first, "pooled", "tau_b", lambda value: value + 1e-15, sign=False), first)
    assert by_hand.wrong == ["the file itself", "analysis.pooled"]
    again = compare(changed(first, "pooled", "tau_b", lambda value: value + 1e-15), first)
    assert again.wrong == ["analysis.pooled"]
    (line,) = next(part for part in again.parts if part.differences).differences
    assert line.startswith("milk cups accepted naive: tau_b 0.")


def test_where_other_versions_computed_them_numbers_may_differ_a_little(first: Manifest) -> None:
    then = otherwise(first)
    a_little = changed(then, "pooled", "tau_b", lambda value: value * (1 + TOLERANCE / 10))
    compared = compare(a_little, first)
    assert compared.wrong == []
    assert f"numpy 1.0 then, {first['versions']['numpy']} now" in compared.around
    assert any("the largest difference is 1e-10" in line for line in compared.around)
    assert compare(changed(then, "pooled", "tau_b", lambda value: value * (1 + TOLERANCE * 10)), first).wrong == [
        "analysis.pooled"
    ]
    assert compare(changed(then, "pooled", "tau_b", lambda _: None), first).wrong == ["analysis.pooled"]
    # without another version not even the last digit
    assert compare(changed(first, "pooled", "tau_b", lambda value: value * (1 + 1e-15)), first).wrong


def test_tables_columns_and_rows_that_are_gone_differ_and_new_ones_of_newer_code_do_not(first: Manifest) -> None:
    now = copy.deepcopy(first)
    del now["results"]["trend"]
    now["results"]["kendall"]["columns"][5] = "another"
    now["results"]["pooled"]["across"].pop()
    now["results"]["frequencies"]["across"].append([None, *now["results"]["frequencies"]["across"][0][1:]])
    now["results"]["leave_one_out"]["sha256"] = "0"
    assert compare(first, now).wrong == [
        f"analysis.{name}" for name in ("frequencies", "kendall", "leave_one_out", "pooled", "trend")
    ]
    newer = copy.deepcopy(first)
    newer["results"]["new"] = {"columns": [], "key": 0, "rows": 0, "sha256": "", "across": []}
    assert compare(first, newer).wrong == []


def test_a_hash_that_no_row_explains_is_a_difference(first: Manifest) -> None:
    now = copy.deepcopy(first)
    now["results"]["pooled"]["sha256"] = "0"
    assert compare(first, now).wrong == ["analysis.pooled"]
    assert compare(otherwise(first), now).wrong == []


def test_decisions_and_forms_are_compared(first: Manifest) -> None:
    now = copy.deepcopy(first)
    now["decisions"]["sha256"] = "0"
    now["forms"] = {"tea 1": "0", "tea 2": "1"}
    told = {part.name: part.differences for part in compare(first, now).parts if part.differences}
    assert told == {
        "forms": ("tea 1: changed", "tea 2: new since"),
        "decisions of people": ("as many, and not the same",),
    }


def test_what_is_written_is_read_again_to_the_last_digit(tmp_path: Path, first: Manifest) -> None:
    odd = copy.deepcopy(first)
    odd["results"]["pooled"]["across"][0][-1] = 0.1 + 0.2
    odd["results"]["pooled"]["across"][0][-2] = 'a "quoted" – text\n'
    odd["results"]["empty"] = {"columns": ["n"], "key": 0, "rows": 0, "sha256": "", "across": []}
    assert read_manifest(write_manifest(tmp_path, odd)) == signed(odd)


# Results by centre compared


Then = tuple[Warehouse, Manifest, Path]


def tau(centre: str, value: float | None, n: int = 10) -> dict[str, Any]:
    return {
        **{"centre_code": centre, "exposure": "massage", "outcome": "milk", "population": "all"},
        **{"n": n, "tau_b": value, "reason": None if value is not None else "no two rows differ"},
    }


@pytest.fixture
def then(tmp_path: Path, first: Manifest) -> Iterator[Then]:
    """Three centres, in a manifest and in the warehouse."""
    with warehouse(tmp_path / "data") as house:
        write(house, tau("c1", 0.1 + 0.2), tau("c2", float("inf")), tau("c3", None))
        manifest = {
            **first,
            "run_id": house.run_id,
            "by_centre": write_by_centre(house.con, house.run_id, tmp_path),
            "results": results_of(house.con, house.run_id),
        }
        yield house, signed(manifest), tmp_path / f"{house.run_id}.json"


def write(house: Warehouse, *rows: dict[str, Any]) -> None:
    write_results(house.con, house.run_id, replace(STUDY, analyses=(), tables=()), {"kendall": rows})


def compared(then: Then, manifest: Manifest | None = None) -> Comparison:
    house, written, path = then
    manifest = manifest or written
    now = written | {"results": results_of(house.con, house.run_id, manifest["results"])}
    return compare(manifest, now, beside(path, manifest, house.con, house.run_id))


def lines(found: Comparison) -> list[str]:
    part = next(part for part in found.parts if part.name == "analysis.kendall")
    return list(part.lines())


def test_rows_in_another_order_and_columns_of_newer_code_are_the_same(then: Then) -> None:
    house, manifest, _ = then
    write(house, tau("c3", None), tau("c2", float("inf")), tau("c1", 0.1 + 0.2))
    house.con.execute("alter table analysis.kendall add column newer double default 0.5")
    assert lines(compared(then)) == ["analysis.kendall: same (3 rows)"]
    again = write_by_centre(house.con, house.run_id, house.folder.root)
    assert again["rows"] == manifest["by_centre"]["rows"]


def test_the_centres_whose_results_differ_are_named(then: Then) -> None:
    house, _, _ = then
    write(house, tau("c1", 0.3), tau("c2", float("inf"), n=11), tau("c4", None))
    assert lines(compared(then)) == [
        "analysis.kendall: not the same",
        "  at 4 centres: c1, c2, c3, c4",
        "  c1 massage milk all: tau_b 0.30000000000000004 then, 0.3 now",
        "  c2 massage milk all: n 10 then, 11 now",
        "  c3 massage milk all: there then, now it is not",
        "  c4 massage milk all: not there then, now it is",
    ]
    assert house.rows("select count(*) from duckdb_tables() where temporary") == [(0,)]


def test_many_differences_are_counted(then: Then) -> None:
    house, _, _ = then
    write(house, *(tau(f"c{number}", 0.5) for number in range(1, 21)))
    told = lines(compared(then))
    assert told[1] == "  at 20 centres: c1, c10, c11, c12, c13 and 15 more"
    # One of c1, one of c2, two of c3 and 17 new ones: four of these 21 stand beside the centres.
    assert (len(told), told[-1]) == (7, "  and 17 more")


def test_a_little_rounding_is_none_where_other_versions_computed_it(then: Then) -> None:
    house, manifest, _ = then
    write(house, tau("c1", 0.3 * (1 + TOLERANCE / 10)), tau("c2", float("inf")), tau("c3", None))
    assert compared(then).wrong == ["analysis.kendall"]
    found = compared(then, otherwise(manifest))
    assert found.wrong == []
    assert any("the largest difference is 1e-10" in line for line in found.around)
    write(house, tau("c1", 0.3 * (1 + TOLERANCE * 10)), tau("c2", 1e300), tau("c3", 0.0))
    assert lines(compared(then, otherwise(manifest)))[1] == "  at 3 centres: c1, c2, c3"


def test_results_by_centre_that_are_lost_are_compared_by_their_hash(then: Then) -> None:
    house, _, path = then
    by_centre_of(path, house.run_id).unlink()
    same = compared(then)
    assert same.wrong == []
    told = f"{house.run_id}.results.parquet is not there: results by centre were compared by their hash alone"
    assert told in same.around
    write(house, tau("c1", 0.3))
    assert lines(compared(then))[1:] == ["  3 rows then, 1 now; by their hash the rows are not the same"]


def test_results_by_centre_that_somebody_changed_are_not_believed(then: Then) -> None:
    house, _, path = then
    file = by_centre_of(path, house.run_id)
    file.write_bytes(file.read_bytes()[:-4] + b"torn")
    assert compared(then).wrong == [f"the file {file.name}"]
    write(house, tau("c1", 0.3))
    assert compared(then).wrong == [f"the file {file.name}", "analysis.kendall"]


def test_a_manifest_that_names_columns_which_its_file_never_had_is_compared_by_hash(then: Then) -> None:
    house, manifest, _ = then
    by_hand = copy.deepcopy(manifest)
    house.con.execute("alter table analysis.kendall add column newer double default 0.5")
    by_hand["results"]["kendall"]["columns"].append("newer")
    assert compared(then, by_hand).wrong == ["the file itself", "analysis.kendall"]


def test_without_a_centre_there_is_no_file(tmp_path: Path) -> None:
    with warehouse(tmp_path / "data") as house:
        assert write_by_centre(house.con, house.run_id, tmp_path / "m") == {"rows": 0, "sha256": None}
    assert list((tmp_path / "m").iterdir()) == []
