"""The caption of a run: title, parameters, verdict, and what leads back to it."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlencode

from simcore import links, presets, regimes
from simcore.caption import Caption
from simcore.differences import in_words
from simcore.experiment import Experiment
from simcore.tasks import Dataset
from simcore.trajectory import Trajectory
from simcore.version import NUMBER


def of_run(run: Trajectory, address: str | None = None, *, of: Experiment | None = None) -> Caption:
    """Of a run; `address` is the whole link of the page where it was seen, else the query alone is
    given, which the command line and every copy of the app read. `of` is the experiment that was
    asked for, where the run has more records for its picture."""
    experiment = of or run.experiment
    return Caption(
        title=_title(experiment),
        parameters=in_words(experiment),
        verdict=regimes.headline(run),
        small=_small(experiment, address),
        stem=stem(experiment),
    )


def of_part(title: str, caption: Caption) -> Caption:
    """Of one picture of a run, beside others."""
    return replace(
        caption, title=f"{caption.title}: {title}", stem=f"{_in_a_name(title)}-{caption.stem}"
    )


def of_chart(title: str, experiment: Experiment, address: str | None = None) -> Caption:
    """Of a chart about an experiment of which no single run is shown."""
    return Caption(
        title=title,
        parameters=in_words(experiment),
        small=_small(experiment, address),
        stem=f"{_in_a_name(title)}-{stem(experiment)}",
    )


def stem(experiment: Experiment) -> str:
    """The name of its files, e.g. "medium-eta0.1538-1a2b3c4d": what it is, its step size, and the
    beginning of its key, which tells it from any other."""
    preset = _preset(experiment)
    depths = "x".join(map(str, experiment.network.depths))
    eta = experiment.dynamics.step_size
    how = experiment.dynamics.short.lower() if eta is None else f"eta{eta:.4g}"
    parts = preset.name if preset else f"L{depths}", how, experiment.key[:8]
    return re.sub(r"[^\w.+-]", "", "-".join(dict.fromkeys(parts)))


def _in_a_name(words: str) -> str:
    """Words as a part of the name of a file."""
    return "-".join(re.findall(r"\w+", words.lower()))[:40].rstrip("-")


def _small(experiment: Experiment, address: str | None) -> str:
    origin = (experiment.key[:8], f"simcore {NUMBER}", link(experiment, address))
    return " · ".join(filter(None, origin))


def _title(experiment: Experiment) -> str:
    preset = _preset(experiment)
    if preset is not None:
        return preset.title
    pathways = len(experiment.network.depths)
    of = "one pathway" if pathways == 1 else f"{pathways} pathways"
    return f"{experiment.dynamics.title} of {of}".capitalize()


def _preset(experiment: Experiment) -> presets.Preset | None:
    return next((preset for preset in presets.ALL if preset.experiment == experiment), None)


def link(experiment: Experiment, address: str | None = None) -> str:
    """The address, else the query of its link; empty for a data set, which no link holds."""
    if address is not None or isinstance(experiment.task, Dataset):
        return address or ""
    return f"?{urlencode(links.to_query(experiment), safe=',:;')}"
