"""What runs give reason to tell: each event once, in both languages, and never an answer or a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from laktasi import pipeline
from laktasi.errors import GateError, SourceError
from laktasi.notifying import composing, facts, notify_after, telling
from laktasi.notifying.outbox import Outbox
from laktasi.paths import HOUSE
from laktasi.settings import Settings, read_settings
from laktasi.store import runs
from laktasi.workplace import alone, opened
from tests import mini
from tests.postbox import Post, open_post

CHECKS = """
checks:
  - id: scalded
    kind: row
    expression: ${age} < 90
    severity: warning
    adverse_event: true
    message: {id: Ada yang terkena air panas. Hubungi hari ini., en: Somebody was scalded. Call today.}
  - id: quiet_house
    kind: silent
    form: tea
    by: centre
    at_most: 30
    severity: warning
    message: {id: Rumah ini sepi., en: This house is silent.}
  - id: one_code_once
    kind: unique
    questions: [code]
    severity: error
    message: {id: Kode ganda., en: The code came twice.}
"""


def _publish(run: pipeline.Run, _progress: pipeline.Progress) -> pipeline.Counts:
    with opened(run.settings.data_folder) as con:
        runs.published(con, run.run_id)
    return {}


SHORT = (
    *(pipeline.FORMS, pipeline.PHONES),
    *(step for step in pipeline.WORK if step.name not in ("decide", "correct", "analyse")),
    *(pipeline.GATE, pipeline.CLOSE, pipeline.Step("publish", _publish)),
)
"""The way without what messages do not speak of, which takes most of the time."""
EXTRA = "| | text | remark | Catatan | Remark | | | | none |"
REMARK = "Ibu Wati dari Desa Tersembunyi"


@pytest.fixture
def post() -> Iterator[Post]:
    with open_post() as opened:
        yield opened


class Tea:
    """A small study with phones, whose runs tell somebody."""

    def __init__(self, root: Path, post: Post, monkeypatch: pytest.MonkeyPatch, toml: str = "") -> None:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(root / "config"))
        monkeypatch.setenv("LAKTASI_NOTIFY__TO", post.address("ani@example.org"))
        self.post = post
        self.phone = root / "phone"
        self.project = mini.make_project(root / "project", extra=EXTRA)
        (self.project / "schemas" / "checks.yml").write_text(CHECKS, encoding="utf-8")
        (self.project / "laktasi.toml").write_text(toml, encoding="utf-8")
        for number in range(12):
            self.put(number, today="2026-08-02")

    def put(self, number: int, today: str = "2026-09-20", **changed: object) -> None:
        answers = mini.person(number, today=today, remark=REMARK, **changed)
        mini.put(self.phone, f"Tea_{number:04d}", mini.xml(answers, f"uuid:tea-{number:04d}"))

    @property
    def settings(self) -> Settings:
        return read_settings(self.project, phones=(self.phone,))

    def run(self, steps: tuple[pipeline.Step, ...] = SHORT) -> str:
        """Run, and give the texts of the messages that came of it."""
        self.ended: tuple[str | None, GateError | None] = None, None
        try:
            self.ended = pipeline.walk(self.settings, steps, door="prefect").run_id, None
        except GateError as error:
            self.ended = None, error
        return self.again()

    def again(self) -> str:
        """Tell the same run again, as one after it would in which nothing changed."""
        before = len(self.post.texts())
        run_id, failure = self.ended
        notify_after(self.settings, run_id, failure, door="prefect")
        return "\n".join(self.post.texts()[before:])


@pytest.fixture
def tea(tmp_path: Path, post: Post, monkeypatch: pytest.MonkeyPatch) -> Tea:
    return Tea(tmp_path, post, monkeypatch)


@pytest.mark.slow
def test_a_first_run_tells_its_summary_and_an_adverse_event_once(tea: Tea) -> None:
    tea.put(12, age=95, house="h1")
    text = tea.run()
    assert text.startswith("[laktasi] tea: adverse events: 1,")
    assert "- uuid:tea-0012 (tea), health centre h1 (House One)" in text
    assert "Records: 13\n" in text
    assert tea.again() == ""
    nothing_of_a_person(tea)


@pytest.mark.slow
def test_what_a_study_tells_in_its_first_days(tea: Tea) -> None:
    report = tea.settings.data_folder.report
    report.parent.mkdir(parents=True)
    report.touch()
    text = tea.run()
    assert text.startswith("[laktasi] tea: daily summary #")
    assert "Records: 12\nOpen findings: 0 errors, 0 warnings\nNothing stops the publication" in text
    assert "Nothing needs you now." in text
    assert "Report: data/report/index.html\n" in text

    # A second time on that day has nothing new to tell.
    assert tea.again() == ""

    # Somebody is hurt, a house goes silent, and a record comes twice.
    tea.put(12, age=95, house="h1")
    tea.put(13, age=30, house="h2", code="K0012")
    text = tea.run()
    assert text.startswith("[laktasi] tea: adverse events: 1, silent health centres: 1 #")
    assert "scalded (1): Somebody was scalded. Call today.\n- uuid:tea-0012 (tea), health centre h1 (House One)" in text
    assert "SILENT HEALTH CENTRES, new since the last message: 1\n- h3 (House Three)" in text
    assert "- laktasi findings --rule scalded" in text
    assert "- laktasi arrivals" in text
    assert "SUMMARY" not in text
    assert tea.again() == ""

    # The house is heard of, and falls silent again: said again; what was told before is not.
    tea.put(14, age=30, house="h3", today="2026-09-21")
    tea.put(15, age=96, house=None, today="2026-09-21")
    text = tea.run()
    assert "adverse events: 1 #" in text
    assert "- uuid:tea-0015 (tea), health centre not known" in text
    assert "uuid:tea-0012" not in text
    assert "SILENT" not in text
    for number, house in ((16, "h1"), (17, "h2")):
        tea.put(number, age=30, house=house, today="2026-10-30")
    text = tea.run()
    assert "SILENT HEALTH CENTRES, new since the last message: 1\n- h3 (House Three)" in text
    assert "ADVERSE" not in text

    # The next day's summary counts from the last one, and names what is still open.
    _another_day(tea)
    text = tea.again()
    assert "[laktasi] tea: daily summary #" in text
    assert "Records: 18, new since 2026-11-" in text
    assert "Open adverse events: 2" in text
    assert "Silent health centres: 1 (h3 (House Three))" in text
    assert "- laktasi findings export --to handout" in text

    nothing_of_a_person(tea)


def _another_day(tea: Tea) -> None:
    path = tea.settings.data_folder.messages / "messages.json"
    path.write_text(re.sub(r'"summary_day": "[^"]*"', '"summary_day": "2026-11-01"', path.read_text("utf-8")), "utf-8")


def nothing_of_a_person(tea: Tea) -> None:
    """Scan all that was sent for every answer to a direct question and every text that people wrote."""
    with duckdb.connect(str(tea.settings.data_folder.warehouse), read_only=True) as con:
        columns = con.execute(
            "select distinct column_name from staging.codebook"
            " where (privacy = 'direct' or type = 'text') and not starts_with(path, 'meta/')"
        ).fetchall()
        written = {
            str(value)
            for (column,) in columns
            for (value,) in con.execute(f'select distinct "{column}" from answers.tea').fetchall()
            if value is not None
        }
    assert {mini.SECRET, REMARK, "K0001"} <= written
    sent = "\n".join(tea.post.texts()) + "".join(
        path.read_text("utf-8") for path in tea.settings.data_folder.messages.iterdir()
    )
    assert [value for value in written if value in sent] == []


@pytest.mark.slow
def test_a_gate_that_stops_the_publication_is_told_with_the_days_summary(tea: Tea) -> None:
    (tea.project / "schemas" / "gates.yml").write_text("stop: [one_code_once]\n", encoding="utf-8")
    tea.run()
    _another_day(tea)
    tea.put(12, today="2026-08-03", code="K0011")
    text = tea.run()
    assert text.startswith("[laktasi] tea: publication stopped, daily summary #")
    assert "NOTHING WAS PUBLISHED" in text
    assert "- one_code_once: 2 findings" in text
    assert "- laktasi findings --stops" in text
    assert "Publication stopped by: one_code_once (2)" in text
    assert tea.again() == ""
    tea.put(13, today="2026-08-03", code="K0010")
    assert "- one_code_once: 4 findings" in tea.run()
    nothing_of_a_person(tea)


@pytest.mark.slow
def test_the_same_in_indonesian(tmp_path: Path, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    tea = Tea(tmp_path, post, monkeypatch, toml='language = "id"\n')
    tea.put(12, age=95, house="h1")
    text = tea.run()
    assert "kejadian tidak diinginkan: 1, puskesmas tanpa kabar: 2, ringkasan harian #" in text
    assert "scalded (1): Ada yang terkena air panas. Hubungi hari ini." in text
    assert "- uuid:tea-0012 (tea), puskesmas h1 (Rumah Satu)" in text
    assert "Langkah berikutnya, di laptop:" in text


@pytest.mark.slow
def test_a_landing_run_tells_no_summary_and_what_is_not_asked_for_is_not_told(
    tmp_path: Path, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    tea = Tea(tmp_path, post, monkeypatch, toml='[notify]\non = ["failure", "daily"]\n')
    assert tea.run(pipeline.LANDING) == ""
    tea.put(12, age=95)
    text = tea.run()
    assert "ADVERSE" not in text
    assert "daily summary" in text


@pytest.mark.slow
def test_a_source_that_stays_away_is_told_after_some_days_once(tea: Tea, monkeypatch: pytest.MonkeyPatch) -> None:
    tea.run()
    tea.phone.rename(tea.phone.with_name("Siti"))
    assert tea.run() == ""
    later = datetime.now(UTC) + timedelta(days=4)

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return later.astimezone(tz)

    monkeypatch.setattr(telling, "datetime", Later)
    text = tea.run()
    assert "NOT REACHED: folders of phones, since 2026-11-" in text
    assert "- laktasi doctor" in text
    assert tea.again() == ""
    tea.phone.with_name("Siti").rename(tea.phone)
    tea.run()
    state = Outbox(tea.settings.data_folder).read()
    assert not [key for key in state.told_at if key.startswith("unreached:")]


@pytest.mark.slow
def test_a_warehouse_that_is_at_work_tells_next_time(tea: Tea, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "PATIENCE_SECONDS", 0)
    run_id = pipeline.walk(tea.settings, SHORT, door="prefect").run_id
    with alone(tea.settings.data_folder):
        notify_after(tea.settings, run_id, None, door="prefect")
    assert tea.post.received == []
    notify_after(tea.settings, run_id, None, door="prefect")
    assert len(tea.post.received) == 1


def test_a_fault_of_ours_tells_its_type_and_place_alone(tea: Tea) -> None:
    try:
        int(mini.SECRET)
    except ValueError as error:
        notify_after(tea.settings, None, error, door="prefect")
    try:
        read_settings(tea.project, data=object())
    except Exception as error:  # raised in our code, whatever it is
        notify_after(tea.settings, None, TypeError(mini.SECRET).with_traceback(error.__traceback__), door="prefect")
    first, second = tea.post.texts()
    assert "A RUN FAILED by a fault in laktasi: ValueError. What had landed stays." in first
    assert re.search(r"TypeError in reading\.py, line \d+\.", second)
    assert mini.SECRET not in first + second


@pytest.mark.slow
def test_a_day_has_at_most_some_messages_but_for_adverse_events(tea: Tea, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composing, "MOST_A_DAY", 2)
    for what in ("one", "two", "three"):
        notify_after(tea.settings, None, SourceError(f"card {what} is gone"), door="prefect")
    assert len(tea.post.received) == 2
    tea.put(12, age=95)
    assert "ADVERSE" in tea.run()


@pytest.mark.slow
def test_the_shipped_sample_is_told_without_a_word_of_a_person(
    tmp_path: Path, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = HOUSE / "xlsforms" / "sample"
    monkeypatch.setenv("LAKTASI_NOTIFY__TO", post.address("ani@example.org"))
    given = {"data": tmp_path / "data", "phones": (sample / "postpartum_visit.zip", sample / "back_check.zip")}
    settings = read_settings(HOUSE, **given)
    run_id = pipeline.walk(settings, SHORT, door="prefect").run_id
    for language in ("id", "en"):
        notify_after(read_settings(HOUSE, language=language, **given), run_id, None, door="prefect")
        (settings.data_folder.messages / "messages.json").unlink()
    sent = "\n".join(post.texts())
    assert "harm_reported (16)" in sent
    assert "KEJADIAN TIDAK DIINGINKAN" in sent
    with opened(settings.data_folder) as con:
        columns = con.execute(
            "select distinct table_name, column_name from staging.codebook"
            " where (privacy = 'direct' or type in ('text', 'geopoint', 'barcode')) and not starts_with(path, 'meta/')"
        ).fetchall()
        written = {
            value
            for table, column in columns
            for (value,) in con.execute(f'select distinct "{column}" from answers."{table}"').fetchall()
            # shorter ones are in any text
            if value is not None and len(value) > 2
        }
    assert len(written) > 500
    assert [value for value in written if value in sent] == []
