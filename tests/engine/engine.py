"""Fill a form the way ODK Collect does, and ask its engine about a submission that exists already.

>>> form = Form.load(xform, media)                                  # doctest: +SKIP
>>> filled = form.fill({"consent/given": "yes", "mother/age": 27})  # doctest: +SKIP
>>> filled.xml, filled.refusals, filled.questions                   # doctest: +SKIP
>>> record = form.open(filled.xml)                                  # doctest: +SKIP
>>> record.is_relevant("mother/age"), record.constraint_holds("mother/age"), record.calculated("mother/age_group")
...                                                                 # doctest: +SKIP

Paths stand below the root node (``mother/age``); an instance of a repeat is counted from one (``infants[2]/name``,
and ``infants/name`` is that of the first).
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engine import jvm
from tests.engine.interview import Answers, Interview, Question, Refusal
from tests.engine.preload import Meta, preloader

XFORMS = "{http://www.w3.org/2002/xforms}"


@dataclass(frozen=True, slots=True)
class Filled:
    """A filled form."""

    xml: bytes
    """The submission as Collect writes it."""
    questions: tuple[Question, ...]
    """What was shown, in order."""
    refusals: tuple[Refusal, ...]
    """Empty where the phone would finalise the form."""

    @property
    def shown(self) -> tuple[str, ...]:
        """Paths of the questions that were shown."""
        return tuple(question.path for question in self.questions)


class Form:
    """A form definition, loaded by the engine."""

    def __init__(self, definition: Any, layout: _Layout) -> None:
        self.definition = definition
        self.binds = layout.binds
        """By path: the attributes of the bind, those of a namespace as ``{uri}name``."""
        self.nodes = layout.nodes
        """Paths of all nodes, groups too."""
        self.leaves = layout.leaves
        """Paths of the nodes that hold a value."""
        self.selects = layout.selects
        """Paths of the questions that offer choices."""
        self.repeats = layout.repeats
        """Paths of the repeats."""
        self._blank = definition.getMainInstance().clone()

    @classmethod
    def load(cls, xform: Path, media: Path | None = None) -> Form:
        """Load an XForm.

        Parameters
        ----------
        xform
            The XForm (not the XLSForm).
        media
            Folder of its CSV and other files. The engine is silent where one is missing; this is not.
        """
        jvm.start()
        jvm.use_media(media)
        layout = _read(xform)
        missing = [name for name in layout.files if media is None or not (media / name).exists()]
        if missing:
            raise FileNotFoundError(f"{xform.name} needs {missing[0]}")
        return cls(jvm.java("org.javarosa.xform.util.XFormUtils").getFormFromFormXml(str(xform), None), layout)

    @property
    def languages(self) -> tuple[str, ...]:
        """Names of the form's languages."""
        localizer = self.definition.getLocalizer()
        return tuple(str(name) for name in localizer.getAvailableLocales()) if localizer else ()

    def fill(self, answers: Answers, *, language: str | None = None, meta: Meta | None = None) -> Filled:
        """Fill the form from its beginning to its end and finalise it.

        Parameters
        ----------
        answers
            By path, or a function of path and question. None keeps what the question holds (a default), an empty text
            clears it.
            A mapping makes as many instances of a repeat as it has answers for; a function is asked for the path of
            each further instance (``infants[2]``) and gives something true for one more.
        language
            One of `languages`; the form's default when not given.
        meta
            What the phone fills by itself: clock, identifiers.
        """
        definition = self.definition
        definition.setInstance(self._blank.clone())
        definition.setPreloader(preloader(meta or Meta()))
        controller = self._controller()
        definition.initialize(True, jvm.java("org.javarosa.core.model.instance.InstanceInitializationFactory")())
        if language:
            controller.setLanguage(language)
        elif definition.getLocalizer():
            definition.getLocalizer().setToDefault()
        interview = Interview(self, controller, answers)
        interview.run()
        controller.finalizeFormEntry()
        return Filled(self._serialise(), tuple(interview.questions), tuple(interview.refusals))

    def open(self, xml: bytes, *, recompute: bool = True) -> Record:
        """Open a submission that exists, as Collect does to edit it.

        Parameters
        ----------
        xml
            The submission. Nodes it lacks count as empty; nodes the form does not know are ignored; a value that
            cannot have the node's type is empty.
        recompute
            Whether relevance and calculations are computed anew, as Collect does. Without, every node is relevant and
            holds what the submission says.
        """
        definition = self.definition
        definition.setInstance(self._blank.clone())
        root = self._blank.getRoot().deepCopy(True)
        parser = jvm.java("org.javarosa.xform.parse.XFormParser")
        saved = parser.restoreDataModel(jvm.java("java.io.ByteArrayInputStream")(xml), None).getRoot()
        if saved.getName() != root.getName():
            raise ValueError(f"this is not a submission of the form: its root is {saved.getName()}")
        root.populate(saved, definition)
        _make_relevant(root)
        definition.getMainInstance().setName(None)
        definition.getMainInstance().setRoot(root)
        if recompute:
            definition.initialize(False, jvm.java("org.javarosa.core.model.instance.InstanceInitializationFactory")())
        return Record(self)

    def finalise_again(self, xml: bytes, *, meta: Meta) -> bytes:
        """Open a finalised submission and finalise it again with no answer changed, as Collect does with an edit.

        Collect itself then gives a new instance ID and names the old one.
        """
        self.definition.setPreloader(preloader(meta))
        self.open(xml)
        self._controller().finalizeFormEntry()
        return self._serialise()

    def path_of(self, reference: Any) -> str:
        """Give the path of an engine's reference."""
        parts: list[str] = []
        plain: list[str] = []
        for step in range(1, reference.size()):
            plain.append(str(reference.getName(step)))
            is_repeat = "/".join(plain) in self.repeats
            parts.append(f"{plain[-1]}[{reference.getMultiplicity(step) + 1}]" if is_repeat else plain[-1])
        return "/".join(parts)

    def reference(self, path: str) -> Any:
        """Give the engine's reference of a path."""
        reference = jvm.java("org.javarosa.core.model.instance.TreeReference").rootRef()
        reference.add(self.definition.getMainInstance().getRoot().getName(), 0)
        for step in path.split("/") if path else ():
            matched = re.fullmatch(r"([^\[\]]+)(?:\[(\d+)\])?", step)
            assert matched, f"not a path: {path}"
            reference.add(matched[1], int(matched[2] or 1) - 1)
        return reference

    def _controller(self) -> Any:
        model = jvm.java("org.javarosa.form.api.FormEntryModel")(self.definition)
        return jvm.java("org.javarosa.form.api.FormEntryController")(model)

    def _serialise(self) -> bytes:
        visitor = jvm.java("org.javarosa.model.xform.XFormSerializingVisitor")()
        return bytes(visitor.serializeInstance(self.definition.getMainInstance()))


class Record:
    """A submission in the engine. Opening or filling another one with the same form ends its life."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._instance = form.definition.getMainInstance()

    def exists(self, path: str) -> bool:
        """Tell whether there is such a node; an instance of a repeat may not be there."""
        return self._instance.resolveReference(self._form.reference(path)) is not None

    def value(self, path: str) -> str:
        """Give what the node holds, as text; empty where it holds nothing."""
        data = self._node(path).getValue()
        return "" if data is None else str(data.uncast().getString())

    def is_relevant(self, path: str) -> bool:
        """Tell whether the node and all around it are relevant."""
        return bool(self._node(path).isRelevant())

    def is_required(self, path: str) -> bool:
        """Tell whether the node must hold an answer when it is relevant."""
        return bool(self._node(path).isRequired())

    def constraint_holds(self, path: str) -> bool:
        """Tell whether the engine would take the node's present value; it takes emptiness always."""
        reference = self._form.reference(path)
        return bool(self._form.definition.evaluateConstraint(reference, self._node(path).getValue()))

    def calculated(self, path: str) -> str:
        """Compute the node's calculation from the other nodes as they are now; as text, as it would be stored."""
        node = self._node(path)
        result = self._raw(self._form.binds[plain(path)]["calculate"], path)
        data = jvm.java("org.javarosa.core.model.data.IAnswerData").wrapData(result, node.getDataType())
        return "" if data is None else str(data.uncast().getString())

    def choices(self, path: str) -> tuple[str, ...]:
        """Give the values a select offers after its choice filter."""
        finder = jvm.java("org.javarosa.core.model.FormDef")
        reference = self._form.reference(path)
        question = finder.findQuestionByRef(reference, self._form.definition)
        dynamic = question.getDynamicChoices()
        offered = dynamic.getChoices(self._form.definition, reference) if dynamic else question.getChoices()
        return tuple(str(choice.getValue()) for choice in offered)

    def evaluate(self, xpath: str, context: str = "") -> str | float | bool:
        """Evaluate any XPath expression with a node as its context: text, number or truth value."""
        result = self._raw(xpath, context)
        if isinstance(result, (bool, str)):
            return result
        name = result.getClass().getSimpleName()
        if name in ("Double", "Integer", "Long"):
            return float(result)
        if name == "Boolean":
            return bool(result)
        return str(jvm.java("org.javarosa.xpath.expr.XPathFuncExpr").toString(result))

    def is_true(self, xpath: str, context: str = "") -> bool:
        """Evaluate an expression as the engine does for a condition."""
        return bool(self._conditional(xpath).eval(self._instance, self._context(context)))

    def _raw(self, xpath: str, context: str) -> Any:
        return self._conditional(xpath).evalRaw(self._instance, self._context(context))

    def _conditional(self, xpath: str) -> Any:
        return jvm.java("org.javarosa.xpath.XPathConditional")(xpath)

    def _context(self, path: str) -> Any:
        around = self._form.definition.getEvaluationContext()
        return jvm.java("org.javarosa.core.model.condition.EvaluationContext")(around, self._form.reference(path))

    def _node(self, path: str) -> Any:
        node = self._instance.resolveReference(self._form.reference(path))
        if node is None:
            raise KeyError(path)
        return node


def plain(path: str) -> str:
    """Give a path without the numbers of repeat instances."""
    return re.sub(r"\[\d+\]", "", path)


def _make_relevant(node: Any) -> None:
    node.setRelevant(True)
    for position in range(node.getNumChildren()):
        _make_relevant(node.getChildAt(position))


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the XForm itself says of its nodes."""

    binds: dict[str, dict[str, str]]
    nodes: frozenset[str]
    leaves: frozenset[str]
    repeats: frozenset[str]
    selects: frozenset[str]
    files: tuple[str, ...]


def _read(xform: Path) -> _Layout:
    tree = ET.parse(xform)
    instances = list(tree.iter(f"{XFORMS}instance"))
    nodes = dict(_nodes(instances[0][0], ""))
    sources = [instance.attrib.get("src", "") for instance in instances]
    return _Layout(
        binds={_below_root(bind.attrib["nodeset"]): dict(bind.attrib) for bind in tree.iter(f"{XFORMS}bind")},
        nodes=frozenset(nodes),
        leaves=frozenset(path for path, is_leaf in nodes.items() if is_leaf),
        repeats=frozenset(_below_root(repeat.attrib["nodeset"]) for repeat in tree.iter(f"{XFORMS}repeat")),
        selects=frozenset(
            _below_root(control.attrib["ref"])
            for kind in ("select", "select1", "rank")
            for control in tree.iter(f"{XFORMS}{kind}")
        ),
        files=tuple(source.rsplit("/", 1)[-1] for source in sources if source.startswith("jr://file")),
    )


def _nodes(element: ET.Element, path: str) -> Iterator[tuple[str, bool]]:
    for child in element:
        below = f"{path}/{child.tag.rpartition('}')[2]}".lstrip("/")
        yield below, len(child) == 0
        yield from _nodes(child, below)


def _below_root(nodeset: str) -> str:
    return "/".join(nodeset.split("/")[2:])
