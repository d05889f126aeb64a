"""The command line as people use it: what each command prints, into a pipe and on a terminal, and how it fails."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click
import duckdb
import openpyxl
import pytest
from click.testing import CliRunner, Result
from filelock import FileLock

from laktasi import errors, pipeline
from laktasi.cli import Laktasi, main
from laktasi.cli.common import asking
from laktasi.paths import HOUSE
from laktasi.quality import list_findings
from laktasi.settings import read_settings
from laktasi.store import runs
from laktasi.store.warehouse import open_warehouse
from tests import mini
from tests.integration.test_docs import command_lines

HEAVY = (
    "duckdb", "great_expectations", "jinja2", "numpy", "pandas", "prefect", "pyarrow", "pydantic",
    "pyodk", "pyxform", "rich", "scipy", "sqlalchemy",
)  # fmt: skip


def laktasi(*words: object) -> Result:
    """Run a command as into a pipe. Whatever it is, no name may be in what it prints."""
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert mini.SECRET not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Run a command as on a terminal of 80 columns, and give its lines."""
    for module in ("read", "findings", "kendall"):
        monkeypatch.setattr(f"laktasi.cli.{module}.is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*words: object) -> list[str]:
        result = laktasi(*words)
        assert result.exit_code == 0
        lines = result.stdout.splitlines()
        assert [line for line in lines if len(line) > 80] == []
        return lines

    return run


@pytest.fixture(scope="module")
def imported_and_ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result, Result]:
    """A study of twenty good submissions, two that break rules, a refusal to take part and two torn files."""
    root = tmp_path_factory.mktemp("cli")
    phone = mini.fill_phone(root / "phone", 20)
    mini.put(phone, "bad", mini.xml(mini.person(90, age=7, milk="perhaps"), "uuid:bad"))
    mini.put(phone, "twice", mini.xml(mini.person(5), "uuid:twice"))
    mini.put(phone, "no", mini.xml({"today": "2026-11-02", "agrees": "no", "house": "h1", "taster": "t1"}, "uuid:no"))
    for name in ("torn", "torn_too"):
        (phone / "instances" / f"{name}.xml").write_text(f"<data id='tea'><name>{mini.SECRET}", encoding="utf-8")
    project = mini.make_project(root / "project")
    (project / "laktasi.toml").write_text('language = "id"\n', encoding="utf-8")
    imported = laktasi("import", phone, "--project", project)
    ran = laktasi("run", "--no-prefect", "--project", project)
    return project, imported, ran


@pytest.fixture(scope="module")
def project(imported_and_ran: tuple[Path, Result, Result]) -> Path:
    return imported_and_ran[0]


@pytest.fixture
def research(project: Path) -> Iterable[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(project / "data" / "research.duckdb"), read_only=True) as con:
        yield con


def rows_of(result: Result) -> list[dict[str, str]]:
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout), delimiter="\t", quoting=csv.QUOTE_NONE))


# Help


def test_help_imports_nothing_heavy() -> None:
    code = f"""
import sys
from laktasi.cli import main
for words in ([], ["demo"], ["import"], ["run"], ["findings"], ["sql"], ["forms", "check"]):
    assert main([*words, "--help"], standalone_mode=False) == 0
print("LOADED", *sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "LOADED"


def test_help_lists_every_command_whole_and_in_the_order_of_work() -> None:
    lines = laktasi("--help").stdout.split("Commands:\n")[1].splitlines()
    names = [line.split()[0] for line in lines if line[2] != " "]  # a long help goes on in the next line
    assert names.index("import") < names.index("run") < names.index("findings")
    assert [line for line in lines if line.endswith("...")] == []
    assert sorted(names) == sorted(main.commands)


# From a phone's folder to the report


def test_import_says_what_came_and_one_line_for_each_refusal(imported_and_ran: tuple[Path, Result, Result]) -> None:
    _, imported, _ = imported_and_ran
    assert imported.exit_code == 0
    lines = imported.stdout.splitlines()
    assert lines[0] == "phones: 23 new, 0 known already, 2 files refused"
    assert lines[1] == "  23 came without metadata/instances.db: drafts or not is unknown"
    refused = [line for line in lines if line.startswith("  refused ")]
    assert len(refused) == 2
    assert all("torn" in line.split(": ", 1)[1] for line in refused)
    assert lines[-1] == "Next: laktasi run"


def test_run_without_prefect_ends_with_results_and_the_report(imported_and_ran: tuple[Path, Result, Result]) -> None:
    project, _, ran = imported_and_ran
    assert ran.exit_code == 0, ran.output
    assert "milk × cups, accepted records, Kendall's tau_b" in ran.stdout
    assert any(line.split()[:3] == ["Rumah", "Satu", "n"] for line in ran.stdout.splitlines())
    assert "findings open: 4 errors, 0 warnings" in ran.stdout
    assert "  1 of these have no level of milk: their answer is none that study.yml lists\n" in ran.stdout
    assert "no level of cups" not in ran.stdout
    report = project / "data" / "report" / "index.html"
    assert ran.stdout.splitlines()[-1] == f"Report: {report}"
    assert report.exists()
    assert "… check\n" in ran.stderr


def test_a_second_import_lands_nothing(tmp_path: Path) -> None:
    project, phone = mini.make_project(tmp_path / "project"), mini.fill_phone(tmp_path / "phone", 3)
    laktasi("import", phone, "--project", project)
    again = laktasi("import", phone, phone, "--project", project)
    assert again.stdout.splitlines()[0] == "phones: 0 new, 6 known already, 0 files refused"


def test_import_does_not_ask_central(tmp_path: Path) -> None:
    project = mini.make_project(tmp_path / "project")
    central = '[central]\nurl = "http://127.0.0.1:9"\nproject = 1\nform = "tea"\nemail = "a@example.org"\n'
    (project / "laktasi.toml").write_text(central, encoding="utf-8")
    result = laktasi("import", mini.fill_phone(tmp_path / "phone", 1), "--project", project)
    assert result.exit_code == 0
    assert "central" not in result.output


def test_import_of_an_empty_folder_fails_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    phone = mini.fill_phone(tmp_path / "phone", 2)
    project = mini.make_project(tmp_path / "project")
    result = laktasi("import", tmp_path / "empty", phone, "--project", project)
    assert result.exit_code == 4
    assert "phones: 2 new" in result.stdout
    assert "not reached: phones/empty (empty holds nothing like a submission)" in result.stdout
    assert result.stderr.splitlines()[-2:] == [
        "Error: 1 of 2 could not be taken in",
        "Next: see the lines above, and try again",
    ]


def test_the_demo_names_commands_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laktasi.cli.run._walk", lambda *_: None)
    named = [line.split() for line in laktasi("demo").stdout.splitlines() if "--data" in line]
    assert [words[1] for words in named] == ["findings", "back-checks", "kendall", "sql"]
    assert {Path(words[-1]).parts[-2:] for words in named} == {("data", "demo")}


# findings


def test_findings_go_into_a_pipe_as_the_ledger_has_them(project: Path, research: duckdb.DuckDBPyConnection) -> None:
    result = laktasi("findings", "--project", project)
    rows = rows_of(result)
    found = list_findings(research, language="id")
    assert [row["finding_id"] for row in rows] == [item.finding_id for item in found]
    assert sorted((row["submission_id"], row["rule_id"], row["centre_code"], row["message"]) for row in rows) == [
        ("uuid:bad", "age.constraint", "h1", found[0].message),
        ("uuid:bad", "milk.choice", "h1", rows[1]["message"]),
        ("uuid:tea-0005", "one_code_once", "h3", "Kode ganda."),
        ("uuid:twice", "one_code_once", "h3", "Kode ganda."),
    ]
    assert result.stderr == "4 findings open: 4 errors, 0 warnings\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--centre", "h1"], ["uuid:bad", "uuid:bad"]),
        (["--enumerator", "t2"], ["uuid:tea-0005", "uuid:twice"]),
        (["--rule", "age.constraint"], ["uuid:bad"]),
        (["--rule", "one_code_once", "--centre", "h3"], ["uuid:tea-0005", "uuid:twice"]),
        (["--severity", "error"], ["uuid:bad", "uuid:bad", "uuid:tea-0005", "uuid:twice"]),
        (["--severity", "warning"], []),
        (["--status", "mended"], []),
        (["--status", "all", "--enumerator", "t1"], ["uuid:bad", "uuid:bad"]),
    ],
)
def test_findings_are_narrowed(project: Path, words: list[str], expected: list[str]) -> None:
    assert [row["submission_id"] for row in rows_of(laktasi("findings", "--project", project, *words))] == expected


def test_findings_speak_the_language_asked_for(project: Path) -> None:
    english = rows_of(laktasi("findings", "--project", project, "--rule", "one_code_once", "--language", "en"))
    assert {row["message"] for row in english} == {"The code came twice."}


def test_no_findings_says_how_many_there_are_otherwise(project: Path) -> None:
    nowhere = laktasi("findings", "--project", project, "--rule", "house.required")
    assert nowhere.stderr == "no findings open for --rule house.required (4 without these)\n"


def test_findings_on_a_terminal_stand_under_their_rule(project: Path, on_terminal: Callable[..., list[str]]) -> None:
    lines = on_terminal("findings", "--project", project)
    at = lines.index("error one_code_once  × 2")
    assert lines[at + 1] == "  Kode ganda."
    assert [line.split()[:3] for line in lines[at + 2 : at + 4]] == [
        ["h3", "t2", "uuid:tea-0005"],
        ["h3", "t2", "uuid:twice"],
    ]
    assert on_terminal("findings", "--project", project, "--severity", "warning") == []


# kendall


def test_kendall_goes_into_a_pipe_in_full(project: Path, research: duckdb.DuckDBPyConnection) -> None:
    rows = rows_of(laktasi("kendall", "--project", project))
    assert [(row["centre_code"], row["method"]) for row in rows] == [
        ("h1", ""), ("h2", ""), ("h3", ""), ("", "stratified"), ("", "random effects"), ("", "naive"),
    ]  # fmt: skip
    query = "select tau_b, p_value from {} where population = 'accepted' order by all desc"
    for table, part in (("analysis.kendall_latest", rows[:3]), ("analysis.pooled_latest", [rows[3], rows[5]])):
        told = sorted(((float(row["tau_b"]), float(row["p_value"])) for row in part), reverse=True)
        assert told == research.execute(query.format(table)).fetchall()


def test_kendall_as_json_is_every_column_of_the_results(project: Path, research: duckdb.DuckDBPyConnection) -> None:
    found = json.loads(laktasi("kendall", "--project", project, "--json").stdout)
    for name in ("kendall", "pooled", "random_effects", "leave_one_out"):
        result = research.execute(f"from analysis.{name}_latest where population = 'accepted'")
        columns = {item[0] for item in result.description or ()}
        assert {frozenset(row) for row in found[name]} == {frozenset(columns)}
        assert len(found[name]) == len(result.fetchall())
    assert isinstance(found["random_effects"][0]["left_out"], dict)
    one = json.loads(laktasi("kendall", "--project", project, "--json", "--centre", "h2").stdout)
    assert one == {"kendall": [row for row in found["kendall"] if row["centre_code"] == "h2"]}


def test_kendall_is_narrowed(project: Path) -> None:
    centre = rows_of(laktasi("kendall", "--project", project, "--centre", "h2", "--exposure", "milk"))
    assert [row["centre_code"] for row in centre] == ["h2"]
    n = {
        population: sum(
            int(row["n"]) for row in rows_of(laktasi("kendall", "--project", project, "--population", population))[:3]
        )
        for population in ("all", "accepted")
    }
    # all: the two with one code, and not the one whose exposure is no known choice
    assert n == {"all": 21, "accepted": 19}


def test_kendall_of_an_unknown_centre_is_an_error(project: Path) -> None:
    result = laktasi("kendall", "--project", project, "--centre", "nowhere")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == "Error: no result for --centre nowhere"


def test_kendall_on_a_terminal_is_rounded(
    project: Path, research: duckdb.DuckDBPyConnection, on_terminal: Callable[..., list[str]]
) -> None:
    lines = on_terminal("kendall", "--project", project)
    assert lines[0] == "milk × cups, accepted records"
    tau = dict(
        research.execute(
            "select centre_code, tau_b from analysis.kendall_latest where population = 'accepted'"
        ).fetchall()
    )
    told = {line.split()[0]: line.split()[2] for line in lines if line.split()[:1] in (["h1"], ["h2"], ["h3"])}
    assert told == {code: f"{value:.3f}" for code, value in tau.items()}
    assert any(line.split()[:2] == ["all,", "stratified"] for line in lines)


# sql


def test_sql_answers_in_three_formats(project: Path) -> None:
    query = "select 1 as a, 'x, \"y\"\tz' as b, null as c, date '2026-11-02' as d"

    def ask(form: str) -> str:
        return laktasi("sql", "--project", project, "--format", form, query).stdout

    assert ask("table") == 'a\tb\tc\td\n1\tx, "y" z\t\t2026-11-02\n'
    assert list(csv.reader(io.StringIO(ask("csv")))) == [["a", "b", "c", "d"], ["1", 'x, "y"\tz', "", "2026-11-02"]]
    assert json.loads(ask("json")) == [{"a": 1, "b": 'x, "y"\tz', "c": None, "d": "2026-11-02"}]


def test_sql_in_json_is_json_and_loses_no_column(project: Path) -> None:
    query = (
        "select 'nan'::double as a, '-inf'::double as A_2, 1.5 as b, 2 as b, 3 as b_1,"
        " [1.0, 'inf'::double] as c, map {date '2026-11-02': {'x': 'nan'::double}} as d"
    )
    answer = laktasi("sql", "--project", project, "--format", "json", query).stdout

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    (record,) = json.loads(answer, parse_constant=refuse)
    assert record == {
        "a": None, "A_2": None, "b": "1.5", "b_2": 2, "b_1": 3, "c": [1.0, None], "d": {"2026-11-02": {"x": None}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "count"),
    [("select 1; select 2", 2), ("set threads = 1; set threads = 2; from meta.runs;", 3)],
)
def test_sql_answers_one_query_at_a_time(project: Path, query: str, count: int) -> None:
    result = laktasi("sql", "--project", project, query)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"Error: these are {count} queries")
    # A semicolon in the text, or at the end, makes no second one; nor does what DuckDB makes of a pivot.
    for one in ("select ';' as a;", "pivot (select 'h1' as centre, 1 as n) on centre using sum(n)"):
        assert laktasi("sql", "--project", project, one).exit_code == 0


def test_sql_on_a_terminal_cuts_nothing(project: Path, on_terminal: Callable[..., list[str]]) -> None:
    narrow = on_terminal("sql", "--project", project, "select 1 as a, 2.5::double as b")
    assert [line.split() for line in narrow if "─" not in line and line.strip()] == [["a", "b"], ["1", "2.5"]]
    wide = on_terminal("sql", "--project", project, "from analysis.kendall_latest order by all limit 2")
    assert wide[0] == "─ 1 of 2 ─"
    run_id = laktasi("sql", "--project", project, "select max(run_id) from meta.runs").stdout.split()[-1]
    assert sum(run_id in line for line in wide) == 2


def test_sql_reads_no_direct_identifier(project: Path) -> None:
    result = laktasi("sql", "--project", project, "--format", "json", "from staging.tea")
    assert len(json.loads(result.stdout)) == 23
    assert laktasi("sql", "--project", project, "select name from staging.tea").exit_code == 1


@pytest.mark.parametrize(
    "query",
    [
        "create table mine as select 1",
        "delete from quality.finding_events",
        "update meta.runs set status = 'finished'",
        "copy (select 1) to '{folder}/out.csv'",
        "attach '{folder}/data/warehouse.duckdb' as private; from private.raw.submissions",
        "from read_text('{folder}/laktasi.toml')",
        "set enable_external_access = true",
    ],
)
def test_sql_changes_nothing_and_reads_no_other_file(project: Path, query: str) -> None:
    before = (project / "data" / "research.duckdb").read_bytes()
    result = laktasi("sql", "--project", project, query.format(folder=project))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "\nNext: laktasi sql " in result.stderr
    assert result.stdout == ""
    assert (project / "data" / "research.duckdb").read_bytes() == before
    assert not (project / "out.csv").exists()


@pytest.mark.parametrize("query", ["", "/* nothing */", "selct 1", "from nowhere", "select 'a'::int"])
def test_sql_that_is_wrong_is_one_error(project: Path, query: str) -> None:
    result = laktasi("sql", "--project", project, query)
    assert result.exit_code == 1
    assert 'Next: laktasi sql "show all tables"' in result.stderr


def test_sql_shown_in_the_documentation_runs(project: Path) -> None:
    # Those for researchers ask the shipped study's tables: test_researchers_docs runs them on its sample.
    lines = [line for page, line in command_lines() if line.startswith("sql ") and page != "researchers.md"]
    shown = {shlex.split(line)[-1] for line in lines}
    assert shown
    for query in shown:
        assert laktasi("sql", "--project", project, query).exit_code == 0, query


# status and report


def test_status_tells_every_run_newest_first(project: Path) -> None:
    result = laktasi("status", "--project", project)
    rows = rows_of(result)
    assert [(row["door"], row["status"], row["landed"], row["refused"]) for row in rows] == [
        ("cli", "finished", "0", "0"),
        ("import", "finished", "23", "2"),
    ]
    assert result.stderr == f"Report: {project / 'data' / 'report' / 'index.html'}\n"


def test_status_fits_a_terminal(project: Path, on_terminal: Callable[..., list[str]]) -> None:
    lines = on_terminal("status", "--project", project)
    headings, _, latest = (line.split() for line in lines[1:4])
    assert headings == ["started", "door", "status", "new", "refused", "waits", "errors", "warnings"]
    assert latest[2:] == ["cli", "finished", "0", "0", "0", "4", "0"]


def test_status_knows_what_no_research_copy_knows(tmp_path: Path) -> None:
    settings = read_settings(mini.make_project(tmp_path / "project"))

    def stumble(_run: pipeline.Run, _progress: pipeline.Progress) -> pipeline.Counts:
        raise errors.StudyError("a stone")

    with pytest.raises(errors.StudyError):
        pipeline.walk(settings, [pipeline.Step("stumble", stumble)], door="cli")
    with open_warehouse(settings.data_folder) as con:
        runs.begin(con, "cli")  # and is killed

    def told() -> Result:
        return laktasi("status", "--project", settings.project)

    assert [row["status"] for row in rows_of(told())] == ["interrupted", "failed"]
    assert "There is no report yet. Next: laktasi run" in told().stderr
    with FileLock(settings.data_folder.lock):
        assert "A run is working now." in told().stderr
    assert "A run is working now." not in told().stderr


def test_report_is_written_again_and_named(project: Path) -> None:
    path = project / "data" / "report" / "index.html"
    path.unlink()
    assert laktasi("report", "--project", project).stdout == f"{path}\n"
    assert "Rumah Satu" in (path.parent / "centres.html").read_text(encoding="utf-8")


# What goes wrong


@pytest.mark.parametrize("words", [["findings"], ["kendall"], ["report"], ["sql", "select 1"], ["status"]])
def test_before_the_first_run_there_is_one_clear_error(tmp_path: Path, words: list[str]) -> None:
    project = mini.make_project(tmp_path / "project")
    result = laktasi(*words, "--project", project)
    assert result.exit_code == 5
    assert result.stdout == ""
    first, *_, last = result.stderr.splitlines()
    assert first.startswith("Error: ")
    assert last.startswith("Next: laktasi run")
    assert not (project / "data").exists()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("language = ", "not TOML"),
        ('language = "fr"', "'language'"),
        ("colour = 1", "'colour'"),
        ('[central]\nurl = "https://x"\nproject = 1\nform = "f"\nemail = "hunter2"\npage = 3', "'central.page'"),
        ('[central]\nurl = "https://x"\nproject = 1\nform = "f"\npassword = "hunter2"', "'central.password'"),
    ],
)
def test_a_bad_setting_is_named_and_never_shown(tmp_path: Path, text: str, named: str) -> None:
    project = mini.make_project(tmp_path / "project")
    (project / "laktasi.toml").write_text(text, encoding="utf-8")
    result = laktasi("status", "--project", project)
    assert result.exit_code == 2
    assert named in result.stderr
    assert "laktasi.toml" in result.stderr.splitlines()[-1]
    assert "hunter2" not in result.output


def test_every_kind_of_error_has_its_own_exit_code_and_no_traceback() -> None:
    kinds: list[type[errors.LaktasiError]] = [errors.LaktasiError, *errors.LaktasiError.__subclasses__()]
    assert len({kind.exit_code for kind in kinds}) == len(kinds)
    for kind in kinds:

        def fail(kind: type[errors.LaktasiError] = kind) -> None:
            raise kind("the thing", why="because", next_step="mend it")

        group = Laktasi(commands={"fail": click.Command("fail", callback=fail)})
        result = CliRunner().invoke(group, ["fail"])
        assert result.exit_code == kind.exit_code
        assert result.stderr == "Error: the thing\nbecause\nNext: mend it\n"


def test_exit_codes_are_documented() -> None:
    page = (HOUSE / "docs" / "data-managers.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| (\d+) \| (.+) \|$", page.split("### Exit codes")[1], flags=re.M))
    kinds: list[type[errors.LaktasiError]] = [errors.LaktasiError, *errors.LaktasiError.__subclasses__()]
    assert sorted(map(int, told)) == sorted([0, *(kind.exit_code for kind in kinds)])
    words: dict[type[errors.LaktasiError], str] = {
        errors.SettingsError: "setting", errors.QuestionnaireError: "questionnaire", errors.SourceError: "source",
        errors.WarehouseError: "warehouse", errors.CheckError: "check", errors.StudyError: "study",
        errors.MirrorError: "Central", errors.GateError: "gate", errors.VerifyError: "manifest",
        errors.ReleaseError: "release", errors.DoctorError: "doctor", errors.BackupError: "backup",
        errors.ForgottenError: "left the study",
    }  # fmt: skip
    assert set(words) == set(errors.LaktasiError.__subclasses__())
    assert [kind for kind, word in words.items() if word not in told[str(kind.exit_code)]] == []
    # click's own code for what it cannot parse is that of settings
    assert laktasi("findings", "--nonsense").exit_code == errors.SettingsError.exit_code


def test_ctrl_c_at_a_question_says_that_nothing_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def press(_text: str) -> str:
        raise KeyboardInterrupt

    def ask() -> None:
        monkeypatch.setattr("click.termui.visible_prompt_func", press)
        with asking("Nothing was done.", instead="add --yes"):
            click.confirm("sure?", abort=True)

    result = CliRunner().invoke(Laktasi(commands={"ask": click.Command("ask", callback=ask)}), ["ask"])
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.splitlines()[-1] == "Nothing was done."


def test_every_question_says_what_it_means_that_nobody_answers() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in (HOUSE / "src").rglob("*.py")}
    asking_files = {name for name, text in texts.items() if re.search(r"click\.(confirm|prompt)\(", text)}
    assert asking_files == {name for name, text in texts.items() if "with asking(" in text}


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    result = CliRunner().invoke(Laktasi(commands={"fail": click.Command("fail", callback=fail)}), ["fail"])
    assert isinstance(result.exception, ZeroDivisionError)


# forms check


def write_form(path: Path, *rows: list[str], settings: dict[str, str]) -> Path:
    """Write an XLSForm; the columns of its survey are type, name, label and constraint."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    survey, choices, last = (book.create_sheet(name) for name in ("survey", "choices", "settings"))
    for row in (["type", "name", "label", "constraint"], *rows):
        survey.append(row)
    choices.append(["list_name", "name", "label"])
    choices.append(["yes_no", "yes", "Yes"])
    last.append(list(settings))
    last.append(list(settings.values()))
    book.save(path)
    return path


def test_a_good_form_passes(tmp_path: Path) -> None:
    form = write_form(
        tmp_path / "good.xlsx",
        ["integer", "age", "Age", ". < 99"],
        ["select_one yes_no", "milk", "Milk?"],
        settings={"form_id": "good", "version": "7"},
    )
    result = laktasi("forms", "check", form)
    assert result.exit_code == 0, result.output
    *_, summary, editing = result.stdout.splitlines()
    assert summary.startswith("good, version 7: 2 questions, ")
    assert "client_editable" in editing
    assert "without bind::laktasi:privacy" in result.stdout


@pytest.mark.parametrize(
    ("row", "named"),
    [
        (["integer", "age", "Age", ". < ${oldest}"], "oldest"),  # pyxform's
        (["integer", "spoons", "Spoons", ". <"], "spoons"),  # ODK Validate's
    ],
)
def test_a_broken_form_is_refused_with_the_question_named(tmp_path: Path, row: list[str], named: str) -> None:
    form = write_form(tmp_path / "bad.xlsx", row, settings={"form_id": "bad", "version": "1"})
    result = laktasi("forms", "check", form)
    assert result.exit_code == 3
    assert any(line.startswith("error ") and named in line for line in result.stdout.splitlines())


def test_a_form_without_a_version_is_refused(tmp_path: Path) -> None:
    form = write_form(tmp_path / "bare.xlsx", ["integer", "age", "Age"], settings={"form_id": "bare"})
    result = laktasi("forms", "check", form)
    assert result.exit_code == 3
    assert any(line.startswith("error ") and "version" in line for line in result.stdout.splitlines())
