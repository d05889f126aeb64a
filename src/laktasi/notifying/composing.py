"""What is worth a message after a run, and in which words. All that one run gives reason to tell is one message."""

from __future__ import annotations

import hashlib
import re
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.errors import GateError, LaktasiError
from laktasi.notifying.outbox import Message, State
from laktasi.notifying.texts import said

if TYPE_CHECKING:
    from laktasi.notifying.facts import Facts, News
    from laktasi.settings import Settings

MOST_A_DAY = 6
"""Messages in 24 hours. What comes above is told by a later one; adverse events are told whatever came before."""
REPEATED_AFTER = {
    "failure": timedelta(hours=20),
    "gate": timedelta(hours=20),
    "unreached": timedelta(days=7),
    "backup": timedelta(days=7),
}
"""What lasts is told again after so long: a failure of a run every hour once a day."""
LONGEST = 3500
"""Characters of a message: what Telegram, the narrowest of the usual services, takes whole."""
LONGEST_SECTION = 1600
LONGEST_LINE = 300


@dataclass(slots=True)
class Draft:
    """A message in the making, and what will have been told by it."""

    heads: list[str] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    told_until: dict[str, str] = field(default_factory=dict)
    is_summary: bool = False


class Composer:
    """Writes the message of one run."""

    def __init__(self, settings: Settings, state: State, now: datetime) -> None:
        self._settings = settings
        self._language = settings.language
        self._state = state
        self._now = now
        self._waiting = {key for message in state.waiting for key in message.keys}
        self.draft = Draft()

    def write(self, facts: Facts | None, error: Exception | None, backup: Backup | None) -> Draft | None:
        """Give the message, or None where there is nothing to tell.

        Parameters
        ----------
        facts
            How things stand; None where that is not known.
        error
            What the run ended with.
        backup
            How old the newest backup is; None where the settings name no folder for them.
        """
        if error is not None:
            self._failure(error, facts)
        if facts is not None:
            self._adverse(facts)
            self._silent(facts)
            self._unreached(facts)
        if backup is not None:
            self._backup(backup)
        if facts is not None and (facts.is_published or isinstance(error, GateError)):
            self._daily(facts, backup)
        return self.draft if self.draft.kinds and not self._too_many() else None

    def _too_many(self) -> bool:
        a_day_ago = (self._now - timedelta(days=1)).isoformat()
        return "adverse" not in self.draft.kinds and sum(at > a_day_ago for at in self._state.made) >= MOST_A_DAY

    def _say(self, name: str, **given: object) -> str:
        return said(name, self._language, **given)

    def _tell(self, kind: str, section: list[str], step: str, **head: object) -> None:
        self.draft.kinds.append(kind)
        self.draft.heads.append(self._say(f"{kind}.head", **head))
        self.draft.sections.append(_bounded(section))
        self._step(step)

    def _step(self, step: str) -> None:
        if step and step not in self.draft.steps:
            self.draft.steps.append(step)

    def _is_due(self, kind: str, key: str) -> bool:
        """Say whether something that lasts is to be told (again), and note that it will have been."""
        if kind not in self._settings.notify.on or key in self._waiting:
            return False
        told_at = self._state.told_at.get(key)
        # A clock that was set back makes it due: told twice rather than never.
        if told_at and timedelta(0) <= self._now - datetime.fromisoformat(told_at) < REPEATED_AFTER[kind]:
            return False
        self.draft.keys.append(key)
        return True

    def _failure(self, error: Exception, facts: Facts | None) -> None:
        if isinstance(error, GateError):
            gates = facts.gates if facts else {}
            if self._is_due("gate", _key("gate", *(f"{rule} {count}" for rule, count in sorted(gates.items())))):
                rules = [self._say("gate.rule", rule=rule, count=count) for rule, count in gates.items()]
                self._tell("gate", [self._say("gate"), *rules], self._say("next.gate"))
            return
        what = self._plain(what_of(error))
        # A failure that only counts otherwise is the same one.
        if not self._is_due("failure", _key("failure", type(error).__name__, re.sub(r"\d+", "#", what))):
            return
        published = [self._published(facts)] if facts else []
        if isinstance(error, LaktasiError):
            step = self._say("next.failure", step=self._plain(error.next_step)) if error.next_step else ""
            self._tell("failure", [self._say("failure", what=what), *published], step)
        else:
            self._tell("failure", [self._say("failure.fault", what=what), *published], self._say("next.fault"))

    def _plain(self, text: str) -> str:
        """Give a text on one line, without the places on this machine, which can name a person."""
        line = _without_places(" ".join(text.split()), self._settings)
        return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"

    def _adverse(self, facts: Facts) -> None:
        news = facts.adverse
        if "adverse" not in self._settings.notify.on or facts.checked_until is None:
            return
        self.draft.told_until["adverse"] = facts.checked_until
        if not news.count:
            return
        section = [self._say("adverse", count=news.count)]
        for rule, count in news.counts.items():
            section.append(self._say("rule", rule=rule, count=count, text=self._plain(news.texts[rule])))
            found = [one for one in news.found if one.rule_id == rule]
            section += [
                self._say(
                    "record",
                    record=one.submission_id,
                    form=one.form_id,
                    centre=one.centre or self._say("no_centre"),
                )
                for one in found
            ]
            if count > len(found):
                section.append(self._say("more", count=count - len(found)))
        self._tell("adverse", section, "", count=news.count)
        for rule in news.counts:
            self._step(self._say("next.adverse", rule=rule))

    def _silent(self, facts: Facts) -> None:
        news = facts.silent
        if "silent" not in self._settings.notify.on or facts.checked_until is None:
            return
        self.draft.told_until["silent"] = facts.checked_until
        if news.count:
            lines = [self._say("centre", centre=one.centre) for one in news.found]
            if news.count > len(lines):
                lines.append(self._say("more", count=news.count - len(lines)))
            section = [self._say("silent", count=news.count), *lines]
            self._tell("silent", section, self._say("next.silent"), count=news.count)

    def _unreached(self, facts: Facts) -> None:
        after = timedelta(days=self._settings.notify.unreached_days)
        # Those that are reached again are forgotten: the next time is told anew.
        gone = [source for source, since in facts.unreached.items() if self._now - since >= after]
        self._forget("unreached", [_key("unreached", source) for source in facts.unreached])
        due = [source for source in gone if self._is_due("unreached", _key("unreached", source))]
        if due:
            section = [
                self._say("unreached", source=self._source(source), since=_local(facts.unreached[source]))
                for source in due
            ]
            self._tell("unreached", section, self._say("next.unreached"))

    def _source(self, source: str) -> str:
        return self._say("phones") if source == "phones" else source

    def _backup(self, backup: Backup) -> None:
        after = timedelta(days=self._settings.notify.backup_days)
        if self._now - backup.since < after:
            self._forget("backup", [])
        elif self._is_due("backup", _key("backup")):
            name = "backup" if backup.is_seen else "backup.none"
            self._tell("backup", [self._say(name, since=_local(backup.since))], self._say("next.backup"))

    def _forget(self, kind: str, but: list[str]) -> None:
        for key in [key for key in self._state.told_at if key.startswith(f"{kind}:") and key not in but]:
            del self._state.told_at[key]

    def _daily(self, facts: Facts, backup: Backup | None) -> None:
        if "daily" not in self._settings.notify.on or self._state.summary_day == _local(self._now)[:10]:
            return
        self.draft.is_summary = True
        self._tell("daily", self._summary(facts, backup), "")
        if facts.gates:
            self._step(self._say("next.gate"))
        for rule in facts.all_adverse.counts:
            self._step(self._say("next.adverse", rule=rule))
        if facts.errors:
            self._step(self._say("next.errors"))
        if facts.all_silent.count:
            self._step(self._say("next.silent"))

    def _summary(self, facts: Facts, backup: Backup | None) -> list[str]:
        lines = [self._say("daily", now=_local(self._now))]
        if self._state.summary_at is None:
            lines.append(self._say("daily.records", count=facts.records))
        else:
            since = _local(datetime.fromisoformat(self._state.summary_at))
            lines.append(self._say("daily.records_new", count=facts.records, since=since, new=facts.new_records))
        lines.append(self._say("daily.findings", errors=facts.errors, warnings=facts.warnings))
        if facts.all_adverse.count:
            lines.append(self._say("daily.adverse", count=facts.all_adverse.count))
        if facts.gates:
            rules = ", ".join(f"{rule} ({count})" for rule, count in facts.gates.items())
            lines.append(self._say("daily.gates", rules=rules))
        else:
            lines.append(self._say("daily.no_gates"))
        lines.append(self._say("daily.silent", count=facts.all_silent.count, named=_named(facts.all_silent)))
        if facts.failed_runs:
            lines.append(self._say("daily.failed", count=facts.failed_runs))
        lines += [
            self._say("daily.unreached", source=self._source(source), since=_local(since))
            for source, since in facts.unreached.items()
        ]
        if backup is not None:
            seen = _local(backup.since) if backup.is_seen else self._say("never")
            lines.append(self._say("daily.backup", since=seen))
        return [*lines, self._published(facts)]

    def _published(self, facts: Facts) -> str:
        return self._say("published", since=_local(facts.published_at) if facts.published_at else self._say("never"))


@dataclass(frozen=True, slots=True)
class Backup:
    """How old the newest backup is."""

    since: datetime
    """When it was made; where none was ever seen, since when there is something to back up."""
    is_seen: bool


def what_of(error: Exception) -> str:
    """Say what an error is about, without any value that it may hold.

    What a :class:`LaktasiError` says never holds an answer or a name. Of any other, only its type and its place in this
    code are told.
    """
    if isinstance(error, LaktasiError):
        return error.what
    places = [frame for frame in traceback.extract_tb(error.__traceback__) if "laktasi" in Path(frame.filename).parts]
    place = f" in {Path(places[-1].filename).name}, line {places[-1].lineno}" if places else ""
    return f"{type(error).__name__}{place}"


def finished(
    draft: Draft, settings: Settings, name: str, message_id: str, now: datetime, to: tuple[str, ...]
) -> Message:
    """Make the message of a draft.

    Parameters
    ----------
    name
        Of the study: one mailbox may hear of several.
    """
    language = settings.language
    folder = settings.data_folder
    report = (
        folder.report.relative_to(folder.root.parent).as_posix()
        if folder.report.exists()
        else said("no_report", language)
    )
    steps = [said("next", language), *draft.steps] if draft.steps else [said("next.nothing", language)]
    foot = said("foot", language, report=report, message=message_id)
    text = "\n\n".join([*draft.sections, "\n".join(steps)])
    room = LONGEST - len(foot) - 4
    text = text if len(text) <= room else text[: room - 1] + "…"
    return Message(
        message_id=message_id,
        made_at=now.astimezone(UTC).isoformat(),
        kinds=tuple(draft.kinds),
        keys=tuple(draft.keys),
        subject=f"[laktasi] {name}: {', '.join(draft.heads)} #{message_id}",
        body=f"{text}\n\n{foot}\n",
        to=to,
    )


def remember(draft: Draft, message: Message, state: State, now: datetime) -> None:
    """Note in the state that a message waits, and what it tells."""
    at = now.astimezone(UTC).isoformat()
    state.told_until |= draft.told_until
    state.told_at |= dict.fromkeys(draft.keys, at)
    a_day_ago = (now - timedelta(days=1)).astimezone(UTC).isoformat()
    state.made = [*(made for made in state.made if made > a_day_ago), at]
    if draft.is_summary:
        state.summary_at, state.summary_day = at, _local(now)[:10]
        # Of summaries that nobody has got, the newest is enough.
        state.waiting = [waiting for waiting in state.waiting if waiting.kinds != ("daily",)]
    state.waiting.append(message)


def _bounded(lines: list[str]) -> str:
    """Leave lines out at the end, so that what follows in the message has room."""
    kept: list[str] = []
    for line in lines:
        if sum(map(len, kept)) + len(line) > LONGEST_SECTION:
            return "\n".join([*kept, "…"])
        kept.append(line)
    return "\n".join(kept)


_FOLDER = r"[^\s\\/]+(?: (?:\([^\s\\/()]*\)|[^\s\\/:;,()\"'<>]+))*[\\/]+"
"""A part of a path that another one follows. Folders of sticks have spaces in their names; with another mark within a
word before a space it is taken for the end of the path, as in a sentence."""
_PLACE = re.compile(
    # One part alone, such as "/month", is no place that names anybody.
    rf"(?:(?<![\w/.)\]}}~:\\-])[\\/]+|(?<=:)/(?!/)|~[\\/]+|file:/+|(?<![A-Za-z])[A-Za-z]:[\\/]+(?![\\/]))"
    rf"(?P<folders>(?:{_FOLDER})+)(?P<last>[^\s\\/]*)"
)
"""An absolute path of POSIX or Windows; none in an address such as https://example.org/v1."""


def _without_places(text: str, settings: Settings) -> str:
    """Shorten each absolute path to its last part: a folder above it is often named after a person.

    Of the project only what lies above it is left out, since the rest says what to mend.
    """
    outside, *inside = re.split(rf"{re.escape(str(settings.project))}(?=[\\/])", text)
    # What is inside begins with a separator, and must not be taken for an absolute path.
    told = [_shortened(outside), *(_shortened(f"x{part}")[1:] for part in inside)]
    return settings.project.name.join(told)


def _shortened(text: str) -> str:
    with suppress(RuntimeError):  # whoever runs this has no home
        home = Path("~").expanduser()
        if len(home.parts) > 1:
            text = re.sub(rf"{re.escape(str(home))}(?![\w.-])", "~", text)
    return _PLACE.sub(_last_part, text)


def _last_part(found: re.Match[str]) -> str:
    if re.search(r"\w", found["last"]):
        return found["last"]
    folder = re.split(r"[\\/]+", found["folders"].rstrip("\\/"))[-1]
    return folder + found["last"]  # a folder, and what marks its end in the sentence


def _named(news: News) -> str:
    named = ", ".join(one.centre for one in news.found)
    return f" ({named}{', …' if news.count > len(news.found) else ''})" if named else ""


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _key(kind: str, *of: Any) -> str:
    return f"{kind}:{hashlib.sha256(chr(31).join(of).encode()).hexdigest()[:12]}"
