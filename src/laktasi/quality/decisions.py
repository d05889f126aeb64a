"""schemas/corrections/: what people decided about records, an append-only set of decisions in YAML files.

Every value is taken as it is written (``0012`` and ``no`` are texts), since it is compared with what a phone wrote. The
files may hold answers: no error quotes a value.
"""

from __future__ import annotations

import datetime
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from laktasi.durable import write_whole
from laktasi.errors import CheckError
from laktasi.quality.findings import RuleRow, form_rules
from laktasi.quality.plan import Questionnaires
from laktasi.quality.validate import failing_table
from laktasi.secret import KEYED
from laktasi.yamlfile import read_yaml

if TYPE_CHECKING:
    import duckdb

Action = Literal["replace", "drop", "okay", "recode", "withdraw"]

ENDINGS = (".yml", ".yaml")
STALE = "stale_decision"
_STALE_MESSAGES = {
    "id": "Koreksi untuk kiriman ini tidak cocok lagi, jadi tidak diterapkan: isinya di sumber sudah berubah, atau"
    " formulir tidak menyimpan jawaban itu. Periksa kiriman, lalu tulis keputusan baru atau cabut yang lama.",
    "en": "A correction of this record no longer fits, so it is not applied: the source has changed since, or the form"
    " keeps no such answer. Look at the record, then write a new decision or withdraw the old one.",
}
_ALWAYS = ("id", "action", "reason", "reporter", "date")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "replace": ("form", "submission", "question", "expected", "value"),
    "drop": ("form", "submission", "expected"),
    "okay": ("form", "rule"),
    "recode": ("form", "question", "expected", "parent", "value"),
    "withdraw": ("withdraws",),
}
_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "replace": ("row", "finding"),
    "drop": ("finding",),
    "okay": ("submission", "row", "question", "expected", "finding", "until"),
    "recode": ("finding",),
    "withdraw": (),
}
_MAY_BE_EMPTY = ("row", "expected", "value")
_DATES = ("date", "until")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HASH = re.compile(re.escape(KEYED) + r"[0-9a-f]{64}")
_UNWRITABLE = re.compile("[\\x00\\ud800-\\udfff]")
_GROUP = re.compile(r"[^\W\d]\w*:.*", re.S)


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided, in the words of the files: each attribute is the key of that name.

    What an action does not use is None (`row`: empty).
    """

    id: str
    """Letters, digits and ``._-``; never used again for another decision."""
    action: str
    """One of :data:`Action`."""
    reason: str
    reporter: str
    """Who decided."""
    date: datetime.date
    """Decisions are applied by date, on one day by id."""
    form: str | None = None
    submission: str | None = None
    """None for recode and withdraw, and for an okay about a group."""
    row: str = ""
    """Row of the repeat; of a finding about a group the group, ``centre:c1``."""
    question: str | None = None
    """Path of the question that is replaced, reviewed or recoded."""
    rule: str | None = None
    """okay: the rule whose finding is accepted."""
    finding: str | None = None
    """The finding that it was decided about, where it came from one."""
    expected: str | None = None
    """What stood there when it was decided: the answer, ``hmac:…`` (:func:`laktasi.secret.keyed`) for a direct
    identifier, empty for no answer; where there is no question, the instanceID of the current version."""
    value: str | None = None
    """replace: the answer that stands, empty for none; recode: the choice."""
    parent: str | None = None
    """recode: path of the question that gets the choice."""
    withdraws: str | None = None
    """withdraw: the decision that no longer holds."""
    until: datetime.date | None = None
    """Last day on which an okay holds."""
    file: str = field(default="", compare=False)
    """The file that it stands in, for errors."""

    def as_row(self) -> dict[str, Any]:
        """Give what `quality.decisions` keeps of it, by column."""
        return {_COLUMNS.get(key, key): getattr(self, key) for key in KEYS}


KEYS = tuple(item.name for item in fields(Decision) if item.name != "file")
_COLUMNS = {
    "id": "decision_id",
    "form": "form_id",
    "submission": "submission_id",
    "rule": "rule_id",
    "finding": "finding_id",
    "date": "decided_on",
}
"""Columns of quality.decisions that are not called as the key is."""


def new_id() -> str:
    """Make an id for a new decision; those that are made later sort later."""
    now = datetime.datetime.now(datetime.UTC)
    return f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}-{secrets.token_hex(3)}"


def read_decisions(folder: Path) -> tuple[Decision, ...]:
    """Read every decision that stands in a folder or below it.

    Returns
    -------
    tuple of Decision
        In the order in which they are applied; empty where there is no such folder.

    Raises
    ------
    CheckError
        A file is not YAML or not a list of decisions; a decision has an unknown key or action, lacks something, says
        something that has no meaning for its action, or has the id of another.
    """
    found: dict[str, Decision] = {}
    for path in files_of(folder):
        name = path.relative_to(folder).as_posix()
        for number, entry in enumerate(_entries(path, name), start=1):
            decision = _decision(name, number, entry)
            if decision.id in found:
                other = found[decision.id].file
                raise wrong(name, f"decision {decision.id!r}: {other} has a decision with this id as well")
            found[decision.id] = decision
    for decision in found.values():
        if decision.withdraws is not None:
            withdrawn = found.get(decision.withdraws)
            if withdrawn is None:
                raise wrong(decision, f"it withdraws {decision.withdraws!r}, and there is no such decision")
            if withdrawn.action == "withdraw":
                raise wrong(decision, "it withdraws a withdrawal; write what shall hold as a new decision")
    return tuple(sorted(found.values(), key=lambda decision: (decision.date, decision.id)))


def write_decision(folder: Path, decision: Decision) -> Path:
    """Write a decision, see :func:`write_decisions`."""
    return write_decisions(folder, [decision])


def write_decisions(folder: Path, decisions: Sequence[Decision]) -> Path:
    """Write decisions into a new file, called by the id of the first: what stands there is never touched.

    So nothing that is written can be torn, and what two people decide at once stands side by side. The file is readable
    by its owner alone, since it can hold answers.

    Raises
    ------
    CheckError
        A decision is not whole, as :func:`read_decisions` would say; or one has an id that is taken.
    """
    import yaml

    taken = {decision.id for decision in read_decisions(folder)}
    for number, decision in enumerate(decisions, start=1):
        if _decision("a new decision", number, _entry(decision)) != decision:
            raise wrong("a new decision", f"decision {decision.id!r}: it says something that its action does not use")
        if decision.id in taken:
            raise wrong("a new decision", f"decision {decision.id!r}: there is a decision with this id already")
        taken.add(decision.id)
    entries = {"decisions": [_entry(decision) for decision in decisions]}
    text = yaml.safe_dump(entries, allow_unicode=True, sort_keys=False, width=110)
    path = folder / f"{decisions[0].id}.yml"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(path, text)
    return path


def decision_rules(questionnaires: Questionnaires) -> list[RuleRow]:
    """Give the rule that :func:`decision_findings` goes by, one row per form version."""
    return form_rules(questionnaires, STALE, "decision", "error", _STALE_MESSAGES)


def decision_findings(con: duckdb.DuckDBPyConnection) -> list[Any]:
    """Give the records of which a correction is stale.

    An okay that no longer fits is not among them: its finding is open again, or mended.

    Returns
    -------
    list
        A pyarrow.Table ``form_id, submission_id, row, rule_id, severity`` for each form that has any.
    """
    by_form: dict[str, list[tuple[str, str]]] = {}
    for form_id, submission_id, row in con.execute(
        """
        select distinct states.form_id, states.submission_id, states."row"
        from quality.decision_states as states
        semi join (from staging.submissions where state = 'staged') as staged using (form_id, submission_id)
        where states.state = 'stale' and states.action <> 'okay'
        order by all
        """
    ).fetchall():
        by_form.setdefault(form_id, []).append((submission_id, row))
    return [
        failing_table(form_id, f"{form_id}.{STALE}", "error", *zip(*places, strict=True))
        for form_id, places in by_form.items()
    ]


def wrong(where: Decision | str, what: str, next_step: str = "") -> CheckError:
    """Make the error about a decision, or about a file; `what` must quote no answer."""
    name = where.file if isinstance(where, Decision) else where
    said = f"decision {where.id!r}: {what}" if isinstance(where, Decision) else what
    return CheckError(
        f"corrections, {name}: {said}" if name else said,
        next_step=next_step or "correct it in schemas/corrections/ and run the command again; see docs/corrections.md",
    )


def files_of(folder: Path) -> list[Path]:
    """Give the files that decisions stand in, in their order."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    return sorted(path for path in found if not path.name.startswith((".", "~")))


def _entries(path: Path, name: str) -> Sequence[Any]:
    data = read_yaml(path, lambda _path, what: wrong(name, what), as_written=True)
    if not isinstance(data, dict) or set(data) != {"decisions"}:
        raise wrong(name, "it must hold one key, 'decisions', with a list of decisions")
    listed = data["decisions"]
    if listed in (None, ""):
        return ()
    if not isinstance(listed, list):
        raise wrong(name, "'decisions' must be a list")
    return listed


def _decision(file: str, number: int, entry: Any) -> Decision:
    """Read one decision of a file."""
    if not isinstance(entry, dict):
        raise wrong(file, f"decision number {number} must be a mapping of keys to values")
    its_id = entry.get("id")
    if not isinstance(its_id, str) or not _ID.fullmatch(its_id):
        raise wrong(file, f"decision number {number} needs an id of at most 100 letters, digits, '.', '_' and '-'")
    name = f"decision {its_id!r}"
    if unknown := [str(key) for key in entry if key not in KEYS]:
        raise wrong(file, f"{name}: unknown key {unknown[0]!r}; known are {', '.join(KEYS)}")
    for key, value in entry.items():
        if value is None:
            how = ": write '' if none is meant" if key in _MAY_BE_EMPTY else ""
            raise wrong(file, f"{name}: {key!r} is empty{how}")
        if not isinstance(value, str):
            raise wrong(file, f"{name}: {key!r} must be one text")
        if _UNWRITABLE.search(value):
            raise wrong(file, f"{name}: {key!r} has a character that no answer has: NUL, or half of a pair (surrogate)")
        if not value.strip() and key not in _MAY_BE_EMPTY:
            raise wrong(file, f"{name}: {key!r} is empty")
    action = entry.get("action")
    if action is None or action not in get_args(Action):
        known = ", ".join(get_args(Action))
        raise wrong(file, f"{name}: unknown action {action!r}; known are {known}" if action else f"{name}: no action")
    for key in (*_ALWAYS, *_NEEDED[action]):
        if key not in entry:
            raise wrong(file, f"{name}: {action} needs {key!r}")
    if foreign := [key for key in entry if key not in (*_ALWAYS, *_NEEDED[action], *_ALLOWED[action])]:
        raise wrong(file, f"{name}: {foreign[0]!r} has no meaning for {action}")
    dates = {key: _date(file, name, key, entry[key]) for key in _DATES if key in entry}
    texts = {key: entry[key].strip() if key in ("reason", "reporter") else entry[key] for key in entry}
    decision = Decision(**{**texts, **dates}, file=file)
    if problem := _problem(decision):
        raise wrong(file, f"{name}: {problem}")
    return decision


def _problem(decision: Decision) -> str | None:
    """Say what does not go together in a decision."""
    if decision.expected is not None and decision.expected.startswith(KEYED) and not _HASH.fullmatch(decision.expected):
        return f"'expected' begins with {KEYED} and is no such hash"
    match decision.action:
        case "replace" if decision.expected == decision.value:
            return "'value' is what it expects to find, so it would change nothing"
        case "recode" if not decision.expected or not decision.value:
            return "a recode needs a text in 'expected' and a choice in 'value'"
        case "drop" if not decision.expected:
            return "'expected' must be the instanceID of the version that is dropped"
        case "okay" if decision.submission is None:
            if not _GROUP.fullmatch(decision.row):
                return "an okay needs 'submission', or, about a group, the group in 'row' (as in centre:c1)"
            if decision.until is None:
                return "an okay about a group needs 'until': the last day on which it holds"
            if decision.expected is not None or decision.question is not None:
                return "an okay about a group has neither 'question' nor 'expected'"
        case "okay" if decision.expected is None:
            return "an okay about a record needs 'expected'"
        case "okay" if decision.question is None and not decision.expected:
            return "without 'question', 'expected' must be the instanceID of the current version"
    return None


def _date(file: str, name: str, key: str, text: str) -> datetime.date:
    try:
        if _DATE.fullmatch(text):
            return datetime.date.fromisoformat(text)
    except ValueError:
        pass
    raise wrong(file, f"{name}: {key!r} must be a day, as in 2026-11-21")


def _entry(decision: Decision) -> dict[str, str]:
    """Give what stands in a file for a decision."""
    given = {key: getattr(decision, key) for key in KEYS}
    return {key: str(value) for key, value in given.items() if value is not None and (key != "row" or value)}
