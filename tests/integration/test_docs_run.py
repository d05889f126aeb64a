"""Every command line of docs/ runs, in the order of its page: as a data manager who types along would see it.

In one project, the shipped study with two of its health centres, a few of its checks and one of its analyses; each page
begins on a copy of it. What stands for something else on a page (FOLDER, an id, a day) is replaced by what this project
has, see `Reader.stands_for`; what cannot be run here stands in `ELSEWHERE`, with the test that runs it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import duckdb
import openpyxl
import pyreadstat
import pytest
import yaml
from click.testing import CliRunner

from laktasi import pipeline
from laktasi.cli import main
from laktasi.paths import HOUSE
from laktasi.questionnaire import check
from laktasi.questionnaire.xlsform import convert
from laktasi.settings import read_settings
from laktasi.settings.private_file import write_private_environment
from tests.central import Acts
from tests.central.fixtures import Site
from tests.engine import back_checks, sample
from tests.engine.visits import OLD_VERSION, VERSION
from tests.integration.test_docs import COMMANDS
from tests.postbox import Post, open_post

pytestmark = pytest.mark.slow

DOCS = HOUSE / "docs"
SLOW = {"reproducing.md", "safety.md", "ducklake.md"}
"""Pages whose commands are whole runs, or move whole warehouses."""
WALKED = {"first-day.md": "tests/integration/test_first_day.py"}
"""Pages that another test walks from top to bottom, with less at hand than this one: who runs them."""

ELSEWHERE = {
    "up": ("runs until it is stopped", "tests/integration/test_up.py"),
    "service install": ("writes into the account of whoever runs the tests", "tests/unit/test_up_parts.py"),
    "service remove": ("takes away a service of whoever runs the tests", "tests/unit/test_up_parts.py"),
    "init FOLDER": ("asks on a terminal", "tests/integration/test_init.py"),
}
"""Lines that are not run here: why, and what runs them instead."""

ALSO = {
    "run": ["--no-prefect"],  # through Prefect: tests/integration/test_flows.py
    "restore BACKUP --key-file FILE": ["--project", "restored"],  # the page speaks of an empty folder
}
"""Typed beside what a page says."""

CODES = {
    "check": {1},  # the sample has errors, and the page says: "1: errors were found"
    "doctor": {0, 12},  # it looks at this machine, too
}
"""Exit codes other than 0, by the first word of the command; the page says what they mean."""

LAKE = 'warehouse = "ducklake"\n[lake]\ncatalog = "catalogue.duckdb"\ndata = "lake"\nfiles = "shared"\n'
"""What ducklake.md lets people write, with its catalogue in a file: PostgreSQL is tried by test_lake_workers.py."""
CENTRES = ("mopuya", "contoh_01")
LATER = "contoh_39"
CHECKS = {"harm_reported", "same_phone", "silent_centre", "duplicate_mother", "broken_centre", "weight_often_missing"}


@dataclass(frozen=True)
class Line:
    """A command line of a page: its words, and the file that its output goes into."""

    text: str
    into: str | None

    @property
    def path(self) -> tuple[str, ...]:
        """The command's name, if it is one: a group has none."""
        words = tuple(shlex.split(self.text))
        return next((path for path in COMMANDS if words[: len(path)] == path), ())

    @property
    def is_a_name(self) -> bool:
        """Say whether it has only the name of a command or a group, or of an option whose value is left out."""
        if not self.path:
            return True
        words = shlex.split(self.text)[len(self.path) :]
        options = [one for one in COMMANDS[self.path].params if isinstance(one, click.Option) and not one.is_flag]
        return not words or any(words[-1] in one.opts for one in options)


def lines_of(page: Path) -> list[Line]:
    """Give what a page lets people type, in its order.

    In a sentence the name of a command is no more than its name, and what stood on the page already is not meant anew.
    """
    found: list[tuple[str, bool]] = []
    in_block = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.lstrip().startswith("```"):
            in_block = not in_block
        elif typed := re.match(r"(?: {4,}|)laktasi +(\S.*)" if in_block else r" {4,}laktasi +(\S.*)", line):
            found.append((typed[1], True))
        else:
            found += [(words, False) for words in re.findall(r"`laktasi +([^`]+)`", line)]
    lines: list[Line] = []
    for text, is_block in found:
        words, _, into = re.split(r" {2,}| # ", text)[0].partition(" > ")
        read = Line(words, into or None)
        if is_block or not (read.is_a_name or read in lines):
            lines.append(read)
    return lines


PAGES = {page.name: lines for page in sorted(DOCS.glob("*.md")) if (lines := lines_of(page))}


# The project


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that ran once, and beside it what a phone brings later."""
    root = tmp_path_factory.mktemp("docs")
    project = root / "project"
    for folder in ("xlsforms", "schemas"):
        shutil.copytree(HOUSE / folder, project / folder, ignore=shutil.ignore_patterns("sample", f"*{OLD_VERSION}*"))
    narrow(project / "schemas")
    phones = interviews(root / "phones.zip", CENTRES)
    with zipfile.ZipFile(interviews(root / "later.zip", (LATER,))) as archive:
        archive.extractall(root / "later")
    settings = read_settings(project, phones=(phones, back_checks.ARCHIVE))
    pipeline.walk(settings, pipeline.WAY, door="cli")
    return project


def narrow(schemas: Path) -> None:
    """Leave a few checks and one analysis: those that pages name, and some of each sort."""
    checks = yaml.safe_load((schemas / "checks.yml").read_text(encoding="utf-8"))
    checks["checks"] = [entry for entry in checks["checks"] if entry["id"] in CHECKS]
    assert len(checks["checks"]) == len(CHECKS)
    (schemas / "checks.yml").write_text(yaml.safe_dump(checks), encoding="utf-8")
    study = yaml.safe_load((schemas / "study.yml").read_text(encoding="utf-8"))
    study["analyses"] = study["analyses"][:1]
    del study["adjust_for"]
    (schemas / "study.yml").write_text(yaml.safe_dump(study), encoding="utf-8")


def interviews(target: Path, centres: Sequence[str]) -> Path:
    """Take from the sample what was asked in these centres with the newest form."""
    wanted = re.compile(rb"<centre>(%s)</centre>" % b"|".join(centre.encode() for centre in centres))
    with zipfile.ZipFile(sample.ARCHIVE) as archive, zipfile.ZipFile(target, "w") as chosen:
        for name in archive.namelist():
            if name.endswith(".xml") and "/instances/" in name:
                xml = archive.read(name)
                if wanted.search(xml) and f'version="{VERSION}"'.encode() in xml:
                    chosen.writestr(name, xml)
    return target


@pytest.fixture(scope="module")
def names(ran: Path) -> frozenset[str]:
    """What the mothers of this project are called: no command prints one."""
    with duckdb.connect(str(ran / "data" / "warehouse.duckdb"), read_only=True) as con:
        found = con.execute("select distinct mother__name from answers.postpartum_visit").fetchall()
    return frozenset(name for (name,) in found if name and " " in name)


# Who reads


class Reader:
    """Somebody who types along in a project's folder, and what stands there for the names on the pages."""

    def __init__(self, root: Path, central: Acts, post: Post, patch: pytest.MonkeyPatch) -> None:
        self.project = root / "project"
        self.central = central
        self.stick = root / "STICK"
        self.stick.mkdir()
        self.data = self.project / "data"
        self.now = datetime.now(UTC)
        rules = ("mother__age.constraint", "harm_reported", "massage__harm.choice")
        self.age, self.harm, self.choice = map(self.finding, rules)
        self.code = self.study_code()
        self.write_settings()
        (self.project / "enumerators.csv").write_text(
            "code,name,language,active\nE01,Ani Contoh,id,yes\nE02,Budi Contoh,en,yes\n", encoding="utf-8"
        )
        secrets = {"CENTRAL__EMAIL": central.email, "CENTRAL__PASSWORD": central.password}
        secrets["NOTIFY__TO"] = post.address("budi@example.org")
        write_private_environment(self.project, {f"LAKTASI_{name}": value for name, value in secrets.items()})
        patch.chdir(self.project)

    def write_settings(self, more: str = "") -> None:
        url, project = self.central.url, self.central.project
        settings = f'language = "en"\n{more}[central]\nurl = "{url}"\nproject = {project}\n'
        (self.project / "laktasi.toml").write_text(settings, encoding="utf-8")

    def stands_for(self) -> dict[str, str]:
        """Give what a name on a page is here, as a part of a word; what was made last counts."""
        day = f"{self.now:%Y-%m-%d}"
        return {
            "3f2a9c1b7d5e8064": self.age,
            "9b1d77e02c4f5a36": self.harm,
            "c40e2f7716ab9d58": self.choice,
            "ID": self.harm,
            "RULE": "harm_reported",
            "MPY-0107": self.code,
            "CODE": "9999999999",
            "c1": "mopuya",
            "P03": "E02",
            "data/demo": "data",
            "xlsforms/NAME.xlsx": "xlsforms/postpartum_visit.xlsx",
            "FOLDER": str(self.project.parent / "later"),
            # of these days, whenever the test runs
            "2026-03-01T17:00+07:00": self.now.isoformat(timespec="seconds"),
            "2026-03-01": day,
            "2026-11-16": day,
            "2026-12-31": f"{self.now + timedelta(days=30):%Y-%m-%d}",
            "DAY": day,
            "20261120T081500000Z-0a1b2c.json": newest(self.data / "manifests", "*.json").name,
            # on another disk
            "/media/ani/STICK/laktasi-survey-20261120T130000Z": str(newest(self.stick, "laktasi-*")),
            "/media/ani/STICK": str(self.stick),
            "BACKUP": str(newest(self.stick, "laktasi-*")),
            "/tmp/try-project": str(self.project.parent / "try-project"),
            **{f"~/{name}": str(self.project.parent / name) for name in ("laktasi.key", "laktasi-2027.key")},
            "FILE": str(self.project.parent / "laktasi.key"),
            "/tmp/try": str(self.project.parent / "try"),
        }

    def type_in(self, line: Line) -> str:
        """Run a line, and give what it printed."""
        ahead = {
            "check": self.lay_out_files,
            "kendall": self.lay_out_files,
            "recode": self.choose_in_workbook,
            "restore": self.have_a_backup,
        }
        ahead.get(line.path[0], lambda: None)()
        words = [self.read(word) for word in shlex.split(line.text)]
        words += ALSO.get(line.text, [])
        takes = {parameter.name for parameter in COMMANDS[line.path].params}
        if "project" in takes and not {"--project", "--table", "--tables"} & {*words}:
            words += ["--project", "."]  # else it would be this checkout
        result = CliRunner().invoke(main, words, input="y\n" if words[0] == "forget" else None)
        codes = CODES.get(words[0], {0})
        assert result.exit_code in codes, f"laktasi {line.text}\n{result.output}"
        assert isinstance(result.exception, SystemExit | None), result.exception
        if words[:2] == ["key", "change"]:  # the page says: then say it in laktasi.toml
            self.write_settings("" if "--off" in words else f'key_file = "{words[words.index("--to") + 1]}"\n')
        if line.into:
            (self.project / line.into).write_text(result.stdout, encoding="utf-8")
            assert result.stdout.strip(), line
        return result.output

    def read(self, word: str) -> str:
        """Put in what this project has for the names in a word, the longer ones first."""
        here = self.stands_for()
        names = "|".join(re.escape(name) for name in sorted(here, key=len, reverse=True))
        return re.sub(rf"(?<![\w-])(?:{names})(?![\w-])", lambda found: here[found[0]], word)

    def ask(self, query: str) -> str:
        with duckdb.connect(str(self.data / "warehouse.duckdb"), read_only=True) as con:
            row = con.execute(query).fetchone()
        assert row
        return str(row[0])

    def finding(self, rule: str) -> str:
        return self.ask(f"select finding_id from quality.findings where is_open and rule_id = '{rule}' order by all")

    def study_code(self) -> str:
        return self.ask(
            "select mother__study_code from answers.postpartum_visit where mother__study_code <> '' order by all"
        )

    def lay_out_files(self) -> None:
        """Put beside the project what its own records look like in other programs, and a table."""
        research = self.data / "research.duckdb"
        with duckdb.connect(str(research), read_only=True) as con:
            visits = con.sql(
                "select _submission_id as respondent, mother__age as age, mother__education as education,"
                " visit__round as round, infant__weight as weight from staging.postpartum_visit"
            )
            visits.write_csv("visits.csv")
            visits.write_parquet("visits.parquet")
            pyreadstat.write_sav(visits.df(), "visits.sav")
        for path in (self.project / "xlsforms").glob("postpartum_visit*"):
            if path.is_dir():
                shutil.copytree(path, path.name, dirs_exist_ok=True)
            else:
                shutil.copy(path, path.name)
        Path("form.xml").write_bytes(convert(Path("postpartum_visit.xlsx")).xform)
        Path("cells.csv").write_text("stratum,x,y,count\na,1,1,7\na,1,2,4\na,2,2,8\na,2,3,6\n", encoding="utf-8")

    def have_a_backup(self) -> None:
        if not list(self.stick.iterdir()):
            made = CliRunner().invoke(main, ["backup", "--to", str(self.stick), "--project", "."])
            assert made.exit_code == 0, made.output

    def choose_in_workbook(self) -> None:
        """Do what the page says between two commands: choose what each text means."""
        if not Path("other.xlsx").exists():
            return
        book = openpyxl.load_workbook("other.xlsx")
        sheet = book["Texts"]
        (choice,) = (cell.column for cell in sheet[1] if cell.value == "choice")
        sheet.cell(2, choice).value = "family"
        book.save("other.xlsx")


def newest(folder: Path, pattern: str) -> Path:
    """Give the path in a folder that comes last by name; one that is not there, where there is none yet."""
    return max((path for path in folder.glob(pattern) if path.name.count(".") < 2), default=folder / "none-yet")


# The pages


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    with open_post() as opened:
        yield opened


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.slow if page in SLOW else ()) for page in PAGES if page not in WALKED],
)
def test_every_command_of_the_page_works_in_its_order(
    page: str,
    ran: Path,
    names: frozenset[str],
    double_site: Site,
    post: Post,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith(("LAKTASI_", "PREFECT_")) and "TEST" not in name]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYODK_CONFIG_FILE", str(tmp_path / "pyodk_config.toml"))
    monkeypatch.setattr(check, "find_java", lambda: None)  # ODK Validate takes seconds, and has a test of its own
    shutil.copytree(ran.parent, tmp_path, dirs_exist_ok=True)
    reader = Reader(tmp_path, double_site.acts, post, monkeypatch)
    if page == "ducklake.md":
        reader.write_settings(LAKE)
    lines = [line for line in PAGES[page] if line.text not in ELSEWHERE]
    for line in lines:
        told = reader.type_in(line)
        assert [name for name in names if name in told] == [], line


def test_what_is_not_run_here_is_on_a_page_and_run_elsewhere() -> None:
    shown = {line.text for lines in PAGES.values() for line in lines}
    assert [text for text in ELSEWHERE if text not in shown] == []
    assert [page for page in WALKED if page not in PAGES] == []
    for text, (_, test) in ELSEWHERE.items():
        assert text.split()[0] in (HOUSE / test).read_text(encoding="utf-8")
    for page, test in WALKED.items():
        assert page in (HOUSE / test).read_text(encoding="utf-8")


def test_every_command_is_run_on_some_page_or_elsewhere() -> None:
    run = {line.path for lines in PAGES.values() for line in lines}
    assert sorted(set(COMMANDS) - run) == []
