"""What "other" means: texts of "other, which?" questions handed out in a workbook, and taken back as decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from laktasi.desk.known import key_for, questionnaires_of
from laktasi.errors import CheckError
from laktasi.report.recode_book import NEXT, Filled, Offered, Open, read_book, write_book
from laktasi.settings import Settings
from laktasi.workplace import alone, check_begun, opened

if TYPE_CHECKING:
    import duckdb

    from laktasi.quality.decisions import Decision
    from laktasi.questionnaire.others import Other
    from laktasi.store.forms import Questionnaires

ROWS_NAMED = 5
"""Rows of a workbook that an error names."""


@dataclass(frozen=True, slots=True)
class Recoded:
    """What became of a workbook."""

    path: Path | None
    """The file in schemas/corrections/; None where there was nothing new."""
    written: int
    known: int
    """Rows that say what has been decided before."""
    empty: int
    """Texts of which the workbook says nothing, or that have come in since."""


def open_texts(settings: Settings) -> list[Open]:
    """Give the questions that specify "other", with the texts that are open as of the latest run.

    Raises
    ------
    WarehouseError
        A run is at work, or none has begun here.
    """
    check_begun(settings.data_folder)
    with alone(settings.data_folder), opened(settings.data_folder) as con:
        return _open_texts(con, questionnaires_of(con), settings.language)


def hand_out(settings: Settings, path: Path) -> list[Open]:
    """Write the workbook of all open texts, and give them.

    Raises
    ------
    LaktasiError
        Nothing is open; there is a file already, or it cannot be written.
    """
    found = open_texts(settings)
    if not any(item.texts for item in found):
        raise CheckError(
            "no text of an “other, which?” question is open, so there is nothing to recode",
            next_step="laktasi recode lists the questions; laktasi run takes in what is new",
        )
    write_book(path, [item for item in found if item.texts])
    return found


def take_back(settings: Settings, path: Path, *, reporter: str | None, why: str | None) -> Recoded:
    """Write a decision for each row of a workbook in which somebody has chosen, all of them or none.

    Parameters
    ----------
    reporter, why
        Who decided, and why, where a row does not say so itself.

    Raises
    ------
    CheckError
        It is no such workbook; a row lacks who or why, names a choice that the form does not offer, or a text that no
        record has; or it says of a text something else than another row, or than was decided before.
    """
    from laktasi.quality.decisions import Decision, new_id, read_decisions, write_decisions
    from laktasi.questionnaire.model import Privacy
    from laktasi.secret import keyed
    from laktasi.store.places import find_places

    rows = read_book(path)
    settings.data_folder.check_own()
    check_begun(settings.data_folder)
    with alone(settings.data_folder), opened(settings.data_folder) as con:
        questionnaires = questionnaires_of(con)
        found = {(item.form_id, item.question, item.parent): item for item in _open_texts(con, questionnaires, "en")}
        places = find_places(questionnaires)
        direct = {at for at, place in places.items() if place.privacy is Privacy.DIRECT}
        key = key_for(con, settings) if any((row.form_id, row.question) in direct for row in rows) else b""
    _refuse(path, rows, "not a question of the form", lambda row: _place(row) not in found)
    offered = {at: {choice.value for choice in item.choices} for at, item in found.items()}
    _refuse(path, rows, "a choice that the form does not offer", lambda row: row.choice not in offered[_place(row)])
    _refuse(path, rows, "nobody is named who decided; add --reporter NAME", lambda row: not (row.who or reporter))
    _refuse(path, rows, "no reason is given; add --why TEXT", lambda row: not (row.why or why))
    said: dict[tuple[str, ...], str] = {}
    for row in rows:
        said.setdefault((*_place(row), row.text), row.choice)
    _refuse(path, rows, "a text is given two meanings", lambda row: said[(*_place(row), row.text)] != row.choice)

    def expected(row: Filled) -> str:
        is_direct = (row.form_id, row.question) in direct
        return keyed(key, row.form_id, row.question, row.text) if is_direct else row.text

    known = _in_force(read_decisions(settings.folders.corrections))
    old = [row for row in rows if (row.form_id, row.question, expected(row)) in known]
    new = [row for row in rows if row not in old]
    _refuse(
        path,
        old,
        "something else was decided before; withdraw that decision first",
        lambda row: known[row.form_id, row.question, expected(row)] != (row.parent, row.choice),
    )
    texts = {at: {text for text, _ in item.texts} for at, item in found.items()}
    _refuse(path, new, "no record has this text", lambda row: row.text not in texts[_place(row)])
    decisions = {
        (*_place(row), row.text): Decision(
            id=new_id(),
            action="recode",
            reason=row.why or why or "",
            reporter=row.who or reporter or "",
            date=date.today(),
            form=row.form_id,
            question=row.question,
            expected=expected(row),
            parent=row.parent,
            value=row.choice,
        )
        for row in new
    }
    written = write_decisions(settings.folders.corrections, list(decisions.values())) if decisions else None
    still_open = {(*at, text) for at, listed in texts.items() for text in listed} - said.keys()
    return Recoded(written, len(decisions), len(old), len(still_open))


def _place(row: Filled) -> tuple[str, str, str]:
    return row.form_id, row.question, row.parent


def _refuse(path: Path, rows: Sequence[Filled], what: str, is_wrong: Callable[[Filled], bool]) -> None:
    """Refuse a workbook for some of its rows, which are named; what stands in them is not."""
    numbers = [str(row.number) for row in rows if is_wrong(row)]
    if numbers:
        more = f" and {len(numbers) - ROWS_NAMED} more" if len(numbers) > ROWS_NAMED else ""
        named = f"row{'s' if numbers[1:] else ''} {', '.join(numbers[:ROWS_NAMED])}{more}"
        raise CheckError(f"{path.name}, {named}: {what}", why="No decision has been written.", next_step=NEXT)


def _in_force(decisions: Sequence[Decision]) -> dict[tuple[str | None, str | None, str | None], tuple[str | None, ...]]:
    """Give what recodes in force make of which text."""
    withdrawn = {decision.withdraws for decision in decisions}
    return {
        (decision.form, decision.question, decision.expected): (decision.parent, decision.value)
        for decision in decisions
        if decision.action == "recode" and decision.id not in withdrawn
    }


def _open_texts(con: duckdb.DuckDBPyConnection, questionnaires: Questionnaires, language: str) -> list[Open]:
    from laktasi.questionnaire.others import find_others
    from laktasi.store.columns import text_in
    from laktasi.store.places import find_places
    from laktasi.store.sql import identifier

    places = find_places(questionnaires)
    read = set(con.execute("select table_name from duckdb_tables() where schema_name = 'answers'").fetchall())
    found = []
    for other in find_others(questionnaires.values()).values():
        text, parent = places[other.form_id, other.question.path], places[other.form_id, other.parent.path]
        if not other.specifies or (text.table,) not in read or text.table != parent.table:
            continue
        words, chosen = identifier(text.column), f"string_split({identifier(parent.column)}, ' ')"
        table = identifier("answers", text.table)
        texts = con.execute(
            f"""
            select {words}, count(*) from {table}
            where {words} is not null and list_has_any({chosen}, $other) group by all order by 2 desc, 1
            """,
            {"other": sorted(other.choices)},
        ).fetchall()
        counted = dict(con.execute(f"select choice, count(*) from (select unnest({chosen}) as choice from {table})"
                                   " group by all").fetchall())  # fmt: skip
        choices = [
            Offered(value, text_in(labels, (language,)), counted.get(value, 0))
            for value, labels in _choices(other, questionnaires).items()
        ]
        found.append(
            Open(
                form_id=other.form_id,
                question=other.question.path,
                label=text_in(other.question.labels, (language,)),
                parent=other.parent.path,
                choices=tuple(choice for choice in choices if choice.value not in other.choices),
                other=tuple(choice for choice in choices if choice.value in other.choices),
                texts=tuple(texts),
            )
        )
    return found


def _choices(other: Other, questionnaires: Questionnaires) -> dict[str, Mapping[str, str]]:
    """Give the choices that any version offers, those of the newest first."""
    labels: dict[str, Mapping[str, str]] = {}
    for (form_id, _), questionnaire in reversed(list(questionnaires.items())):
        for item in questionnaire.fields if form_id == other.form_id else ():
            if item.path == other.parent.path and (listed := questionnaire.choice_lists.get(item.list_name or "")):
                for choice in listed.choices:
                    labels.setdefault(choice.value, choice.labels)
    return labels
