"""Collect's audit logs: read once, of the current version alone, whatever an older or a broken Collect wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from laktasi.records import Attachment, Attachments, Status, Submission
from laktasi.store import raw
from laktasi.store.audit_log import AuditLogs, UnreadableLogError, load_audit_log, read_audit_log
from laktasi.store.publish import publish_research
from tests.warehouse_fixture import FORM, Warehouse, contents, form, submission, warehouse

pytestmark = pytest.mark.slow

Log = Callable[..., Attachment]
CENTRAL = "central:odk.example.org/1"
SECRET = "Siti Rahasia Sekali"
START = 1_763_600_000_000
PLAIN = f"""event,node,start,end
form start,,{START},
question,/data/mother/name,{START + 1000},{START + 3500}
question,/data/infants[2]/feeds[1]/at,{START + 4000},{START + 5000}
group questions,/data/mother,{START + 5000},{START + 9000}
question,/data/mother/name,{START + 9000},{START + 9500}
form save,,{START + 9500},
"""
TORN = PLAIN[:-8]
FOREIGN = "a,b,c,d\n1,2,3,4\n"
WHOLE = f"""event,node,start,end,latitude,longitude,accuracy,old-value,new-value,user,change-reason
form start,,{START},,,,,,,
form start,,{START},,,,,,,eny,
question,/data/mother/name,{START},{START + 100},0.5,124.25,4.5,,"{SECRET}, ""Siti""
dua",eny,
question,/data/mother/name,{START},{START + 200},0.5,124.25,4.5,x,,eny,
change reason,,{START},,0.5,124.25,4.5,,,eny,salah ketik
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse(tmp_path / "data", form()) as opened:
        yield opened


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """Make an attachment of a text."""
    made = 0

    def attachment(content: str, name: str = "audit.csv") -> Attachment:
        nonlocal made
        made += 1
        path = tmp_path / f"{made}.csv"
        path.write_text(content, encoding="utf-8", newline="")
        return Attachment(name, path)

    return attachment


def sent(item: Submission, *files: Attachment, source: str = "phones") -> Submission:
    return replace(item, source=source, attachments=files)


def take(house: Warehouse, *items: Submission | Attachments) -> AuditLogs:
    """Land, resolve, and read the audit logs."""
    for item in items:
        raw.land(house.con, house.folder, [item], house.run_id, source=item.source)
    house.stand()
    return load_audit_log(house.con, house.folder)


def events(house: Warehouse) -> list[tuple[object, ...]]:
    return house.rows("select submission_id, instance_id, count(*) from audit_log.events group by all order by all")


def test_a_log_becomes_rows(house: Warehouse, log: Log) -> None:
    photo = log("no audit log", "photo.csv")
    assert take(house, sent(submission("a"), log(PLAIN), photo), submission("b")) == AuditLogs(
        read=1, removed=0, logs=1, unreadable=0
    )
    assert house.rows(
        """
        select position, event, node, epoch_ms(started_at), epoch_ms(ended_at), seconds, latitude, old_value, user_name
        from audit_log.events where form_id = 'visit' and submission_id = 'a' and instance_id = 'a' order by position
        """
    )[:3] == [
        (1, "form start", None, START, None, None, None, None, None),
        (2, "question", "/data/mother/name", START + 1000, START + 3500, 2.5, None, None, None),
        (3, "question", "/data/infants[2]/feeds[1]/at", START + 4000, START + 5000, 1.0, None, None, None),
    ]
    assert house.rows("select strftime(min(started_at), '%Y-%m-%d %H:%M:%S %z') from audit_log.events") == [
        ("2025-11-20 00:53:20 +00",)
    ]


def test_what_a_form_asks_for_beside_the_times(house: Warehouse, log: Log) -> None:
    take(house, sent(submission("a"), log(WHOLE)))
    assert house.rows(
        """
        select event, latitude, longitude, accuracy, old_value, new_value, user_name, change_reason
        from audit_log.events order by position
        """
    ) == [
        ("form start", None, None, None, None, None, None, None),
        ("form start", None, None, None, None, None, "eny", None),
        ("question", 0.5, 124.25, 4.5, "", f'{SECRET}, "Siti"\ndua', "eny", None),
        ("question", 0.5, 124.25, 4.5, "x", "", "eny", None),
        ("change reason", 0.5, 124.25, 4.5, None, None, "eny", "salah ketik"),
    ]


@pytest.mark.parametrize(
    ("header", "line", "there"),
    [
        # an older Collect wrote the line, a newer one the header
        (",latitude,longitude,accuracy", "", {}),
        (",latitude,longitude,accuracy,old-value,new-value", ",x,y", {"old_value": "x", "new_value": "y"}),
        (",latitude,longitude,accuracy,user", ",eny", {"user_name": "eny"}),
        (",latitude,longitude,accuracy,old-value,new-value", ",1,2,3", {"latitude": 1, "longitude": 2, "accuracy": 3}),
        # nobody had said yet who they are
        (",user,change-reason", ",why", {"change_reason": "why"}),
        (",old-value,new-value,user,change-reason", ",,y,", {"old_value": "", "new_value": "y"}),
        # a reason that the header does not know of
        ("", ",why", {"change_reason": "why"}),
        (",user", ",eny", {"user_name": "eny"}),
        (",user", ",eny,why", {"user_name": "eny", "change_reason": "why"}),
    ],
)  # fmt: skip
def test_lines_that_are_not_as_wide_as_the_header(header: str, line: str, there: dict[str, object]) -> None:
    (event,) = read_audit_log(f"event,node,start,end{header}\nquestion,/data/a,1,2{line}\n".encode())
    optional = event._asdict()
    for name in ("event", "node", "start", "end"):
        del optional[name]
    assert {name: value for name, value in optional.items() if value is not None} == there


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "torn"),
        (PLAIN.encode()[:-1], "torn"),
        (TORN.encode(), "torn"),
        (b'event,node,start,end,old-value,new-value\nquestion,/data/a,1,2,x,"two\n', "torn"),
        (b"event,node,start,end\nquestion,/data/a,1\n", "foreign"),
        (b"event,node,start,end\n\n", "foreign"),
        (b"event,node,start,end\nquestion,/data/a,1,2,3,4\n", "foreign"),
        (b"event,node,start,end\nquestion,/data/a,x,2\n", "foreign"),
        (b"event,node,start,end\nquestion,/data/a,-1,2\n", "foreign"),
        (b"event,node,start,end\nquestion,/data/a,9999999999999999,2\n", "foreign"),
        (b"event,node,start,end\n,/data/a,1,2\n", "foreign"),
        (b"event,node,start,end,latitude,longitude,accuracy\nquestion,/data/a,1,2,a,b,c\n", "foreign"),
        (b"event,node,start,end,latitude,longitude,accuracy\nquestion,/data/a,1,2,nan,1,1\n", "foreign"),
        (b"event,node,start,end,mood\nquestion,/data/a,1,2,good\n", "foreign"),
        (FOREIGN.encode(), "foreign"),
        (b"\n", "foreign"),
        (b"\xff\xfe\n", "foreign"),
        (b"\x00" * 20 + b"\n", "foreign"),
    ],
)
def test_what_cannot_be_read_says_why_and_nothing_else(content: bytes, problem: str) -> None:
    with pytest.raises(UnreadableLogError) as caught:
        read_audit_log(content)
    assert str(caught.value) == problem
    assert caught.value.__cause__ is None


def test_lines_that_end_as_windows_writes_them_are_read() -> None:
    assert read_audit_log(PLAIN.replace("\n", "\r\n").encode()) == read_audit_log(PLAIN.encode())


def test_an_unreadable_log_is_counted_every_time_and_read_once(house: Warehouse, log: Log) -> None:
    items = [sent(submission(name), log(text)) for name, text in (("a", TORN), ("b", FOREIGN), ("c", PLAIN))]
    assert take(house, *items) == AuditLogs(read=3, removed=0, logs=3, unreadable=2)
    assert take(house) == AuditLogs(read=0, removed=0, logs=3, unreadable=2)
    assert house.rows("select submission_id, problem from audit_log.files order by all") == [
        ("a", "torn"),
        ("b", "foreign"),
        ("c", None),
    ]
    # the phone is copied again, whole
    assert take(house, sent(submission("a"), log(PLAIN))) == AuditLogs(read=1, removed=1, logs=3, unreadable=1)
    assert events(house) == [("a", "a", 6), ("c", "c", 6)]


def test_a_file_that_is_not_there_is_looked_for_again(house: Warehouse, log: Log) -> None:
    house.take(sent(submission("a"), log(PLAIN)))
    (path,) = (path for path in house.folder.attachments.rglob("*") if path.is_file())
    path.rename(path.with_suffix(".away"))
    assert take(house) == AuditLogs(read=0, removed=0, logs=1, unreadable=1)
    assert house.rows("select problem from audit_log.files") == [("absent",)]
    path.with_suffix(".away").rename(path)
    assert take(house) == AuditLogs(read=1, removed=0, logs=1, unreadable=0)
    assert events(house) == [("a", "a", 6)]


def test_only_the_current_version_of_what_is_staged_has_events(house: Warehouse, log: Log) -> None:
    take(
        house,
        sent(submission("a"), log(PLAIN)),
        sent(submission("d", status=Status.DRAFT), log(PLAIN)),
        sent(submission("w", version="9"), log(PLAIN)),
    )
    assert events(house) == [("a", "a", 6)]
    edited = sent(submission("b", deprecated="a"), log(PLAIN.replace("form save", "form exit")))
    assert take(house, edited) == AuditLogs(read=1, removed=1, logs=1, unreadable=0)
    assert events(house) == [("a", "b", 6)]
    # an edit on the server brought no log
    take(house, replace(submission("c", deprecated="b"), source=CENTRAL))
    assert events(house) == house.rows("from audit_log.files") == []


def test_central_stands_before_phones_and_the_last_before_earlier_ones(house: Warehouse, log: Log) -> None:
    short = "".join(PLAIN.splitlines(keepends=True)[:3])
    shorter = "".join(PLAIN.splitlines(keepends=True)[:2])
    take(house, sent(submission("a"), log(shorter)), sent(submission("a"), log(PLAIN)))
    assert events(house) == [("a", "a", 6)]
    take(house, sent(submission("a"), log(short), source=CENTRAL), sent(submission("a"), log(shorter)))
    assert events(house) == [("a", "a", 2)]
    take(house, Attachments(CENTRAL, FORM, "a", (log(shorter),)))
    assert events(house) == [("a", "a", 1)]
    take(house, Attachments(CENTRAL, FORM, "a", (Attachment("audit.csv", None),)))
    # the server no longer has it; the phone's last content stands
    assert events(house) == [("a", "a", 6)]


def test_many_logs_are_read_in_batches_and_a_killed_run_is_finished(
    house: Warehouse, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("laktasi.store.audit_log.BATCH", 2)
    house.take(*(sent(submission(f"u{number}"), log(PLAIN)) for number in range(5)))
    told: list[tuple[str, int, int | None]] = []

    def dies(*said: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_audit_log(house.con, house.folder, progress=dies)
    assert len(events(house)) == 2
    again = load_audit_log(house.con, house.folder, progress=lambda *said: told.append(said))
    assert again == AuditLogs(read=3, removed=0, logs=5, unreadable=0)
    assert [done for _, done, _ in told] == [2, 3]
    before = contents(house.con)
    load_audit_log(house.con, house.folder)
    assert contents(house.con) == before
    assert len(events(house)) == 5


def test_seconds_per_question(house: Warehouse, log: Log) -> None:
    longer = PLAIN.replace(f"{START + 9500}", f"{START + 16_000}")
    take(house, sent(submission("a"), log(PLAIN)), sent(submission("b"), log(longer)))
    assert house.rows(
        "select path, event, submissions, visits, median_seconds from marts.question_seconds order by path, event"
    ) == [
        ("infants/feeds/at", "question", 2, 2, 1.0),
        ("mother", "group questions", 2, 2, 4.0),
        # 2.5 + 0.5 in one, 2.5 + 7 in the other
        ("mother/name", "question", 2, 4, 6.25),
    ]
    joined = house.rows(
        "select count(*) from marts.question_seconds semi join staging.codebook using (form_id, path)"
        " where event = 'question'"
    )
    assert joined == [(2,)]


def test_no_audit_log_reaches_the_research_copy(house: Warehouse, log: Log) -> None:
    take(house, sent(submission("a"), log(WHOLE)))
    assert SECRET in str(house.rows("select new_value from audit_log.events"))
    house.marts()
    published = publish_research(house.con, house.folder, house.questionnaires)
    assert SECRET.encode() not in published.path.read_bytes()
    with duckdb.connect(str(published.path), read_only=True) as copy:
        columns = copy.execute("select schema_name, table_name, column_name from duckdb_columns()").fetchall()
    assert not [found for found in columns if "audit" in str(found) or "seconds" in str(found)]
