"""Small real sets that scikit-learn brings with it, where that is installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from simcore import extras
from simcore.checks import require
from simcore.data.table import Column, Table, distinct_names, of_matrix

TITLES = {
    "iris": "Iris: 150 flowers, 4 measures, 3 species",
    "wine": "Wine: 178 wines, 13 measures, 3 growers",
    "digits": "Digits: 1,797 images of 8 x 8, 10 digits",
    "linnerud": "Linnerud: 20 men, 3 exercises, 3 measures",
    "diabetes": "Diabetes: 442 patients, 10 measures, progression",
    "china": "China: a photograph as a matrix, 48 x 64",
}


def installed() -> bool:
    return find_spec("sklearn") is not None


def load(name: str) -> Table:
    """A set by its name; ValueError in a sentence for another name, or without scikit-learn."""
    require(name in TITLES, f"expected one of {', '.join(TITLES)}, got {name!r}")
    sets = extras.load("sklearn.datasets", "a real data set", "data")
    if name == "china":
        return _photograph(sets)
    found: dict[str, Callable[[], Any]] = {
        "iris": sets.load_iris,
        "wine": sets.load_wine,
        "digits": sets.load_digits,
        "linnerud": sets.load_linnerud,
        "diabetes": sets.load_diabetes,
    }
    return _table(name, found[name]())


def _table(name: str, loaded: Any) -> Table:
    columns = [
        Column(label, np.ascontiguousarray(values, dtype=float))
        for label, values in zip(distinct_names(loaded.feature_names), loaded.data.T, strict=True)
    ]
    if loaded.target.ndim == 2:
        labels = distinct_names(loaded.target_names)
        answers = [
            Column(label, np.ascontiguousarray(values, dtype=float))
            for label, values in zip(labels, loaded.target.T, strict=True)
        ]
    elif "target_names" in loaded:
        texts = np.array([str(label) for label in loaded.target_names])[loaded.target]
        answers = [Column("class", texts, is_text=True)]
    else:
        answers = [Column("progression", np.ascontiguousarray(loaded.target, dtype=float))]
    targets = tuple(range(len(columns), len(columns) + len(answers)))
    return Table((*columns, *answers), targets=targets, kept=name)


def _photograph(sets: Any) -> Table:
    """Grey levels from 0 to 1, every 8th pixel."""
    grey = sets.load_sample_image("china.jpg").mean(axis=2) / 255
    table = of_matrix(grey[::8, ::8][:48, :64])
    return Table(table.columns, named=False, kept="china")
