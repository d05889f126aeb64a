"""The whole way of a record, on a small study: from a phone's folder to the report."""

from __future__ import annotations

import errno
import tempfile
import traceback
from pathlib import Path
from typing import Any

import duckdb
import pytest
from filelock import FileLock
from pydantic import SecretStr

from laktasi import pipeline
from laktasi.errors import QuestionnaireError, StudyError, WarehouseError
from laktasi.settings import CentralSettings, Settings, read_settings
from laktasi.store import runs
from laktasi.summary import summary
from tests import mini
from tests.integration.kill_driver import contents


def settings_for(project: Path, *phones: Path, **given: Any) -> Settings:
    return read_settings(project, phones=phones, **given)


def run(settings: Settings) -> pipeline.Run:
    return pipeline.walk(settings, pipeline.WAY, door="cli")


def ask(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.data_folder.research), read_only=True) as con:
        return con.execute(query).fetchall()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A study of forty good submissions, one that breaks four rules, and one refused; run once."""
    root = tmp_path_factory.mktemp("ran")
    phone = mini.fill_phone(root / "phone", 40)
    mini.put(phone, "bad", mini.xml(mini.person(90, age=7, milk="perhaps", code=None, sugar="3"), "uuid:bad"))
    mini.put(phone, "no", mini.xml({"today": "2026-11-02", "agrees": "no", "house": "h1", "taster": "t1"}, "uuid:no"))
    mini.put(phone, "twice", mini.xml(mini.person(5), "uuid:twice"))
    (phone / "instances" / "torn.xml").write_text("<data id='tea' version='1'><today>20", encoding="utf-8")
    settings = settings_for(mini.make_project(root / "project"), phone)
    run(settings)
    return settings


def test_every_submission_stands_or_is_set_aside(ran: Settings) -> None:
    assert ask(ran, "select landed, refused, staged from meta.runs") == [(43, 1, 43)]
    assert ask(ran, "select count(*), count(*) filter (is_included), count(*) filter (is_included and is_accepted)"
                    " from marts.submissions where is_consented") == [(42, 42, 39)]  # fmt: skip


def test_each_fault_is_one_finding_and_nothing_else_is(ran: Settings) -> None:
    found = ask(ran, "select submission_id, rule_id, row from quality.findings order by all")
    assert found == [
        ("uuid:bad", "age.constraint", ""),
        ("uuid:bad", "code.required", ""),
        ("uuid:bad", "milk.choice", ""),
        ("uuid:bad", "tea.unknown_node", "sugar"),
        ("uuid:tea-0005", "one_code_once", ""),
        ("uuid:twice", "one_code_once", ""),
    ]


def test_the_analysis_counts_all_and_accepted(ran: Settings) -> None:
    n = dict(ask(ran, "select population, sum(n)::int from analysis.kendall group by population"))
    # all: the record with the unknown choice has no exposure
    assert n == {"all": 41, "accepted": 39}


def test_no_name_leaves_the_private_warehouse(ran: Settings) -> None:
    secret = mini.SECRET.encode()
    data = ran.data_folder.root
    holds = {
        path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file() and secret in path.read_bytes()
    }
    assert holds == {"warehouse.duckdb"}
    assert not [line for line in summary(ran) if mini.SECRET in line]


def test_a_second_run_adds_its_own_line_and_results_and_nothing_else(ran: Settings) -> None:
    folder = ran.data_folder
    before = contents(folder.warehouse), contents(folder.research)
    lines = ask(ran, "select count(*) from meta.runs")[0][0]
    run(ran)
    assert (contents(folder.warehouse), contents(folder.research)) == before
    assert ask(ran, "select count(*) from meta.runs") == [(lines + 1,)]
    hashes = ask(ran, "select distinct analysed_hash from meta.runs")
    assert len(hashes) == 1
    per_run = ask(ran, "select count(*) from analysis.kendall group by run_id")
    assert len(per_run) == lines + 1
    assert len(set(per_run)) == 1


@pytest.mark.slow
def test_a_run_that_only_lands_leaves_what_people_read(ran: Settings) -> None:
    before = ran.data_folder.research.read_bytes()
    pipeline.walk(ran, pipeline.LANDING, door="import")
    assert ran.data_folder.research.read_bytes() == before
    run(ran)
    assert ask(ran, "select count(*) from analysis.kendall_latest")[0][0] > 0


@pytest.mark.slow
def test_a_new_question_reaches_table_rules_codebook_and_report(tmp_path: Path) -> None:
    project = mini.make_project(tmp_path / "project")
    phone = mini.fill_phone(tmp_path / "phone", 6)
    settings = settings_for(project, phone)
    run(settings)
    question = "| | integer | sugar | Sendok gula | Spoons of sugar | | | . <= 5 | none |"
    mini.make_project(project, extra=question, version="2")
    mini.put(phone, "new", mini.xml(mini.person(50, sugar=2), "uuid:new", version="2"))
    mini.put(phone, "sweet", mini.xml(mini.person(51, sugar=9), "uuid:sweet", version="2"))
    run(settings)
    assert ask(settings, "select sugar from staging.tea where _submission_id = 'uuid:new'") == [(2,)]
    assert ask(settings, "select count(*) from staging.tea") == [(8,)]
    assert ask(settings, "select submission_id, field from quality.findings") == [("uuid:sweet", "sugar")]
    assert ask(settings, "select labels['en'], versions from staging.codebook where column_name = 'sugar'") == [
        ("Spoons of sugar", ["2"])
    ]
    assert "Sendok gula" in settings.data_folder.report.with_name("data.html").read_text(encoding="utf-8")


def test_a_form_without_a_study_has_no_kendall_part(tmp_path: Path) -> None:
    project = mini.make_project(tmp_path / "project", study=None)
    settings = settings_for(project, mini.fill_phone(tmp_path / "phone", 5))
    run(settings)
    assert ask(settings, "select count(*) from staging.tea") == [(5,)]
    assert ask(settings, "select count(*) from analysis.kendall") == [(0,)]
    assert ask(settings, "select count(*) > 10 from quality.rules") == [(True,)]
    assert "Rumah Satu" in settings.data_folder.report.with_name("data.html").read_text(encoding="utf-8")
    assert summary(settings)


@pytest.mark.slow
def test_a_mended_answer_closes_its_finding(tmp_path: Path) -> None:
    phone = mini.fill_phone(tmp_path / "phone", 4)
    mini.put(phone, "bad", mini.xml(mini.person(7, age=7), "uuid:bad"))
    settings = settings_for(mini.make_project(tmp_path / "project"), phone)
    run(settings)
    assert ask(settings, "select status from quality.findings") == [("open",)]
    mini.put(phone, "mended", mini.xml(mini.person(7, age=27), "uuid:mended", deprecated_id="uuid:bad"))
    run(settings)
    assert ask(settings, "select submission_id, status from quality.findings") == [("uuid:bad", "mended")]
    assert ask(settings, "select age from staging.tea where _submission_id = 'uuid:bad'") == [(27,)]
    assert ask(settings, "select is_accepted from marts.submissions where submission_id = 'uuid:bad'") == [(True,)]


@pytest.mark.slow
def test_a_run_goes_on_without_a_central_it_cannot_reach(tmp_path: Path) -> None:
    central = CentralSettings(
        url="http://127.0.0.1:9", project=1, forms=("tea",), email="a@example.org", password=SecretStr("x")
    )
    settings = settings_for(
        mini.make_project(tmp_path / "project"), mini.fill_phone(tmp_path / "phone", 4), central={"central": central}
    )
    done = run(settings)
    assert list(done.unreached) == ["central"]
    assert any(line.startswith("not reached: central") for line in summary(settings))
    assert ask(settings, "select count(*) from staging.tea") == [(4,)]


@pytest.mark.slow
def test_a_folder_that_is_not_there_does_not_keep_the_others_out(tmp_path: Path) -> None:
    phone = mini.fill_phone(tmp_path / "phone", 3)
    settings = settings_for(mini.make_project(tmp_path / "project"), tmp_path / "unplugged", phone)
    done = run(settings)
    assert done.unreached == {"phones/unplugged": "unplugged does not exist"}
    assert ask(settings, "select count(*) from staging.tea") == [(3,)]
    manifest = ask(settings, "select manifest::varchar from meta.runs")[0][0]
    assert str(tmp_path) not in manifest


def test_temporary_files_lie_in_the_data_folder_and_are_swept(tmp_path: Path) -> None:
    settings = settings_for(mini.make_project(tmp_path / "project"))
    left = settings.data_folder.scratch / "laktasi-killed" / "submission.xml"
    left.parent.mkdir(parents=True)
    left.write_text(mini.SECRET, encoding="utf-8")
    used: list[str] = []

    def look(_run: pipeline.Run, _progress: pipeline.Progress) -> pipeline.Counts:
        used.append(tempfile.mkdtemp())
        return {}

    pipeline.walk(settings, [pipeline.Step("look", look)], door="cli")
    assert Path(used[0]).parent == settings.data_folder.scratch
    assert not settings.data_folder.scratch.exists()
    assert tempfile.gettempdir() != str(settings.data_folder.scratch)


def test_a_second_run_at_the_same_time_is_refused(tmp_path: Path) -> None:
    settings = settings_for(mini.make_project(tmp_path / "project"))
    settings.data_folder.root.mkdir(parents=True)
    with FileLock(settings.data_folder.lock), pytest.raises(WarehouseError, match="another run is working"):
        run(settings)


def test_a_study_of_an_unknown_form_is_one_clear_error(tmp_path: Path) -> None:
    project = mini.make_project(tmp_path / "project", study=mini.STUDY.replace("form: tea", "form: coffee"))
    settings = settings_for(project, mini.fill_phone(tmp_path / "phone", 2))
    with pytest.raises(StudyError, match="coffee"):
        run(settings)
    with duckdb.connect(str(settings.data_folder.warehouse)) as con:
        assert con.execute("select status from meta.runs").fetchall() == [("failed",)]


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (duckdb.IOException(f"Could not write {mini.SECRET}: No space left on device"), "is full"),
        (duckdb.ConversionException(f"Could not convert string '{mini.SECRET}' to INT32"), "ConversionException"),
        (OSError(errno.ENOSPC, "No space left on device"), "is full"),
    ],
)
def test_trouble_with_the_warehouse_is_told_without_an_answer(tmp_path: Path, trouble: Exception, told: str) -> None:
    def stumble(run: pipeline.Run, _progress: pipeline.Progress) -> pipeline.Counts:
        with run.warehouse():
            raise trouble

    settings = settings_for(mini.make_project(tmp_path / "project"))
    with pytest.raises(WarehouseError, match=told) as caught:
        pipeline.walk(settings, [pipeline.Step("stumble", stumble)], door="cli")
    assert mini.SECRET not in "".join(traceback.format_exception(caught.value))
    with duckdb.connect(str(settings.data_folder.warehouse)) as con:
        assert con.execute("select status from meta.runs").fetchall() == [("failed",)]


@pytest.mark.slow
def test_the_first_error_is_told_even_where_it_cannot_be_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(_run: pipeline.Run, _progress: pipeline.Progress) -> pipeline.Counts:
        raise StudyError("the first error")

    def full(*_given: object) -> None:
        raise duckdb.IOException("No space left on device")

    settings = settings_for(mini.make_project(tmp_path / "project"))
    monkeypatch.setattr(runs, "fail", full)
    with pytest.raises(StudyError, match="the first error"):
        pipeline.walk(settings, [pipeline.Step("stumble", stumble)], door="cli")
    monkeypatch.undo()
    run(settings)
    assert ask(settings, "select status from meta.runs order by run_id") == [("interrupted",), ("finished",)]


FOREIGN = (
    '<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"><h:head><h:title>x</h:title>'
    '<model><instance><data id="{form_id}" version="1"><a/><b/></data></instance>'
    '<instance id="list" src="jr://file-csv/list.csv"/><bind nodeset="/data/a" type="string"/>'
    '<bind nodeset="/data/b" type="string" calculate="{calculate}"/></model></h:head>'
    '<h:body><select1 ref="/data/a"><label>A</label><itemset nodeset="instance(\'list\')/root/item">'
    '<value ref="name"/><label ref="label"/></itemset></select1></h:body></h:html>'
)


@pytest.mark.slow
def test_whatever_form_a_phone_brings_the_others_are_worked_on(tmp_path: Path) -> None:
    forms = mini.fill_phone(tmp_path / "phone", 3) / "forms"
    deep = " or ".join(["1"] * 500)
    for number, (form_id, calculate, listed) in enumerate(
        [
            ("submissions", "1", b"name,label\n1,One\n"),
            ("TEA", "1", b"name,label\n1,One\n"),
            ("deep", deep, b"name,label\n1,One\n"),
            ("latin", "1", "name,label\n1,Élan\n".encode("latin-1")),
        ]
    ):
        media = forms / f"{number}-media"
        media.mkdir(parents=True)
        (media / "list.csv").write_bytes(listed)
        text = FOREIGN.format(form_id=form_id, calculate=calculate)
        (forms / f"{number}.xml").write_text(text, encoding="utf-8")
    (forms / "broken.xml").write_text(FOREIGN.replace("h:body", "h:trunk").format(form_id="broken", calculate=1))
    settings = settings_for(mini.make_project(tmp_path / "project"), tmp_path / "phone")
    run(settings)
    assert ask(settings, "select staged, waiting from meta.runs") == [(3, 0)]
    assert ask(settings, "select field, reason from quality.unverified where form_id = 'deep'") == [
        ("b", "it is nested too deeply")
    ]
    said = "\n".join(summary(settings))
    assert "form set aside: TEA 1 (it would share the table 'tea' with the form 'tea'); its submissions wait" in said
    assert "form set aside: broken 1 (this is not an XForm: it has no model or no body)" in said
    assert "not readable: list.csv" in said


@pytest.mark.slow
def test_a_form_of_ones_own_that_is_broken_is_an_error(tmp_path: Path) -> None:
    project = mini.make_project(tmp_path / "project")
    broken = project / "xlsforms" / "fielded" / "broken.xml"
    broken.write_text(FOREIGN.replace("h:body", "h:trunk").format(form_id="broken", calculate=1))
    settings = settings_for(project)
    with pytest.raises(QuestionnaireError, match=r"fielded/broken\.xml: this is not an XForm"):
        run(settings)
    broken.write_text(FOREIGN.format(form_id="TEA", calculate=1))
    with pytest.raises(QuestionnaireError, match="would share the table 'tea'"):
        run(settings)
    broken.unlink()
    run(settings)  # what was mended is forgotten


@pytest.mark.slow
def test_a_half_copied_list_of_one_phone_is_said_and_does_not_stand(tmp_path: Path) -> None:
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    for phone, listed in ((torn, b"name,label\n1,One\n2,T"), (whole, b"name,label\n1,One\n2,Two\n")):
        (phone / "forms" / "x-media").mkdir(parents=True)
        (phone / "instances").mkdir()
        (phone / "forms" / "x-media" / "list.csv").write_bytes(listed)
        (phone / "forms" / "x.xml").write_text(FOREIGN.format(form_id="x", calculate=1), encoding="utf-8")
    settings = settings_for(mini.make_project(tmp_path / "project"), torn, whole)
    run(settings)
    with duckdb.connect(str(settings.data_folder.warehouse)) as con:
        labels = con.execute("select labels['default'] from staging.choices where form_id = 'x' order by position")
        assert labels.fetchall() == [("One",), ("Two",)]
    assert any(line.startswith("different contents of list.csv for x 1;") for line in summary(settings))


def test_a_slip_in_study_yml_is_told_after_landing_and_before_the_long_work(tmp_path: Path) -> None:
    project = mini.make_project(tmp_path / "project", study=mini.STUDY.replace("centre:", "center:"))
    settings = settings_for(project, mini.fill_phone(tmp_path / "phone", 2))
    with pytest.raises(StudyError, match="unknown role"):
        run(settings)
    with duckdb.connect(str(settings.data_folder.warehouse)) as con:
        assert con.execute("select count(*) from raw.submissions").fetchall() == [(2,)]
        assert con.execute("select count(*) from staging.submissions").fetchall() == [(0,)]


def test_the_data_folder_is_private(ran: Settings) -> None:
    root = ran.data_folder.root
    assert root.stat().st_mode & 0o077 == 0
    assert ran.data_folder.warehouse.stat().st_mode & 0o077 == 0
