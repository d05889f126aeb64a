"""The pictures in docs/pictures/ show the form as it is now."""

import pytest

from tests.engine.pictures import PICTURES, draw_all


@pytest.mark.slow
def test_the_pictures_are_those_of_the_form() -> None:
    """Where this fails the form has changed: ``python -m tests.engine.pictures`` draws them anew."""
    assert {path.name: path.read_text(encoding="utf-8") for path in PICTURES.glob("*.svg")} == draw_all()


def test_every_picture_stands_in_the_enumerators_page() -> None:
    page = (PICTURES.parent / "enumerators.md").read_text(encoding="utf-8")
    assert {path.name for path in PICTURES.glob("*.svg") if f"](pictures/{path.name})" not in page} == set()
