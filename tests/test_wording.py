"""Lists and numbers read as a person would write them."""

from __future__ import annotations

import numpy as np
import pytest

from simcore import wording


@pytest.mark.parametrize(
    ("names", "text"),
    [("", ""), ("a", "a"), ("ab", "a and b"), ("abc", "a, b and c"), ("abcd", "a, b, c and d")],
)
def test_a_list_ends_with_and(names, text):
    assert wording.listed(names) == text
    assert wording.listed(iter(names), "or") == text.replace("and", "or")


@pytest.mark.parametrize(
    ("names", "text"),
    [("ab", "a and b"), ("abc", "a, b and 1 other"), ("abcde", "a, b and 3 others")],
)
def test_of_many_names_the_rest_is_counted(names, text):
    assert wording.listed(names, most=2) == text


def test_numbers():
    assert [wording.about(x) for x in (7.0, 1284.0, 4.12e7)] == ["7", "1,300", "4e+07"]
    assert wording.split(np.array([0.7, 0.3])) == "0.700 : 0.300"
    assert wording.split(np.full(9, 1 / 9), ", ").count(",") == 7
