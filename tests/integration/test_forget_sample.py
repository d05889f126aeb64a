"""A mother of the shipped sample leaves: with a follow-up visit, a back check, files and an audit log."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from laktasi import pipeline
from laktasi.cli import main
from laktasi.paths import HOUSE
from laktasi.settings import read_settings
from laktasi.store.warehouse import open_warehouse

SAMPLE = HOUSE / "xlsforms" / "sample"

WHOM = """
    with visits as (
        select mother__study_code as code, mother__name as name, mother__phone as phone from answers.postpartum_visit
    ),
    names as (
        select name from visits group by name having count(distinct code) = 1
    )
    select code, any_value(name), any_value(phone)
    from visits
    where phone is not null and name in (from names) and code in (select mother__study_code from answers.back_check)
    group by code
    having count(*) > 1 and count(distinct name) = 1 and count(distinct phone) = 1
    order by code limit 1
"""
"""Of a mother with a follow-up visit and a back check: study code, a name that no other has, telephone number."""


def held(folder: Path, *words: str) -> dict[str, set[str]]:
    """Give the files below a folder that hold one of some words, as bytes, and which."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and (words_in := {word for word in words if word.encode() in path.read_bytes()}):
            found[path.relative_to(folder).as_posix()] = words_in
    return found


@pytest.mark.slow
def test_no_file_of_the_data_folder_has_a_mother_who_left(tmp_path: Path) -> None:
    phones = (SAMPLE / "postpartum_visit.zip", SAMPLE / "back_check.zip")
    settings = read_settings(HOUSE, data=tmp_path / "data", phones=phones)
    data = settings.data_folder
    pipeline.walk(settings, pipeline.WAY, door="cli")
    with open_warehouse(data) as con:
        whom = con.execute(WHOM).fetchone()
        assert whom is not None
        code, name, phone = whom
        ids = [
            found
            for form in ("postpartum_visit", "back_check")
            for (found,) in con.execute(
                f"select _submission_id from answers.{form} where mother__study_code = ?", [code]
            ).fetchall()
        ]
        (count,) = con.execute("select count(distinct instance_id) from raw.submissions").fetchone() or (0,)
    assert len(ids) >= 3
    before = held(data.root, name, phone, code, *ids)
    assert code in before["warehouse.duckdb"]  # not each of them: DuckDB compresses
    assert "research.duckdb" in before

    done = CliRunner().invoke(main, ["forget", code, "--yes", "--data", str(data.root)])
    assert done.exit_code == 0, done.output
    assert f"{len(ids) - 1} records of the form postpartum_visit" in done.output
    assert "1 records of the form back_check" in done.output

    assert held(data.root, name, phone, code) == {}
    assert set(held(data.root, *ids)) <= {"warehouse.duckdb"}
    pipeline.walk(settings, pipeline.WAY, door="cli")
    assert held(data.root, name, phone, code) == {}
    assert set(held(data.root, *ids)) <= {"warehouse.duckdb"}
    with open_warehouse(data) as con:
        assert con.execute("select count(distinct instance_id) < ? from raw.submissions", [count]).fetchone() == (True,)
        assert con.execute("select cause from meta.changes where change = 'gone'").fetchall() == [("withdrew",)]
