"""Great Expectations suites: one per form version and table, one per check over the set.

A rule has been compiled to a BOOLEAN column that is true where it holds, so one native type of expectation serves every
kind of rule about rows; a measure of a group must lie between two numbers. A suite is plain JSON that any installation
of Great Expectations can read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from laktasi.questionnaire.model import Texts

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite

COMPLETE = "_is_complete"
"""Column that is true where no rule of the row is NULL: NULL is neither good nor bad, and GX would pass it."""

BROKEN = "_broken"
"""Column that lists the places of the rules that a row breaks, ``0,7``; NULL where it breaks none."""

COMPARED = "_is_compared"
"""Column that is true where a check over the set takes part in the comparison (the check's ``where``)."""

_SEVERITY = {"error": "critical", "warning": "warning"}


class Rule(Protocol):
    """What a suite needs to know of a rule; :mod:`laktasi.questionnaire.compiler` makes them."""

    @property
    def rule_id(self) -> str:
        """Name of the rule, unique in its form."""

    @property
    def kind(self) -> str:
        """One of the kinds of ``quality.rules``: ``type``, ``required`` … ``declared``, ``set``, ``group``."""

    @property
    def field(self) -> str | None:
        """Path of the field it is about; None where it is about several."""

    @property
    def severity(self) -> str:
        """``error`` or ``warning``."""

    @property
    def messages(self) -> Texts:
        """What a person should know, by language."""

    @property
    def expression(self) -> str:
        """What it asks, in the words of the form or of checks.yml."""

    @property
    def column(self) -> str:
        """Its BOOLEAN column; of a check that something is unique, the column of its key; of a measure, its value."""


def row_suite(name: str, rules: Sequence[Rule]) -> ExpectationSuite:
    """Expect every rule to hold in every row of a table: of one form version, or the verdicts on rows held together.

    The last expectation holds that no rule is NULL anywhere: the other ones would not see it.
    """
    import great_expectations as gx
    import great_expectations.expectations as gxe

    expectations: list[Any] = [
        gxe.ExpectColumnValuesToBeInSet(
            column=rule.column, value_set=[True], severity=_SEVERITY[rule.severity], meta=_meta(rule)
        )
        for rule in rules
    ]
    expectations.append(
        gxe.ExpectColumnValuesToBeInSet(
            column=COMPLETE, value_set=[True], severity="critical", meta={"rule_id": COMPLETE}
        )
    )
    return gx.ExpectationSuite(name, expectations=expectations)


def form_suite(name: str, rules: Sequence[Rule]) -> ExpectationSuite:
    """Expect the same of a form version's table, and once more of each row that it breaks no rule.

    The rows that fail that one come back with what they break, all in one question.
    """
    import great_expectations as gx
    import great_expectations.expectations as gxe

    unbroken = gxe.ExpectColumnValuesToBeNull(column=BROKEN, severity="critical", meta={"rule_id": BROKEN})
    return gx.ExpectationSuite(name, expectations=[*row_suite(name, rules).expectations, unbroken])


def unique_suite(name: str, rule: Rule) -> ExpectationSuite:
    """Expect the key of every row that takes part to come once; a row without a key takes part in no comparison.

    The key is one column however many questions it is made of: of a compound key, GX's SQL tells how many rows fail and
    never which.
    """
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    unique = gxe.ExpectColumnValuesToBeUnique(
        column=rule.column,
        row_condition=Column(COMPARED) == True,  # noqa: E712 - this builds a condition, it does not compare
        severity=_SEVERITY[rule.severity],
        meta=_meta(rule),
    )
    complete = gxe.ExpectColumnValuesToNotBeNull(column=COMPARED, severity="critical", meta={"rule_id": COMPLETE})
    return gx.ExpectationSuite(name, expectations=[unique, complete])


def measure_suite(name: str, rule: Rule, low: float | None, high: float | None) -> ExpectationSuite:
    """Expect the measure of every group to lie between two numbers, both inclusive.

    A group whose value is NULL is too small to be compared, and GX passes over it.
    """
    import great_expectations as gx
    import great_expectations.expectations as gxe

    between = gxe.ExpectColumnValuesToBeBetween(
        column=rule.column, min_value=low, max_value=high, severity=_SEVERITY[rule.severity], meta=_meta(rule)
    )
    complete = gxe.ExpectColumnValuesToBeInSet(
        column=COMPLETE, value_set=[True], severity="critical", meta={"rule_id": COMPLETE}
    )
    return gx.ExpectationSuite(name, expectations=[between, complete])


def _meta(rule: Rule) -> dict[str, Any]:
    return {"rule_id": rule.rule_id, "kind": rule.kind, "field": rule.field, "messages": dict(rule.messages)}
