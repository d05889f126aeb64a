"""The form's texts: labels, hints and messages, by language."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from laktasi.questionnaire.lists import local
from laktasi.questionnaire.model import Texts

_ITEXT = re.compile(r"""^\s*jr:itext\(\s*'([^']*)'\s*\)\s*$""")
_NO_LANGUAGE = "default"
_FILLER = "-"  # pyxform writes this where a translation is missing


def language_code(name: str) -> str:
    """Make a code of a language's name: ``Bahasa Indonesia (id)`` is ``id``; without a code, a slug of the name."""
    if found := re.search(r"\(([A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*)\)\s*$", name):
        return found.group(1)
    return re.sub(r"\W+", "-", name.strip().lower()).strip("-") or _NO_LANGUAGE


class Translations:
    """The ``itext`` block of a form.

    Parameters
    ----------
    model
        The form's ``model`` element.
    """

    def __init__(self, model: Element) -> None:
        self._by_id: dict[str, dict[str, str]] = {}
        self._elements: dict[str, list[Element]] = {}
        languages: list[str] = []
        for itext in (item for item in model if local(item) == "itext"):
            for translation in itext:
                code = language_code(translation.get("lang", ""))
                if translation.get("default") is not None:
                    languages.insert(0, code)
                else:
                    languages.append(code)
                for text in translation:
                    self._read(text, code)
        self.languages = tuple(dict.fromkeys(languages)) or (_NO_LANGUAGE,)

    def _read(self, text: Element, code: str) -> None:
        key = text.get("id", "")
        for value in text:
            self._elements.setdefault(key, []).append(value)
            # a form= value is a picture, a sound or the short form, not the text itself
            if value.get("form") in (None, "long"):
                content = rendered(value)
                if content and content != _FILLER:
                    self._by_id.setdefault(key, {})[code] = content

    def by_id(self, key: str) -> Texts:
        """Give the texts of one itext id; empty where there are none."""
        return self._by_id.get(key, {})

    def of_reference(self, reference: str | None) -> Texts:
        """Read an attribute that holds a text itself or ``jr:itext('…')``."""
        if not reference:
            return {}
        if found := _ITEXT.match(reference):
            return self.by_id(found.group(1))
        return {self.languages[0]: " ".join(reference.split())}

    def of_element(self, element: Element | None) -> Texts:
        """Read a ``label`` or ``hint`` element."""
        if element is None:
            return {}
        if element.get("ref"):
            return self.of_reference(element.get("ref"))
        content = rendered(element)
        return {self.languages[0]: content} if content else {}

    def outputs(self, element: Element | None, *references: str | None) -> tuple[str, ...]:
        """Give the expressions whose values are shown inside a label, hint or message."""
        found = _outputs(element) if element is not None else []
        keys = [*references, element.get("ref") if element is not None else None]
        for key in keys:
            if key and (match := _ITEXT.match(key)):
                for value in self._elements.get(match.group(1), ()):
                    found += _outputs(value)
        return tuple(dict.fromkeys(found))

    def media(self) -> tuple[str, ...]:
        """Give the file names of pictures, sounds and videos that texts show."""
        return tuple(
            dict.fromkeys(
                content.rpartition("/")[2]
                for values in self._elements.values()
                for value in values
                if (content := (value.text or "").strip()).startswith("jr://")
            )
        )


def _outputs(element: Element) -> list[str]:
    return [item.get("value", "").strip() for item in element.iter() if local(item) == "output"]


def rendered(element: Element) -> str:
    """Write the text of an element, with ``${name}`` where a value is shown."""
    parts = [element.text or ""]
    for child in element:
        if local(child) == "output":
            parts.append("${" + child.get("value", "").strip().rpartition("/")[2] + "}")
        parts.append(child.tail or "")
    return " ".join("".join(parts).split())
