"""Kinds about keys and IDs."""

from __future__ import annotations

from laktasi.quality.kinds.model import Kind, Parameter, texts

KINDS = (
    Kind(
        name="unique",
        level="set",
        parameters=(Parameter("questions", texts, required=True),),
        names=lambda check: check.parameters["questions"],
        key=lambda check: check.parameters["questions"],
    ),
)
