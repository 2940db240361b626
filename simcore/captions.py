"""The caption of a run: title, parameters, verdict, and what leads back to it."""

from __future__ import annotations

import re
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
    origin = (experiment.key[:8], f"simcore {NUMBER}", link(experiment, address))
    return Caption(
        title=_title(experiment),
        parameters=in_words(experiment),
        verdict=regimes.headline(run),
        small=" · ".join(filter(None, origin)),
        stem=stem(experiment),
    )


def stem(experiment: Experiment) -> str:
    """The name of its files, e.g. "medium-eta0.1538-1a2b3c4d": what it is, its step size, and the
    beginning of its key, which tells it from any other."""
    preset = _preset(experiment)
    depths = "x".join(map(str, experiment.network.depths))
    eta = experiment.dynamics.eta
    how = experiment.dynamics.short.lower() if eta is None else f"eta{eta:.4g}"
    parts = preset.name if preset else f"L{depths}", how, experiment.key[:8]
    return re.sub(r"[^\w.+-]", "", "-".join(dict.fromkeys(parts)))


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
