"""`laktasi findings` on a small study: decided about, handed out, and read where nothing was published."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import openpyxl
import pytest
from click.testing import CliRunner, Result
from filelock import FileLock

from laktasi import pipeline
from laktasi.cli import main
from laktasi.errors import GateError
from laktasi.quality.decisions import read_decisions
from laktasi.settings import read_settings
from laktasi.summary import summary
from tests import mini

REASON = "Lihat berkas kertas"
WHO = ("--reason", REASON, "--reviewer", "Ani")


def laktasi(*words: object) -> Result:
    """Run a command as into a pipe. Whatever it is, no name may be in what it prints."""
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert mini.SECRET not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def rows_of(result: Result) -> list[dict[str, str]]:
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout), delimiter="\t", quoting=csv.QUOTE_NONE))


def run(project: Path) -> None:
    settings = read_settings(project, phones=(project.parent / "phone",))
    pipeline.walk(settings, pipeline.WAY, door="cli")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine good records, one with two faults, one with an empty pot, and two under one code; run once."""
    root = tmp_path_factory.mktemp("findings")
    phone = mini.fill_phone(root / "phone", 9)
    mini.put(phone, "bad", mini.xml(mini.person(90, age=7, milk="perhaps"), "uuid:bad"))
    mini.put(phone, "pot", mini.xml(mini.person(31, pot=[{"size": 2}, {"size": 0}]), "uuid:pot"))
    mini.put(phone, "twice", mini.xml(mini.person(5), "uuid:twice"))
    project = mini.make_project(root / "project")
    run(project)
    return project


@pytest.fixture
def project(ran: Path, tmp_path: Path) -> Path:
    shutil.copytree(ran.parent, tmp_path / "copy")
    return tmp_path / "copy" / "project"


def ids(project: Path, *words: object) -> dict[tuple[str, str], str]:
    """Give finding ids by record and rule."""
    rows = rows_of(laktasi("findings", "--project", project, *words))
    return {(row["submission_id"], row["rule_id"]): row["finding_id"] for row in rows}


AGE = ("uuid:bad", "age.constraint")
MILK = ("uuid:bad", "milk.choice")
POT = ("uuid:pot", "pot__size.constraint")
TWICE = ("uuid:twice", "one_code_once")


# Deciding


@pytest.mark.slow
def test_what_was_decided_is_done_by_the_next_run_and_undone_by_an_edit(project: Path) -> None:
    found = ids(project)
    accepted = laktasi("findings", "accept", found[AGE], *WHO, "--project", project)
    assert accepted.stdout.splitlines()[0].startswith("1 findings accepted, in schemas/corrections/")
    assert accepted.stdout.splitlines()[-1] == "Nothing has changed yet. Next: laktasi run"
    because = ("--reason", REASON, "--reporter", "Budi", "--project", project)
    for finding, value in ((MILK, "yes"), (POT, "3")):
        corrected = laktasi("findings", "correct", found[finding], "--value", value, *because)
        assert corrected.exit_code == 0, corrected.output
    dropped = laktasi("findings", "correct", found[TWICE], "--drop", *because)
    assert dropped.stdout.startswith(f"finding {found[TWICE]}: record dropped, in ")
    assert ids(project) == found  # nothing has changed yet

    run(project)
    assert ids(project) == {}
    rows = rows_of(laktasi("findings", "--status", "all", "--project", project))
    settled = {(row["submission_id"], row["rule_id"]): (row["status"], row["settled_by"]) for row in rows}
    assert settled == {
        AGE: ("accepted", "decision"),
        MILK: ("mended", "correction"),
        POT: ("mended", "correction"),
        TWICE: ("mended", "drop"),
        ("uuid:tea-0005", "one_code_once"): ("mended", "set"),
    }
    shown = laktasi("findings", "show", found[AGE], "--project", project).stdout
    assert [line.split("\t")[1:6] for line in shown.splitlines()[-2:]] == [
        ["opened", "", "", "", ""],
        ["accepted", "decision", read_decisions(project / "schemas" / "corrections")[0].id, "Ani", REASON],
    ]
    # Who accepted it and why is nobody else's: neither in what is mailed nor in what is published.
    listed = laktasi("findings", "--status", "accepted", "--project", project).stdout
    assert REASON not in listed
    assert REASON.encode() not in (project / "data" / "research.duckdb").read_bytes()

    # An edit changes the answer that was accepted, and it is wrong again.
    text = mini.xml(mini.person(90, age=8, milk="yes"), "uuid:bad-2", deprecated_id="uuid:bad")
    mini.put(project.parent / "phone", "bad_2", text)
    run(project)
    rows = rows_of(laktasi("findings", "--rule", "age.constraint", "--project", project))
    assert [(row["finding_id"], row["status"]) for row in rows] == [(found[AGE], "reopened")]
    changes = rows_of(laktasi("findings", "changes", "--rule", "age.constraint", "--project", project))
    assert [(row["opened"], row["reopened"], row["open"]) for row in changes] == [("1", "1", "1")]


def test_a_decision_says_what_stood_there_and_never_a_name(project: Path) -> None:
    found = ids(project)
    because = ("--reason", REASON, "--reporter", "Budi", "--project", project)
    for words in (
        ("accept", found[AGE], *WHO, "--project", project),
        ("accept", found[TWICE], *WHO, "--project", project),
        ("correct", found[AGE], "--question", "name", "--value", "", *because),
        ("correct", found[POT], "--value", "3", *because),
        ("correct", found[POT], "--question", "pot/size", "--row", "1", "--value", "3", *because),
        ("correct", found[POT], "--question", "cups", "--value", "few", *because),
    ):
        assert laktasi("findings", *words).exit_code == 0
    told = {
        (item.action, item.submission, item.question, item.row): item.expected
        for item in read_decisions(project / "schemas" / "corrections")
    }
    name = told.pop(("replace", "uuid:bad", "name", ""))
    assert name is not None
    assert name.startswith("hmac:")
    assert told == {
        ("okay", "uuid:bad", "age", ""): "7",
        ("okay", "uuid:twice", None, ""): "uuid:twice",  # of a rule over the set: the version of the record
        ("replace", "uuid:pot", "pot/size", "2"): "0",
        ("replace", "uuid:pot", "pot/size", "1"): "2",
        ("replace", "uuid:pot", "cups", ""): "some",
    }
    files = list((project / "schemas" / "corrections").iterdir())
    assert not [path for path in files if mini.SECRET in path.read_text(encoding="utf-8")]


def test_decisions_that_cannot_be_are_refused_and_nothing_is_written(project: Path) -> None:
    found = ids(project)
    because = ("--reason", REASON, "--reporter", "Budi", "--project", project)
    yesterday = date.today() - timedelta(days=1)
    for words, said in (
        (("accept", "0123", *WHO, "--project", project), "there is no finding '0123'"),
        (("accept", found[AGE], "0123", *WHO, "--project", project), "there is no finding '0123'"),
        (("accept", found[AGE], *WHO, "--until", yesterday, "--project", project), "has passed"),
        (("accept", found[AGE], "--reason", " ", "--reviewer", "Ani", "--project", project), "--reason is empty"),
        (("correct", found[TWICE], "--value", "K1", *because), "about several questions"),
        (("correct", found[AGE], "--value", "9", "--question", "colour", *because), "asks no question 'colour'"),
        (("correct", found[AGE], "--value", "9", "--question", "pot/size", "--row", "7", *because), "no row '7'"),
        (("correct", found[AGE], "--value", "7", *because), "'age' has that answer already"),
        (("correct", found[AGE], "--value", "old", *because), "'value' is not written as its type, integer, is: 'age'"),
        (("correct", found[MILK], "--value", "maybe", *because), "'value' is no choice of its list: 'milk'"),
        (("correct", found[AGE], *because), "either --value or --drop"),
        (("correct", found[AGE], "--value", "9", "--drop", *because), "either --value or --drop"),
        (("correct", found[AGE], "--drop", "--question", "age", *because), "no meaning"),
    ):
        result = laktasi("findings", *words)
        assert result.exit_code in (2, 6), result.output
        assert said in result.stderr
    assert "none has been written" in laktasi("findings", "correct", found[AGE], "--value", "old", *because).stderr
    assert not (project / "schemas" / "corrections").exists()


@pytest.mark.slow
def test_an_acceptance_ends_when_another_answer_that_the_rule_reads_is_edited(tmp_path: Path) -> None:
    asked = """| | integer | most | Paling | Most | | | | none |
| | integer | drunk | Minum | Drunk | | | . <= ${most} | none |"""
    phone = mini.fill_phone(tmp_path / "phone", 1)
    mini.put(phone, "much", mini.xml(mini.person(2, most=2, drunk=3), "uuid:much"))
    project = mini.make_project(tmp_path / "project", extra=asked)
    run(project)
    (finding,) = ids(project).values()
    laktasi("findings", "accept", finding, *WHO, "--project", project)
    (decision,) = read_decisions(project / "schemas" / "corrections")
    assert (decision.question, decision.expected) == (None, "uuid:much")
    run(project)
    assert ids(project) == {}
    edited = mini.xml(mini.person(2, most=1, drunk=3), "uuid:much-2", deprecated_id="uuid:much")
    mini.put(phone, "much_2", edited)
    run(project)
    assert list(ids(project, "--status", "reopened").values()) == [finding]


@pytest.mark.slow
def test_who_thinks_again_before_the_next_run_is_heard(project: Path) -> None:
    found = ids(project)
    because = ("--reason", REASON, "--reporter", "Budi", "--project", project)
    for value in ("8", "9", "17"):
        assert laktasi("findings", "correct", found[AGE], "--value", value, *because).exit_code == 0
    again = laktasi("findings", "correct", found[AGE], "--value", "17", *because)
    assert (again.exit_code, "has been corrected so already" in again.stderr) == (6, True)
    # Of seventeen, which is still too few, somebody knows that it is right.
    assert laktasi("findings", "accept", found[AGE], *WHO, "--project", project).exit_code == 0
    for value in ("", mini.SECRET[::-1]):
        words = ("correct", found[POT], "--question", "name", "--value", value, *because)
        assert laktasi("findings", *words).exit_code == 0
    decided = read_decisions(project / "schemas" / "corrections")
    assert [(item.expected, item.value) for item in decided[:4]] == [("7", "8"), ("8", "9"), ("9", "17"), ("17", None)]
    assert decided[5].expected == ""
    run(project)
    (row,) = rows_of(laktasi("findings", "--rule", AGE[1], "--status", "all", "--project", project))
    assert (row["status"], row["settled_by"]) == ("accepted", "decision")
    assert not [rule for _, rule in ids(project) if rule.endswith("stale_decision")]


def test_a_lost_key_is_not_made_anew(project: Path) -> None:
    found = ids(project)
    because = ("--question", "name", "--value", "", "--reason", REASON, "--reporter", "Budi", "--project", project)
    key = project / "data" / "secret.key"
    assert laktasi("findings", "correct", found[AGE], *because).exit_code == 0
    key.unlink()
    lost = laktasi("findings", "correct", found[POT], *because)
    assert (lost.exit_code, "secret.key is not in the data folder" in lost.stderr) == (5, True), lost.output
    assert not key.exists()
    assert len(read_decisions(project / "schemas" / "corrections")) == 1


def test_the_same_is_not_decided_twice(project: Path) -> None:
    found = ids(project)
    accept = ("findings", "accept", found[AGE], *WHO, "--project", project)
    correct = ("findings", "correct", found[AGE], "--value", "20", "--reason", REASON, "--reporter", "Budi")
    for words, said in ((accept, "has been accepted already"), ((*correct, "--project", project), "corrected so")):
        assert laktasi(*words).exit_code == 0
        again = laktasi(*words)
        assert again.exit_code == 6
        assert said in again.stderr
    assert len(read_decisions(project / "schemas" / "corrections")) == 2
    # For a day and for good are two things.
    until = laktasi("findings", "accept", found[TWICE], *WHO, "--until", date.today(), "--project", project)
    for_good = laktasi("findings", "accept", found[TWICE], *WHO, "--project", project)
    assert (until.exit_code, for_good.exit_code) == (0, 0)


def test_what_is_mended_or_about_a_group_is_told_so(project: Path) -> None:
    with duckdb.connect(str(project / "data" / "warehouse.duckdb")) as con:
        con.execute(
            """
            insert into quality.finding_events (finding_id, run_id, event, "at", form_id, submission_id, "row", rule_id)
            values ('aa', 'r', 'opened', now(), 'tea', '', 'centre:h1', 'silent'),
                ('bb', 'r', 'opened', now(), 'tea', 'uuid:bad', '', 'old'),
                ('bb', 's', 'mended', now() + interval 1 second, 'tea', 'uuid:bad', '', 'old')
            """
        )
    correct = ("--value", "1", "--reason", REASON, "--reporter", "Budi", "--project", project)
    for words, said in (
        (("accept", "aa", *WHO, "--project", project), "about a group (centre:h1), and --until is missing"),
        (("correct", "aa", *correct), "holds no answer to correct"),
        (("accept", "bb", *WHO, "--project", project), "finding bb is mended"),
        (("correct", "bb", *correct), "finding bb is mended"),
    ):
        result = laktasi("findings", *words)
        assert (result.exit_code, said in result.stderr) == (6, True), result.output
    accepted = laktasi("findings", "accept", "aa", *WHO, "--until", date.today(), "--project", project)
    assert accepted.exit_code == 0, accepted.output
    decision = read_decisions(project / "schemas" / "corrections")[0]
    assert (decision.row, decision.submission, decision.expected, decision.until) == (
        "centre:h1", None, None, date.today(),
    )  # fmt: skip
    assert "the group centre:h1" in laktasi("findings", "show", "aa", "--project", project).stdout


# Reading


def test_an_empty_list_is_no_good_sign_where_a_name_is_a_slip_or_nothing_was_checked(project: Path) -> None:
    for words, said in (
        (("--rule", "nope"), "there is no rule 'nope'"),
        (("--centre", "h9"), "there is no health centre 'h9'"),
        (("--enumerator", "t9"), "there is no enumerator 't9'"),
        (("changes", "--rule", "nope"), "there is no rule 'nope'"),
        (("changes", "--centre", "h9"), "there is no health centre 'h9'"),
    ):
        result = laktasi("findings", *words, "--project", project)
        assert (result.exit_code, said in result.stderr) == (6, True), result.output
    for known in (("--rule", "house.required"), ("--enumerator", "t1", "--rule", POT[1])):
        result = laktasi("findings", *known, "--project", project)
        assert (result.exit_code, "not checked" in result.stderr) == (0, False), result.output
    with duckdb.connect(str(project / "data" / "warehouse.duckdb")) as con:
        con.execute(
            """
            insert into quality.unverified (form_id, form_version, field, kind, expression, reason) values
                ('tea', '1', 'age', 'calculation', 'x', 'it is a secret'),
                ('tea', '1', 'odd', 'set', 'y', 'no one knows')
            """
        )
        con.execute("update quality.results set \"rows\" = 0 where rule_id = 'one_code_once'")
    for rule, said in (
        ("age.calculation", "age.calculation is not checked of tea 1: it is a secret"),
        ("odd", "odd is not checked of tea 1: no one knows"),
        ("one_code_once", "one_code_once had nothing to look at"),
    ):
        result = laktasi("findings", "--rule", rule, "--project", project)
        assert (result.exit_code, said in result.stderr) == (0, True), result.output


def test_the_end_of_a_run_names_the_checks_of_ours_that_cannot_be_asked(project: Path) -> None:
    settings = read_settings(project)
    (line,) = (line for line in summary(settings) if line.startswith("findings open: "))
    assert line.endswith("rules not verifiable")
    with duckdb.connect(str(settings.data_folder.research)) as con:
        con.execute(
            """
            insert into quality.unverified (form_id, form_version, field, kind, expression, reason) values
                ('tea', '1', 'age', 'calculation', 'x', 'y'), ('tea', '1', 'odd', 'set', 'x', 'y'),
                ('tea', '2', 'odd', 'set', 'x', 'y'), ('tea', '1', 'even', 'declared', 'x', 'y')
            """
        )
    (line,) = (line for line in summary(settings) if line.startswith("findings open: "))
    assert line.endswith("rules not verifiable, of checks.yml: even, odd")


def test_records_that_share_a_key_are_told_apart_without_an_answer(ran: Path) -> None:
    shown = laktasi("findings", "show", ids(ran)[TWICE], "--project", ran).stdout
    told = dict(line.split(":", 1) for line in shown.splitlines() if ": " in line)
    assert told["same key"].strip() == "uuid:tea-0005"
    assert told["differ in"].strip() == "nothing"
    assert "same key" not in laktasi("findings", "show", ids(ran)[AGE], "--project", ran).stdout


@pytest.mark.slow
def test_a_gate_that_stops_the_publication_leaves_the_list(project: Path) -> None:
    shutil.rmtree(project / "data")
    (project / "schemas" / "gates.yml").write_text("stop: [one_code_once]\n", encoding="utf-8")
    with pytest.raises(GateError):
        run(project)
    assert not (project / "data" / "research.duckdb").exists()
    assert {record for record, _ in ids(project, "--stops")} == {"uuid:twice", "uuid:tea-0005"}
    assert AGE in ids(project)


@pytest.fixture
def at_work(project: Path) -> Iterator[Path]:
    with FileLock(project / "data" / "run.lock"):
        yield project


def test_while_a_run_works_the_list_is_that_of_the_research_copy(at_work: Path) -> None:
    result = laktasi("findings", "--project", at_work)
    assert len(rows_of(result)) == 5
    assert result.stderr.startswith("As last published: another run is working in ")
    assert rows_of(laktasi("findings", "changes", "--project", at_work)) != []
    for words in (["show", "0123"], ["accept", "0123", *WHO]):
        busy = laktasi("findings", *words, "--project", at_work)
        assert (busy.exit_code, "another run is working" in busy.stderr) == (5, True)


def test_phones_ids_are_printed_where_they_are_asked_for(project: Path) -> None:
    with duckdb.connect(str(project / "data" / "warehouse.duckdb")) as con:
        con.execute(
            """
            insert into quality.finding_events (finding_id, run_id, event, "at", form_id, submission_id, "row", rule_id)
            values ('aa', 'r', 'opened', now(), 'tea', '', 'centre:h1', 'silent'),
                ('bb', 'r', 'opened', now(), 'tea', '', 'device:collect:AbC', 'silent'),
                ('cc', 'r', 'opened', now(), 'tea', '', 'centre:=1+1', 'silent')
            """
        )
    mailed = laktasi("findings", "--rule", "silent", "--project", project)
    told = [(row["row"], row["centre_code"]) for row in rows_of(mailed)]
    assert told == [("centre:=1+1", "'=1+1"), ("centre:h1", "h1")]  # no formula for a spreadsheet
    assert "AbC" not in mailed.output
    assert "Left out: 1 about phones" in mailed.stderr
    whole = laktasi("findings", "--rule", "silent", "--phones", "--project", project)
    assert {row["row"] for row in rows_of(whole)} == {"centre:h1", "centre:=1+1", "device:collect:AbC"}


def test_before_anything_was_checked_there_is_one_clear_error(tmp_path: Path) -> None:
    project = mini.make_project(tmp_path / "project")
    laktasi("import", mini.fill_phone(tmp_path / "phone", 1), "--project", project)
    result = laktasi("findings", "--project", project)
    assert result.exit_code == 5
    assert result.stderr.splitlines()[0].startswith("Error: nothing has been checked in ")
    assert result.stderr.splitlines()[-1].startswith("Next: laktasi run")


def test_changes_since_a_day_and_a_run(ran: Path) -> None:
    told = laktasi("findings", "changes", "--project", ran)
    assert [(row["centre_code"], row["rule_id"], row["opened"], row["open"]) for row in rows_of(told)] == [
        ("h1", "age.constraint", "1", "1"),
        ("h1", "milk.choice", "1", "1"),
        ("h2", "pot__size.constraint", "1", "1"),
        ("h3", "one_code_once", "2", "2"),
    ]
    assert told.stderr == "since yesterday: 5 opened, 0 reopened, 0 mended, 0 accepted\n"
    assert len(rows_of(laktasi("findings", "changes", "--since", date.today(), "--project", ran))) == 4
    latest = rows_of(laktasi("status", "--project", ran))[0]["run_id"]
    since = laktasi("findings", "changes", "--since", latest, "--project", ran)
    assert (rows_of(since), since.stderr) == ([], f"since {latest}: no change\n")
    odd = laktasi("findings", "changes", "--since", "Tuesday", "--project", ran)
    assert (odd.exit_code, "neither yesterday" in odd.stderr) == (6, True)


def test_options_of_the_list_before_a_command_are_refused_and_the_project_is_handed_on(ran: Path) -> None:
    finding = ids(ran)[AGE]
    assert finding in laktasi("findings", "--project", ran, "show", finding).stdout
    refused = laktasi("findings", "--centre", "h1", "--project", ran, "show", finding)
    assert (refused.exit_code, "belongs to the list" in refused.stderr) == (2, True)


# Handing out


def test_every_centre_gets_its_workbook(ran: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    result = laktasi("findings", "export", "--to", folder, "--language", "en", "--project", ran)
    assert result.exit_code == 0, result.output
    files = {path.name: path for path in folder.iterdir()}
    assert sorted(files) == ["findings-h1.xlsx", "findings-h2.xlsx", "findings-h3.xlsx"]
    assert [line.rpartition(": ")[2] for line in result.stdout.splitlines()] == ["2 open", "1 open", "2 open"]
    everything = "\n".join(
        str(cell.value)
        for path in files.values()
        for sheet in openpyxl.load_workbook(path)
        for row in sheet.iter_rows()
        for cell in row
    )
    assert mini.SECRET not in everything
    assert "perhaps" not in everything
    sheet = openpyxl.load_workbook(files["findings-h3.xlsx"])["Findings"]
    assert [[cell.value for cell in row][:7] for row in sheet.iter_rows(min_row=2)] == [
        ["uuid:tea-0005", "K0005", "t2", sheet["D2"].value, None, "The code came twice.", "error"],
        ["uuid:twice", "K0005", "t2", sheet["D2"].value, None, "The code came twice.", "error"],
    ]
    assert f"{sheet['D2'].value:%Y-%m-%d}" == "2026-11-02"
    pots = openpyxl.load_workbook(files["findings-h2.xlsx"])["Findings"]
    assert pots["E2"].value == "Size (no. 2)"

    again = laktasi("findings", "export", "--to", folder, "--project", ran)
    assert again.exit_code == 1
    assert "is there already" in again.stderr
    wanted = ("--to", folder, "--centre", "h2", "--force", "--language", "id")
    one = laktasi("findings", "export", *wanted, "--project", ran)
    assert one.stdout == f"{files['findings-h2.xlsx']}: 1 open\n"
    assert openpyxl.load_workbook(files["findings-h2.xlsx"]).sheetnames == ["Ringkasan", "Temuan"]
    nowhere = laktasi("findings", "export", "--to", folder, "--centre", "h9", "--project", ran)
    assert (nowhere.exit_code, "no health centre 'h9'" in nowhere.stderr) == (1, True)
