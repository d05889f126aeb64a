"""Rules of a form version as SQL over the text layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from laktasi.questionnaire.model import Questionnaire, Texts

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class DeclaredRule:
    """A rule about one row that schemas/checks.yml declares, in the form's own words.

    `expression` is true of a good row; ``${name}`` names a question by path, column, or its last part where unique.
    """

    id: str
    expression: str
    severity: Severity
    messages: Texts


@dataclass(frozen=True, slots=True)
class Rule:
    """One check of one row, compiled."""

    rule_id: str
    kind: str
    """type, required, relevant, constraint, choice, calculation or declared."""
    field: str | None
    """Column of the field it is about; None for a declared rule."""
    table: str
    severity: Severity
    messages: Texts
    expression: str
    """As XPath; empty for type."""
    column: str
    """Boolean column in the checks select."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """What cannot be checked after the interview, and why."""

    field: str
    kind: str
    expression: str
    reason: str


@dataclass(frozen=True, slots=True)
class CompiledForm:
    """The rules of one form version, and the SQL that asks them."""

    form_id: str
    version: str
    rules: tuple[Rule, ...]
    unverified: tuple[Unverified, ...]
    selects: Mapping[str, str]

    def checks_sql(self, table: str) -> str:
        """Give the SELECT that asks every rule of one table.

        Returns
        -------
        str
            A select over ``answers.<table>`` and ``staging.choices``: one row per row of that table with this form
            version, ``_submission_id``, ``_row`` and one BOOLEAN per rule, TRUE where the row is good; never NULL.
        """
        return self.selects[table]


def compile_form(questionnaire: Questionnaire, declared: Sequence[DeclaredRule] = ()) -> CompiledForm:
    """Derive and compile the rules of a form version."""
    raise NotImplementedError("the compiler follows")


def predicate_sql(questionnaire: Questionnaire, expression: str) -> str:
    """Give a SELECT of ``_submission_id`` of the form's rows where an expression with ``${name}`` is true."""
    raise NotImplementedError("the compiler follows")
