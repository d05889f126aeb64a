"""The way back, from a finding to a comment on Central and home again: against the stand-in, and a real Central.

Faults are the stand-in's alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from laktasi import pipeline
from laktasi.cli.feedback import feedback as command
from laktasi.errors import SettingsError, SourceError, WarehouseError
from laktasi.feedback import Told, _todo_lists, give_feedback, lines_of, write_todo_lists
from laktasi.odk.connection import Connection, connect
from laktasi.odk.decisions import Kind, Wish
from laktasi.odk.feedback import Outcome, look, send
from laktasi.quality.findings import RuleRow, record_findings
from laktasi.report.todo import render
from laktasi.settings import CentralSettings, FeedbackSettings, Settings, read_settings
from laktasi.store import runs
from laktasi.workplace import opened
from tests import mini
from tests.central import Acts, Double
from tests.central.fixtures import Site

pytestmark = pytest.mark.slow

AGE, CODE, TWICE = "age.constraint", "code.required", "one_code_once"
ONE = "uuid:tea-0001"


def check(run: pipeline.Run, _progress: object) -> pipeline.Counts:
    """Ask three of the form's rules in SQL: Great Expectations has tests of its own, and takes a second."""
    rules = {
        AGE: ("age", "age not between 18 and 99"),
        CODE: ("code", "code is null"),
        TWICE: (None, "code in (from answers.tea select code group by all having count(*) > 1)"),
    }
    failing = " union all ".join(
        f"select 'tea' as form_id, _submission_id as submission_id, _row as \"row\", '{rule}' as rule_id"
        f" from staging.tea where {condition}"
        for rule, (_, condition) in rules.items()
    )
    words = {"en": "The answer is outside what the questionnaire allows.", "id": "Jawaban di luar batas kuesioner."}
    rows = [
        RuleRow("tea", mini.VERSION, "tea", rule, "constraint", field, "error", words, "")
        for rule, (field, _) in rules.items()
    ]
    with opened(run.settings.data_folder) as con:
        record_findings(con, run.run_id, con.execute(failing).to_arrow_table(), rows, [])
    return {}


WORK = {step.name: step for step in pipeline.WORK}
STEPS = (
    *(pipeline.CENTRAL, pipeline.READ, pipeline.STAND),
    *(pipeline.Step("check", check), WORK["mart"], pipeline.CLOSE),
)


@dataclass
class Field:
    """A project on a Central, the manager in a browser, and the data folder beside it."""

    acts: Acts
    settings: Settings
    double: Double | None

    def submit(self, number: int, **changed: object) -> str:
        instance_id = f"uuid:tea-{number:04d}"
        self.acts.submit(mini.xml(mini.person(number, **changed), instance_id))
        return instance_id

    def edit(self, number: int, old: str, new: str, **changed: object) -> None:
        root = f"uuid:tea-{number:04d}"
        self.acts.edit("tea", root, mini.xml(mini.person(number, **changed), new, deprecated_id=old))

    def run(self, steps: Sequence[pipeline.Step] = STEPS) -> None:
        pipeline.walk(self.settings, steps, door="cli")

    def tell(self, *, is_sent: bool = True) -> Told:
        return give_feedback(self.settings, send=is_sent)

    def state(self, submission_id: str = ONE) -> str | None:
        answer = self.acts.do("GET", self.acts.place("forms", "tea", "submissions", submission_id))
        state: str | None = answer["reviewState"]
        return state

    def comments(self, submission_id: str = ONE) -> list[str]:
        path = f"{self.acts.place('forms', 'tea', 'submissions', submission_id)}/comments"
        return [comment["body"] for comment in reversed(self.acts.do("GET", path))]

    def events(self, submission_id: str = ONE) -> int:
        return len(self.acts.do("GET", f"{self.acts.place('forms', 'tea', 'submissions', submission_id)}/audits"))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with opened(self.settings.data_folder) as con:
            return con.execute(query).fetchall()

    @property
    def central(self) -> CentralSettings:
        return self.settings.central["central"]


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laktasi.odk.feedback.SECONDS_BETWEEN_WRITES", 0)
    monkeypatch.setattr("laktasi.odk.connection.PAUSES", (0, 0))
    monkeypatch.setattr("laktasi.pipeline.walking.code_version", lambda: None)  # git takes longer than a step


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mini.make_project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def field(site: Site, project: Path, tmp_path: Path) -> Field:
    """A Central that has the form, and nothing else."""
    return _field(site, project, tmp_path)


@pytest.fixture
def double(double_site: Site, project: Path, tmp_path: Path) -> Field:
    """The stand-in alone, for what cannot be done to a real Central."""
    return _field(double_site, project, tmp_path)


def _field(site: Site, project: Path, tmp_path: Path) -> Field:
    acts = site.acts
    acts.publish((project / "xlsforms" / "fielded" / "tea-1.xml").read_bytes())
    central = CentralSettings(url=acts.url, project=acts.project, email=acts.email, password=SecretStr(acts.password))
    settings = read_settings(project, data=tmp_path / "data", central={"central": central}, language="en")
    return Field(acts, settings, site.double)


def test_a_record_is_flagged_once_and_its_flag_goes_when_it_is_mended(field: Field) -> None:
    field.submit(0)
    field.submit(1, age=150)
    field.run()
    planned = field.tell(is_sent=False)
    assert [(line.submission_id, line.kind, line.state_after) for line in planned.lines] == [
        (ONE, "flagged", "hasIssues")
    ]
    assert (field.state(), field.comments()) == (None, [])
    assert field.rows("from quality.feedback") == []

    told = field.tell()
    assert [(line.submission_id, line.kind, line.has_comment) for line in told.lines] == [(ONE, "flagged", True)]
    (comment,) = field.comments()
    assert field.state() == "hasIssues"
    assert comment.startswith("laktasi: to be looked at in this record: 1.\n")
    assert f"- Age: The answer is outside what the questionnaire allows. `{AGE}`" in comment
    assert "150" not in comment
    assert mini.SECRET not in comment
    assert field.rows("select action, state_before, state_after, rule_ids, comment is null from quality.feedback") == [
        ("said", None, None, [AGE], False),
        ("flagged", None, "hasIssues", [AGE], True),
    ]

    # Our own writes come again with the next pull, and lead to nothing.
    events = field.events()
    for is_pulled in (False, True):
        if is_pulled:
            field.run()
        if field.double:
            field.double.requests.clear()
        told = field.tell()
        assert (told.lines, told.as_before) == ([], 1)
        assert not (field.double and field.double.requests), "the server was asked about what did not change"
    assert (field.events(), field.comments()) == (events, [comment])

    field.edit(1, ONE, "uuid:mended", age=33)
    field.run()
    assert field.tell().lines == []
    assert (field.state(), field.comments()) == ("edited", [comment])


def test_a_flag_goes_where_another_record_mends_it(field: Field) -> None:
    """A code came twice; the other one is corrected: our flag goes, and what stood before it comes back."""
    field.submit(1)
    field.edit(1, ONE, "uuid:tea-0001-b")
    field.submit(2, code="K0001")
    field.run()
    assert [line.rule_ids for line in field.tell().lines] == [(TWICE,), (TWICE,)]
    assert field.state() == "hasIssues"
    field.edit(2, "uuid:tea-0002", "uuid:tea-0002-b")
    field.run()
    told = field.tell()
    assert [(line.submission_id, line.kind, line.state_after) for line in told.lines] == [(ONE, "mended", "edited")]
    assert (field.state(), field.state("uuid:tea-0002")) == ("edited", "edited")
    field.run()
    assert field.tell().lines == []


def test_what_people_decided_stands_and_is_told(field: Field) -> None:
    for number in range(1, 6):
        field.submit(number, age=150)
    two, three, four, five = (f"uuid:tea-{number:04d}" for number in range(2, 6))
    field.acts.review("tea", two, "approved")
    field.acts.review("tea", three, "rejected")
    field.acts.review("tea", four, "hasIssues")
    field.run()
    field.acts.review("tea", five, "approved")  # after the pull
    told = field.tell()
    assert {line.submission_id: (line.kind, line.reason) for line in told.lines} == {
        ONE: ("flagged", "open findings"),
        two: ("left_alone", "a person approved it"),
        three: ("left_alone", "a person rejected it"),
        four: ("said", "open findings that were not named yet"),
        five: ("left_alone", "a person approved it"),
    }
    assert [field.state(item) for item in (ONE, two, three, four, five)] == [
        *("hasIssues", "approved", "rejected", "hasIssues", "approved")
    ]
    assert [len(field.comments(item)) for item in (ONE, two, three, four, five)] == [1, 0, 0, 1, 0]

    # The same account, another hand: what a person takes away is not put back.
    field.acts.review("tea", ONE, None)
    field.run()
    again = field.tell()
    assert {line.submission_id: line.kind for line in again.lines} == {
        **dict.fromkeys((ONE, two, three, five), "left_alone")
    }
    assert (field.state(), len(field.comments())) == (None, 1)
    # What was left alone is told at every run, also when nothing is asked of the server any more.
    if field.double:
        field.double.requests.clear()
    assert len(field.tell().lines) == 4
    assert not (field.double and field.double.requests)


def test_a_lost_warehouse_repeats_nothing(field: Field, tmp_path: Path) -> None:
    field.submit(1, age=150)
    field.run()
    field.tell()
    field.settings = field.settings.model_copy(update={"data": tmp_path / "another"})
    field.run()
    assert field.tell().lines == []
    assert (field.state(), len(field.comments())) == ("hasIssues", 1)
    field.edit(1, ONE, "uuid:other", age=150, code=None)
    field.run()
    assert [(line.kind, line.has_comment) for line in field.tell().lines] == [("flagged", True)]
    assert (field.state(), len(field.comments())) == ("hasIssues", 2)
    assert "code.required" in field.comments()[1]


def test_an_edit_that_was_not_checked_waits(field: Field) -> None:
    field.submit(1, age=150)
    field.run()
    field.edit(1, ONE, "uuid:mended", age=33)
    told = field.tell()
    assert [line.kind for line in told.lines] == ["waits"]
    assert (field.state(), field.comments()) == ("edited", [])


def test_a_viewer_may_look_but_not_review(field: Field) -> None:
    field.submit(1, age=150)
    field.run()
    viewer = field.acts.make_account(f"viewer-{field.acts.project}@example.org", "a-long-password")
    central = field.central.model_copy(update={"email": viewer.email, "password": SecretStr(viewer.password)})
    field.settings = field.settings.model_copy(update={"central": {"central": central}})
    assert [line.kind for line in field.tell(is_sent=False).lines] == ["flagged"]
    refused = field.tell().broken_off["central"]
    assert "Project Manager" in str(refused)
    assert field.comments() == []
    field.acts.delete_account(viewer.myself())
    viewer.close()


# Requests that go wrong, or come from people meanwhile: the stand-in alone.


def wish(submission_id: str = ONE, *rules: str) -> Wish:
    return Wish("tea", submission_id, submission_id, rules or (AGE,), "laktasi: age")


def sent(connection: Connection, wishes: Sequence[Wish], *, at_most: int = 100) -> list[Outcome]:
    return list(send(connection, wishes, at_most=at_most, dry_run=False, pause=lambda _: None))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("method", "pattern"), [("POST", "/comments$"), ("PATCH", "/submissions/"), ("GET", "audits")])
@pytest.mark.parametrize("skip", [0, 1])
def test_a_run_that_breaks_off_anywhere_is_finished_by_the_next(
    double: Field, when: str, method: str, pattern: str, skip: int
) -> None:
    assert double.double
    double.submit(1, age=150)
    with connect(double.central, double.settings.data_folder.tokens) as connection:
        double.double.faults.next(pattern, "reset", 3, method=method, when=when, skip=skip)  # type: ignore[arg-type]
        try:
            sent(connection, [wish()])
        except SourceError:
            double.double.faults.clear()
            sent(connection, [wish()])
        assert sent(connection, [wish()])[0].decision.kind is Kind.NOTHING
    assert (double.state(), len(double.comments())) == ("hasIssues", 1)


def test_an_approval_between_comment_and_state_is_not_written_over(double: Field) -> None:
    double.submit(1, age=150)
    with connect(double.central, double.settings.data_folder.tokens) as connection:
        outcomes = list(
            send(
                connection,
                [wish()],
                at_most=1,
                dry_run=False,
                pause=lambda _: double.acts.review("tea", ONE, "approved"),
            )
        )
    assert [item.decision.kind for item in outcomes] == [Kind.SAID, Kind.LEFT_ALONE]
    assert double.state() == "approved"


def test_an_edit_between_comment_and_state_is_checked_first(double: Field) -> None:
    double.submit(1, age=150)

    def edit(_seconds: float) -> None:
        double.edit(1, ONE, "uuid:mended", age=33)

    with connect(double.central, double.settings.data_folder.tokens) as connection:
        outcomes = list(send(connection, [wish()], at_most=1, dry_run=False, pause=edit))
    assert [(item.decision.kind, item.is_settled) for item in outcomes] == [(Kind.SAID, False), (Kind.WAITS, False)]
    assert double.state() == "edited"


def test_an_approval_that_was_written_over_all_the_same_is_told(double: Field) -> None:
    """Between the last look and the write there is a moment in which nobody can see an approval come."""
    double.submit(1, age=150)
    double.acts.review("tea", ONE, "approved")
    double.acts.review("tea", ONE, "hasIssues", notes="laktasi")
    with connect(double.central, double.settings.data_folder.tokens) as connection:
        for rules in ((AGE,), ()):
            (outcome,) = sent(connection, [Wish("tea", ONE, ONE, rules, "laktasi" if rules else None)])
            assert outcome.decision.kind is Kind.LEFT_ALONE
            assert "a person approved it while we wrote" in outcome.decision.reason
    assert double.state() == "hasIssues"


def test_what_was_deleted_meanwhile_is_skipped(double: Field) -> None:
    double.submit(1, age=150)
    two = double.submit(2, age=150)
    double.acts.delete("tea", ONE)
    with connect(double.central, double.settings.data_folder.tokens) as connection:
        kinds = [(item.wish.submission_id, item.decision.kind) for item in sent(connection, [wish(), wish(two)])]
    assert kinds == [(ONE, Kind.GONE), (two, Kind.SAID), (two, Kind.FLAGGED)]


def test_a_run_writes_to_so_many_records_and_leaves_the_rest_to_the_next(double: Field) -> None:
    ids = [double.submit(number, age=150) for number in range(1, 6)]
    double.run()
    double.settings = double.settings.model_copy(update={"feedback": FeedbackSettings(at_most=2)})
    assert (double.tell().postponed, double.tell().postponed, double.tell().postponed) == (3, 1, 0)
    assert [double.state(item) for item in ids] == ["hasIssues"] * 5
    assert [len(double.comments(item)) for item in ids] == [1] * 5


def test_our_note_tells_our_events_from_a_persons_under_one_account(double: Field) -> None:
    double.submit(1, age=150)
    with connect(double.central, double.settings.data_folder.tokens) as connection:
        sent(connection, [wish()])
        double.acts.review("tea", ONE, "hasIssues")
        seen = look(connection, wish())
        assert seen is not None
        assert [event.by.value for event in seen.events] == ["us", "person"]
        assert sent(connection, [Wish("tea", ONE, ONE, (), None)])[0].decision.kind is Kind.NOTHING
    assert double.state() == "hasIssues"


def test_other_centrals_are_told_where_one_is_away(double: Field) -> None:
    double.submit(1, age=150)
    double.run()
    away = CentralSettings(url="http://127.0.0.1:9", project=1, email="a@example.org", password=SecretStr("x"))
    central = {"away": away, **double.settings.central}
    double.settings = double.settings.model_copy(update={"central": central})
    with opened(double.settings.data_folder) as con:
        con.execute(
            "insert into raw.submission_states by name select * replace ('central:127.0.0.1:9/1' as source)"
            " from raw.latest_submission_states"
        )
    told = double.tell()
    assert (list(told.broken_off), [line.source for line in told.lines]) == (["away"], ["central"])
    assert double.state() == "hasIssues"


def test_findings_of_an_older_state_are_not_said(double: Field) -> None:
    with opened(double.settings.data_folder):
        pass
    with pytest.raises(WarehouseError, match="checked anything"):
        double.tell()
    double.submit(1, age=150)
    double.run()
    with opened(double.settings.data_folder) as con:
        runs.fail(con, runs.begin(con, "cli"))
    with pytest.raises(WarehouseError, match="did not end well"):
        double.tell()
    with pytest.raises(WarehouseError, match="did not end well"):
        write_todo_lists(double.settings)


def test_a_source_that_is_not_there_is_named(double: Field) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        give_feedback(double.settings, send=False, source="nowhere")
    with pytest.raises(SettingsError, match="no Central"):
        give_feedback(double.settings.model_copy(update={"central": {}}), send=False)


# What a person sees.


def test_the_command_says_what_it_would_do_and_then_does_it(double: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    double.submit(1, age=150)
    double.run()
    monkeypatch.setattr("laktasi.cli.feedback.settings_for", lambda *_: double.settings)
    planned = CliRunner().invoke(command, [])
    assert planned.exit_code == 0
    header, line = planned.stdout.splitlines()
    assert dict(zip(header.split("\t"), line.split("\t"), strict=True)) == {
        "source": "central",
        "form_id": "tea",
        "submission_id": ONE,
        "state": "received",
        "then": "hasIssues",
        "what": "to flag",
        "comment": "yes",
        "rules": AGE,
        "why": "open findings",
    }
    assert "1 to flag" in planned.stderr
    assert "laktasi feedback --send" in planned.stderr
    assert lines_of(double.tell(is_sent=False))[0].startswith(f"{ONE} (tea, central): received → hasIssues, to flag: ")
    assert double.state() is None
    done = CliRunner().invoke(command, ["--send"])
    assert "1 flagged" in done.stderr
    assert double.state() == "hasIssues"


def test_enumerators_get_lists_without_answers(double: Field) -> None:
    double.submit(1, age=150)
    double.submit(2, age=150, code="K0002")
    double.submit(3)
    double.run()
    index = write_todo_lists(double.settings)
    assert {path.name for path in index.parent.iterdir()} == {"index.html", "todo-t1.html", "todo-t2.html"}
    assert {path.stat().st_mode & 0o777 for path in index.parent.iterdir()} == {0o600}
    assert index.parent.stat().st_mode & 0o777 == 0o700
    page = (index.parent / "todo-t2.html").read_text(encoding="utf-8")
    for words in (
        "K0001",
        "2 Nov 2026",
        "Rumah Dua" if double.settings.language == "id" else "House Two",
        "Umur",
        "Age",
    ):
        assert words in page
    assert not re.search(rf"150|{mini.SECRET}|K0002", page)
    assert "Do not change this form on the phone" in page  # the form does not say client_editable
    double.edit(1, ONE, "uuid:mended", age=33)
    double.run()
    write_todo_lists(double.settings)
    assert {path.name for path in index.parent.iterdir()} == {"index.html", "todo-t1.html"}


def test_a_list_says_what_may_be_corrected_on_the_phone(double: Field) -> None:
    double.submit(1, age=150)
    double.run()
    with opened(double.settings.data_folder) as con:
        xform = con.execute("select decode(xform) from raw.forms").fetchall()[0][0]
        before, after = "<instance>", '<submission xmlns:o="http://www.opendatakit.org/xforms" o:client-editable="{}"/>'
        assert before in xform
        for is_editable, words in (("false", "Do not change this form"), ("TRUE", "tap the pencil")):
            changed = xform.replace(before, after.format(is_editable) + before, 1)
            con.execute("update raw.forms set xform = encode(?)", [changed])
            (todo,) = _todo_lists(con, double.settings)
            assert [record.is_editable for record in todo.records] == [is_editable == "TRUE"]
            assert words in render(todo, as_of=date(2026, 11, 21))


def test_a_list_says_which_records_were_edited_on_the_server(double: Field) -> None:
    """Central takes no edit of these from a phone: it would be of a version that is no longer the current one."""
    editable = '<submission xmlns:o="http://www.opendatakit.org/xforms" o:client-editable="true"/>'
    one, two, three = (double.submit(number, age=150) for number in (1, 2, 3))
    double.run()
    with opened(double.settings.data_folder) as con:
        con.execute(
            "update raw.forms set xform = encode(replace(decode(xform), '<instance>', ? || '<instance>'))", [editable]
        )
    double.edit(1, one, "uuid:by-a-manager", age=151)
    phones = mini.xml(mini.person(2, age=151), "uuid:by-a-phone", deprecated_id=two)
    double.acts.submit(phones, device_id="collect:aBcDeFgHiJkLmNoP")
    browsers = mini.xml(mini.person(3, age=151), "uuid:by-a-browser", deprecated_id=three)
    double.acts.submit(browsers, device_id="odk.example.org:aBcDeFgHiJkLmNoP")
    double.run()
    with opened(double.settings.data_folder) as con:
        records = [record for todo in _todo_lists(con, double.settings) for record in todo.records]
    assert {record.code: record.is_editable for record in records} == {"K0001": False, "K0002": True, "K0003": False}


def test_a_list_leaves_out_what_a_person_has_decided_about(double: Field) -> None:
    approved, rejected, waved_off, _ = (double.submit(number, age=150) for number in (1, 2, 3, 4))
    double.run()
    double.tell()
    double.acts.review("tea", approved, "approved")
    double.acts.review("tea", rejected, "rejected")
    double.acts.review("tea", waved_off, None)
    double.run()
    double.tell()
    with opened(double.settings.data_folder) as con:
        records = [record for todo in _todo_lists(con, double.settings) for record in todo.records]
    assert [record.code for record in records] == ["K0004"]
