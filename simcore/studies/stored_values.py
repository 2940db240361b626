"""The texts in a store as values: each is read without trust, or refused in one sentence."""

from __future__ import annotations

import json
import sys
from typing import Any

from simcore import limits
from simcore.checks import require
from simcore.experiment import Experiment
from simcore.regimes import Regime
from simcore.rows import Row, Summary
from simcore.trajectory import Outcome

MOST_ROW = 100_000  # characters; a summary has 250
MOST_VERSION = 100

_KNOWN = {"outcome": set(Outcome.__members__), "regime": {regime.value for regime in Regime}}
_NUMBERS = [name for name in vars(Summary()) if name not in _KNOWN]


def experiment_of(raw: Any, where: str) -> Experiment:
    """The experiment of a run. ValueError with a sentence, which begins with `where` it stands, if
    it is none that may run here."""
    try:
        return Experiment.from_dict(_data(raw, limits.most_text()))
    except ValueError as error:
        raise ValueError(f"the experiment of {where} cannot be read: {error}") from None


def row_of(raw: Any, measure: str, where: str) -> Row:
    """The row of a run; of the measure "summary" with the columns of `rows.Summary`, all known.

    ValueError as in `experiment_of`.
    """
    try:
        row = _data(raw, MOST_ROW)
        require(isinstance(row, dict), "expected values by name", row)
        if measure == "summary":
            _check_summary(row)
        return row
    except ValueError as error:
        raise ValueError(f"the row of {where} cannot be read: {error}") from None


def plan_of(raw: Any, where: str) -> Any:
    """The plain data of a plan, whatever they say; ValueError as in `experiment_of`."""
    try:
        return _data(raw, limits.most_text())
    except ValueError as error:
        raise ValueError(f"the plan of {where} cannot be read: {error}") from None


def version_of(raw: Any) -> str | None:
    """The version that made a row, None where nothing that could be one is noted."""
    if isinstance(raw, bytes) and len(raw) <= MOST_VERSION and raw.isascii():
        text = raw.decode()
        return text if text.isprintable() else None
    return None


def _data(raw: Any, most: int) -> Any:
    require(isinstance(raw, bytes), "expected text", raw)
    require(len(raw) <= most, f"expected at most {most} characters, got {len(raw)}")
    try:
        return json.loads(raw.decode())
    except UnicodeDecodeError:
        raise ValueError("expected text, got bytes that are none") from None
    except (ValueError, RecursionError):  # also whole numbers of thousands of digits
        raise ValueError("expected JSON that can be read, got something else") from None


def _check_summary(row: Row) -> None:
    for name, known in _KNOWN.items():
        value = row.get(name)
        fits = isinstance(value, str) and value in known
        require(fits, f"its {name} must be a known one", value)
    for name in _NUMBERS:
        require(_is_number(row.get(name)), f"its {name} must be a number", row.get(name))


def _is_number(value: Any) -> bool:
    """Whether `value` is a number that a float can hold, nan and infinity among them."""
    whole = type(value) is int and abs(value) <= sys.float_info.max
    return whole or isinstance(value, float)
