"""What messages say, in both languages, and what they leave out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from pydantic import SecretStr

from laktasi.errors import GateError, SourceError
from laktasi.notifying.addresses import read_addresses, send
from laktasi.notifying.composing import LONGEST, Backup, Composer, Draft, finished, remember
from laktasi.notifying.facts import Facts, Found, News
from laktasi.notifying.outbox import Message, State
from laktasi.notifying.texts import TEXTS
from laktasi.settings import Matter, NotifySettings, Settings

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
NONE = News((), {}, {})
QUIET = Facts(
    is_published=True,
    published_at=NOW,
    records=40,
    new_records=3,
    failed_runs=0,
    errors=0,
    warnings=0,
    gates={},
    adverse=NONE,
    silent=NONE,
    all_adverse=NONE,
    all_silent=NONE,
    checked_until="2026-11-22T04:00:00+00:00",
    unreached={},
)
HARM = News((Found("harm", "visit", "uuid:1", "c1 (Mopuya)"),), {"harm": 1}, {"harm": "Call her today."})
SILENT = News((Found("quiet", "visit", "", "c2 (Pusian)"),), {"quiet": 1}, {"quiet": "Call the team."})
TROUBLE = replace(
    QUIET,
    errors=2,
    warnings=5,
    failed_runs=1,
    gates={"broken_centre": 1},
    adverse=HARM,
    silent=SILENT,
    all_adverse=HARM,
    all_silent=SILENT,
    unreached={"province": NOW - timedelta(days=4), "phones": NOW - timedelta(hours=1)},
)
OLD = Backup(NOW - timedelta(days=9), is_seen=True)


def settings(language: str = "en", **notify: Any) -> Settings:
    return Settings.model_construct(
        project=Path("tea").absolute(), data=Path("nowhere"), language=language, notify=NotifySettings(**notify)
    )


def drafted(
    facts: Facts | None,
    error: Exception | None = None,
    backup: Backup | None = None,
    *,
    state: State | None = None,
    language: str = "en",
    **notify: Any,
) -> Draft | None:
    return Composer(settings(language, **notify), state or State(), NOW).write(facts, error, backup)


def message(draft: Draft | None, language: str = "en") -> Message:
    assert draft is not None
    return finished(draft, settings(language), "tea", "1234abcd", NOW, ("a",))


def test_both_languages_say_the_same_things() -> None:
    for name, texts in TEXTS.items():
        assert set(texts) == {"en", "id"}, name
        english, indonesian = ({part[1] for part in Formatter().parse(text)} for text in texts.values())
        assert english == indonesian, name
    assert {f"matter.{matter}" for matter in get_args(Matter)} <= set(TEXTS)
    assert {f"{matter}.head" for matter in get_args(Matter)} <= set(TEXTS)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            [
                "publication stopped, adverse events: 1, silent health centres: 1, a source is not reached,",
                "- broken_centre: 1 findings",
                "harm (1): Call her today.\n- uuid:1 (visit), health centre c1 (Mopuya)",
                "NOT REACHED: province, since 2026-11-18",
                "NO NEW BACKUP: the newest one is of 2026-11-13",
                "Records: 40, new since ",
                "Open findings: 2 errors, 5 warnings",
                "Not reached: folders of phones, since",
                "Runs that failed or were killed since then: 1",
                "What to do next, at the laptop:\n- laktasi findings --stops\n- laktasi findings --rule harm\n",
            ],
        ),
        (
            "id",
            [
                "publikasi dihentikan, kejadian tidak diinginkan: 1, puskesmas tanpa kabar: 1,",
                "- broken_centre: 1 temuan",
                "harm (1): Call her today.\n- uuid:1 (visit), puskesmas c1 (Mopuya)",
                "TIDAK TERJANGKAU: province, sejak 2026-11-18",
                "TIDAK ADA CADANGAN BARU: yang terbaru dari 2026-11-13",
                "Catatan: 40, baru sejak ",
                "Temuan terbuka: 2 kesalahan, 5 peringatan",
                "Tidak terjangkau: folder HP, sejak",
                "Langkah berikutnya, di laptop:\n- laktasi findings --stops\n- laktasi findings --rule harm\n",
            ],
        ),
    ],
)
def test_a_bad_day_is_one_message(language: str, said: list[str]) -> None:
    state = State(summary_at="2026-11-21T05:00:00+00:00", summary_day="2026-11-21")
    one = message(drafted(TROUBLE, GateError("stopped"), OLD, state=state, language=language), language)
    assert [part for part in said if part not in f"{one.subject}\n{one.body}"] == []
    assert one.subject.endswith("#1234abcd")
    assert one.kinds == ("gate", "adverse", "silent", "unreached", "backup", "daily")


def test_a_quiet_run_after_the_summary_says_nothing() -> None:
    state = State()
    draft = drafted(QUIET, state=state)
    assert "Nothing needs you now." in message(draft).body
    assert draft is not None
    remember(draft, message(draft), state, NOW)
    state.waiting = []
    assert drafted(QUIET, state=state) is None


@pytest.mark.parametrize("matter", get_args(Matter))
def test_only_what_is_asked_for_is_told(matter: str) -> None:
    for error in (GateError("stopped"), SourceError("gone")):
        draft = drafted(TROUBLE, error, OLD, on=(matter,))
        told = draft.kinds if draft else []
        assert set(told) <= {matter}
    assert drafted(TROUBLE, GateError("x"), OLD, on=(matter,)) or drafted(TROUBLE, SourceError("x"), OLD, on=(matter,))


def test_the_same_failure_with_other_numbers_is_told_once_a_day() -> None:
    state = State()
    draft = drafted(None, SourceError("server 4812, warehouse 4811"), state=state)
    assert draft is not None
    remember(draft, message(draft), state, NOW)
    assert drafted(None, SourceError("server 4813, warehouse 4811"), state=state) is None
    state.waiting = []
    assert drafted(None, SourceError("server 4814, warehouse 4811"), state=state) is None
    assert drafted(None, SourceError("no space"), state=state) is not None
    state.told_at = {key: (NOW - timedelta(hours=21)).isoformat() for key in state.told_at}
    assert drafted(None, SourceError("server 4814, warehouse 4811"), state=state) is not None
    # A clock that was set back: told twice rather than never.
    state.told_at = {key: (NOW + timedelta(days=300)).isoformat() for key in state.told_at}
    assert drafted(None, SourceError("server 4814, warehouse 4811"), state=state) is not None


def test_a_newer_summary_takes_the_place_of_one_that_waits() -> None:
    state = State()
    for day in (21, 22):
        draft = drafted(QUIET, state=state)
        assert draft is not None
        remember(draft, replace(message(draft), message_id=str(day)), state, NOW)
        state.summary_day = None
    assert [one.message_id for one in state.waiting] == ["22"]


def test_places_on_the_machine_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere/siti")
    monkeypatch.setenv("USERPROFILE", "/somewhere/siti")
    error = SourceError(f"{Path('tea').absolute()}/schemas/checks.yml and /somewhere/siti/card are gone")
    body = message(drafted(None, error)).body
    assert "tea/schemas/checks.yml and ~/card are gone" in body


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("/media/siti/stick/data/research.duckdb", "research.duckdb"),
        ("/media/siti/STIK IBU SITI/data/research.duckdb", "research.duckdb"),
        ("'/media/siti/data'", "'data'"),
        ("(/media/siti/data/),", "(data),"),
        ("/run/media/siti/HP (2)/card:", "card:"),
        ("~/from Siti/HP siti/card", "card"),
        ("//nas/siti/card", "card"),
        ("file:///media/siti/card", "card"),
        ("folder:/media/siti/card", "folder:card"),
        ("C:\\Users\\Siti\\data\\up.log", "up.log"),
        ("'D:\\\\Siti\\\\data'", "'data'"),
        ("E:/Siti/HP lama/card", "card"),
        ("\\\\nas\\siti\\card", "card"),
        ("tea/schemas/checks.yml", "tea/schemas/checks.yml"),
        ("https://central.example.org:8443/v1/projects/7", "https://central.example.org:8443/v1/projects/7"),
        ("500 km/jam atau 3 kali /hari", "500 km/jam atau 3 kali /hari"),
    ],
)
def test_of_a_place_anywhere_on_the_machine_its_last_part_is_told(place: str, told: str) -> None:
    body = message(drafted(None, SourceError(f"see {place} now", next_step=f"mend {place} soon"))).body
    assert f"see {told} now" in body
    assert f"mend {told} soon" in body


def test_of_the_report_no_place_above_the_data_folder_is_told(tmp_path: Path) -> None:
    given = Settings.model_construct(project=tmp_path, data=tmp_path / "siti" / "data", language="en")
    draft = drafted(QUIET)
    assert draft is not None
    for is_there in (False, True):
        if is_there:
            given.data_folder.report.parent.mkdir(parents=True)
            given.data_folder.report.touch()
        body = finished(draft, given, "tea", "1234abcd", NOW, ("a",)).body
        assert f"Report: {'data/report/index.html' if is_there else 'none yet'}\n" in body


def test_a_message_is_never_longer_than_a_chat_takes() -> None:
    many = News(
        tuple(Found(f"rule_{rule}", "visit", f"uuid:{'0' * 36}", "c" * 60) for rule in range(30) for _ in range(5)),
        {f"rule_{rule}": 900 for rule in range(30)},
        {f"rule_{rule}": "x" * 900 for rule in range(30)},
    )
    facts = replace(TROUBLE, adverse=many, all_adverse=many, gates={f"rule_{rule}": 3 for rule in range(300)})
    one = message(drafted(facts, GateError("stopped"), OLD))
    assert len(one.body) <= LONGEST
    assert "Message 1234abcd." in one.body


def test_addresses_are_told_apart_and_shown_masked() -> None:
    given = (
        "mailtos://ani:correct-horse@example.org/budi@example.org/bima@example.org"
        " mailtos://ani:correct-horse@example.org?to=budi@example.org"
        " tgram://123456789:abcdefghijklmnop_qrstuvwxyz12345678/987654"
        " tgram://123456789:abcdefghijklmnop_qrstuvwxyz12345678/111111"
    )
    addresses, unusable = read_addresses(SecretStr(given))
    assert unusable == []
    assert [address.shown for address in addresses] == [
        "mail to b…@example.org through example.org:587 (1)",
        "mail to b…@example.org through example.org:587 (2)",
        "Telegram (tgram://1…) (1)",
        "Telegram (tgram://1…) (2)",
    ]
    assert len({address.key for address in addresses}) == 4
    swapped, _ = read_addresses(SecretStr(" ".join(reversed(given.split()))))
    assert {address.key for address in swapped} == {address.key for address in addresses}


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("mailto://ani:pw@example.org", "goes unencrypted"),
        ("mailtos://ani:pw@example.org?mode=insecure", "goes unencrypted"),
        ("mailtos://ani:pw@example.org?verify=no", "verify=no"),
        ("json://example.org/hook", "write jsons://"),
        ("ani@example.org", "no address that Apprise understands"),
        ("file:///etc/passwd", "no address that Apprise understands"),
        ("http://example.org/apprise.yml", "no address that Apprise understands"),
    ],
)
def test_what_could_be_read_on_the_way_is_refused(address: str, why: str) -> None:
    addresses, unusable = read_addresses(SecretStr(address))
    assert addresses == []
    assert why in unusable[0].why


@pytest.mark.parametrize(
    "address",
    [
        "mailto://ani:pw@gmail.com",  # Apprise knows that this one is asked by STARTTLS
        "mailto://localhost:1025?from=a@example.org",
        "mailto://[::1]:1025?from=a@example.org",
        "jsons://example.org/hook",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#alarm",
    ],
)
def test_what_goes_encrypted_or_stays_here_is_taken(address: str) -> None:
    assert len(read_addresses(SecretStr(address))[0]) == 1


def test_a_chat_is_sent_the_message_and_nothing_to_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def post(_session: Any, *, url: str, **given: Any) -> Any:
        asked.append((url, given))
        return SimpleNamespace(status_code=200, content=b"ok", text="ok", headers={}, json=dict)

    monkeypatch.setattr("requests.Session.request", post)
    (address,), _ = read_addresses(SecretStr("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#alarm"))
    assert send(address, "[laktasi] tea #1234abcd", "All is well.", is_urgent=True) is None
    ((url, given),) = asked
    assert url.startswith("https://hooks.slack.com/services/")
    sent = str(given["data"])
    assert "All is well." in sent
    # Apprise would name its logo on its own site, which the reader's program fetches.
    assert "http" not in sent
    # A redirect would carry the token elsewhere.
    assert given["allow_redirects"] is False


def test_a_service_that_answers_with_an_error_is_told_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    token = "TIiajkdnlazkcOXrIdevi7FQ"

    def post(_session: Any, *, url: str, **_given: Any) -> Any:
        return SimpleNamespace(status_code=403, content=url.encode(), text=url, headers={}, json=dict)

    monkeypatch.setattr("requests.Session.request", post)
    (address,), _ = read_addresses(SecretStr(f"slack://T1JJ3T3L2/A1BRTD4JD/{token}/#alarm"))
    assert send(address, "subject", "the line was refused", is_urgent=False) == "it answered with error 403"

    def broken(_session: Any, *, url: str, **_given: Any) -> Any:
        raise ConnectionError(url)

    monkeypatch.setattr("requests.Session.request", broken)
    why = send(address, "subject", "body", is_urgent=False)
    assert why
    assert token not in why
