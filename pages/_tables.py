"""Data that visitors bring: kept for their own session and no longer. A link only names them."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from simcore import link_values
from simcore.data import choice, sets
from simcore.data.table import Table
from simcore.experiment import Experiment
from simcore.tasks import Dataset, Task

MOST = 3  # tables of a session
SET = "a set that scikit-learn ships, which is not installed here"


def keep(table: Table) -> None:
    """Have the table at hand for the rest of the session."""
    tables = _tables()
    tables[table.key] = table
    tables.move_to_end(table.key)
    while len(tables) > MOST:
        tables.popitem(last=False)


def table(key: str) -> Table | None:
    """The table of that key, if the session has it or every copy of the app does."""
    if key in sets.TITLES and key not in _tables() and sets.installed():
        keep(sets.load(key))
    return _tables().get(key)


def find(source: str) -> Task:
    """The task that a link calls so; ValueError in a sentence where its data are not here."""
    task = _tasks().get(source)
    if task is not None:
        return task
    key, _, chosen = source.partition(":")
    found = table(key)
    if found is None:
        where = SET if key in sets.TITLES else "a file that links do not hold"
        raise ValueError(
            f"it is of {where}; open the file on the page Your data, and its run is shown"
        )
    return choice.of_text(chosen).of(found).task


def asks_for(query: Mapping[str, str]) -> bool:
    """Whether a link names data that are not here."""
    named = query.get("task", "")
    if not named.startswith(link_values.OF_DATA):
        return False
    source = named.removeprefix(link_values.OF_DATA)
    return source not in _tasks() and table(source.partition(":")[0]) is None


def key_of(query: Mapping[str, str]) -> str:
    """Of the data that a link names."""
    return query["task"].removeprefix(link_values.OF_DATA).partition(":")[0]


def named(experiment: Experiment) -> Experiment:
    """The same, with a name for data that came without one, in a file of an experiment."""
    task = experiment.task
    if isinstance(task, Dataset) and not task.source:
        text = json.dumps(task.to_dict(), sort_keys=True)
        task = replace(task, source=hashlib.sha256(text.encode()).hexdigest()[:16])
        experiment = replace(experiment, task=task)
    if task.source and table(task.source.partition(":")[0]) is None:
        _tasks()[task.source] = task
    return experiment


def _tables() -> OrderedDict[str, Table]:
    return st.session_state.setdefault("tables", OrderedDict())


def _tasks() -> dict[str, Task]:
    """Tasks of files of experiments, by their names."""
    return st.session_state.setdefault("named_tasks", {})
