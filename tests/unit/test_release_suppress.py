"""Withholding answers until nobody stands out: every class has k people, and nothing else is touched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from laktasi.release.suppress import MOST_COLUMNS, WITHHELD, class_sizes, suppress

Codes = NDArray[np.int64]


@st.composite
def records(draw: st.DrawFn) -> tuple[Codes, Codes, Codes, int]:
    """Give codes, places, owners and k: some answers empty, some people with several records."""
    k = draw(st.integers(2, 5))
    columns = draw(st.integers(0, 4))
    places = draw(st.lists(st.integers(2 * k, 25), min_size=1, max_size=3))
    size = sum(places)
    levels = st.integers(-1, draw(st.integers(0, 4)))
    codes = np.array(draw(st.lists(st.lists(levels, min_size=columns, max_size=columns), min_size=size, max_size=size)))
    fixed = np.repeat(np.arange(len(places)), places)[:, np.newaxis]
    persons = np.arange(size)
    if draw(st.booleans()):
        persons[1::7] = persons[0]  # one person at several places
    return codes.reshape(size, columns).astype(np.int64), fixed, persons, k


def released(codes: Codes, mask: NDArray[np.bool_], fixed: Codes) -> Codes:
    return np.hstack([np.where(mask, WITHHELD, codes), fixed])


@settings(max_examples=150, deadline=None)
@given(records())
def test_every_class_has_k_people_and_nobody_else_loses_anything(given_: tuple[Codes, Codes, Codes, int]) -> None:
    codes, fixed, persons, k = given_
    if class_sizes(fixed, persons).min() < k:
        with pytest.raises(ValueError, match="too few people"):
            suppress(codes, fixed, persons, k, ())
        return
    lost = suppress(codes, fixed, persons, k, ())
    assert class_sizes(released(codes, lost.mask, fixed), persons).min() >= k
    large = class_sizes(np.hstack([codes, fixed]), persons) >= k
    assert int(lost.mask[large].any(axis=1).sum()) <= lost.borrowed
    if not lost.borrowed:
        assert not lost.mask[large].any()


def test_as_few_answers_as_possible_and_in_the_order_of_the_rule() -> None:
    # four alike, and two that differ from each other in the second column alone
    codes = np.array([[0, 0]] * 4 + [[1, 0], [1, 1]])
    everybody = np.arange(6)
    none = np.empty((6, 0), dtype=np.int64)
    lost = suppress(codes, none, everybody, 2, ())
    assert lost.mask.tolist() == [[False, False]] * 4 + [[False, True]] * 2
    # either column would do for these: the rule says which
    square = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    for first in (0, 1):
        mask = suppress(square, none[:4], everybody[:4], 2, (first,)).mask
        assert mask[:, first].all()
        assert not mask[:, 1 - first].any()


def test_who_would_stand_out_by_having_nothing_left_gets_company() -> None:
    codes = np.array([[0]] * 5 + [[1]])
    lost = suppress(codes, np.zeros((6, 1), np.int64), np.arange(6), 3, ())
    assert lost.borrowed == 2
    assert int(lost.mask.sum()) == 3
    # a class that would be too small for itself afterwards goes as a whole
    lost = suppress(codes[2:], np.zeros((4, 1), np.int64), np.arange(4), 3, ())
    assert lost.mask.all()


def test_several_records_of_one_person_are_no_company() -> None:
    codes = np.array([[0], [0], [0], [1], [1], [1]])
    persons = np.array([0, 0, 0, 1, 2, 3])
    lost = suppress(codes, np.empty((6, 0), np.int64), persons, 3, ())
    assert class_sizes(np.where(lost.mask, WITHHELD, codes), persons).min() >= 3
    assert lost.mask[:3].all()


def test_an_empty_answer_is_a_value_and_a_withheld_one_another() -> None:
    codes = np.array([[-1], [-1], [0], [0], [1], [2]])
    lost = suppress(codes, np.empty((6, 0), np.int64), np.arange(6), 2, ())
    assert lost.mask.ravel().tolist() == [False] * 4 + [True] * 2


def test_too_many_columns_are_refused() -> None:
    with pytest.raises(ValueError, match=f"more than {MOST_COLUMNS}"):
        suppress(np.zeros((9, MOST_COLUMNS + 1), np.int64), np.empty((9, 0), np.int64), np.arange(9), 2, ())
