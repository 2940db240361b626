"""Numbers and lists are read as people type them, and what cannot be read gets a sentence."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import check_refusal

from simcore import checks, typed

FINITE = st.floats(allow_nan=False, allow_infinity=False)
SEPARATORS = st.sampled_from([",", ", ", " ", "\t", "  ", " , ", "\n"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.05", 0.05),
        (" .5 ", 0.5),
        ("5.", 5.0),
        ("1e6", 1e6),
        ("1E-3", 1e-3),
        ("2/13", 2 / 13),
        ("2 / 13", 2 / 13),
        ("1e-1/4", 0.025),
        ("+3", 3.0),
        ("-3", -3.0),
        ("\N{MINUS SIGN}3", -3.0),
    ],
)
def test_a_number_is_read_as_it_is_typed(text, value):
    assert typed.number(text) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the field is empty"),
        ("  ", "the field is empty"),
        ("fast", "got 'fast'"),
        ("0,05", "write decimals with a point"),
        ("1/0", "a fraction over zero"),
        ("1/2/3", "e.g. 0.05, 1e6 or 2/13"),
        ("1e999", "below 1.8e308"),
        ("nan", "got 'nan'"),
        ("inf", "got 'inf'"),
        ("1_000", "got '1_000'"),
        ("١٢", "expected a number"),
        ("0x10", "expected a number"),
        ("9" * 5000, "expected a number"),
    ],
)
def test_what_is_no_number_gets_a_sentence(text, words):
    with pytest.raises(ValueError, match="expected a number") as refusal:
        typed.number(text)
    assert words in str(refusal.value)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    ("text", "value"),
    [("650", 650), ("1e6", 10**6), ("6/2", 3), ("2.0", 2), ("-1", -1), ("9" * 20, 10**20 - 1)],
)
def test_a_whole_number_is_read_as_it_is_typed(text, value):
    assert typed.whole(text) == value
    assert isinstance(typed.whole(text), int)


@pytest.mark.parametrize("text", ["2.5", "1/3", "", "x", "1e-3", "1e30"])
def test_what_is_no_whole_number_is_never_rounded(text):
    with pytest.raises(ValueError, match="expected a whole number"):
        typed.whole(text)


@given(st.lists(FINITE, min_size=1, max_size=6), SEPARATORS, st.sampled_from(["", "[]", "()"]))
def test_lists_are_read_with_any_separator_and_brackets(values, separator, brackets):
    text = separator.join(map(repr, values))
    if brackets:
        text = f"{brackets[0]}{text}{brackets[1]}"
    assert typed.numbers(text) == tuple(values)


@given(
    st.lists(st.lists(FINITE, min_size=1, max_size=4), min_size=1, max_size=4),
    st.sampled_from(["python", "numpy", "lines", "link"]),
)
def test_lists_of_lists_are_read_from_wherever_they_are_copied(listed, style):
    if style == "python":
        text = repr(listed)
    elif style == "numpy":
        text = "[" + "\n ".join(f"[{' '.join(map(repr, row))}]" for row in listed) + "]"
    else:
        text = (";" if style == "link" else "\n").join(",".join(map(repr, row)) for row in listed)
    assert typed.rows(text) == tuple(map(tuple, listed))


@pytest.mark.parametrize("text", ["0,05 0,1", "1,,2", "3; 5", "", "[]", ",", "1,x"])
def test_a_list_that_may_mean_two_things_is_refused(text):
    with pytest.raises(ValueError, match=r"expected .*number"):
        typed.numbers(text)


def test_the_sentence_names_the_separator():
    with pytest.raises(ValueError, match="whole numbers separated by commas or spaces"):
        typed.wholes("3; 5")
    assert typed.wholes("3 5") == typed.wholes("3,5") == typed.wholes("(3, 5,)") == (3, 5)


@given(FINITE)
def test_a_written_number_is_read_again(value):
    again = typed.number(typed.text(value))
    assert math.isclose(again, value, rel_tol=1e-11, abs_tol=5e-324)
    assert len(typed.text(value)) < 22


def test_numbers_are_written_for_people():
    assert typed.text(0.1 + 0.2) == "0.3"
    assert typed.text(20.0) == "20"
    assert typed.text(10**6) == "1000000"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.1 + 0.2, "0.3"),
        (0.0, "0"),
        ((1e-7, 0.1 + 0.2), "(1e-07, 0.3)"),
        (10**30, str(10**30)),
        ("0.30000000000000004", "'0.30000000000000004'"),
        (float("nan"), "nan"),
    ],
)
def test_a_sentence_shows_numbers_as_people_write_them(value, words):
    assert checks.shown(value) == words


@given(st.text(max_size=50) | st.text(alphabet="0123456789.,;/ []()e+-\t\n", max_size=30))
def test_no_text_breaks_a_reader(text):
    text = text.replace("__", "_")  # which the sentence quotes, and which is no name of Python's
    for read in (typed.number, typed.whole, typed.numbers, typed.wholes, typed.rows):
        try:
            read(text)
        except ValueError as refusal:
            check_refusal(refusal)
