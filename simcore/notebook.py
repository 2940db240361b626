"""A run in a notebook: it plays there, and leaves as a labelled dataset."""

from __future__ import annotations

import json
from typing import Any

from simcore import extras, regimes, scenes
from simcore.trajectory import Trajectory

HEIGHT = 780  # pixels


def shown(run: Trajectory) -> str:
    """The page that plays offline, in a frame of its own: neither its styles nor its scripts meet
    those of the notebook."""
    page = scenes.page(scenes.of(run), run.experiment)
    held = page.replace("&", "&amp;").replace('"', "&quot;")  # what else stands in it ends no value
    return (
        f'<iframe srcdoc="{held}" sandbox="allow-scripts allow-downloads" '
        f'style="width:100%;height:{HEIGHT}px;border:0" title="The run, to be played"></iframe>'
    )


def dataset(run: Trajectory) -> Any:
    """The run as an `xarray.Dataset`; ValueError where xarray is not installed.

    Dimensions: record (K), with the coordinates step and t; pathway (H) and mode (R), counted from
    1; bound ("low", "high": over all steps since the record before); eigenvalue (k), from the
    largest; output and input of maps; weight. The experiment is an attribute, as JSON.
    """
    xarray = extras.load("xarray", "a dataset", "notebook")
    _, pathways, modes = run.strengths.shape
    at_records: dict[str, tuple[str, ...]] = {
        "loss": (),
        "strengths": ("pathway", "mode"),
        "eigenvalues": ("eigenvalue",),
        "residuals": ("eigenvalue",),
        "loss_range": ("bound",),
        "strengths_range": ("bound", "pathway", "mode"),
        "maps": ("pathway", "output", "input"),
        "moving_sharpness": (),
        "edge": (),
        "variance": (),
        "predicted_loss": (),
    }
    variables = {
        name: (("record", *dimensions), getattr(run, name))
        for name, dimensions in at_records.items()
        if getattr(run, name) is not None
    }
    if run.theta is not None:
        variables["theta"] = (("weight",), run.theta)
    if run.velocity is not None:
        variables["velocity"] = (("weight",), run.velocity)
    return xarray.Dataset(
        variables,
        coords={
            "step": ("record", run.steps),
            "t": ("record", run.time),
            "pathway": range(1, pathways + 1),
            "mode": range(1, modes + 1),
            "bound": ["low", "high"],
        },
        attrs={
            "experiment": json.dumps(run.experiment.to_dict()),
            "key": run.experiment.key,
            "outcome": run.outcome.name,
            "regime": regimes.classify(run).value,
            "seconds": run.seconds,
        },
    )
