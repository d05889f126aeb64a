"""One interview: the engine's steps from the form's beginning to its end, with answers given on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from tests.engine import jvm

if TYPE_CHECKING:
    from tests.engine.engine import Form

Value = str | int | float | bool | date | datetime | time | tuple[float, ...] | list[str] | None
"""An answer; a tuple is a geopoint (latitude, longitude, altitude, accuracy), a list the choices of a multiple one."""

Answers = Mapping[str, Value] | Callable[[str, "Question"], Value]

END, NEW_REPEAT, QUESTION, REPEAT = 1, 2, 4, 16
ACCEPTED, REQUIRED_BUT_EMPTY = 0, 1
SELECT_ONE, SELECT_MULTIPLE, TRIGGER, RANK = 2, 3, 9, 16
JAVAROSA = "http://openrosa.org/javarosa"


@dataclass(frozen=True, slots=True)
class Question:
    """What the phone shows at one step."""

    path: str
    label: str
    hint: str
    choices: tuple[tuple[str, str], ...]
    """Value and label of what can be chosen here, after the choice filter."""
    is_required: bool
    is_readonly: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that the phone does not take."""

    path: str
    kind: str
    """``required``, ``constraint``, ``choice`` (not on offer) or ``type`` (cannot be typed into the question)."""
    message: str
    """What the phone says, in the language of the interview."""


class Interview:
    """One walk through the form."""

    def __init__(self, form: Form, controller: Any, answers: Answers) -> None:
        self.form = form
        self.controller = controller
        self.model = controller.getModel()
        self.answers = answers
        self.questions: list[Question] = []
        self.refusals: list[Refusal] = []

    def run(self) -> None:
        event = self.controller.stepToNextEvent()
        while event != END:
            if event == QUESTION:
                self.ask()
            elif event == NEW_REPEAT and self.wants(self.path()):
                self.controller.newRepeat()
            elif event == REPEAT and not callable(self.answers) and not self.wants(self.path()) and self.is_free():
                event = self.controller.jumpToIndex(self.controller.deleteRepeat())
                continue
            event = self.controller.stepToNextEvent()
        if not self.refusals:
            self.validate()

    def validate(self) -> None:
        """Ask all over again, as Collect does at the end: a later answer can make an earlier one wrong."""
        outcome = self.form.definition.validate()
        if outcome is None:
            return
        self.controller.jumpToIndex(outcome.failedPrompt)
        self.refuse(int(outcome.outcome), self.path(), self.model.getQuestionPrompt(), None)

    def path(self) -> str:
        return self.form.path_of(self.model.getFormIndex().getReference())

    def wants(self, instance: str) -> bool:
        if callable(self.answers):
            return bool(self.answers(instance, Question(instance, "", "", (), False, False)))
        first = instance.endswith("[1]") and instance[: -len("[1]")] + "/"
        return any(path.startswith((instance + "/", *((first,) if first else ()))) for path in self.answers)

    def is_free(self) -> bool:
        return self.form.definition.getChild(self.model.getFormIndex()).getCountReference() is None

    def ask(self) -> None:
        prompt = self.model.getQuestionPrompt()
        choices = prompt.getSelectChoices() or ()
        question = Question(
            path=self.path(),
            label=str(prompt.getLongText() or ""),
            hint=str(prompt.getHelpText() or ""),
            choices=tuple((str(choice.getValue()), str(prompt.getSelectChoiceText(choice))) for choice in choices),
            is_required=bool(prompt.isRequired()),
            is_readonly=bool(prompt.isReadOnly()),
        )
        self.questions.append(question)
        answer = self.answer(question)
        if question.is_readonly:
            return
        data = prompt.getAnswerValue() if answer is None else None
        if answer is not None and answer != "":
            data = self.data(prompt, choices, answer)
            if data is None:
                kind = "choice" if question.choices else "type"
                self.refusals.append(Refusal(question.path, kind, ""))
                return
        outcome = self.controller.answerQuestion(data, True)
        if outcome != ACCEPTED:
            self.refuse(outcome, question.path, prompt, data)

    def refuse(self, outcome: int, path: str, prompt: Any, data: Any) -> None:
        if outcome == REQUIRED_BUT_EMPTY:
            self.refusals.append(Refusal(path, "required", self.required_message(prompt)))
        else:
            self.refusals.append(Refusal(path, "constraint", str(prompt.getConstraintText(data) or "")))

    def answer(self, question: Question) -> Value:
        if callable(self.answers):
            return self.answers(question.path, question)
        return self.answers.get(question.path, self.answers.get(question.path.replace("[1]", "")))

    def data(self, prompt: Any, choices: Any, answer: Value) -> Any:
        control = prompt.getControlType()
        text = _text(answer)
        by_value = {str(choice.getValue()): choice for choice in choices}
        if control == SELECT_ONE:
            choice = by_value.get(text)
            return jvm.java("org.javarosa.core.model.data.SelectOneData")(choice.selection()) if choice else None
        if control in (SELECT_MULTIPLE, RANK):
            if any(value not in by_value for value in text.split()):
                return None
            selections = jvm.java("java.util.ArrayList")([by_value[value].selection() for value in text.split()])
            return jvm.java("org.javarosa.core.model.data.SelectMultiData")(selections)
        if control == TRIGGER:
            return jvm.java("org.javarosa.core.model.data.StringData")("OK")
        parse = jvm.java("org.javarosa.core.model.util.restorable.RestoreUtils").xfFact.parseData
        reference = self.model.getFormIndex().getReference()
        return parse(text, prompt.getDataType(), reference, self.form.definition)

    def required_message(self, prompt: Any) -> str:
        node = self.form.definition.getMainInstance().resolveReference(self.model.getFormIndex().getReference())
        text = node.getBindAttributeValue(JAVAROSA, "requiredMsg")
        if text is None:
            return ""
        if not str(text).startswith("jr:itext("):
            return str(text)
        context = jvm.java("org.javarosa.core.model.condition.EvaluationContext")(
            self.form.definition.getEvaluationContext(), node.getRef()
        )
        expression = jvm.java("org.javarosa.xpath.XPathConditional")(f"string({text})")
        return str(expression.evalReadable(self.form.definition.getMainInstance(), context))


def _text(answer: Value) -> str:
    if isinstance(answer, bool):
        return "1" if answer else "0"
    if isinstance(answer, (tuple, list)):
        return " ".join(str(part) for part in answer)
    if isinstance(answer, datetime):
        return answer.isoformat(timespec="milliseconds")
    if isinstance(answer, (date, time)):
        return answer.isoformat()
    return str(answer)
