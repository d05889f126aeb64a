"""How privacy flows: what is made of a private answer is as private as the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from laktasi.questionnaire import xpath
from laktasi.questionnaire.model import Privacy

NAMESPACE = "urn:laktasi:privacy"
"""What a form's settings bind a prefix to, ``laktasi="urn:laktasi:privacy"``, to say ``bind::laktasi:privacy``."""

_WORDS = {item.value: item for item in Privacy}
_RANK = {Privacy.NONE: 0, Privacy.QUASI: 1, Privacy.DIRECT: 2}


def declared(attributes: Mapping[str, str]) -> tuple[Privacy, str | None]:
    """Read the ``privacy`` attribute of a bind, under any prefix that is bound to our namespace.

    Returns
    -------
    (Privacy, str or None)
        The privacy, direct where nothing (or an unknown word) is said, and the word itself, None where there is none.
    """
    word = attributes.get(f"{{{NAMESPACE}}}privacy")
    return _WORDS.get((word or "").strip(), Privacy.DIRECT), word


def strongest(values: Iterable[Privacy]) -> Privacy:
    """Give the most private of several; none of nothing."""
    return max(values, key=_RANK.__getitem__, default=Privacy.NONE)


def flow(own: Mapping[str, Privacy], made_of: Mapping[str, Iterable[str]], root: str) -> dict[str, Privacy]:
    """Let privacy flow through the form.

    Parameters
    ----------
    own
        What the bind of each field declares (direct, where it declares nothing), by place.
    made_of
        The expressions whose values end up in a field or on its screen: calculate, and the values shown in its label,
        hint and messages. Not its choice filter, relevance or constraint: these show nothing of another answer.
    root
        Name of the root node.

    Returns
    -------
    dict
        The privacy of each field, by place.
    """
    result = dict(own)
    sources = {place: _places(place, expressions, root, own) for place, expressions in made_of.items()}
    changed = True
    while changed:
        changed = False
        for place, others in sources.items():
            found = strongest([result[place], *(result[item] for item in others)])
            if found is not result[place]:
                result[place] = found
                changed = True
    return result


def _places(place: str, expressions: Iterable[str], root: str, known: Mapping[str, Privacy]) -> set[str]:
    found: set[str] = set()
    for expression in expressions:
        try:
            targets = set(xpath.references(xpath.parse(expression), place, root))
        except xpath.XPathSyntaxError:
            targets = {None}
        # what cannot be told may be anything
        if None in targets or "" in targets:
            return set(known)
        found |= {item for item in known for target in targets if item == target or item.startswith(f"{target}/")}
    return found
