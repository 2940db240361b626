"""What was given to be run, whichever it is: a preset's name, a file or a link.

A file holds a run (.npz), an experiment as JSON, or a link. All of it may come from anywhere: it is
data, bounded before it is read, and whatever is wrong with it is one sentence.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from simcore import files, limits, links, presets
from simcore.checks import require, shown
from simcore.experiment import Experiment
from simcore.trajectory import Trajectory

IN_FILES = "a run (.npz), an experiment as JSON or a link"
ZIP = b"PK"  # how an .npz begins
MOST_VALUES = 100  # of a link
LONGEST_NAME = 40  # characters that are compared with those of presets


class Given(NamedTuple):
    """An experiment, with the run of it that a file holds, or the query of the link it is from."""

    experiment: Experiment
    run: Trajectory | None = None
    query: Mapping[str, str] | None = None


def of(what: str) -> Given:
    """What an argument of the command line means; ValueError in a sentence."""
    if what not in presets.BY_NAME and _is_file(what):
        return of_file(what)
    return of_text(what)


def of_file(path: str | Path) -> Given:
    """What a file on this machine holds; ValueError in a sentence."""
    files.check_ordinary(path)
    with open(path, "rb") as file:
        is_run = file.read(len(ZIP)) == ZIP
    if is_run:
        return _of_run(Trajectory.load(path))
    return of_text(files.read_text(path), f"the file {shown(str(path))}")


def of_bytes(content: bytes, name: str) -> Given:
    """What a file from anywhere holds; ValueError in a sentence, which calls the file `name`."""
    if content.startswith(ZIP):
        return _of_run(Trajectory.load(io.BytesIO(content), name))
    _check_length(len(content), f"the file {shown(name)}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"expected {IN_FILES}, the file {shown(name)} is none") from None
    return of_text(text, f"the file {shown(name)}")


def of_text(text: str, name: str | None = None) -> Given:
    """What a text means: a preset's name, an experiment as JSON, a link; ValueError in a sentence,
    which calls the text `name` if it has one."""
    text, whose = text.strip(), name or shown(text)
    _check_length(len(text), whose)
    if text in presets.BY_NAME:
        return Given(presets.BY_NAME[text].experiment)
    if text.startswith(("{", "[")):
        return Given(_of_json(text, name or "the text"))
    if "\n" not in text and ("=" in text or "://" in text or text.startswith("?")):
        return _of_link(text)
    require(name is None, f"expected {IN_FILES}, {name} is none")
    raise ValueError(
        f"expected a preset's name, a file (.npz or .json) or a link, got {whose}; presets are "
        f"{', '.join(_near(text))} and others, which `simcore presets` lists"
    )


def _near(text: str) -> list[str]:
    """Names of presets like this one, or the first of them."""
    return get_close_matches(text[:LONGEST_NAME], presets.BY_NAME, n=3) or [*presets.BY_NAME][:5]


def _check_length(length: int, whose: str) -> None:
    most = limits.most_text()
    require(length <= most, f"expected at most {most} characters of text, {whose} has {length}")


def _of_run(run: Trajectory) -> Given:
    return Given(run.experiment, run)


def _is_file(what: str) -> bool:
    try:
        return Path(what).exists()
    except (OSError, ValueError):  # a link is too long for a file's name
        return False


def _of_json(text: str, name: str) -> Experiment:
    data = read_json(text, name)
    require(
        isinstance(data, dict) and "type" in data,
        f"expected an experiment, {name} holds other JSON",
        data,
    )
    return Experiment.from_dict(data)


def read_json(text: str, name: str) -> Any:
    """Any JSON; ValueError in a sentence, which begins with the `name` of the text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} must hold JSON, but it does not: {error}") from None


def _of_link(text: str) -> Given:
    """The whole link of a page or its query alone; every value of it must be understood, because
    nobody sees which others were taken."""
    try:
        query = urlsplit(text).query if "?" in text else text.partition("#")[0]
        values = links.plain(dict(parse_qsl(query, True, max_num_fields=MOST_VALUES)))
    except ValueError:
        raise ValueError("expected a link to a run, this one cannot be read") from None
    missing = [name for name in ("task", "depths", "start") if name not in values]
    require(
        not missing and any(name in values for name in links.CLOCKS),
        "expected a link that holds a whole run, as the app's menu gives it; this one lacks "
        f"{', '.join(missing) or ' or '.join(links.CLOCKS)}",
    )
    experiment, wrong = links.from_query(values, presets.MEDIUM.experiment)
    unknown = links.unknown(values)
    wrong += (unknown,) if unknown else ()
    require(not wrong, f"expected a link that is understood as a whole, but {''.join(wrong[:1])}")
    return Given(experiment, query=values)
