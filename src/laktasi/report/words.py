"""The words and numbers of one language, as templates and plots ask for them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from laktasi.report import numbers
from laktasi.report.model import Labels, Pair, PairAtPlace, Place
from laktasi.report.texts import TEXTS
from laktasi.report.texts_reasons import CI_METHODS, REASONS

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Words:
    """The words and numbers of one language."""

    language: str

    def text(self, key: str, **values: object) -> Markup:
        """Give a sentence with its values; values are escaped, the sentence is ours."""
        return _sentence(key, self.language).format(**values) if values else _plain(key, self.language)

    def label(self, labels: Labels | None, fallback: str | None = None) -> str:
        """Give a label in this language, else the form's default, else any it has, else `fallback`."""
        found = labels or {}
        for language in (self.language, "default", *sorted(found)):
            if found.get(language):
                return found[language]
        return fallback or ""

    def in_order(self, labels: Labels | None) -> list[tuple[str, str]]:
        """Give a label in all its languages, the reader's own first."""
        return sorted((labels or {}).items(), key=lambda item: (item[0] != self.language, item[0]))

    def plain(self, key: str, **values: object) -> str:
        """Give a sentence as plain text, for the description of a drawing, which is escaped where it is written."""
        return TEXTS[key][self.language].format(**values)

    def place(self, place: Place) -> str:
        """Name a centre."""
        return self.label(place.labels, place.code)

    def reason(self, reason: str | None, pair: Pair | PairAtPlace | None = None) -> str:
        """Say why there is no result, with the names of its pair if it has one; the warehouse says it in English."""
        if reason is None or reason not in REASONS:
            return reason or numbers.NOT_AVAILABLE
        if pair is None:
            return REASONS[reason][self.language]
        return REASONS[reason][self.language].format(
            exposure=self.label(pair.exposure.labels, pair.exposure.name),
            outcome=self.label(pair.outcome.labels, pair.outcome.name),
        )

    def methods(self, names: Iterable[str | None]) -> str:
        """Name the methods of some intervals; the warehouse names them in English."""
        told = [self.known(CI_METHODS, name) for name in sorted({name for name in names if name})]
        return "; ".join(told) or numbers.NOT_AVAILABLE

    def known(self, texts: Mapping[str, Labels], told: str) -> str:
        """Word what the warehouse says, or show it as it is."""
        return texts.get(told, {}).get(self.language, told)

    def interval(self, low: float | None, high: float | None) -> str:
        """Write an interval of a coefficient: ``[0.461, 0.699]``, in Indonesian ``[0,461; 0,699]``."""
        if low is None or high is None:
            return numbers.NOT_AVAILABLE
        mark = "; " if self.language == "id" else ", "
        return f"[{mark.join(numbers.coefficient(limit, self.language) for limit in (low, high))}]"

    def estimate(self, tau_b: float | None, low: float | None, high: float | None) -> str:
        """Write a coefficient with its interval: ``0.699 [0.461, 0.699]``."""
        tau = numbers.coefficient(tau_b, self.language)
        return tau if low is None else f"{tau} {self.interval(low, high)}"

    def number(self, write: Callable[..., str]) -> Callable[..., str]:
        """Bind one of the writers of `laktasi.report.numbers` to this language."""

        def bound(value: Any, **options: Any) -> str:
            return write(value, self.language, **options)

        return bound


@functools.cache
def _sentence(key: str, language: str) -> Markup:
    from markupsafe import Markup

    return Markup(TEXTS[key][language])  # noqa: S704 - the sentence is ours


@functools.cache
def _plain(key: str, language: str) -> Markup:
    return _sentence(key, language).format()
