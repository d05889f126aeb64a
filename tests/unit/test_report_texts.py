"""The report's sentences: complete in each language, and in step with what the analysis says."""

import string

import pytest

from laktasi.analysis.interval import CI_METHOD, CI_METHOD_CUT
from laktasi.analysis.reasons import REASONS as ANALYSIS_REASONS
from laktasi.report.texts import CI_METHODS, LANGUAGES, NAMES, READING, REASONS, TEXTS

ALL = {
    **TEXTS,
    **{f"reason {key}": text for key, text in REASONS.items()},
    **{f"method {key}": text for key, text in CI_METHODS.items()},
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


@pytest.mark.parametrize("key", ANALYSIS_REASONS)
def test_the_report_can_say_each_reason_of_the_analysis(key: str) -> None:
    assert ANALYSIS_REASONS[key]["en"] in REASONS


@pytest.mark.parametrize("method", [CI_METHOD, CI_METHOD_CUT])
def test_the_report_can_name_each_interval_of_the_analysis(method: str) -> None:
    assert method in CI_METHODS


# "pengaruh", "dampak" and "efek" are how Indonesian papers turn an association into an effect.
@pytest.mark.parametrize(
    "word", ["effect", "impact", "causes", "caused", "improve", "pengaruh", "dampak", "efek", "meningkatkan"]
)
def test_no_sentence_turns_an_association_into_an_effect(word: str) -> None:
    sentences = [text for texts in ALL.values() for text in texts.values()]
    sentences += [text for terms in READING.values() for term in terms for text in term]
    assert not [sentence for sentence in sentences if word in sentence.lower()]
