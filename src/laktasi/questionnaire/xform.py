"""XForm to :class:`~laktasi.questionnaire.model.Questionnaire`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from laktasi.errors import QuestionnaireError
from laktasi.questionnaire import names, privacy
from laktasi.questionnaire.choices import read_choices
from laktasi.questionnaire.controls import Body, Control, below, read_body
from laktasi.questionnaire.lists import local
from laktasi.questionnaire.model import Field, Group, Privacy, Questionnaire, Table, ValueType
from laktasi.questionnaire.texts import Translations

_TYPES = {
    "int": ValueType.INTEGER,
    "long": ValueType.INTEGER,
    "decimal": ValueType.DECIMAL,
    "boolean": ValueType.BOOLEAN,
    "date": ValueType.DATE,
    "time": ValueType.TIME,
    "dateTime": ValueType.DATETIME,
    "geopoint": ValueType.GEOPOINT,
    "geotrace": ValueType.GEOTRACE,
    "geoshape": ValueType.GEOSHAPE,
    "binary": ValueType.MEDIA,
    "select1": ValueType.SELECT_ONE,
    "select": ValueType.SELECT_MULTIPLE,
    "rank": ValueType.RANK,
}
_CONTROL_TYPES = {
    "select1": ValueType.SELECT_ONE,
    "select": ValueType.SELECT_MULTIPLE,
    "rank": ValueType.RANK,
    "upload": ValueType.MEDIA,
}
_ENDINGS = {
    ValueType.GEOPOINT: ("__lat", "__lon", "__alt", "__acc"),
    ValueType.DATETIME: ("__offset",),
}
"""The further columns typed staging makes of one."""


@dataclass(slots=True)
class _Form:
    """The parts of the form's XML."""

    document: Element
    model: Element
    root: Element
    body: Body
    texts: Translations
    binds: dict[str, Mapping[str, str]]
    actions: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    """Place of a node to (place of the question that triggers it or None for the first load, expression)."""

    @property
    def prefix(self) -> str:
        return f"/{local(self.root)}"


def parse(xform: bytes, media: Mapping[str, bytes] | None = None) -> Questionnaire:
    """Read one version of a form.

    Parameters
    ----------
    xform
        The XForm, byte for byte as it was fielded.
    media
        The files it came with: name to content.

    Raises
    ------
    QuestionnaireError
        It is not an XForm, or a media file is not what its name says.
    """
    try:
        return _parse(xform, dict(media or {}))
    except RecursionError as error:
        raise _wrong("its groups are nested too deeply") from error


def _parse(xform: bytes, files: dict[str, bytes]) -> Questionnaire:
    form = _read(xform)
    form_id = form.root.get("id", "")
    if not form_id:
        raise _wrong("its root node has no id, so no submission could name it")
    lists = read_choices(form.model, form.body, form.texts, files)
    tables = _tables(form_id, form.body.repeats)
    return Questionnaire(
        form_id=form_id,
        version=_attribute(form.root.attrib, "version") or "",
        title=next((item.text or "" for item in form.document.iter() if local(item) == "title"), "") or form_id,
        languages=form.texts.languages,
        sha256=hashlib.sha256(xform).hexdigest(),
        root=local(form.root),
        fields=tuple(_fields(form, tables, lists.list_of)),
        groups=tuple(_groups(form)),
        tables=tables,
        choice_lists=lists.lists,
        media={name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
        missing_media=tuple(name for name in lists.named_media if name not in files),
    )


def read_privacy(xform: bytes) -> dict[str, str]:
    """Give the word that each bind says of privacy, by place; binds that say nothing are left out."""
    said = {place: privacy.declared(bind)[1] for place, bind in _read(xform).binds.items()}
    return {place: word for place, word in said.items() if word is not None}


def _wrong(what: str) -> QuestionnaireError:
    return QuestionnaireError(f"this is not an XForm: {what}", next_step="convert the XLSForm again")


def _read(xform: bytes) -> _Form:
    try:
        document = fromstring(xform, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise _wrong(f"it is not XML that can be read ({type(error).__name__})") from error
    model = next((item for item in document.iter() if local(item) == "model"), None)
    body = next((item for item in document.iter() if local(item) == "body"), None)
    if model is None or body is None:
        raise _wrong("it has no model or no body")
    instance = next((item for item in model if local(item) == "instance"), None)
    if instance is None or len(instance) != 1:
        raise _wrong("it has no primary instance")
    root = instance[0]
    prefix = f"/{local(root)}"
    form = _Form(
        document,
        model,
        root,
        read_body(body, prefix),
        Translations(model),
        {below(item.get("nodeset", ""), prefix): item.attrib for item in model if local(item) == "bind"},
    )
    for action in (item for item in model if local(item) == "setvalue"):
        form.actions[below(action.get("ref", ""), prefix)] = (None, action.get("value") or action.text or "")
    for control in form.body.questions.values():
        for target, value in control.triggers:
            form.actions[target] = (control.place, value)
    return form


def _attribute(attributes: Mapping[str, str], name: str) -> str | None:
    """Give an attribute by its local name, under any namespace (``jr:preload`` …)."""
    return next((value for key, value in attributes.items() if key.rpartition("}")[2] == name), None)


def _tables(form_id: str, repeats: list[str]) -> tuple[Table, ...]:
    called = names.table_names(form_id, repeats)
    return tuple(Table(name, place, _table_of(place, called) if place else None) for place, name in called.items())


def _table_of(place: str, called: Mapping[str, str]) -> str:
    """Give the table of the innermost repeat around a place."""
    around = place.split("/")[:-1]
    while around:
        if (name := called.get("/".join(around))) is not None:
            return name
        around.pop()
    return called[""]


def _walk(element: Element, place: str, seen: set[str]) -> Iterator[tuple[str, Element]]:
    for child in element:
        inner = f"{place}/{local(child)}" if place else local(child)
        if inner not in seen:  # a repeat stands twice: its template and its first instance
            seen.add(inner)
            yield inner, child
            yield from _walk(child, inner, seen)


def _nodes(form: _Form) -> Iterator[tuple[str, Element, bool]]:
    """Give (place, element, whether it holds others) of every node of the primary instance, in order."""
    containers = set(form.body.groups) | set(form.body.repeats)
    for place, element in _walk(form.root, "", set()):
        yield place, element, len(element) > 0 or place in containers


def _groups(form: _Form) -> Iterator[Group]:
    for place, _, holds_others in _nodes(form):
        if holds_others:
            control = form.body.groups.get(place)
            yield Group(
                path=place,
                labels=form.texts.of_element(control.label) if control else {},
                relevant=_clean(form.binds.get(place, {}).get("relevant")),
                is_repeat=place in form.body.repeats,
            )


def _fields(form: _Form, tables: tuple[Table, ...], list_of: Mapping[str, str]) -> Iterator[Field]:
    leaves = [(place, element) for place, element, holds_others in _nodes(form) if not holds_others]
    called = {table.path: table.name for table in tables}
    table_of = {place: _table_of(place, called) for place, _ in leaves}
    types = {place: _type(form.binds.get(place, {}), form.body.questions.get(place)) for place, _ in leaves}
    columns: dict[str, str] = {}
    for table in tables:
        columns |= names.column_names(
            (place, place.removeprefix(table.path).strip("/"), _ENDINGS.get(types[place], ()))
            for place, _ in leaves
            if table_of[place] == table.name
        )
    private = privacy.flow(
        {place: privacy.declared(form.binds.get(place, {}))[0] for place, _ in leaves},
        {place: _shown(form, place) for place, _ in leaves},
        local(form.root),
    )
    for place, element in leaves:
        yield _field(form, place, element, columns[place], table_of[place], types[place], private[place], list_of)


def _type(bind: Mapping[str, str], control: Control | None) -> ValueType:
    if control is not None and control.kind in _CONTROL_TYPES:
        return _CONTROL_TYPES[control.kind]
    declared = bind.get("type", "").rpartition(":")[2]
    return _TYPES.get(declared, ValueType.TEXT)


def _shown(form: _Form, place: str) -> list[str]:
    """Give the expressions whose values end up in a field or on its screen."""
    bind = form.binds.get(place, {})
    control = form.body.questions.get(place)
    found = [bind["calculate"]] if "calculate" in bind else []
    if place in form.actions:
        found.append(form.actions[place][1])
    messages = [_attribute(bind, "constraintMsg"), _attribute(bind, "requiredMsg")]
    found += form.texts.outputs(control.label if control else None, *messages)
    found += form.texts.outputs(control.hint if control else None)
    if place == "meta/audit":
        # Collect writes into its log every answer with the question it belongs to
        found.append(form.prefix)
    return [expression for expression in found if expression.strip()]


def _field(
    form: _Form,
    place: str,
    element: Element,
    column: str,
    table: str,
    kind: ValueType,
    private: Privacy,
    list_of: Mapping[str, str],
) -> Field:
    bind = form.binds.get(place, {})
    control = form.body.questions.get(place)
    trigger, action = form.actions.get(place, (None, None))
    calculate = _clean(bind.get("calculate"))
    preload = _attribute(bind, "preload")
    return Field(
        path=place,
        column=column,
        table=table,
        type=kind,
        labels=form.texts.of_element(control.label if control else None),
        hints=form.texts.of_element(control.hint if control else None),
        privacy=private,
        list_name=list_of.get(place),
        choice_filter=control.itemset.filter if control and control.itemset else None,
        required=_clean(bind.get("required")),
        relevant=_clean(bind.get("relevant")),
        constraint=_clean(bind.get("constraint")),
        constraint_messages=form.texts.of_reference(_attribute(bind, "constraintMsg")),
        required_messages=form.texts.of_reference(_attribute(bind, "requiredMsg")),
        calculate=calculate if trigger is None else calculate or action,
        readonly=re.sub(r"\s", "", bind.get("readonly", "")) == "true()",
        is_question=control is not None,
        trigger=trigger,
        preload=(_attribute(bind, "preloadParams") or preload) if preload else None,
        default=(element.text or "").strip() or (action if trigger is None else None) or None,
        appearance=control.appearance if control else None,
    )


def _clean(expression: str | None) -> str | None:
    return (expression or "").strip() or None
