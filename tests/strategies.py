"""Hypothesis strategies for every spec, all small, and how a refusal must read.

`SPECS` names one strategy per spec class; `experiments()` draws whole experiments that fit
together, with arguments to fix a part.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from simcore.events import Freeze, Jitter, Kick, Ramp, StepSize
from simcore.experiment import (
    Balanced,
    CentralFlow,
    Descent,
    Experiment,
    Flow,
    Gaussian,
    LayerScales,
    Network,
    Record,
)
from simcore.lesson import LONGEST, PARTS, Lesson
from simcore.record import SPACINGS
from simcore.tasks import Dataset, Spectrum, Target, Tree
from simcore.view import AXES, DIAGRAMS, LAYERS, STEPS, STROBES, TIMES, View

LARGEST = 4  # inputs, outputs, hidden width

sizes = st.integers(1, LARGEST)
entries = st.floats(-2, 2).map(lambda x: round(x, 6))
positives = st.floats(1e-3, 2)


def matrices(rows=sizes, columns=sizes):
    """Small float arrays (rows, columns)."""
    return st.tuples(rows, columns).flatmap(
        lambda shape: hnp.arrays(float, shape, elements=entries)
    )


# --- Tasks -------------------------------------------------------------------------------------


@st.composite
def spectra(draw):
    values = sorted(draw(st.lists(st.just(0.0) | positives, min_size=1, max_size=3)), reverse=True)
    larger = st.none() | st.integers(len(values), LARGEST)
    return Spectrum(singular_values=values, n_in=draw(larger), n_out=draw(larger))


def trees():
    return st.builds(Tree, levels=st.integers(1, 2))


def targets():
    return st.builds(Target, rows=matrices())


@st.composite
def samples(draw):
    """(inputs (N, n_in), outputs (N, n_out)) whose inputs span all directions, means not zero."""
    n_in, n_out, noise = draw(sizes), draw(sizes), draw(st.integers(0, 2**32 - 1))
    n = n_in + draw(st.integers(2, 6))
    rng = np.random.default_rng(noise)
    x = rng.normal(size=(n, n_in)) * rng.uniform(0.5, 2, n_in) + rng.normal(size=n_in)
    y = x @ rng.normal(size=(n_in, n_out)) + rng.normal(size=(n, n_out)) + rng.normal(size=n_out)
    return x, y


@st.composite
def datasets(draw):
    x, y = draw(samples())
    return Dataset(inputs=x, outputs=y, whiten=draw(st.booleans()), center=draw(st.booleans()))


def tasks():
    return st.one_of(spectra(), trees(), targets(), datasets())


# --- Architecture, start, dynamics, record -----------------------------------------------------


depths_lists = st.lists(st.integers(1, 5), min_size=1, max_size=3)
hidden_widths = st.none() | st.integers(1, 8)


def networks(widths=hidden_widths):
    return st.builds(Network, depths=depths_lists, width=widths)


def aligned_networks(task):
    """Networks wide enough for an aligned start."""
    modes = len(task.singular_values)
    return networks(st.none() | st.integers(modes, modes + 2))


def balanced(depths=depths_lists, modes=2):
    """With a scale for all modes of a pathway, or one for each."""
    scale = st.just(0.0) | st.floats(1e-4, 1.2)
    of_pathway = scale | st.tuples(*[scale] * modes)
    scales = depths.flatmap(lambda ls: st.tuples(*(of_pathway for _ in ls)))
    return st.builds(Balanced, scales=scales)


def layer_scales(depths=depths_lists):
    rows = depths.flatmap(
        lambda ls: st.tuples(*(st.lists(entries, min_size=n, max_size=n) for n in ls))
    )
    return st.builds(LayerScales, scales=rows)


def gaussians():
    return st.builds(Gaussian, std=st.floats(0.01, 0.8), seed=st.integers(0, 2**32 - 1))


def descents():
    """Plain ones."""
    return st.builds(Descent, step_size=st.floats(1e-3, 0.5), steps=st.integers(1, 30))


def flows():
    """Plain ones."""
    return st.builds(Flow, duration=st.floats(0.01, 5), rtol=st.floats(1e-10, 1e-3))


def central_flows():
    return st.builds(
        CentralFlow,
        step_size=st.floats(1e-3, 0.5),
        duration=st.floats(0.01, 5),
        substeps=st.integers(1, 16),
    )


# --- Events ------------------------------------------------------------------------------------


updates = st.integers(0, 10)  # times that any clock counts
step_sizes = st.floats(1e-3, 0.5)
pathways = st.integers(0, 2)
seeds = st.integers(0, 2**32 - 1)


def intervals():
    return st.lists(updates, min_size=2, max_size=2, unique=True).map(sorted)


def steps_of():
    return st.builds(StepSize, at=updates, value=step_sizes)


def ramps():
    begin = st.none() | st.just(0.0) | step_sizes
    return st.builds(
        lambda ends, **rest: Ramp(start=ends[0], stop=ends[1], **rest),
        intervals(),
        value=step_sizes,
        begin=begin,
    )


def freezes(pathway=pathways):
    return st.builds(
        lambda pathway, ends, open_: Freeze(
            pathway=pathway, start=ends[0], stop=None if open_ else ends[1]
        ),
        pathway,
        intervals(),
        st.booleans(),
    )


def kicks(pathway=pathways):
    return st.builds(Kick, at=updates, pathway=pathway, factor=st.floats(0.3, 3))


def jitters():
    return st.builds(Jitter, at=updates, std=st.floats(1e-6, 0.1), seed=seeds)


@st.composite
def driven_dynamics(draw, count, flowing=False):
    """A descent or a flow with events, the first also with momentum, decay and noise, of a network
    of so many pathways."""
    ours = st.integers(0, count - 1)
    kinds = [kicks(ours), jitters()] + ([] if flowing else [steps_of(), ramps()])
    events = draw(st.lists(st.one_of(kinds), max_size=3))
    for pathway in draw(st.lists(ours, max_size=2, unique=True)):
        freeze = draw(freezes(st.just(pathway)))
        good = pathway == 0 and freeze.stop is None  # for good: the first never sleeps
        events.append(dataclasses.replace(freeze, stop=freeze.start + 1) if good else freeze)
    if flowing:
        return dataclasses.replace(draw(flows()), duration=draw(st.floats(10.5, 12)), events=events)
    return dataclasses.replace(
        draw(descents()),
        steps=draw(st.integers(11, 30)),
        events=events,
        momentum=draw(st.sampled_from((0.0, 0.5, 0.9))),
        nesterov=draw(st.booleans()),
        weight_decay=draw(st.sampled_from((0.0, 1e-3, 0.1))),
        label_noise=draw(st.sampled_from((0.0, 0.1))),
        seed=draw(st.sampled_from((0, 7))),
    )


def any_dynamics(count):
    """Descents and flows, plain and driven, of a network of so many pathways."""
    return st.one_of(
        descents(), flows(), driven_dynamics(count), driven_dynamics(count, flowing=True)
    )


@st.composite
def records(draw):
    every = draw(st.none() | st.integers(1, 7))
    spacing = draw(st.sampled_from(SPACINGS)) if every is None else "even"
    return Record(
        frames=draw(st.integers(2, 12)),
        every=every,
        spacing=spacing,
        sharpness=draw(st.booleans()),
        eigenvalues=draw(st.integers(1, 3)),
        maps=draw(st.booleans()),
    )


# --- The whole ---------------------------------------------------------------------------------


@st.composite
def experiments(draw, task=None, dynamics=None, record=None, aligned=None):
    """Experiments of any kind; `aligned` (None: either) tells aligned starts from random ones."""
    task = draw(tasks() if task is None else task)
    if draw(st.booleans()) if aligned is None else aligned:
        network = draw(aligned_networks(task))
        depths = st.just(network.depths)
        modes = len(task.singular_values)
        start = draw(balanced(depths, modes) | layer_scales(depths))
    else:
        network, start = draw(networks()), draw(gaussians())
    exact = task.whitened and not isinstance(start, Gaussian)
    moves = draw(any_dynamics(network.pathways) if dynamics is None else dynamics)
    bent = draw(st.sampled_from(bends(task, start, moves)))
    network = dataclasses.replace(network, **bent)
    known = ["auto", "matrices"] + ["modes"] * exact if network.linear else ["auto", "samples"]
    return Experiment(
        task=task,
        network=network,
        start=start,
        dynamics=moves,
        record=draw(records() if record is None else record),
        engine=draw(st.sampled_from(known)),
    )


def bends(task, start, dynamics):
    """The activations that go with these parts, as fields of a network; mostly none."""
    linear = [{"activation": "linear"}]
    if not isinstance(start, Gaussian) or isinstance(task, Dataset) or dynamics.averages:
        return linear
    kicked = any(isinstance(event, Kick) for event in dynamics.events)
    names = [] if dynamics.label_noise else ["relu"] + ["tanh"] * (not kicked)
    return linear + [
        {"activation": name, "activate_last": last} for name in names for last in (False, True)
    ]


# --- Views -------------------------------------------------------------------------------------


names = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,39}", fullmatch=True)
ranges = st.lists(st.floats(0, 1e300), min_size=2, max_size=2, unique=True).map(
    lambda ends: tuple(sorted(ends))
)


def views():
    """Views whose pins a link can hold."""
    pairs = st.lists(st.integers(0, 7), min_size=2, max_size=2, unique=True)
    runs = experiments(task=st.one_of(spectra(), trees(), targets()))
    return st.builds(
        View,
        mode=st.integers(0, 127),
        pathways=pairs.map(lambda pair: tuple(sorted(pair))),
        layers=st.lists(st.sampled_from(LAYERS), unique=True).map(tuple),
        panels=st.none() | st.lists(names, max_size=4, unique=True).map(tuple),
        flow=st.none() | st.booleans(),
        strobe=st.sampled_from(STROBES),
        axis=st.sampled_from(AXES),
        time=st.sampled_from((None, *TIMES)),
        logs=st.dictionaries(names, st.booleans(), max_size=3),
        zoom=st.none() | ranges,
        cursor=st.none() | st.floats(0, 1e300),
        pins=st.lists(runs, max_size=4, unique=True).map(tuple),
        share=st.floats(0, 1),
        figure=st.none() | names,
        colour=st.none() | names,
        step_sizes=st.none() | ranges,
        diagram=st.sampled_from(DIAGRAMS),
        ensemble=st.none() | names,
        step=st.integers(1, STEPS),
    )


def lessons():
    return st.builds(
        Lesson,
        stage=st.booleans(),
        hide=st.lists(st.sampled_from(tuple(PARTS)), unique=True).map(tuple),
        question=st.text(max_size=LONGEST),
    )


SPECS = {
    Spectrum: spectra(),
    Tree: trees(),
    Target: targets(),
    Dataset: datasets(),
    Network: networks()
    | st.builds(
        Network,
        depths=depths_lists,
        width=hidden_widths,
        activation=st.sampled_from(("tanh", "relu")),
        activate_last=st.booleans(),
    ),
    Balanced: balanced(),
    LayerScales: layer_scales(),
    Gaussian: gaussians(),
    Descent: descents(),
    Flow: flows(),
    CentralFlow: central_flows(),
    StepSize: steps_of(),
    Ramp: ramps(),
    Freeze: freezes(),
    Kick: kicks(),
    Jitter: jitters(),
    Record: records(),
    Experiment: experiments(),
}


# --- Refusals ----------------------------------------------------------------------------------


@contextmanager
def refused(*words: str) -> Iterator[None]:
    """What happens inside must be refused in one sentence, in our words, that holds `words`."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        yield
    check_refusal(caught.value, *words)


def check_refusal(error: ValueError, *words: str) -> None:
    """One short line in our words, saying what was expected, without those of a traceback."""
    assert type(error) is ValueError, f"not our words: {error!r}"
    sentence = str(error)
    assert 0 < len(sentence) < 300
    assert len(sentence.splitlines()) == 1
    assert re.search(r"\b(must|needs?|may|expected|has no field)\b", sentence), sentence
    assert not re.search(r"__\w+__|Traceback|Error\b|File \"|NoneType| object at 0x", sentence)
    ours = sentence.partition(", got ")[0]  # the rest is as it came
    assert not re.search(r"\w\[\d|\.\d*[1-9]\d{13}", ours), f"not for people: {sentence}"
    for word in words:
        assert word in sentence, f"{word!r} is missing in: {sentence}"
