"""The words and numbers of one language, as templates and plots ask for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from laktasi.report import numbers
from laktasi.report.model import Labels, Pair, PairAtPlace, Place
from laktasi.report.read import Kendall, Pooled
from laktasi.report.texts import CI_METHODS, REASONS, TEXTS

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Words:
    """The words and numbers of one language."""

    language: str

    def text(self, key: str, **values: object) -> Markup:
        """Give a sentence with its values; values are escaped, the sentence is ours."""
        from markupsafe import Markup

        return Markup(TEXTS[key][self.language]).format(**values)  # noqa: S704 - the sentence is ours

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

    def place(self, place: Place) -> str:
        """Name a centre."""
        return self.label(place.labels, place.code)

    def reason(self, reason: str | None, pair: Pair | PairAtPlace) -> str:
        """Say why there is no coefficient, with the names of the pair; the warehouse says it in English."""
        if reason is None or reason not in REASONS:
            return reason or numbers.NOT_AVAILABLE
        return REASONS[reason][self.language].format(
            exposure=self.label(pair.exposure.labels, pair.exposure.name),
            outcome=self.label(pair.outcome.labels, pair.outcome.name),
        )

    def methods(self, results: Iterable[Kendall | Pooled]) -> str:
        """Name the methods of the intervals of some results; the warehouse names them in English."""
        names = sorted({result.ci_method for result in results if result.ci_method})
        return "; ".join(CI_METHODS.get(name, {}).get(self.language, name) for name in names) or numbers.NOT_AVAILABLE

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
