"""A submission's XML to rows of text, one table for the form and one for each repeat.

Values are taken exactly as they were written: XML itself turns line ends into ``\\n`` and resolves ``&amp;`` and its
like; nothing else is trimmed or changed. An absent node and an empty one are both None. Namespaces do not count.
Attributes are not answers; they stay in raw.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.etree import ElementTree

import defusedxml.ElementTree

from laktasi.questionnaire.model import Questionnaire

Row = list[str | None]

ENVELOPE = frozenset({"meta/instanceID", "meta/deprecatedID"})
"""Nodes that belong to the submission and not to the form: staging.submissions has what they say."""

# XML in UTF-8 without any <!…>: no DTD, so no entities, comments or CDATA. It may go to the fast parser.
_PLAIN = re.compile(
    rb'(?:\xef\xbb\xbf)?\s*(?:<\?xml(?:(?!encoding)[^>])*(?:encoding=["\']utf-8["\'][^>]*)?\?>)?\s*<\w', re.I
)


@dataclass(slots=True)
class Branch:
    """A node of the form that holds others: what stands below it, by local name."""

    path: str
    children: dict[str, int | Branch] = field(default_factory=dict)
    """Position of a field in its table's row, or a group, or a repeat."""
    table: int | None = None
    """For a repeat and the form itself: place of its table in the layout."""


@dataclass(frozen=True, slots=True)
class TableLayout:
    """The columns of one table, in the order of its rows."""

    name: str
    columns: tuple[str, ...]
    is_repeat: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each node of one form version goes."""

    form_id: str
    form_version: str
    tables: tuple[TableLayout, ...]
    root: Branch
    digest: str
    """SHA-256 over all of this; answers read by another layout are read anew."""


@dataclass(slots=True)
class Rows:
    """What many payloads of one layout hold."""

    tables: list[list[Row]]
    """Rows of each table of the layout."""
    unknown: list[tuple[str, str]] = field(default_factory=list)
    """Submission and path of nodes that the layout does not have."""


def layout_of(questionnaire: Questionnaire) -> Layout:
    """Say where each node of a form version goes."""
    tables: list[TableLayout] = []
    root = Branch("", table=0)
    for place, table in enumerate(questionnaire.tables):
        fields = list(questionnaire.fields_of(table.name))
        fixed: tuple[str, ...] = ("_submission_id", "_row", "_form_version")
        if table.parent is not None:
            fixed = ("_submission_id", "_row", "_parent_row", "_form_version")
            _branch(root, table.path).table = place
        tables.append(TableLayout(table.name, (*fixed, *(item.column for item in fields)), table.parent is not None))
        for position, item in enumerate(fields, start=len(fixed)):
            around, _, name = item.path.rpartition("/")
            _branch(root, around).children[name] = position
    for group in questionnaire.groups:
        _branch(root, group.path)
    facts = [(item.path, item.column, item.table) for item in questionnaire.fields]
    digest = hashlib.sha256(repr((facts, tables, [group.path for group in questionnaire.groups])).encode()).hexdigest()
    return Layout(questionnaire.form_id, questionnaire.version, tuple(tables), root, digest)


def _branch(root: Branch, path: str) -> Branch:
    branch = root
    for name in path.split("/") if path else ():
        below = branch.children.get(name)
        if not isinstance(below, Branch):
            below = branch.children[name] = Branch(f"{branch.path}/{name}" if branch.path else name)
        branch = below
    return branch


def read_payloads(layout: Layout, payloads: Iterable[tuple[str, bytes]]) -> Rows:
    """Read payloads of one form version.

    Parameters
    ----------
    payloads
        Submission id and XML.
    """
    rows = Rows([[] for _ in layout.tables])
    for submission_id, payload in payloads:
        reader = _Reader(layout, rows, submission_id)
        reader.start(parse_payload(payload))
    return rows


def parse_payload(payload: bytes) -> ElementTree.Element:
    """Parse a payload. Raises ParseError, or of defusedxml ValueError, where it is none."""
    if b"<!" not in payload and _PLAIN.match(payload):
        return ElementTree.fromstring(payload)  # noqa: S314 - it has no DTD, see _PLAIN
    root: ElementTree.Element = defusedxml.ElementTree.fromstring(payload, forbid_dtd=True)
    return root


class _Reader:
    """Reads one payload."""

    __slots__ = ("layout", "rows", "submission_id", "unknown")

    def __init__(self, layout: Layout, rows: Rows, submission_id: str) -> None:
        self.layout = layout
        self.rows = rows
        self.submission_id = submission_id
        self.unknown: set[str] = set()

    def start(self, root: ElementTree.Element) -> None:
        self._instance(root, self.layout.root, "", None)
        self.rows.unknown.extend((self.submission_id, path) for path in sorted(self.unknown))

    def _instance(self, element: ElementTree.Element, branch: Branch, position: str, parent: str | None) -> None:
        """Read the form itself, or one instance of a repeat: a row of its own."""
        assert branch.table is not None
        fixed = [self.submission_id, position, self.layout.form_version]
        if parent is not None:
            fixed.insert(2, parent)
        row: Row = [*fixed, *[None] * (len(self.layout.tables[branch.table].columns) - len(fixed))]
        self.rows.tables[branch.table].append(row)
        self._below(element, branch, row, position)

    def _below(self, element: ElementTree.Element, branch: Branch, row: Row, position: str) -> None:
        children = branch.children
        seen: dict[str, int] | None = None
        for child in element:
            name = child.tag
            if name[0] == "{":
                name = name[name.index("}") + 1 :]
            target = children.get(name)
            if type(target) is int:
                text = child.text
                if len(child):
                    self._unknown_below(child, branch, name)
                    # between the nodes that should not be there stands layout, not an answer
                    text = text if text and not text.isspace() else None
                if not text:
                    continue
                if row[target] is not None:
                    self.unknown.add(_join(branch, f"{name}[2]"))
                else:
                    row[target] = text
            elif target is None:
                if (path := _join(branch, name)) not in ENVELOPE:
                    self.unknown.add(path)
            else:
                assert isinstance(target, Branch)
                if target.table is None:
                    self._below(child, target, row, position)
                else:
                    seen = seen or {}
                    number = seen[name] = seen.get(name, 0) + 1
                    self._instance(child, target, f"{position}.{number}" if position else str(number), position)

    def _unknown_below(self, child: ElementTree.Element, branch: Branch, name: str) -> None:
        for inner in child:
            self.unknown.add(_join(branch, f"{name}/{inner.tag.rpartition('}')[2]}"))


def _join(branch: Branch, name: str) -> str:
    return f"{branch.path}/{name}" if branch.path else name
