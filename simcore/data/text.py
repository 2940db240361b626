"""Tables as text: CSV of any country, columns from a spreadsheet, matrices as NumPy, MATLAB or JSON
print them.

A row counts as a spreadsheet counts it: from 1, with the header and with empty ones.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np

from simcore import typed
from simcore.checks import require, shown
from simcore.data.table import Column, Table, check_size, distinct_names, of_matrix, unfinished

SAMPLE = 60  # rows on which the separator is told
MISSING = {
    *("", "na", "n/a", "#n/a", "#na", "nan", "null", "none", "?", "-", "--", "."),
    *("#value!", "#div/0!", "#ref!", "#num!"),
}

_SEPARATORS = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars", " ": "spaces"}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d*),\d+(?:[eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?", re.ASCII)
_INFINITE = {"inf", "+inf", "-inf", "infinity", "-infinity", "∞", "-∞"}
_WORD = re.compile(r'"(?:[^"]|"")*"|\S+')
_WRAPPED = re.compile(r"(?:(?:np|numpy|torch)\.)?(?:array|asarray|matrix|tensor)\s*\(")
_OPTIONS = re.compile(r",\s*(?:dtype|device|grad_fn|requires_grad)\s*=[^\])]*")
_MINUS = str.maketrans({"−": "-", "\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " "})

Rows = list[tuple[int, list[str]]]  # each with its number


def read(words: str) -> Table:
    """The table that a text holds; ValueError in a sentence."""
    require("\x00" not in words, "expected a table as text, it holds other bytes")
    words = words.removeprefix("\N{BYTE ORDER MARK}")
    words = words.replace("\r\n", "\n").replace("\r", "\n")
    require(bool(words.strip()), "expected a table as text, there is none")
    start = words.lstrip()
    if start.startswith(("[", "(", "{")) or _WRAPPED.match(start):
        return _printed(start.strip())
    return _separated(words)


# --- Rows and columns --------------------------------------------------------------------------


def _separated(words: str) -> Table:
    said = re.match(r"\s*sep=(.)\n", words)  # as Excel says it
    if said:
        words = words[said.end() :]
    separator = said[1] if said else _separator(words)
    rows = _trimmed(_rows(words, separator), 1 + bool(said))
    header = _is_header([cells for _, cells in rows], separator)
    names = rows[0][1] if header else [""] * len(rows[0][1])
    body = rows[1:] if header else rows
    require(bool(body), "expected rows below the names of the columns, there are none")
    comma = _decimal_comma(body, separator)
    columns, notes = [], []
    for place, name in enumerate(distinct_names(names)):
        cells = [row[place] for _, row in body]
        column = _column(name, cells, comma, [number for number, _ in body])
        if column is None:
            notes.append(f"“{name}” is empty and was left out.")
        elif header and not names[place].strip() and _counts_rows(column, place):
            notes.append("The numbers of the rows were left out.")
        else:
            columns.append(column)
    notes.insert(0, _understood(separator, comma, header))
    return Table(tuple(columns), tuple(notes), named=header)


def _understood(separator: str, comma: bool, header: bool) -> str:
    """How a table was read, in a sentence."""
    parts = [f"columns parted by {_SEPARATORS.get(separator, shown(separator))}"]
    parts += ["decimal commas"] if comma else []
    parts += ["names in the first row"] if header else ["no names of columns"]
    return f"Read as {', '.join(parts)}."


def _separator(words: str) -> str:
    """What parts the columns: that of which the most rows have the same number."""
    lines = [line for line in islice(words.split("\n"), 10 * SAMPLE) if line.strip()][:SAMPLE]
    best, agreeing = " ", 0.0
    for separator in _SEPARATORS:
        rows = [cells for _, cells in _rows("\n".join(lines), separator)]
        if separator == "," and any(re.search(r"\d\s+[+-]?[\d.]", c) for r in rows for c in r):
            continue  # numbers with decimal commas, and spaces between
        width, count = Counter(map(len, rows)).most_common(1)[0]
        if width > 1 and count / len(rows) > agreeing:
            best, agreeing = separator, count / len(rows)
    return best


def _rows(words: str, separator: str) -> Iterable[tuple[int, list[str]]]:
    """Each row with its number, empty ones too."""
    if separator == " ":
        for number, line in enumerate(words.split("\n"), start=1):
            found = _WORD.findall(line)
            yield number, [cell.strip('"') if cell[0] == '"' else cell for cell in found]
        return
    reader = csv.reader(io.StringIO(words), delimiter=separator, skipinitialspace=True)
    try:
        for number, cells in enumerate(reader, start=1):
            yield number, [cell.translate(_MINUS).strip() for cell in cells]
    except csv.Error:
        raise ValueError(
            "expected a table as text, a cell of it never ends; look for a quotation mark that is "
            "not closed"
        ) from None


def _trimmed(found: Iterable[tuple[int, list[str]]], first: int) -> Rows:
    """The rows that hold something, all of one length; comments above them are passed over."""
    rows: Rows = []
    for number, cells in found:
        if any(cells) and (rows or not cells[0].startswith("#")):
            rows.append((number + first - 1, cells))
            check_size(len(rows), len(cells))
    require(bool(rows), "expected a table with numbers, there are none")
    filled = [max(place for place, cell in enumerate(row, 1) if cell) for _, row in rows]
    lengths = Counter(len(row) for _, row in rows)
    width = lengths.most_common(1)[0][0]
    if len(rows) > 2 and len(rows[0][1]) == width - 1 and lengths[width] == len(rows) - 1:
        rows[0] = rows[0][0], ["", *rows[0][1]]  # R names the columns, and not that of the rows
        filled[0] += 1
    width = min(width, max(max(filled), 1))
    for (number, row), end in zip(rows, filled, strict=True):
        require(
            len(row) >= width >= end,
            f"row {number} has {max(end, min(len(row), width))} cells and most rows have {width}; "
            "every row needs as many",
        )
    return [(number, row[:width]) for number, row in rows]


def _is_header(rows: Sequence[Sequence[str]], separator: str) -> bool:
    """Whether the first row has names: text over numbers, or text that is nowhere below."""
    if len(rows) < 2:
        return False
    first, below = rows[0], rows[1 : 1 + SAMPLE]
    numbers = False
    for place, cell in enumerate(first):
        column = [row[place] for row in below if not _is_missing(row[place])]
        if column and 2 * sum(map(_looks_like_number, column)) > len(column):
            numbers = True
            if not _is_missing(cell) and not _looks_like_number(cell):
                return True
    if numbers:
        return False
    others = [{row[place] for row in below} for place in range(len(first))]
    return all(first) and not any(cell in rest for cell, rest in zip(first, others, strict=True))


def _counts_rows(column: Column, place: int) -> bool:
    """Whether the first column only numbers the rows, from 0 or 1 on, or names each."""
    if place or len(column.values) < 2:
        return False
    if column.is_text:
        try:
            values = np.array(column.values, dtype=float)
        except ValueError:
            return len(set(column.values.tolist())) == len(column.values)
    else:
        values = column.values
    steps = np.arange(len(values))
    return np.array_equal(values, steps) or np.array_equal(values, steps + 1)


# --- Cells ---------------------------------------------------------------------------------------


def _is_missing(cell: str) -> bool:
    return cell.lower() in MISSING


def _looks_like_number(cell: str) -> bool:
    return bool(
        _NUMBER.fullmatch(cell) or _DECIMAL_COMMA.fullmatch(cell) or _THOUSANDS.fullmatch(cell)
    )


def _decimal_comma(rows: Rows, separator: str) -> bool:
    """Whether numbers have decimal commas: some have a comma, and not only between thousands."""
    with_comma = [c for _, row in rows for c in row if "," in c and _looks_like_number(c)]
    if separator == ",":  # in quotation marks
        return not all(map(_THOUSANDS.fullmatch, with_comma))
    return any(map(_DECIMAL_COMMA.fullmatch, with_comma))


def _number(cell: str, comma: bool) -> float | None:
    """The number that a cell holds; None for anything else."""
    if _NUMBER.fullmatch(cell) and not (comma and re.fullmatch(r"\d{1,3}(?:\.\d{3})+", cell)):
        return float(cell)
    if comma and _DECIMAL_COMMA.fullmatch(cell):
        return float(cell.replace(".", "").replace(",", "."))
    if comma and re.fullmatch(r"\d{1,3}(?:\.\d{3})+", cell):
        return float(cell.replace(".", ""))
    if not comma and _THOUSANDS.fullmatch(cell):
        return float(cell.replace(",", ""))
    return None


def _column(name: str, cells: list[str], comma: bool, numbers: list[int]) -> Column | None:
    """A column of numbers if most of its cells are; ValueError where one of those is not. None for
    one that is empty."""
    present = sum(not _is_missing(cell) for cell in cells)
    if not present:
        return None
    values = [_number(cell, comma) for cell in cells]
    if 2 * sum(value is not None for value in values) <= present:
        return Column(name, np.array([cell[:200] for cell in cells]), is_text=True)
    for row, cell, value in zip(numbers, cells, values, strict=True):
        place = f"column “{name}”"
        if value is not None and np.isfinite(value):
            continue
        if value is not None or cell.lower() in _INFINITE:
            raise ValueError(unfinished(place, row, np.inf))
        if _is_missing(cell):
            raise ValueError(unfinished(place, row, np.nan))
        raise ValueError(f"{place} must hold numbers, in row {row} it has {shown(cell)}")
    return Column(name, np.array(values, dtype=float) + 0.0)


# --- Printed matrices ----------------------------------------------------------------------------


def _printed(words: str) -> Table:
    """A matrix in brackets: [[1 2] [3 4]], array([[1., 2.]]), [1 2; 3 4], ((1, 2), (3, 4))."""
    require(
        "..." not in words and "…" not in words,
        "expected a whole matrix, the print leaves numbers out; print it whole or save a file",
    )
    plain, wrappers = _WRAPPED.subn("", _OPTIONS.sub("", words).translate(_MINUS))
    plain = plain.rstrip("; \n").removesuffix(")" * wrappers)
    plain = plain.translate(str.maketrans("(){}", "[][]")).strip()
    depth = _depth(plain)
    require(
        depth in (1, 2),
        "expected a matrix in brackets, a row in each pair of them, "
        + ("one pair is not closed" if depth == 0 else f"got brackets {depth} deep"),
    )
    groups = re.findall(r"\[([^\[\]]*)\]", plain)
    rows = groups if depth == 2 else re.split(r"[;\n]", groups[0])
    rows = [row for row in rows if row.strip(" ,\n\t")]
    require(bool(rows), "expected a matrix in brackets, it holds no numbers")
    parts = [re.split(r"\s*,\s*|\s+", row.strip(" ,\n\t")) for row in rows]
    values = []
    for number, row in enumerate(parts, start=1):
        check_size(len(parts), len(row))
        require(
            len(row) == len(parts[0]),
            f"row {number} has {len(row)} numbers and row 1 has {len(parts[0])}; every row needs "
            "as many",
        )
        values.append([_printed_number(cell, number, k) for k, cell in enumerate(row, start=1)])
    return of_matrix(np.array(values), notes=["Read as a matrix in brackets."])


def _depth(words: str) -> int:
    """How deep brackets are nested; 0 unless one pair holds everything."""
    deepest = open_ = 0
    for place, letter in enumerate(words, start=1):
        open_ += (letter == "[") - (letter == "]")
        deepest = max(deepest, open_)
        if open_ <= 0 and place < len(words):
            return 0
    return deepest if open_ == 0 else 0


def _printed_number(cell: str, row: int, column: int) -> float:
    if cell.lower() in MISSING | _INFINITE:
        return np.nan  # refused with its place
    try:
        return typed.number(cell)
    except ValueError:
        raise ValueError(
            f"number {column} of row {row} must be a number, e.g. 0.05 or 1e-3, got {shown(cell)}"
        ) from None
