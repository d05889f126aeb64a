"""What open findings do: keep a record out, or stop the publication, as schemas/gates.yml declares it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from laktasi import pipeline
from laktasi.cli import main
from laktasi.errors import CheckError, GateError
from laktasi.quality import read_gates
from laktasi.quality.findings import RuleRow
from laktasi.settings import Settings, read_settings
from tests import mini

CHECKS = """
checks:
  - id: broken_house
    kind: error_rate
    form: tea
    by: centre
    at_most: 0.2
    at_least_rows: 5
    severity: error
    message: {id: Rumah ini rusak., en: This house is broken.}
  - id: young
    kind: row
    expression: ${age} >= 21
    severity: warning
    message: {id: Muda., en: Young.}
"""
STOP = "stop: [broken_house]\n"


def project_with(root: Path, gates: str) -> Path:
    project = mini.make_project(root / "project")
    (project / "schemas" / "checks.yml").write_text(CHECKS, encoding="utf-8")
    (project / "schemas" / "gates.yml").write_text(gates, encoding="utf-8")
    return project


def run(settings: Settings) -> pipeline.Run:
    return pipeline.walk(settings, pipeline.WAY, door="cli")


def published(settings: Settings) -> dict[str, bytes]:
    """Give what people read."""
    folder = settings.data_folder
    files = [folder.research, *sorted(folder.report.parent.rglob("*"))]
    return {path.name: path.read_bytes() for path in files if path.is_file()}


def ask(settings: Settings, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.data_folder.warehouse), read_only=True) as con:
        return con.execute(query).fetchall()


@pytest.mark.slow
def test_a_broken_house_stops_the_publication_until_somebody_mends_or_accepts_it(tmp_path: Path) -> None:
    project = project_with(tmp_path, STOP)
    phone = mini.fill_phone(tmp_path / "phone", 12)
    settings = read_settings(project, phones=(phone,))
    run(settings)
    before = published(settings)
    assert len(before) > 1

    # half of what one house of three sent is wrong
    for number in range(4):
        mini.put(phone, f"bad-{number}", mini.xml(mini.person(12 + 3 * number, cups="litres"), f"uuid:bad-{number}"))
    command = ["run", "--project", str(project), "--no-prefect"]
    told = CliRunner().invoke(main, command, env={"LAKTASI_PHONES": str(phone)})
    assert told.exit_code == GateError.exit_code == 9
    assert "nothing was published: open findings that stop it, broken_house (× 1)" in told.output
    assert published(settings) == before
    assert ask(settings, "select status from meta.runs order by run_id desc limit 1") == [("failed",)]
    # no record is lost, and the finding is there to be worked on
    assert ask(settings, "select count(*) from marts.submissions") == [(16,)]
    assert ask(settings, 'select rule_id, "row", centre_code, severity from quality.findings where stops') == [
        ("broken_house", "centre:h1", "h1", "error")
    ]

    # accepted until a day: published
    (project / "schemas" / "corrections").mkdir()
    (project / "schemas" / "corrections" / "one.yml").write_text(
        "decisions: [{id: d1, action: okay, form: tea, row: 'centre:h1', rule: broken_house, until: '2999-12-31',"
        " reason: known, reporter: A, date: '2026-11-20'}]",
        encoding="utf-8",
    )
    run(settings)
    accepted = published(settings)
    assert accepted != before
    assert state(settings) == [("accepted", False)]

    # mended: published
    for number in range(4):
        mended = mini.xml(mini.person(12 + 3 * number), f"uuid:good-{number}", deprecated_id=f"uuid:bad-{number}")
        mini.put(phone, f"good-{number}", mended)
    run(settings)
    assert published(settings) != accepted
    assert state(settings) == [("mended", False)]


def state(settings: Settings) -> list[tuple[object, ...]]:
    return ask(settings, "select status, is_open from quality.findings where rule_id = 'broken_house'")


@pytest.mark.slow
def test_gates_say_which_findings_keep_a_record_out(tmp_path: Path) -> None:
    project = project_with(tmp_path, "")
    phone = mini.fill_phone(tmp_path / "phone", 6)
    mini.put(phone, "bad", mini.xml(mini.person(30, cups="litres"), "uuid:bad"))
    settings = read_settings(project, phones=(phone,))
    this = run(settings)
    assert kept_out(settings) == {"uuid:bad"}, "where nothing is said, errors do, and warnings do not"
    for gates, expected in (
        ("keep_out: {also: [young], except: [cups.choice]}", {"uuid:tea-0000"}),
        ("keep_out: {severity: [error, warning]}", {"uuid:bad", "uuid:tea-0000"}),
        ("keep_out: {severity: []}", set()),
    ):
        (project / "schemas" / "gates.yml").write_text(gates, encoding="utf-8")
        for step in (pipeline.check, pipeline.mart, pipeline.analyse):
            step(this, pipeline.silent)
        assert kept_out(settings) == expected
    shown = ask(settings, "select distinct population from analysis.kendall_latest order by 1")
    assert shown == [("accepted",), ("all",)], "with and without, whatever the gates are"


def kept_out(settings: Settings) -> set[object]:
    return {row[0] for row in ask(settings, "select submission_id from marts.submissions where not is_accepted")}


def rule(rule_id: str) -> RuleRow:
    return RuleRow("tea", "1", "tea", rule_id, "declared", None, "warning", {}, "")


@pytest.mark.parametrize("gates", ["stop: [nobody]", "keep_out: {also: [nobody]}", "keep_out: {except: [nobody]}"])
def test_a_gate_that_nobody_guards_is_an_error(tmp_path: Path, gates: str) -> None:
    path = tmp_path / "gates.yml"
    path.write_text(gates, encoding="utf-8")
    with pytest.raises(CheckError, match=r"gates\.yml names the rule 'nobody', and nothing is checked by that name"):
        read_gates(path).applied([rule("somebody")])
    assert read_gates(path).applied([rule("nobody")])
    assert read_gates(path).applied([]) == [], "a project without a form checks nothing yet"


@pytest.mark.parametrize(
    ("gates", "told"),
    [
        ("stop: broken_house", "'stop' must be a list of names"),
        ("stop: [a, a]", "a name stands twice under 'stop'"),
        ("stopp: []", "unknown key 'stopp'; known are keep_out, stop"),
        ("keep_out: [a]", "'keep_out' must be a mapping"),
        ("keep_out: {unless: [a]}", "unknown key 'unless'; known are severity, also, except"),
        ("keep_out: {severity: }", "'severity' is empty"),
        ("keep_out: {severity: [critical]}", "unknown severity 'critical'; known are error and warning"),
        ("keep_out: {also: [a], except: [a]}", "the rule 'a' stands under both 'also' and 'except'"),
        ("[stop]", "it must be a mapping"),
    ],
)
def test_a_slip_in_the_gates_is_told_in_words(tmp_path: Path, gates: str, told: str) -> None:
    path = tmp_path / "gates.yml"
    path.write_text(gates, encoding="utf-8")
    with pytest.raises(CheckError, match=rf"gates\.yml: {told}"):
        read_gates(path)
