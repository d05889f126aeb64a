"""The report's sentences: complete in each language, and in step with what the analysis says."""

import string
from xml.etree import ElementTree

import pytest

from laktasi.analysis import interval, paired, power, random_effects, reasons
from laktasi.report.formulae import FORMULAE
from laktasi.report.texts import LANGUAGES, NAMES, READING, TEXTS
from laktasi.report.texts_method_one import Section
from laktasi.report.texts_methods import SECTIONS
from laktasi.report.texts_reasons import BASES, CI_METHODS, CODES, P_METHODS, REASONS

ALL = {
    **TEXTS,
    **{f"reason {key}": text for key, text in REASONS.items()},
    **{f"method {key}": text for key, text in {**CI_METHODS, **P_METHODS, **BASES}.items()},
    **{f"title {section.key}": section.title for section in SECTIONS},
    **{f"{section.key} {number}": text for section in SECTIONS for number, text in enumerate(section.paragraphs)},
    **{f"{section.key} read {number}": text for section in SECTIONS for number, text in enumerate(section.spoken)},
}


def _places(sentence: str) -> list[str]:
    return sorted({name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None})


@pytest.mark.parametrize("key", ALL)
def test_each_sentence_stands_in_each_language_with_the_same_values(key: str) -> None:
    assert set(ALL[key]) == set(LANGUAGES) == set(NAMES)
    assert all(text.strip() for text in ALL[key].values())
    assert len({tuple(_places(text)) for text in ALL[key].values()}) == 1


def test_each_language_explains_the_same_terms() -> None:
    assert len(READING["id"]) == len(READING["en"]) > 3


@pytest.mark.parametrize("known", [reasons.REASONS, paired.REASONS, power.REASONS])
def test_the_report_can_say_each_reason_of_the_analysis(known: dict[str, dict[str, str]]) -> None:
    assert {text["en"] for text in known.values()} <= set(REASONS)


def test_the_report_can_say_why_a_centre_is_not_in_the_mean() -> None:
    codes = (reasons.NO_RECORDS, reasons.ONE_RECORD, reasons.SAME_BOTH, reasons.SAME_EXPOSURE, reasons.SAME_OUTCOME)
    for code in (*codes, reasons.TOO_FEW):
        assert CODES[code] == reasons.REASONS[code]["en"]


@pytest.mark.parametrize("method", [interval.CI_METHOD, interval.CI_METHOD_CUT, random_effects.CI_METHOD])
def test_the_report_can_name_each_interval_of_the_analysis(method: str) -> None:
    assert method in CI_METHODS


def test_the_report_can_name_each_test_of_paired_values_and_each_assumption() -> None:
    assert {paired.EXACT, paired.NORMAL} == set(P_METHODS)
    assert {power.ESTIMATE, power.NEARER_LIMIT} == set(BASES)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.key)
def test_each_formula_is_well_formed_and_can_be_read_out(section: Section) -> None:
    spoken = section.spoken
    formulae = FORMULAE.get(section.key, ())
    assert len(formulae) == len(spoken)
    for formula in formulae:
        tree = ElementTree.fromstring(f"<math>{formula}</math>")
        shapes = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "mover": 2}
        for element in tree.iter():
            assert len(element) == shapes.get(element.tag, len(element))


# "pengaruh", "dampak" and "efek" are how Indonesian papers turn an association into an effect; "efek acak" is the name
# of a model.
@pytest.mark.parametrize(
    "word", ["effect", "impact", "causes", "caused", "improve", "pengaruh", "dampak", "efek", "meningkatkan"]
)
def test_no_sentence_turns_an_association_into_an_effect(word: str) -> None:
    sentences = [text for texts in ALL.values() for text in texts.values()]
    sentences += [text for terms in READING.values() for term in terms for text in term]
    models = ("random effects", "efek acak")
    plain = [sentence.lower() for sentence in sentences]
    for model in models:
        plain = [sentence.replace(model, "") for sentence in plain]
    assert not [sentence for sentence in plain if word in sentence]
