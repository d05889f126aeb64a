"""Expressions that are not the form's own, with ``${question}``: which nodes they name, and where they are true."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from laktasi.errors import QuestionnaireError
from laktasi.questionnaire.expressions import Compiler
from laktasi.questionnaire.layers import Frame, put_together
from laktasi.questionnaire.model import Field, Questionnaire
from laktasi.questionnaire.plan import Plan, parsed
from laktasi.questionnaire.values import Unsupported
from laktasi.questionnaire.xpath import Call, Expression, Negation, Operation, Path, Text

NAME = re.compile(r"\$\{\s*([^}]+?)\s*\}")
"""A question in an expression, ``${name}``."""


def predicate_sql(questionnaire: Questionnaire, expression: str) -> str:
    """Give a SELECT of ``_submission_id`` of the rows of the form's table where an expression is true.

    Parameters
    ----------
    questionnaire
        The form version; only its rows are looked at.
    expression
        XPath with ``${question}``, as in the form.

    Raises
    ------
    QuestionnaireError
        It names an unknown question, is not XPath, or cannot be told from what is kept.
    """
    select = predicates_sql(questionnaire, questionnaire.tables[0].name, {"included": expression})
    return f"SELECT _submission_id FROM (\n{select}\n) WHERE included"


def lacking(questionnaire: Questionnaire, expression: str) -> tuple[str, ...]:
    """Give the names in an expression, ``${name}``, that stand for nothing in a form version.

    One that could stand for several questions is not among them: it is a slip, whatever the version.
    """
    paths = [item.path for item in questionnaire.fields] + [item.path for item in questionnaire.groups]
    known = {name for path in paths for name in (path, path.rpartition("/")[2])}
    known |= {item.column for item in questionnaire.fields}
    return tuple(dict.fromkeys(name for name in NAME.findall(expression) if name not in known))


def choices_named(questionnaire: Questionnaire, expression: str) -> list[tuple[Field, str]]:
    """Give each question that an expression holds against a text, by ``=``, ``!=`` or ``selected()``, and the text.

    Empty where the expression is not XPath or names what the form version has not: compiling it says so.
    """
    try:
        written, fields = with_paths(questionnaire, expression)
        waiting: list[Expression] = [parsed(written)]
    except Unsupported:
        return []
    by_path = {item.path: item for item in fields}
    found = []
    while waiting:
        match waiting.pop():
            case Operation("=" | "!=", one, other) | Call("selected", (one, other)):
                for path, told in ((one, other), (other, one)):
                    if isinstance(path, Path) and isinstance(told, Text) and path.origin == "absolute":
                        place = "/".join(step.name for step in path.steps[1:])
                        found += [(by_path[place], told.value)] if place in by_path else []
                waiting += (one, other)
            case Operation(_, one, other):
                waiting += (one, other)
            case Call(_, arguments):
                waiting += arguments
            case Negation(operand):
                waiting.append(operand)
    return found


def predicate_over(versions: Sequence[Questionnaire], expression: str) -> str:
    """Give :func:`predicate_sql` over the versions of a form, oldest first, each by its own words.

    A version that lacks a question of the expression has no record for which it is true: what was fielded once stays,
    and must not stop those that came after it. :func:`lacking` says which these are.

    Raises
    ------
    QuestionnaireError
        No version has all the questions, or one that has cannot be asked.
    """
    asked = [item for item in versions if not lacking(item, expression)] or versions[-1:]
    return " UNION ALL ".join(predicate_sql(item, expression) for item in asked)


def predicates_sql(questionnaire: Questionnaire, table: str, expressions: Mapping[str, str]) -> str:
    """Give a SELECT of ``_submission_id``, ``_row`` and one BOOLEAN per expression, for every row of one table.

    Parameters
    ----------
    questionnaire
        The form version; only its rows are looked at.
    table
        The form's own, or that of a repeat, whose rows the expressions are asked of.
    expressions
        XPath with ``${question}``, as in the form, by name of the column. NULL counts as not true.

    Raises
    ------
    QuestionnaireError
        One names an unknown question, is not XPath, or cannot be told from what is kept.
    """
    plan = Plan(questionnaire)
    its = plan.tables.by_name[table]
    columns = []
    for name, expression in expressions.items():
        try:
            written, _ = with_paths(questionnaire, expression)
            scope, frame = plan.scope(its.path, its), Frame()
            condition = Compiler(plan, scope, frame).condition(parsed(written))
        except Unsupported as reason:
            raise QuestionnaireError(
                f"the expression {expression!r} cannot be asked of form {questionnaire.form_id!r} version "
                f"{questionnaire.version!r}: {reason}",
                next_step="correct the expression",
            ) from None
        columns.append(plan.column(name, condition, scope, frame))
    return put_together(plan.tables, its, columns)


def with_paths(questionnaire: Questionnaire, expression: str) -> tuple[str, list[Field]]:
    """Replace each ``${name}`` by its path, and give the questions named.

    Raises
    ------
    Unsupported
        A name stands for no node, or could stand for several.
    """
    fields: list[Field] = []

    def path(match: re.Match[str]) -> str:
        name = match.group(1)
        groups = [group.path for group in questionnaire.groups if name in (group.path, group.path.rpartition("/")[2])]
        try:
            item = questionnaire.find(name)
        except KeyError as error:
            if len(groups) == 1:
                return f" /{questionnaire.root}/{groups[0]} "
            raise Unsupported(str(error.args[0])) from None
        fields.append(item)
        return f" /{questionnaire.root}/{item.path} "

    return NAME.sub(path, expression), fields
