"""Whether new decisions speak of what there is: forms, questions, choices, rules. No error quotes an answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from laktasi.quality.decisions import Decision, wrong
from laktasi.quality.plan import Questionnaires
from laktasi.questionnaire.model import Field, Privacy, Questionnaire, ValueType
from laktasi.questionnaire.others import SELECTS, find_others
from laktasi.questionnaire.types import is_of_type
from laktasi.secret import KEYED
from laktasi.store.sql import literal, scalar

if TYPE_CHECKING:
    import duckdb

_LISTED = (*SELECTS, ValueType.RANK)

Asked = Sequence[tuple[Questionnaire, Field]]
"""A question in each form version that has it, oldest first."""


def check_decisions(
    con: duckdb.DuckDBPyConnection,
    new: Collection[object],
    decisions: Sequence[Decision],
    questionnaires: Questionnaires,
) -> None:
    """Refuse new decisions that could never be applied as they are meant.

    Those that earlier runs have taken in are not looked at again: forms change, and what holds then is found by
    applying them.

    Parameters
    ----------
    con
        The warehouse: its rules are those of the latest run.
    new
        Ids of the decisions that no run has seen.
    decisions
        All decisions, these among them.
    questionnaires
        Every known form version.

    Raises
    ------
    CheckError
        One names a form, question, row, choice or rule that is unknown, expects a direct identifier in plain text,
        or recodes a text that another one recodes already. It says which file and decision.
    """
    withdrawn = {decision.withdraws for decision in decisions}
    scene = _Scene(con, questionnaires, [item for item in decisions if item.id not in withdrawn])
    for decision in decisions:
        if decision.id in new and decision.action != "withdraw" and decision.id not in withdrawn:
            scene.check(decision)


class _Scene:
    """What there is to decide about."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, questionnaires: Questionnaires, in_force: Sequence[Decision]
    ) -> None:
        self._con = con
        self._questionnaires = questionnaires
        self._forms = sorted({form_id for form_id, _ in questionnaires})
        self._recodes: dict[tuple[str | None, str | None, str | None], list[Decision]] = {}
        for decision in in_force:
            if decision.action == "recode":
                key = (decision.form, decision.question, decision.expected)
                self._recodes.setdefault(key, []).append(decision)

    def check(self, decision: Decision) -> None:
        """Refuse a decision that speaks of something that is not there."""
        if decision.form not in self._forms:
            known = ", ".join(self._forms)
            raise wrong(decision, f"no form is called {decision.form!r}, or it cannot be read; known are {known}")
        fields = self._fields(decision, "question", decision.question) if decision.question else []
        if fields and decision.expected and not decision.expected.startswith(KEYED):
            self._refuse_plain(decision, fields)
        match decision.action:
            case "replace":
                self._check_row(decision, fields)
                self._check_value(decision, fields)
            case "recode":
                self._check_recode(decision, fields)
            case "okay":
                self._check_rule(decision, fields)

    def _fields(self, decision: Decision, key: str, path: str | None) -> Asked:
        versions = [item for (form_id, _), item in self._questionnaires.items() if form_id == decision.form]
        found = [(version, item) for version in versions for item in version.fields if item.path == path]
        if not found:
            name = (path or "").rpartition("/")[2]
            like = {
                item.path for version in versions for item in version.fields if item.path.rpartition("/")[2] == name
            }
            meant = f"; did you mean {' or '.join(sorted(like))}?" if like else ""
            raise wrong(decision, f"the form {decision.form!r} has no {key} {path!r}{meant}")
        return found

    def _refuse_plain(self, decision: Decision, fields: Asked) -> None:
        if any(item.privacy is Privacy.DIRECT for _, item in fields):
            raise wrong(
                decision,
                f"{decision.question!r} is a direct identifier, and 'expected' holds it in plain text",
                "take the file out of wherever it has been put, and write the decision with laktasi findings correct or"
                " laktasi recode, which put a keyed hash in its place",
            )

    def _check_row(self, decision: Decision, fields: Asked) -> None:
        version, item = fields[-1]
        if (item.table == version.tables[0].name) == bool(decision.row):
            must = (
                "stands in a repeat, and 'row' is missing"
                if not decision.row
                else "stands in no repeat, and has no row"
            )
            raise wrong(decision, f"{decision.question!r} {must}")

    def _check_value(self, decision: Decision, fields: Asked) -> None:
        """Refuse a value that no version of the form could hold."""
        if not decision.value:
            return
        if not any(self._may_hold(version, item, decision.value) for version, item in fields):
            kind = fields[-1][1].type
            what = "no choice of its list" if kind in _LISTED else f"not written as its type, {kind}, is"
            raise wrong(decision, f"'value' is {what}: {decision.question!r}")

    def _may_hold(self, version: Questionnaire, item: Field, value: str) -> bool:
        if item.type in _LISTED:
            offered = version.choice_lists.get(item.list_name or "")
            # A list that comes from answers, or from a file that is not at hand.
            if offered is None or not offered.choices:
                return True
            chosen = [value] if item.type is ValueType.SELECT_ONE else value.split()
            return {choice.value for choice in offered.choices} >= set(chosen)
        condition = is_of_type(item.type, literal(value))
        return condition is None or bool(scalar(self._con, f"select coalesce({condition}, false)"))

    def _check_recode(self, decision: Decision, fields: Asked) -> None:
        parents = self._fields(decision, "parent", decision.parent)
        (_, text), (_, parent) = fields[-1], parents[-1]
        if text.type is not ValueType.TEXT or parent.type not in SELECTS or text.table != parent.table:
            raise wrong(decision, "a recode is about a text question, and its parent is a select in the same table")
        value = decision.value or ""
        if len(value.split()) != 1 or not any(self._may_hold(*found, value) for found in parents):
            raise wrong(decision, f"'value' is no choice of the list of {decision.parent!r}")
        versions = [item for (form_id, _), item in self._questionnaires.items() if form_id == decision.form]
        other = find_others(versions).get((decision.form or "", text.path, parent.path))
        if other is not None and value in other.choices:
            raise wrong(decision, f"'value' is the choice for which {decision.question!r} is asked")
        same = self._recodes[decision.form, decision.question, decision.expected]
        if len(same) > 1:
            others = ", ".join(item.id for item in same if item.id != decision.id)
            raise wrong(decision, f"the same text is recoded by {others}; withdraw one of them")

    def _check_rule(self, decision: Decision, fields: Asked) -> None:
        """Refuse an okay about a rule that nothing was ever checked by, or that would outlive what was looked at.

        Before the first checks nothing is known.
        """
        known = scalar(
            self._con,
            """
            select count(*) = 0 or bool_or(rule_id = ?)
            from (select rule_id from quality.rules union all select rule_id from quality.finding_events)
            """,
            [decision.rule],
        )
        if not known:
            raise wrong(decision, f"nothing is checked by a rule {decision.rule!r}")
        rules = self._con.execute(
            "select table_name, field from quality.rules where rule_id = $1 and coalesce(form_id, $2) = $2",
            [decision.rule, decision.form],
        ).fetchall()
        if not fields or not rules:
            return
        # DuckDB does not see upper and lower case.
        own = {(table.lower(), column.lower()) for table, column in rules if table and column}
        if not own:
            raise wrong(
                decision,
                f"the rule {decision.rule!r} is not about one question; leave 'question' out, and expect the instanceID"
                " of the current version",
            )
        if not any((item.table.lower(), item.column.lower()) in own for _, item in fields):
            raise wrong(decision, f"the rule {decision.rule!r} is not about {decision.question!r}")
