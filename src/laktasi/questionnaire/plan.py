"""What the expressions of a form read: typed answers, recomputed calculations, relevance, the phone's clock.

Relevance and calculations are computed anew from the answers, as the phone does whenever it opens a form; so a rule
is asked with the values the phone would have had, even where a stored calculation is wrong. Where a calculation cannot
be recomputed, or may have been made on another day, the stored value is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import takewhile

from laktasi.questionnaire import values, xpath
from laktasi.questionnaire.calculations import as_stored
from laktasi.questionnaire.dates import moment, offset_minutes, time_of_day
from laktasi.questionnaire.expressions import Compiler
from laktasi.questionnaire.layers import ROW, Column, Frame, Tables
from laktasi.questionnaire.model import Field, Questionnaire, Table, ValueType
from laktasi.questionnaire.scope import Scope
from laktasi.questionnaire.types import is_of_type
from laktasi.questionnaire.values import EMPTY, Either, Kind, Leaf, Unsupported, Value, quote


@dataclass(frozen=True, slots=True)
class Reading:
    """A value as any expression reads it, with the computed columns it comes from."""

    value: Value
    """SQL with :data:`~laktasi.questionnaire.layers.ROW` in place of the row's alias."""
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A calculation, compiled, in the row of its field."""

    result: Value
    """What the expression gives."""
    value: Value
    """What its node then holds, and other expressions read."""
    frame: Frame
    joins: frozenset[str]


class Plan:
    """Everything computed for one form version; fulfils what :class:`Compiler` asks of a form.

    Parameters
    ----------
    renews
        Whether expressions read what depends on the day as it would be now that other answers have changed, where the
        day of the interview is beyond doubt; without, as it is stored.
    """

    def __init__(self, questionnaire: Questionnaire, *, renews: bool = False) -> None:
        self.questionnaire = questionnaire
        self._renews = renews
        self.tables = Tables(questionnaire)
        self._readings: dict[str, Reading] = {}
        self._relevance: dict[str, Column | str | Unsupported] = {}
        self._recomputed: dict[str, Recomputed | Unsupported] = {}
        self._open: set[str] = set()
        self._aliases = 0
        self._own_relevance = {group.path: group.relevant for group in questionnaire.groups}
        self._own_relevance |= {item.path: item.relevant for item in questionnaire.fields}
        self._clock: dict[str, Column] = {}
        self._limits = shared_limits(questionnaire)

    def new_alias(self) -> str:
        """Give an alias for the rows of a subquery."""
        self._aliases += 1
        return f"s{self._aliases}"

    def scope(self, place: str, table: Table | None = None, shared: str = "") -> Scope:
        """Give the scope of an expression that belongs to a node.

        `shared` is the kind of the expression (relevant, required, calculate) where the engine may share its result.
        """
        limit = self._limits.get((shared, place))
        return Scope(self.tables, table or self.tables.at(place), place, limit=limit)

    # Relevance

    def relevance(self, place: str, alias_of: Callable[[str], str], frame: Frame) -> str:
        """Give the condition under which a node is relevant.

        Raises
        ------
        Unsupported
            It cannot be told after the interview.
        """
        column = self._relevance_of(place)
        if isinstance(column, Unsupported):
            raise column
        if isinstance(column, str):
            return column
        frame.add(column)
        return f"{alias_of(column.table)}.{quote(column.name)}"

    def _relevance_of(self, place: str) -> Column | str | Unsupported:
        if not place:
            return "TRUE"
        if place not in self._relevance:
            if f"relevance of {place}" in self._open:
                return Unsupported("its relevance depends on itself")
            self._open.add(f"relevance of {place}")
            try:
                self._relevance[place] = self._compile_relevance(place)
            except Unsupported as reason:
                self._relevance[place] = reason
            finally:
                self._open.discard(f"relevance of {place}")
        return self._relevance[place]

    def _compile_relevance(self, place: str) -> Column | str | Unsupported:
        around = self._relevance_of(place.rpartition("/")[0])
        own = self._own_relevance.get(place)
        if own is None or isinstance(around, Unsupported):
            return around
        scope, frame = self.scope(place, shared="relevant"), Frame()
        condition = Compiler(self, scope, frame).condition(parsed(own))
        if isinstance(around, Column):
            frame.add(around)
            condition = f"({scope.alias_of(around.table)}.{quote(around.name)} AND {condition})"
        return self.column(f"relevant {place}", condition, scope, frame)

    def column(self, name: str, sql: str, scope: Scope, frame: Frame) -> Column:
        """Make a computed column of what was compiled in a scope."""
        return Column(
            scope.table.name,
            name,
            sql,
            frame.level,
            tuple(sorted(scope.joins)),
            frozenset(frame.columns),
            frame.clock,
        )

    # Values

    def reading(self, item: Field, alias: str, frame: Frame) -> Value:
        """Give the value an expression reads from a field, in a row called `alias`."""
        if item.path not in self._readings:
            if item.path in self._open:
                raise Unsupported("it reads its own earlier value")
            self._open.add(item.path)
            try:
                self._readings[item.path] = self._read(item)
            finally:
                self._open.discard(item.path)
        found = self._readings[item.path]
        for column in found.columns:
            frame.add(column)
        return values.substitute(found.value, ROW, alias)

    def _read(self, item: Field) -> Reading:
        if item.calculate is not None:
            made = self.recomputed(item)
            if isinstance(made, Recomputed):
                if not made.frame.clock:
                    return self._read_recomputed(item, made)
                if self._renews and not reads_moment(made.frame):
                    return self._read_renewed(item, made)
                return self._read_made(item, made)
        return self._read_stored(item, item.type)

    def typed(self, item: Field, alias: str, frame: Frame) -> str | None:
        """Give the column that holds an answer as its type, NULL where it is none, not of its type or not relevant.

        None where there is no such column: text is read as it is, a calculation is computed.
        """
        if item.calculate is not None or is_of_type(item.type, "") is None or item.path in self._open:
            return None
        value = self.reading(item, alias, frame)
        return value.sql if isinstance(value, Leaf) and value.kind is not Kind.TEXT else None

    def recomputed(self, item: Field) -> Recomputed | Unsupported:
        """Compile a field's calculation, or give the reason why it cannot be repeated."""
        if item.path not in self._recomputed:
            self._open.add(item.path)
            try:
                self._recomputed[item.path] = self._recompute(item)
            except Unsupported as reason:
                self._recomputed[item.path] = reason
            finally:
                self._open.discard(item.path)
        return self._recomputed[item.path]

    def _recompute(self, item: Field) -> Recomputed:
        assert item.calculate is not None
        if item.trigger is not None:
            raise Unsupported("it is computed only when another answer changes")
        if item.is_question and not item.readonly:
            raise Unsupported("the interviewer may overwrite it")
        if item.type in (ValueType.TIME, ValueType.GEOPOINT, ValueType.GEOTRACE, ValueType.GEOSHAPE):
            raise Unsupported(f"a calculation stored as {item.type} is not compiled")
        scope, frame = self.scope(item.path, shared="calculate"), Frame()
        value = Compiler(self, scope, frame).value(parsed(item.calculate))
        stored = values.each(value, lambda leaf: as_stored(leaf, item.type))
        return Recomputed(value, stored, frame, frozenset(scope.joins))

    def _gate(self, item: Field, scope: Scope, frame: Frame) -> str:
        try:
            return self.relevance(item.path, scope.alias_of, frame)
        except Unsupported:
            # The phone sends only relevant answers, so an answer that is there was relevant.
            return "TRUE"

    def _read_recomputed(self, item: Field, made: Recomputed) -> Reading:
        scope = self.scope(item.path)
        scope.joins |= made.joins
        frame = Frame(set(made.frame.columns), made.frame.clock)
        gate = self._gate(item, scope, frame)
        by_kind: dict[Kind, list[tuple[str, Leaf]]] = {}
        for condition, leaf in values.leaves(made.value):
            if leaf.literal != "":
                by_kind.setdefault(leaf.kind, []).append((condition, leaf))
        reading: Value = EMPTY
        columns = []
        for kind, branches in sorted(by_kind.items(), key=lambda pair: pair[0] is not Kind.TEXT):
            cases = " ".join(f"WHEN {condition} THEN {leaf.sql}" for condition, leaf in branches)
            only = branches[0][1].sql if branches[0][0] == "TRUE" else f"(CASE {cases} END)"
            sql = only if gate == "TRUE" else f"(CASE WHEN {gate} THEN {only} END)"
            column = self.column(f"{kind} {item.path}", sql, scope, frame)
            columns.append(column)
            branch = _of_column(f"{ROW}.{quote(column.name)}", kind, [leaf for _, leaf in branches])
            there = f"({ROW}.{quote(column.name)} IS NOT NULL)"
            reading = branch if reading is EMPTY else values.choose(there, branch, reading)
        return Reading(reading, tuple(columns))

    def _read_made(self, item: Field, made: Recomputed) -> Reading:
        """Read a stored calculation as the kind that its expression gives, whatever its bind says."""
        kinds = {leaf.kind for _, leaf in values.leaves(made.value) if leaf.literal != ""}
        as_type = {Kind.NUMBER: ValueType.DECIMAL, Kind.TRUTH: ValueType.BOOLEAN, Kind.DATE: ValueType.DATETIME}
        only = next(iter(kinds)) if len(kinds) == 1 else Kind.TEXT
        kind = as_type.get(only, ValueType.TEXT)
        return self._read_stored(item, ValueType.DATE if item.type is ValueType.DATE else kind)

    def _read_renewed(self, item: Field, made: Recomputed) -> Reading:
        """Read a calculation that depends on the day: computed where the day is beyond doubt, else as it is stored."""
        scope, frame = self.scope(item.path), Frame()
        settled = self.clock("settled", scope.alias_of, frame)
        column = self.column(f"settled {item.path}", f"coalesce({settled}, FALSE)", scope, frame)
        new, stored = self._read_recomputed(item, made), self._read_made(item, made)
        value = values.choose(f"{ROW}.{quote(column.name)}", new.value, stored.value)
        # Either way it is what the node holds in the end, so what reads it depends on the day no more than that.
        renewed = [replace(part, clock=False) for part in new.columns]
        return Reading(value, (column, *renewed, *stored.columns))

    def _read_stored(self, item: Field, kind: ValueType) -> Reading:
        raw = f"{ROW}.{quote(item.column)}"
        scope, frame = self.scope(item.path), Frame()
        gate = self._gate(item, scope, frame)
        check = is_of_type(kind, raw)
        if kind is ValueType.BOOLEAN:
            there = f"coalesce({raw} IN ('true', '1', 'false', '0') AND {gate}, FALSE)"
            given = values.truth(f"coalesce({raw} IN ('true', '1'), FALSE)")
            return self._inline(item, Either(there, given, EMPTY), scope, frame)
        sql, leaf = {
            ValueType.INTEGER: (f"TRY_CAST({raw} AS DOUBLE)", Leaf(Kind.NUMBER, "", True, integral=True)),
            ValueType.DECIMAL: (f"TRY_CAST({raw} AS DOUBLE)", Leaf(Kind.NUMBER, "", True)),
            ValueType.DATE: (f"TRY_CAST({raw} AS TIMESTAMP)", values.date("")),
            ValueType.DATETIME: (moment(raw), values.date("")),
            ValueType.TIME: (time_of_day(raw), Leaf(Kind.TIME, "", True)),
        }.get(kind, (None, EMPTY))
        if sql is None or check is None:
            text = f"coalesce({raw}, '')"
            gated = text if gate == "TRUE" else f"(CASE WHEN {gate} THEN {text} ELSE '' END)"
            return self._inline(item, values.text(gated), scope, frame)
        condition = check if gate == "TRUE" else f"{gate} AND {check}"
        column = self.column(f"value {item.path}", f"(CASE WHEN {condition} THEN {sql} END)", scope, frame)
        offset = offset_minutes(raw) if kind is ValueType.DATETIME else None
        read = f"{ROW}.{quote(column.name)}"
        return Reading(
            Leaf(leaf.kind, read, may_be_empty=True, integral=leaf.integral, offset=offset),
            (column,),
        )

    def _inline(self, item: Field, value: Value, scope: Scope, frame: Frame) -> Reading:
        """Read without a column of its own, unless the condition stands in a row around this one."""
        if not scope.joins:
            return Reading(value, tuple(frame.columns))
        columns = []

        def kept(name: str, sql: str) -> str:
            column = self.column(f"{name} {item.path}", sql, scope, frame)
            columns.append(column)
            return f"{ROW}.{quote(column.name)}"

        if isinstance(value, Leaf):
            return Reading(values.text(kept("text", value.sql)), tuple(columns))
        there = kept("given", value.condition)
        assert isinstance(value.yes, Leaf)
        return Reading(Either(there, values.truth(kept("truth", value.yes.sql)), EMPTY), tuple(columns))

    # The clock

    def clock(self, name: str, alias_of: Callable[[str], str], frame: Frame) -> str:
        """Give SQL of the phone's ``day``, ``moment`` or ``offset``; ``settled`` tells whether the day is beyond doubt.

        The day is that of the end of the interview, since the phone asks every constraint again when a form is
        finalised; then that of its start.

        Raises
        ------
        Unsupported
            The form keeps no time of its interviews.
        """
        column = self._clock_column(name)
        frame.add(column)
        return f"{alias_of(column.table)}.{quote(column.name)}"

    def _clock_column(self, name: str) -> Column:
        if name not in self._clock:
            form = self.tables.form.name
            kept = {
                item.preload: f"{ROW}.{quote(item.column)}"
                for item in self.questionnaire.fields
                if item.table == form and item.preload in ("start", "end", "today")
            }
            times = [kept[preload] for preload in ("end", "start") if preload in kept]
            days = [*times, *([kept["today"]] if "today" in kept else [])]
            if not (times if name in ("moment", "offset") else days):
                raise Unsupported("the form keeps no time of its interviews (no start, end or today)")
            dates = [f"CAST(date_trunc('day', {moment(item)}) AS TIMESTAMP)" for item in days]
            sql = {
                "day": f"coalesce({', '.join(dates)})",
                "moment": f"coalesce({', '.join(map(moment, times))})",
                "offset": f"coalesce({', '.join(map(offset_minutes, times))})",
                "settled": f"(len(list_distinct([{', '.join(dates)}])) = 1)",
            }[name]
            # The offset of the phone does not change what was computed; the day and the moment may have.
            self._clock[name] = Column(form, f"clock {name}", sql, 1, (), frozenset(), name in ("day", "moment"))
        return self._clock[name]


def reads_moment(frame: Frame) -> bool:
    """Tell whether something is made of now(), which was another moment when it was computed."""
    waiting = list(frame.columns)
    while waiting:
        column = waiting.pop()
        if column.name == "clock moment":
            return True
        waiting.extend(column.needs)
    return False


def _of_column(sql: str, kind: Kind, branches: list[Leaf]) -> Value:
    match kind:
        case Kind.TEXT:
            return values.text(f"coalesce({sql}, '')")
        case Kind.TRUTH:
            return Either(f"({sql} IS NOT NULL)", values.truth(f"coalesce({sql}, FALSE)"), EMPTY)
    return Leaf(
        kind,
        sql,
        may_be_empty=True,
        integral=all(leaf.integral for leaf in branches),
        finite=all(leaf.finite for leaf in branches),
    )


def parsed(expression: str) -> xpath.Expression:
    """Parse an expression of the form; what is no XPath cannot be verified either."""
    try:
        return xpath.parse(expression)
    except xpath.NestedTooDeepError as error:
        raise Unsupported(str(error)) from error
    except xpath.XPathSyntaxError as error:
        raise Unsupported(f"it is not XPath: {error}") from error


def shared_limits(questionnaire: Questionnaire) -> dict[tuple[str, str], int]:
    """Find expressions that the engine computes once for several nodes.

    JavaRosa keeps one expression where several binds say the same of the same nodes, and evaluates it where all of
    them meet. So ``count(/data/child)`` inside the repeat counts one instance, its own, but all of them where the same
    words stand outside of the repeat as well.

    Returns
    -------
    dict
        By kind of expression and place: how many steps of an absolute path still mean this instance.
    """
    said: dict[tuple[str, xpath.Expression, frozenset[str | None]], list[str]] = {}
    everything = [("relevant", group.path, group.relevant) for group in questionnaire.groups]
    for item in questionnaire.fields:
        everything += [
            ("relevant", item.path, item.relevant),
            ("required", item.path, item.required),
            ("calculate", item.path, item.calculate),
        ]
    for kind, place, expression in everything:
        if expression is not None:
            try:
                tree = xpath.parse(expression)
            except xpath.XPathSyntaxError:
                continue
            read = frozenset(xpath.references(tree, place, questionnaire.root))
            said.setdefault((kind, tree, read), []).append(place)
    limits: dict[tuple[str, str], int] = {}
    for (kind, _, _), places in said.items():
        if len(places) > 1:
            steps = zip(*(place.split("/") for place in places), strict=False)
            common = sum(1 for _ in takewhile(lambda names: len(set(names)) == 1, steps))
            limits |= {(kind, place): common for place in places}
    return limits
