"""What decisions make of one record, in memory: which answers change, and how each decision stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from laktasi.questionnaire.model import ValueType
from laktasi.questionnaire.others import Others
from laktasi.secret import KEYED, keyed, lost_key
from laktasi.store.decisions import Decision, State
from laktasi.store.places import Place, Places, is_expected

Cell = tuple[str, str, str]
"""Table, row and column."""


@dataclass(slots=True)
class Record:
    """The answers of one submission that decisions are about."""

    form_id: str
    submission_id: str
    form_version: str
    rows: dict[tuple[str, str], dict[str, str | None]] = field(default_factory=dict)
    """By table and row, text by column."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What :meth:`Rules.apply` made of a record."""

    changes: Mapping[Cell, str | None]
    """Texts that are no longer those of the payload."""
    states: tuple[State, ...]
    holders: Mapping[Cell, tuple[State, str | None]]
    """The replacement that speaks last of an answer, and that answer, which must be there in the end."""
    decision_ids: tuple[str, ...]
    """What the record stands corrected by; without those recodes that had nothing to change in it."""


class Rules:
    """All that is needed to apply decisions: where questions stand, what "other" is, and the key of hashes."""

    def __init__(self, places: Places, others: Others, key: bytes | None, recodes: Iterable[Decision]) -> None:
        self.places = places
        self._others = others
        self._key = key
        # By form, question and what they expect: a text is hashed once, however many decisions there are.
        self._recodes: dict[tuple[str, str], dict[str, list[Decision]]] = {}
        for decision in recodes:
            text, parent = (places.get((decision.form_id, path)) for path in (decision.question, decision.parent))
            if text is not None and parent is not None and text.table == parent.table:
                by_text = self._recodes.setdefault((decision.form_id, decision.question), {})
                by_text.setdefault(decision.expected or "", []).append(decision)
        self._known: dict[tuple[str, str, str], tuple[Decision, ...]] = {}

    @property
    def recoded(self) -> tuple[tuple[str, str], ...]:
        """Form and path of the texts that recodes in force are about."""
        return tuple(self._recodes)

    def parents(self, form_id: str, question: str) -> list[Place]:
        """Give the places that recodes of a text write to."""
        recodes = (decision for listed in self._recodes[form_id, question].values() for decision in listed)
        return [self.places[form_id, parent] for parent in dict.fromkeys(decision.parent for decision in recodes)]

    def recodes_of(self, form_id: str, question: str, text: str) -> tuple[Decision, ...]:
        """Give the recodes in force that expect a text."""
        at = (form_id, question, text)
        if at not in self._known:
            by_text = self._recodes.get((form_id, question), {})
            found = [] if text.startswith(KEYED) else by_text.get(text, [])
            if any(expected.startswith(KEYED) for expected in by_text):
                if self._key is None:
                    raise lost_key()
                found = [*found, *by_text.get(keyed(self._key, form_id, question, text), ())]
            self._known[at] = tuple(found)
        return self._known[at]

    def recoded_answer(self, decision: Decision, answer: str | None) -> str | None:
        """Give what a recode makes of the parent's answer; None where that is not the "other" of the form."""
        assert decision.value is not None
        other = self._others.get((decision.form_id, decision.question, decision.parent))
        chosen = (answer or "").split()
        if other is not None and not other.choices & set(chosen):
            return None
        if self.places[decision.form_id, decision.parent].type is not ValueType.SELECT_MULTIPLE:
            return decision.value
        replaced = other.choices if other is not None else frozenset()
        kept = [decision.value if choice in replaced else choice for choice in chosen]
        return " ".join(dict.fromkeys([*kept, decision.value] if other is None else kept))

    def apply(self, record: Record, replaces: Sequence[Decision]) -> Applied:
        """Apply the decisions about a record, in the order of their days and ids.

        Recodes are rules about a text wherever it comes from, so after all that they are asked once more: a text that
        a later replacement brings in does not escape them.

        Parameters
        ----------
        record
            As the payload has it; it is changed.
        replaces
            The replacements that are about it.
        """
        before = {
            (table, row, name): text for (table, row), texts in record.rows.items() for name, text in texts.items()
        }
        recodes = self._candidates(record, replaces)
        states: dict[tuple[str, str], State] = {}
        speaks: dict[Cell, list[State]] = {}
        for decision in [*sorted([*replaces, *recodes], key=_order), *recodes]:
            if decision.action == "replace":
                state = self._replace(record, decision)
                states[decision.decision_id, decision.row] = state
                place = self.places[decision.form_id, decision.question]
                speaks.setdefault((place.table, decision.row, place.column), []).append(state)
            else:
                for state in self._recode(record, decision):
                    states[decision.decision_id, state.row] = state
        after = {
            (table, row, name): text for (table, row), texts in record.rows.items() for name, text in texts.items()
        }
        values = {decision.decision_id: decision.value or None for decision in replaces}
        holders = {}
        for cell, spoken in speaks.items():
            # The last word counts: what was said before it, and no longer fits, is settled by it.
            if spoken[-1].state != "stale":
                for state in spoken[:-1]:
                    state.state = "settled" if state.state == "stale" else state.state
            # A recode may have gone on from what it said.
            if spoken[-1].state == "applied" and after[cell] == values[spoken[-1].decision_id]:
                holders[cell] = spoken[-1], after[cell]
        changes = {cell: text for cell, text in after.items() if (text or "") != (before[cell] or "")}
        ids = dict.fromkeys([*(item.decision_id for item in replaces), *(key[0] for key in states)])
        return Applied(changes, tuple(states.values()), holders, tuple(ids))

    def _candidates(self, record: Record, replaces: Sequence[Decision]) -> list[Decision]:
        """Give the recodes of every text that stands in the record, or may come to stand there."""
        found: dict[str, Decision] = {}
        for form_id, question in self._recodes:
            if form_id != record.form_id:
                continue
            place = self.places[form_id, question]
            texts = {texts[place.column] for (table, _), texts in record.rows.items() if table == place.table}
            texts |= {decision.value for decision in replaces if decision.question == question}
            for text in texts - {None, ""}:
                found |= {item.decision_id: item for item in self.recodes_of(form_id, question, text or "")}
        return sorted(found.values(), key=_order)

    def _replace(self, record: Record, decision: Decision) -> State:
        place = self.places[decision.form_id, decision.question]
        state = State.of(decision, "stale", record.submission_id, decision.row, place.column)
        texts = record.rows.get((place.table, decision.row))
        # A column that only other versions fill is empty, as if nothing had been answered.
        if texts is not None and record.form_version in place.versions:
            now = texts[place.column]
            if is_expected(decision.expected or "", now, decision.form_id, decision.question, self._key):
                texts[place.column] = decision.value or None
                state.state = "applied"
            elif (now or "") == decision.value:
                state.state = "settled"
        return state

    def _recode(self, record: Record, decision: Decision) -> Iterable[State]:
        text, parent = (self.places[decision.form_id, path] for path in (decision.question, decision.parent))
        for (table, row), texts in record.rows.items():
            if table != text.table or decision not in self.recodes_of(
                decision.form_id, decision.question, texts[text.column] or ""
            ):
                continue
            answer = self.recoded_answer(decision, texts[parent.column])
            if answer is not None:
                texts[parent.column], texts[text.column] = answer, None
                yield State.of(decision, "applied", record.submission_id, row, text.column)


def _order(decision: Decision) -> tuple[object, str]:
    return decision.decided_on, decision.decision_id
