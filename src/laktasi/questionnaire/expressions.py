"""One expression of a form, compiled to SQL over a row of its table."""

from __future__ import annotations

from laktasi.questionnaire import values, xpath
from laktasi.questionnaire.layers import Frame, source
from laktasi.questionnaire.model import ChoiceList, Field, Questionnaire, Table
from laktasi.questionnaire.scope import FormSql, Nodes, Scope
from laktasi.questionnaire.values import Kind, Unsupported, Value, quote, text_literal


class Compiler:
    """Compiles the expressions of one node.

    Parameters
    ----------
    form
        The form around it.
    scope
        Where the expression stands.
    frame
        Takes note of everything the expression needs.
    """

    def __init__(self, form: FormSql, scope: Scope, frame: Frame) -> None:
        self.form = form
        self.scope = scope
        self.frame = frame

    def inside(self, scope: Scope) -> Compiler:
        """Give a compiler for a predicate, in a scope of its own."""
        return Compiler(self.form, scope, self.frame)

    def condition(self, expression: xpath.Expression) -> str:
        """Compile to a condition; never NULL."""
        return values.as_truth(self.value(expression))

    def number(self, expression: xpath.Expression) -> str:
        """Compile to a number; NULL for NaN."""
        return values.as_number(self.value(expression))

    def text(self, expression: xpath.Expression) -> str:
        """Compile to text; never NULL."""
        return values.as_text(self.value(expression))

    def value(self, expression: xpath.Expression) -> Value:
        """Compile to a value.

        Raises
        ------
        Unsupported
            It cannot be verified after the interview; the message says why.
        """
        match expression:
            case xpath.Number(value):
                return values.number_literal(value)
            case xpath.Text(value):
                return values.constant(value)
            case xpath.Negation(operand):
                return values.number(f"(-{self.number(operand)})")
            case xpath.Call(name, arguments):
                from laktasi.questionnaire.functions import call

                return call(self, name, arguments)
            case xpath.Path():
                return self.scalar(self.nodes(expression))
            case xpath.Operation(operator, left, right):
                return self._operation(operator, left, right)

    def _operation(self, operator: str, left: xpath.Expression, right: xpath.Expression) -> Value:
        if operator == "|":
            raise Unsupported("the phone's engine knows no union of nodes")
        if operator in ("and", "or"):
            return values.truth(f"({self.condition(left)} {operator.upper()} {self.condition(right)})")
        first, second = self.value(left), self.value(right)
        if operator == "=":
            return values.truth(values.equal(first, second))
        if operator == "!=":
            return values.truth(f"(NOT {values.equal(first, second)})")
        if operator in ("<", "<=", ">", ">="):
            return values.truth(values.compare(operator, first, second))
        return values.arithmetic(operator, first, second)

    def scalar(self, nodes: Nodes) -> Value:
        """Read the value of the only node; of none, the empty text."""
        if nodes.single:
            return nodes.value()
        # Several would stop the phone, so whichever is taken of them is never seen.
        value = nodes.value()
        first: Value = values.EMPTY
        for condition, leaf in reversed(values.leaves(value)):
            only_where = "" if condition == "TRUE" else f" FILTER (WHERE {condition})"
            chosen = nodes.aggregate(f"first({leaf.sql} ORDER BY {nodes.order}){only_where}")
            there = f"({chosen} IS NOT NULL)"
            if leaf.kind is Kind.TEXT:
                only: Value = values.text(f"coalesce({chosen}, '')")
            elif leaf.kind is Kind.TRUTH:
                only = values.Either(there, values.truth(chosen), values.EMPTY)
            else:
                only = values.Leaf(leaf.kind, chosen, may_be_empty=True, integral=leaf.integral, finite=leaf.finite)
            first = only if first is values.EMPTY else values.choose(there, only, first)
        return first

    def nodes(self, path: xpath.Path) -> Nodes:
        """Find the nodes of a path."""
        if path.origin == "instance":
            return self._items(path)
        if path.origin == "current" and self.scope.origin is not None:
            return self.inside(self.scope.origin)._nodes(path)
        if self.scope.item is not None and path.origin == "relative":
            return self._item_column(path)
        return self._nodes(path)

    def _nodes(self, path: xpath.Path) -> Nodes:
        place, bound, predicates = self._locate(path)
        along = self.form.tables.repeats_along(place)
        free = [table for table in along if len(table.path.split("/")) > bound]
        if not free:
            if predicates:
                raise Unsupported("a condition on a node that is there once")
            return self._one(place, along[-1] if along else self.form.tables.form)
        held = next((table for table in reversed(along) if table not in free), self.form.tables.form)
        return self._many(place, along[-1], held, predicates)

    def _locate(self, path: xpath.Path) -> tuple[str, int, dict[str, tuple[xpath.Expression, ...]]]:
        """Give the place, how many of its steps mean this instance, and the predicates by place of their step."""
        context = self.scope.place.split("/") if self.scope.place else []
        steps = [step for step in path.steps if step.axis != "self"]
        if path.origin == "absolute":
            if not steps or steps[0].name != self.form.questionnaire.root:
                raise Unsupported("a path that is not in this form")
            names: list[str] = []
            steps = steps[1:]
        else:
            if self.scope.place is None:
                raise Unsupported("a path from an item of a list into the form")
            ups = next((count for count, step in enumerate(steps) if step.axis != "parent"), len(steps))
            if ups > len(context):
                raise Unsupported("a path that leaves the form")
            names = context[: len(context) - ups]
            steps = steps[ups:]
        bound = len(names)
        predicates: dict[str, tuple[xpath.Expression, ...]] = {}
        for step in steps:
            if step.axis != "child" or step.name == "*":
                raise Unsupported("a path with a step other than a name, '.' or a leading '..'")
            names.append(step.name)
            if step.predicates:
                predicates["/".join(names)] = step.predicates
        if path.origin == "absolute":
            # An absolute path means this instance of every repeat it shares with the node it is asked from.
            shared = 0
            while shared < min(len(names), len(context)) and names[shared] == context[shared]:
                shared += 1
            bound = shared if self.scope.limit is None else min(shared, self.scope.limit)
        if predicates:
            bound = min(bound, *(len(place.split("/")) - 1 for place in predicates))
        return "/".join(names), bound, predicates

    def _field(self, place: str) -> Field:
        try:
            return self.form.questionnaire.by_path(place)
        except KeyError:
            raise Unsupported(f"there is no question {place.rpartition('/')[2]!r} that holds a value") from None

    def _one(self, place: str, table: Table) -> Nodes:
        def value() -> Value:
            return self.form.reading(self._field(place), self.scope.alias_of(table.name), self.frame)

        try:
            relevant = self.form.relevance(place, self.scope.alias_of, self.frame)
        except Unsupported:
            relevant = "TRUE"
        return Nodes(value, relevant)

    def _many(
        self, place: str, table: Table, held: Table, predicates: dict[str, tuple[xpath.Expression, ...]]
    ) -> Nodes:
        alias = self.form.new_alias()
        scope = Scope(
            self.form.tables,
            table,
            place,
            alias=alias,
            stem=alias,
            outer=self.scope,
            shared=held,
            origin=self.scope.origin or self.scope,
        )
        outside = self.scope.alias_of(held.name)
        conditions = [f"{alias}._submission_id = {outside}._submission_id"]
        if held.parent is not None:
            conditions.append(
                f"{alias}._parent_row = {outside}._row"
                if table.parent == held.name
                else f"starts_with({alias}._row, {outside}._row || '.')"
            )
        for at, conditions_at in predicates.items():
            conditions += [self._predicate(scope, at, item, first) for first, item in enumerate(conditions_at)]
        relevant = self.form.relevance(place, scope.alias_of, self.frame)
        conditions += [relevant] if relevant != "TRUE" else []

        def value() -> Value:
            return self.form.reading(self._field(place), alias, self.frame)

        joins = self.form.tables.joins(table, alias, scope.joins, alias)
        return Nodes(
            value,
            "TRUE",
            f"FROM {source(table.name)} AS {alias}{joins} WHERE {' AND '.join(conditions)}",
            f"list_transform(string_split({alias}._row, '.'), lambda part: CAST(part AS INTEGER))",
        )

    def indexed(self, target: xpath.Expression, pairs: list[tuple[xpath.Expression, xpath.Expression]]) -> Value:
        """Compile ``indexed-repeat()``: the value of a question in an instance that is told by number."""
        assert isinstance(target, xpath.Path)
        place, bound, _ = self._locate(target)
        numbers: dict[str, str] = {}
        for repeat, index in pairs:
            assert isinstance(repeat, xpath.Path)
            # JavaRosa takes the first instance where the number is less than one, or none at all.
            number = f"greatest(CAST(trunc(coalesce({self.number(index)}, 1)) AS BIGINT), 1)"
            numbers[self._locate(repeat)[0]] = f"CAST({number} AS VARCHAR)"
        parts = []
        along = self.form.tables.repeats_along(place)
        for table in along:
            if table.path in numbers:
                parts.append(numbers.pop(table.path))
            elif len(table.path.split("/")) <= bound:
                parts.append(f"split_part({self.scope.alias_of(table.name)}._row, '.', -1)")
            else:
                raise Unsupported("indexed-repeat() without a number for every repeat")
        if numbers or not along:
            raise Unsupported("indexed-repeat() of a question that is not in the repeat")
        form = self.form.tables.form
        alias = self.form.new_alias()
        scope = Scope(self.form.tables, along[-1], place, alias=alias, stem=alias, outer=self.scope, shared=form)
        relevant = self.form.relevance(place, scope.alias_of, self.frame)
        value = self.form.reading(self._field(place), alias, self.frame)
        joins = self.form.tables.joins(along[-1], alias, scope.joins, alias)
        row = " || '.' || ".join(parts)
        outside = self.scope.alias_of(form.name)
        rows = (
            f"FROM {source(along[-1].name)} AS {alias}{joins} WHERE {alias}._submission_id = {outside}._submission_id "
            f"AND {alias}._row = {row} AND {relevant}"
        )
        return self.scalar(Nodes(lambda: value, "TRUE", rows, f"{alias}._row"))

    def position(self, path: xpath.Path) -> Value:
        """Compile ``position()`` of a repeat around this node."""
        if self.scope.item is not None:
            raise Unsupported("the position of an item in its list")
        place, bound, _ = self._locate(path)
        table = self.form.tables.at(place)
        if not place or table.path != place or bound < len(place.split("/")):
            raise Unsupported("the position of a node that is not a repeat around this one")
        row = f"{self.scope.alias_of(table.name)}._row"
        return values.number(f"CAST(split_part({row}, '.', -1) AS DOUBLE)", integral=True)

    def _predicate(self, scope: Scope, at: str, expression: xpath.Expression, before: int) -> str:
        table = self.form.tables.at(at)
        if table.path != at:
            raise Unsupported("a condition on a node that is not a repeat")
        if before and any(item == xpath.Call("position", ()) for item in xpath.walk(expression)):
            raise Unsupported("a position among nodes that another condition has chosen")
        parent = self.form.tables.by_name[table.parent or ""]
        inner = Scope(
            self.form.tables,
            table,
            at,
            alias=scope.alias_of(table.name),
            outer=scope,
            shared=parent,
            origin=scope.origin,
        )
        return self.inside(inner).truth_only(expression)

    def truth_only(self, expression: xpath.Expression) -> str:
        """Compile a predicate."""
        value = self.value(expression)
        if any(leaf.kind is not Kind.TRUTH for _, leaf in values.leaves(value)):
            # JavaRosa drops every node unless the predicate is a condition; [2] is not one.
            raise Unsupported("a predicate that is not a condition, such as a bare position")
        return values.as_truth(value)

    def _items(self, path: xpath.Path) -> Nodes:
        """Find rows of a list: ``instance('x')/root/item[…]/column``."""
        steps = path.steps
        listed = self.form.questionnaire.choice_lists.get(path.instance or "")
        if [step.name for step in steps[:2]] != ["root", "item"] or len(steps) > 3 or steps[0].predicates:
            raise Unsupported("a path into a list other than root/item[…]/column")
        if listed is None:
            raise Unsupported(f"the list {path.instance!r} is not part of the form")
        self._needs_media(listed)
        alias = self.form.new_alias()
        rows = self.item_rows(listed, alias, steps[1].predicates)
        column = steps[2] if len(steps) == 3 else None
        if column is not None and (column.predicates or column.axis != "child"):
            raise Unsupported("a path into a list other than root/item[…]/column")

        def value() -> Value:
            if column is None:
                raise Unsupported("an item of a list has no value of its own")
            return values.text(item_column(listed, alias, column.name))

        return Nodes(value, "TRUE", rows, f"{alias}.position")

    def _needs_media(self, listed: ChoiceList) -> None:
        if listed.media is not None and listed.media in self.form.questionnaire.missing_media:
            raise Unsupported(f"the file {listed.media} of this form version is not at hand")

    def item_rows(self, listed: ChoiceList, alias: str, predicates: tuple[xpath.Expression, ...]) -> str:
        """Give ``FROM … WHERE …`` of the items of a list that meet all predicates."""
        self._needs_media(listed)
        scope = Scope(
            self.form.tables,
            self.scope.table,
            None,
            alias=self.scope.alias,
            outer=self.scope,
            shared=self.scope.table,
            origin=self.scope.origin or self.scope,
            item=listed,
            item_alias=alias,
        )
        conditions = [list_condition(self.form.questionnaire, listed, alias)]
        conditions += [self.inside(scope).truth_only(item) for item in predicates]
        return f"FROM staging.choices AS {alias} WHERE {' AND '.join(conditions)}"

    def _item_column(self, path: xpath.Path) -> Nodes:
        steps = [step for step in path.steps if step.axis != "self"]
        listed = self.scope.item
        if listed is None or len(steps) != 1 or steps[0].axis != "child" or steps[0].predicates:
            raise Unsupported("a path from an item of a list other than to one of its columns")
        sql = item_column(listed, self.scope.item_alias, steps[0].name)
        return Nodes(lambda: values.text(sql), "TRUE")


def item_column(listed: ChoiceList, alias: str, name: str) -> str:
    """Give SQL of one column of a list's item; never NULL."""
    if name == listed.value_column:
        return f"{alias}.value"
    return f"coalesce({alias}.properties[{text_literal(name)}], '')"


def list_condition(questionnaire: Questionnaire, listed: ChoiceList, alias: str) -> str:
    """Give the condition on ``staging.choices`` for the rows of one list of one form version."""
    pairs = {"form_id": questionnaire.form_id, "form_version": questionnaire.version, "list_name": listed.name}
    return " AND ".join(f"{alias}.{quote(name)} = {text_literal(value)}" for name, value in pairs.items())
