"""Tables as people have them: read as they are meant, or answered with one sentence."""

from __future__ import annotations

import io
import random
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import check_refusal, refused

from simcore import Dataset, Target, data
from simcore.data import choice, sets, table

# --- Text, as a person means it ----------------------------------------------------------------

PLAIN = [[1.5, 2.0], [-3.0, 4e-3], [5.0, 1234.5]]
NAMES = ["a b", "c"]
MATRIX = [[1.0, 2.0], [3.0, 4.5]]

TEXTS = {  # what a text means: names, columns
    "commas": ("a b,c\n1.5,2\n-3,4e-3\n5,1234.5\n", NAMES, PLAIN),
    "German": ("a b;c\n1,5;2\n-3;4e-3\n5;1.234,5\n", NAMES, PLAIN),
    "quoted decimal commas": ('a b,c\n"1,5","2,0"\n-3,"0,004"\n5,"1234,5"', NAMES, PLAIN),
    "thousands": ('a b,c\n1.5,2\n-3,4e-3\n5,"1,234.5"\n', NAMES, PLAIN),
    "tabs, decimal commas": ("a b\tc\n1,5\t2\n-3\t0,004\n5\t1234,5\n", NAMES, PLAIN),
    "Windows, BOM": ("\ufeffa b;c\r\n1,5;2\r\n-3;4e-3\r\n5;1234,5\r\n\r\n", NAMES, PLAIN),
    "old Mac": ("a b,c\r1.5,2\r-3,4e-3\r5,1234.5\r", NAMES, PLAIN),
    "empty lines and cells": ("\n\na b;c;\n1,5;2;\n;;\n-3;4e-3;\n5;1234,5;\n;;\n\n", NAMES, PLAIN),
    "Excel says": ("sep=;\na b;c\n1,5;2\n-3;0,004\n5;1234,5\n", NAMES, PLAIN),
    "minus as printed": ("a b,c\n1.5,2\n−3,4e-3\n5,1234.5\n", NAMES, PLAIN),
    "quoted names": ('"a b","c"\n1.5,2\n-3,4e-3\n5,1234.5\n', NAMES, PLAIN),
    "bars": ("a b|c\n1.5|2\n-3|4e-3\n5|1234.5\n", NAMES, PLAIN),
    "pandas": (",a b,c\n0,1.5,2\n1,-3,4e-3\n2,5,1234.5\n", NAMES, PLAIN),
    "R": ('"a b" "c"\n"1" 1.5 2\n"2" -3 4e-3\n"3" 5 1234.5\n', NAMES, PLAIN),
    "savetxt": ("# a run\n1 2\n3 4.5\n", None, MATRIX),
    "spaces, decimal commas": ("1,0 2,0\n3,0 4,5", None, MATRIX),
    "comma and space": ("1, 2\n3, 4.5", None, MATRIX),
    "NumPy": ("[[1.  2. ]\n [3.  4.5]]", None, MATRIX),
    "NumPy, repr": ("array([[1. , 2. ],\n       [3. , 4.5]], dtype=float32)", None, MATRIX),
    "MATLAB": ("[1 2; 3 4.5]", None, MATRIX),
    "JSON": ("[[1, 2],\n [3, 4.5]]", None, MATRIX),
    "Python": ("((1, 2), (3, 9/2))", None, MATRIX),
    "braces": ("{{1, 2}, {3, 4.5}}", None, MATRIX),
    "long rows wrap": ("[[1.\n  2.]\n [3.\n  4.5]]", None, MATRIX),
    "one row": ("1 2 3", None, [[1.0, 2.0, 3.0]]),
    "one number": ("7", None, [[7.0]]),
    "one column": ("1,5\n2,5\n", None, [[1.0, 5.0], [2.0, 5.0]]),
    "header of fewer rows": ("x\n1\n2\n", ["x"], [[1.0], [2.0]]),
    "names twice": ("x,x,\n1,2,3\n4,5,7\n", ["x", "x (2)", "column 3"], [[1, 2, 3], [4, 5, 7]]),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_text_is_read_as_a_person_means_it(kind):
    words, names, rows = TEXTS[kind]
    for found in (data.pasted(words), data.read(words.encode(), "mine.csv")):
        assert np.array([column.values for column in found.columns]).T.tolist() == rows
        assert found.named == (names is not None)
        if names:
            assert [column.name for column in found.columns] == names
    assert data.read(words.encode("utf-16"), "mine.txt").key == found.key


def test_text_columns_and_codes_are_classes():
    words = "size;farbe;art\n" + "".join(
        f"{k},5;{'rot' if k % 2 else 'grün'};{k % 3}\n" for k in range(60)
    )
    found = data.read(words.encode("cp1252"), "farben.csv")
    size, colour, kind = found.columns
    assert (size.classes, colour.classes, kind.classes) == (None, ("grün", "rot"), ("0", "1", "2"))
    assert colour.indicators().sum(axis=0).tolist() == [30, 30]
    made = choice.usual(found).of(found)
    assert isinstance(made.task, Dataset)
    assert (made.task.n_in, made.task.n_out, made.samples) == (2, 3, 60)  # colours span one more
    assert "2 of 3 directions" in " ".join(made.notes)


REFUSED_TEXTS = [
    ("", "there is none"),
    (" \n\t\n", "there is none"),
    ("a,b\n1,2\n3\n4,5\n", "row 3 has 1 cells and most rows have 2"),
    ("a;b\n\n1;2\n3;4;5\n6;7", "row 4 has 3 cells"),
    ("a,b\n1,2\n,3\n4,5\n", "“a” has none in row 3"),
    ("a,b\n1,2\nNaN,3\n4,5\n", "“a” has none in row 3"),
    ("a,b\n1,2\n5,3\n4,inf\n", "“b” has an infinite one in row 4"),
    ("a,b\n1,2\n5,1e999\n4,2\n", "“b” has an infinite one in row 3"),
    ("a,b\n1,2\n5,oops\n4,2\n", "“b” must hold numbers, in row 3 it has 'oops'"),
    ("[[1 2] [3]]", "row 2 has 1 numbers and row 1 has 2"),
    ("[[1 2] [3 nan]]", "column 2 has none in row 2"),
    ("[[1 2] [3 x]]", "number 2 of row 2"),
    ("[[1 2 ... 3]]", "leaves numbers out"),
    ("[[[1 2]]]", "brackets 3 deep"),
    ("[[1 2]", "not closed"),
    ("[]", "no numbers"),
    ("a,b\n", "the table has one"),
    ("\x00\x01", "other bytes"),
    ('a,b\n"1,2\n' + "x" * 140_000, "quotation mark"),
]


@pytest.mark.parametrize(("words", "said"), REFUSED_TEXTS)
def test_a_text_that_is_no_table_gets_a_sentence(words, said):
    with refused(said):
        found = data.pasted(words)
        choice.Choice(targets=found.targets).of(found)


# --- Files -------------------------------------------------------------------------------------


def npy(array, **options):
    content = io.BytesIO()
    np.save(content, array, **options)
    return content.getvalue()


def npz(**arrays):
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def parquet(**columns):
    content = io.BytesIO()
    pq.write_table(pa.table(columns), content)
    return content.getvalue()


def zipped(name, content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def announced(shape):
    """An .npy file that announces numbers which it has not."""
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        content, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    return content.getvalue() + bytes(64)


X = np.arange(12.0).reshape(6, 2) ** 2


@pytest.mark.parametrize(
    ("content", "rows", "targets"),
    [
        (npy(X), X, (1,)),
        (npy(np.asfortranarray(X)), X, (1,)),
        (npy(X.astype(">i2")), X, (1,)),
        (npy(X[:, 0]), X[:, :1], (0,)),
        (npy(X > 3), X > 3, (1,)),
        (npz(x=X), X, (1,)),
        (npz(y=X[:, 0], x=X), np.column_stack([X[:, 0], X]), (0,)),
        (npz(x=X, z=X[:, 0]), np.column_stack([X, X[:, 0]]), (2,)),
        (parquet(a=X[:, 0], b=X[:, 1].astype(int)), X, (1,)),
        (
            parquet(a=X[:, 0], b=pa.array(X[:, 1] > 3)),
            np.column_stack([X[:, 0], X[:, 1] > 3]),
            (1,),
        ),
    ],
)
def test_files_of_arrays(content, rows, targets):
    found = data.read(content, "mine")
    assert np.array_equal(np.array([column.values for column in found.columns]).T, rows)
    assert found.targets == targets


def test_a_parquet_file_with_text_and_an_index():
    frame = {"a": [1.0, 2.0, 4.0], "kind": ["u", "v", "u"], "__index_level_0__": [5, 6, 7]}
    found = data.read(parquet(**frame), "mine.parquet")
    assert [(c.name, c.is_text) for c in found.columns] == [("a", False), ("kind", True)]


REFUSED_FILES = {
    "empty": (b"", "is empty"),
    "other bytes": (b"\x89PNG\r\n\x1a\n\x00\x00", "other bytes"),
    "a terabyte": (announced((10**6, 10**6)), "at most"),
    "huge by one side": (announced((10**12,)), "rows here"),
    "negative": (announced((-1, 5)), "damaged"),
    "cut": (announced((5, 5)), "it ends before"),
    "objects": (npy(np.array([[1, None]], dtype=object)), "Python objects"),
    "texts": (npy(np.array([["a"]])), "holds text"),
    "complex": (npy(np.array([[1j]])), "complex"),
    "three dimensions": (npy(np.ones((2, 2, 2))), "2x2x2"),
    "a number": (npy(np.float64(3)), "a single number"),
    "none": (npy(np.ones((0, 3))), "shape 0x3"),
    "infinite": (npy(np.array([[1.0, np.inf]])), "column 2 has an infinite one in row 1"),
    "missing": (npy(np.array([[1.0], [np.nan]])), "column 1 has none in row 2"),
    "bomb": (zipped("x.npy", announced((10**6, 10**6)) + bytes(10**6)), "at most"),
    "bomb of zeros": (zipped("x.npy", bytes(10**7)), "damaged"),
    "spreadsheet": (zipped("xl/workbook.xml", b"<x/>"), "save one sheet as CSV"),
    "broken zip": (npz(x=X)[:-30], "damaged"),
    "rows differ": (npz(x=X, y=X[:3]), "6 rows of 'x'"),
    "dates": (parquet(a=pa.array([1, 2], pa.timestamp("s"))), "timestamp"),
    "a gap": (parquet(a=pa.array([1.0, None])), "'a' has none in row 2"),
    "not finite": (parquet(a=[1.0, np.inf]), "row 2"),
    "broken parquet": (parquet(a=[1.0, 2.0])[:-9] + b"x" * 9, "damaged"),
    "too large": (b"1,2\n" * (data.MOST_BYTES // 4 + 1), "at most 20 MB"),
}


@pytest.mark.parametrize("kind", REFUSED_FILES)
def test_a_file_that_is_no_table_gets_a_sentence(kind):
    content, said = REFUSED_FILES[kind]
    with refused(said):
        data.read(content, "mine.csv")


# --- Any file ------------------------------------------------------------------------------------

cells = st.sampled_from(
    ["1", "2.5", "-3e2", "4,5", "1.234,5", "x", "", "NaN", "inf", '"a', '"b"', "−7", "9" * 400]
)
lines = st.lists(cells, min_size=1, max_size=4)
separated = st.builds(
    lambda rows, mark, end: end.join(mark.join(row) for row in rows).encode(),
    st.lists(lines, max_size=5),
    st.sampled_from([",", ";", "\t", " ", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
brackets = st.text("[](){}1 2,;.\n-e", max_size=24).map(lambda text: f"[{text}".encode())
HONEST = [npy(X), npz(x=X, y=X[:, 0]), b"a;b\n1,5;2\n3;4\n"]
PARQUET = parquet(a=X[:, 0], b=["u", "v"] * 3)


@st.composite
def damaged(draw, of):
    """An honest file with a few bytes changed, often where zip and Parquet keep their directory,
    at the end; perhaps cut off."""
    content = bytearray(draw(of))
    rng = random.Random(draw(st.integers(0, 2**32)))
    first = 0 if rng.random() < 0.5 else max(0, len(content) - 150)
    for _ in range(rng.randint(0, 6)):
        content[rng.randrange(first, len(content))] = rng.randrange(256)
    return bytes(content[: rng.randint(1, len(content))] if rng.random() < 0.3 else content)


def read_whole(content):
    """What may become of any file: a task, or a sentence."""
    try:
        found = data.read(content, "mine")
        made = choice.usual(found).of(found)
    except ValueError as error:
        check_refusal(error)
        return
    assert all(np.isfinite(column.values).all() for column in found.columns if not column.is_text)
    assert np.isfinite(made.task.singular_values).all()
    assert choice.of_text(made.task.source.split(":", 1)[1]).of(found).task == made.task


@settings(max_examples=470)
@given(st.one_of(separated, brackets, damaged(st.sampled_from(HONEST)), st.binary(max_size=40)))
def test_any_file_is_a_table_or_a_sentence(content):
    read_whole(content)


@settings(max_examples=30)
@given(damaged(st.just(PARQUET)))
def test_any_parquet_file_is_a_table_or_a_sentence(content):
    read_whole(content)


# --- What is made of a table -------------------------------------------------------------------


def test_preparations_are_those_that_were_asked_for():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3)) * [1, 10, 100] + 5
    y = x @ rng.normal(size=(3, 2)) + rng.normal(size=(40, 2))
    found = table.of_matrix(np.column_stack([x, np.ones(40), y]), list("abcdyz"), targets=(4, 5))
    deviation = np.column_stack([x, y]).std(axis=0)
    for flags in ((), ("centre",), ("standardise",), ("centre", "whiten"), choice.FLAGS[1:]):
        made = choice.Choice(targets=(4, 5), flags=flags).of(found)
        unit = deviation if "standardise" in flags else np.ones(5)
        task = Dataset(
            inputs=x / unit[:3],
            outputs=y / unit[3:],
            whiten="whiten" in flags,
            center="centre" in flags,
        )
        largest = task.singular_values[0] if "unit" in flags else 1.0
        expected = np.array(task.singular_values) / largest
        assert made.task.singular_values == pytest.approx(expected, rel=1e-9)
        assert made.task.floor() == pytest.approx(task.floor() / largest**2, rel=1e-9)
        assert "Left out as constant: “d”." in made.notes
        assert made.task.source == f"{found.key}:samples:5,6::{','.join(flags)}"


def test_more_columns_than_samples_is_said_and_can_be_whitened():
    rng = np.random.default_rng(1)
    found = table.of_matrix(rng.normal(size=(5, 9)), list("abcdefghi"))
    made = choice.usual(found).of(found)
    assert (made.task.n_in, made.directions) == (4, (4, 8))
    assert made.task.floor() == pytest.approx(0, abs=1e-9)
    assert "5 samples of 8 inputs" in made.notes[0]


@pytest.mark.parametrize("flags", [("centre", "whiten"), ("whiten",), ("centre",), ()])
def test_an_exact_fit_is_promised_where_least_squares_has_one(flags):
    """Equal rows, columns that lean on each other, few samples: targets are drawn at random."""
    draw, promised, of = np.random.default_rng(0), 0, 300
    for _ in range(of):
        samples, count = int(draw.integers(2, 7)), int(draw.integers(1, 6))
        x, y = draw.integers(0, 3, (samples, count)), draw.normal(size=samples)
        if not (x != x[0]).any(axis=0).all():  # constant columns are left out
            continue
        lines = [",".join(map(str, [*row, goal])) for row, goal in zip(x, y, strict=True)]
        head = ",".join([*"abcdef"[:count], "y"])
        pasted = data.pasted("\n".join([head, *lines]))
        made = choice.Choice(targets=(count,), flags=flags).of(pasted)
        said = any("any targets can be fitted exactly" in note for note in made.notes)
        centre = "centre" in flags
        inputs, goals = (values - values.mean(axis=0) * centre for values in (x, y))
        left = goals - inputs @ np.linalg.lstsq(inputs, goals)[0]
        assert said == bool(np.linalg.norm(left) <= 1e-9 * np.linalg.norm(goals)), (x, y)
        promised += said
    assert of / 10 < promised < of / 2


def test_a_matrix_is_the_target_map_less_its_mean_over_its_largest_value():
    found = data.pasted("2 1\n0 1")
    assert choice.usual(found).matrix
    made = choice.Choice(matrix=True, flags=("centre", "unit")).of(found)
    assert isinstance(made.task, Target)
    rows = np.array([[1.0, 0.0], [-1.0, 0.0]])
    assert np.allclose(made.task.rows, rows / np.sqrt(2))


@pytest.mark.parametrize(
    ("words", "wanted", "said"),
    [
        ("1 2 3", choice.Choice(targets=(2,)), "the table has one"),
        ("1 2\n3 4\n5 7", choice.Choice(), "at least one"),
        ("1 2\n3 4\n5 7", choice.Choice(targets=(0, 1)), "none is left"),
        ("1 2\n3 2\n5 2", choice.Choice(targets=(1,)), "targets that vary"),
        ("1 2\n3 2\n5 2", choice.Choice(targets=(7,)), "it has 2"),
        ("a b\nx 1\ny 2", choice.Choice(matrix=True), "“a” holds text"),
    ],
)
def test_a_choice_that_does_not_fit_gets_a_sentence(words, wanted, said):
    with refused(said):
        wanted.of(data.pasted(words))


@pytest.mark.parametrize(
    "text", ["", "samples", "matrix:::x", "rows:1::", "samples:0::", "samples:a::", "a:b:c:d:e"]
)
def test_a_name_that_is_not_understood_gets_a_sentence(text):
    with refused():
        choice.of_text(text)


def test_real_sets_are_those_of_scikit_learn():
    values = {
        "iris": (0.568587, 0.272046, 0),
        "wine": (0.546508, 0.509598, 0),
        "digits": (0.29793, 0.287259, 0.285456),
        "china": (35.888869, 6.977259, 3.030086, 2.540128),
    }
    for name, title in sets.TITLES.items():
        found = sets.load(name)
        made = choice.usual(found).of(found)
        assert found.key == name
        assert str(found.rows).lstrip("48") in title.replace(",", "").replace("48 x 64", "")
        tolerance = 1e-2 if name == "china" else 1e-6
        expected = values.get(name, ())
        assert made.task.singular_values[: len(expected)] == pytest.approx(expected, abs=tolerance)
    with refused("iris, wine"):
        sets.load("boston")
