"""From trajectories to scenes: every panel of a run, defined once for the player and for stills.

Pictures: nouns and truths in, a `scene.Scene` out. A page passes named runs and the panels to
show; phases come from the page, as `regimes` is a verb. `simulator` draws aligned modes, the scene
of full weights is in `matrices`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simcore import limits, prospects, theory
from simcore.checks import require, shown
from simcore.experiment import Experiment
from simcore.figures import distance, grounds, mean_loss, scene, style
from simcore.figures.tables import (
    Named,
    loss_noise,
    pair_column,
    phi_differences,
    precision,
    run_of,
    top_pairs,
)
from simcore.trajectory import Outcome, Trajectory
from simcore.view import DEFAULT as DEFAULT_VIEW
from simcore.view import View

PHASE_WORDS = {  # what the phases of `regimes` are, in one clause
    "plateau": "near zero next to nothing is learned",
    "growth": "the signal grows, and the pathways keep their shares of it",
    "symmetry breaking": "one pathway grows ahead of the others, as under gradient flow",
    "edge of stability": "the sharpness is at the edge or above, and descent oscillates",
    "re-balancing": "signal goes back from the winner to the other pathways",
    "settled": "the shares stay, and the sum moves in a fixed band: a steady cycle counts too",
}
FLAT = 30  # times its own error is the smallest range that a run is drawn in
LOG_DECADES = 33  # below the loss at the start: it holds squares of residuals known to 16 digits


def simulator(
    runs: Sequence[Named], panels: Sequence[str], view: View = DEFAULT_VIEW
) -> scene.Scene:
    """The scene of the Simulator: `panels` are keys of `PANELS`, in order.

    Runs without the mode on show are left out, and so are panels that none of the runs can fill;
    `Scene.missing` says why. If nothing remains, the strengths are shown. ValueError for an unknown
    panel, no run, or a mode or pathways that no run has.
    """
    unknown = [panel for panel in panels if panel not in PANELS]
    require(not unknown, f"panels must be some of {tuple(PANELS)}, got {unknown}; leave them out")
    require(bool(runs), "a picture needs at least one run, got none; give Named(name, trajectory)")
    modes = max(named.run.strengths.shape[2] for named in runs)
    require(
        0 <= view.mode < modes,
        f"mode must be from 0 to {modes - 1} for these runs, got {shown(view.mode)}; "
        "0 is the largest",
    )
    fewer = [named.name for named in runs if named.run.strengths.shape[2] <= view.mode]
    runs = [named for named in runs if named.name not in fewer]
    built = {key: PANELS[key].build(runs, view) for key in panels}
    found = [replace(p, key=key) for key, p in built.items() if not isinstance(p, str)]
    return scene.Scene(
        runs=tuple(_with_others(named, runs, view.mode, panels) for named in runs),
        panels=tuple(found or [replace(_strengths(runs, view), key="strengths")]),
        missing={key: sentence for key, sentence in built.items() if isinstance(sentence, str)},
        note=" ".join(
            [
                *filter(None, [_left_out(fewer, view.mode), _thinning(runs[0])]),
                *(grounds.missing(runs[0].run, view) if "plane" in built else ()),
            ]
        ),
        words=PHASE_WORDS,
        time="log" if _sparser(runs[0].run) else "linear",
    )


def _left_out(names: Sequence[str], mode: int) -> str:
    return f"Not drawn, as without mode {mode + 1}: {', '.join(names)}." if names else ""


def _sparser(run: Trajectory) -> bool:
    """Whether the records of a run grow sparser; a short descent has room for every step."""
    every_step = run.experiment.dynamics.iterated and len(run.steps) > run.steps[-1]
    return run.experiment.record.spacing == "log" and not every_step


def _thinning(named: Named) -> str:
    """Which records were kept, where their gaps grow."""
    run = named.run
    if not _sparser(run):
        return ""
    if not run.experiment.dynamics.iterated:
        return f"{named.name} is recorded at {len(run.steps):,} times, densely at first."
    return (
        f"{named.name}: {len(run.steps) - 1:,} of {run.steps[-1]:,} steps are recorded, densely at "
        "first; bands show the range between."
    )


def _with_others(
    named: Named, runs: Sequence[Named], mode: int, panels: Sequence[str]
) -> scene.Run:
    """The run with the columns that are about other runs."""
    run = run_of(named, mode, panels)
    columns = dict(run.columns)
    if "distance" in panels:
        columns |= distance.columns(named, runs, mode)
    if named is runs[0] and mean_loss.predicted(runs):
        columns |= mean_loss.column(named.run)
    return replace(run, columns=columns)


def sharpness_and_gfs(runs: Sequence[Named]) -> scene.Scene:
    """The sharpness, and over it the GFS sharpness of each descent, or of the flows alone."""
    whole = simulator(runs, ("sharpness", "gfs"))
    if whole.missing:
        return whole
    measured, followed = whole.panels
    assert isinstance(measured, scene.SeriesPanel)
    assert isinstance(followed, scene.SeriesPanel)
    lines = [line for line in followed.lines if not line.theory]
    iterated = {named.name for named in runs if named.run.experiment.dynamics.iterated}
    lines = [line for line in lines if line.run in iterated] or lines
    several = len(lines) > 1
    over = [
        replace(
            line,
            label="GFS sharpness" + (f", {line.run}" if several else ""),
            colour="theory",
            theory=True,
        )
        for line in lines
    ]
    return replace(whole, panels=(replace(measured, lines=[*measured.lines, *over]),))


# --- Panels ----------------------------------------------------------------------------------


def _of(each: Named, main: Named) -> str:
    """The name of a run in the label of a line, if it is not the main one."""
    return "" if each is main else f" {each.name}"


def _followed(runs: Sequence[Named]) -> list[Named]:
    """The runs whose gradient flow has a closed form."""
    return [n for n in runs if prospects.follows_closed_forms(n.run.experiment)]


def _pathways(runs: Sequence[Named]) -> int:
    return max(named.run.strengths.shape[1] for named in runs)


def _edges(runs: Sequence[Named]) -> list[scene.Line]:
    """2/eta in force over each run that has an edge; of equal ones the longest."""
    longest: dict[Hashable, Named] = {}
    for named in runs:
        edge = named.run.edge
        if edge is None:
            continue
        steady = (edge == edge[0]).all()
        which = float(edge[0]) if steady else (edge.tobytes(), named.run.steps.tobytes())
        if which not in longest or named.run.time[-1] > longest[which].run.time[-1]:
            longest[which] = named
    return [
        scene.Line(
            named.name,
            "edge",
            _edge_label(named, which, runs[0]),
            colour="edge",
            theory=True,
        )
        for which, named in longest.items()
    ]


def _edge_label(named: Named, which: Hashable, main: Named) -> str:
    symbol = named.run.experiment.dynamics.edge_symbol
    return f"{symbol} = {which:.4g}" if isinstance(which, float) else symbol + _of(named, main)


def _cut(
    panel: scene.SeriesPanel, runs: Sequence[Named], columns: Sequence[np.ndarray], limit: float
) -> scene.SeriesPanel:
    """Up to +-`limit`, or to where the runs start, and saying so, where a diverged run goes beyond;
    else as it is. `columns` (K, ...) are what is drawn of each run."""
    limit, values = _far(columns, limit), _finite(columns)
    diverged = any(named.run.outcome is Outcome.DIVERGED for named in runs)
    if not (diverged and limit > 0 and (np.abs(values) > limit).any()):
        return panel
    limits = max(-limit, min(0.0, float(values.min()))), min(limit, float(values.max()))
    return replace(panel, limits=limits, label=f"{panel.label}, cut at {style.short(limit)}")


def _far(columns: Sequence[np.ndarray], limit: float) -> float:
    """The limit, or where one of the columns (K, ...) starts beyond: that much is always seen."""
    starts = _finite([column[:1] for column in columns])
    return max(limit, float(np.abs(starts).max(initial=0.0))) if limit > 0 else limit


def _finite(columns: Sequence[np.ndarray]) -> np.ndarray:
    values = np.concatenate([np.ravel(column) for column in columns])
    return values[np.isfinite(values)]


def _targets(runs: Sequence[Named], mode: int) -> list[float]:
    """sigma* of the mode in each of the runs, each value once."""
    return list(dict.fromkeys(n.run.experiment.task.singular_values[mode] for n in runs))


def _of_maps(runs: Sequence[Named]) -> str:
    """What a strength is of, where pathways are no linear maps."""
    linear = all(named.run.experiment.network.linear for named in runs)
    return "" if linear else " of its map on the samples"


def _strengths(runs: Sequence[Named], view: View) -> scene.SeriesPanel:
    targets = _targets(runs, view.mode)
    name = style.target_label(view.mode)
    panel = scene.SeriesPanel(
        title="Pathway strengths",
        label="σ" + _of_maps(runs),
        lines=[
            scene.Line(
                named.name,
                f"s{h}",
                style.strength_label(h, view.mode) + _of(named, runs[0]),
                colour=h,
                low=f"s{h}_low",
                high=f"s{h}_high",
            )
            for named in runs
            for h in range(named.run.strengths.shape[1])
        ],
        levels=[scene.Level(target, f"{name} = {target:.4g}") for target in targets],
        marks=_predicted_strengths(runs, view),
    )
    columns = [n.run.strengths[:, :, view.mode] for n in runs]
    return _cut(panel, runs, columns, 3 * max(targets))


END_MARKS: dict[str, tuple[str, scene.Shape]] = {
    "flow": ("GF end", "circle"),
    "flattest": ("flattest", "star"),
    "edge": ("λ = {edge}", "diamond"),
}


def _end_mark(end: str, experiment: Experiment) -> tuple[str, scene.Shape]:
    name, shape = END_MARKS[end]
    plain = "plain " if end == "flow" and experiment.dynamics.events else ""
    return plain + name.format(edge=experiment.dynamics.edge_symbol), shape


def ghosts(runs: Sequence[Named], view: View) -> dict[str, np.ndarray]:
    """The predicted ends of the first run's mode, each a split (H,), as far as `prospects.ends`
    knows them."""
    experiment = runs[0].run.experiment
    if experiment.task.singular_values[view.mode] <= 0:
        return {}
    ends = prospects.ends(experiment, view.mode)
    edge = None if experiment.dynamics.events else ends["edge"]  # of one step size
    named = {"flow": ends["flow"], "flattest": ends["flattest"], "edge": edge}
    return {name: at for name, at in named.items() if at is not None and np.isfinite(at).all()}


def _predicted_strengths(runs: Sequence[Named], view: View) -> list[scene.Mark]:
    """Where each pathway's strength will end: at the edge if it gets there, else GF's end; theory
    knows the end of plain dynamics alone."""
    if not runs[0].run.experiment.dynamics.plain:
        return []
    predicted = ghosts(runs, view)
    end = "edge" if "edge" in predicted else "flow"
    if end not in predicted:
        return []
    name, shape = _end_mark(end, runs[0].run.experiment)
    return [
        scene.Mark(
            None,
            float(value),
            f"{style.strength_label(h, view.mode)}, {name}",
            shape,
            colour=h,
            of_step_size=end == "edge",
        )
        for h, value in enumerate(predicted[end])
    ]


def _plane(runs: Sequence[Named], view: View) -> scene.Panel | str:
    pathways = _pathways(runs)
    if pathways < 2:
        return "The plane needs two pathways; this network has one."
    p, q = view.pathways
    require(
        p != q and min(p, q) >= 0 and max(p, q) < pathways,
        f"pathways must be two different ones from 0 to {pathways - 1} for these runs, "
        f"got {shown(view.pathways)}; use e.g. (0, 1)",
    )
    shown_runs = [n for n in runs if n.run.strengths.shape[1] > max(p, q)]
    target = runs[0].run.experiment.task.singular_values[view.mode]
    x, y = style.strength_label(p, view.mode), style.strength_label(q, view.mode)
    far = _far([n.run.strengths[:, [p, q], view.mode] for n in shown_runs], 3 * target)
    limits = _plane_limits(shown_runs, view, target, far)
    highest = max(float(np.nanmax(n.run.strengths[:, :, view.mode])) for n in runs)
    top = max(1.05 * target, highest if limits is None else limits[1])
    cut = "" if limits is None else f", cut at {style.short(far)}"
    minima = "minima" if pathways == 2 else "minima of these two alone"
    return scene.PlanePanel(
        title=f"Plane ({x}, {y}){cut}",
        x_label=f"strength {x}{_of_maps(runs)}",
        y_label=f"strength {y}{_of_maps(runs)}",
        trails=[scene.Trail(n.name, f"s{p}", f"s{q}", n.name) for n in shown_runs],
        curves=[
            scene.Curve([(0.0, target), (target, 0.0)], minima, "ink"),
            scene.Curve([(0.0, 0.0), (top, top)], "equal", "muted"),
        ],
        marks=_plane_marks(runs, view),
        limits=limits,
        ground=grounds.sharpness(runs[0].run, view, top if limits is None else limits[1]),
        streams=grounds.flow(runs[0].run, view),
    )


def _plane_limits(
    runs: Sequence[Named], view: View, target: float, far: float
) -> tuple[float, float] | None:
    """Up to +-`far` where a run diverged; else what the panel needs."""
    if target <= 0 or all(named.run.outcome is not Outcome.DIVERGED for named in runs):
        return None
    values = [n.run.strengths[:, list(view.pathways), view.mode].ravel() for n in runs]
    values = np.clip([0.0, target, *np.concatenate(values)], -far, far)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    pad = 0.04 * (high - low)
    return low - pad, high + pad


def _plane_marks(runs: Sequence[Named], view: View) -> list[scene.Mark]:
    p, q = view.pathways
    depths = runs[0].run.experiment.network.depths
    return [
        scene.Mark(
            float(split[p]),
            float(split[q]),
            *_end_mark(end, runs[0].run.experiment),
            hollow=end != "flattest",
            note=f"λ = {theory.mode_sharpness(split, depths):.5g}",
            of_step_size=end == "edge",
        )
        for end, split in ghosts(runs, view).items()
        if len(split) > max(p, q)
    ]


def _loss(runs: Sequence[Named], view: View) -> scene.SeriesPanel:
    """On a log axis from the first run's smallest loss: a flow's rounding noise lies far below."""
    label = _loss_label([named.run.experiment for named in runs])
    losses = [(n.run.loss, n.run.loss_range, loss_noise(n.run)) for n in runs]
    seen = np.concatenate([between[loss >= noise].ravel() for loss, between, noise in losses])
    seen = seen[(seen > 0) & np.isfinite(seen)]
    own = runs[0].run.loss
    own = own[own >= loss_noise(runs[0].run)]
    smallest = np.min(own[own > 0], initial=np.inf)
    largest = np.max(seen, initial=0.0)
    floor = max(smallest / 3, runs[0].run.loss[0] / 10**LOG_DECADES)
    limits = (float(floor), float(largest * 3)) if floor < largest else None
    if limits and (seen < floor).any():
        label += " (cut)"
    if any((n.run.loss < loss_noise(n.run)).any() for n in runs):
        label += ", flow above its own error"
    return scene.SeriesPanel(
        title="Loss",
        label=label,
        scale="log",
        limits=limits,
        lines=[
            *(scene.Line(n.name, "loss", n.name, low="loss_low", high="loss_high") for n in runs),
            *mean_loss.lines(runs),
        ],
    )


def _loss_label(experiments: Sequence[Experiment]) -> str:
    if not all(experiment.network.linear for experiment in experiments):
        return "c/2 Σ‖y − f(x)‖², c = 1 or 1/N"
    noiseless = all(experiment.floor == 0 for experiment in experiments)
    return "½‖M − M*‖²" if noiseless else "(1/2N) Σ‖y − Mx‖²"


def _sharpness(runs: Sequence[Named], view: View) -> scene.Panel | str:
    known = [n for n in runs if np.isfinite(n.run.sharpness).any()]
    if not known:
        return "No sharpness was recorded for this run."
    panel = scene.SeriesPanel(
        title="Sharpness",
        label="λ",
        lines=[
            *(scene.Line(n.name, "lambda0", n.name) for n in known),
            *(
                scene.Line(n.name, "moving", f"moving weights{_of(n, runs[0])}", mode=1)
                for n in known
                if n.run.moving_sharpness is not None
            ),
            *_edges(runs),
        ],
    )
    return _cut_above_edges(panel, known, [n.run.sharpness for n in known])


def _cut_above_edges(
    panel: scene.SeriesPanel, runs: Sequence[Named], columns: Sequence[np.ndarray]
) -> scene.SeriesPanel:
    edges = [n.run.edge.max() for n in runs if n.run.edge is not None]
    return _cut(panel, runs, columns, 4 * max([1.0, *edges]))


def _gfs(runs: Sequence[Named], view: View) -> scene.Panel | str:
    followed = _followed(runs)
    if not followed:
        return "Only aligned, balanced starts have a GFS sharpness in closed form."
    return scene.SeriesPanel(
        title="GFS sharpness",
        label="λ of the minimum GF would reach",
        least=_least(followed, [n.run.sharpness for n in followed]),
        lines=[*(scene.Line(n.name, "gfs", n.name) for n in followed), *_edges(runs)],
    )


def _eigenvalues(runs: Sequence[Named], view: View) -> scene.Panel | str:
    """All of the first run that has several, beside the closed forms; of the others the largest."""
    several = [n for n in runs if np.isfinite(n.run.eigenvalues[:, 1:]).any()]
    if not several:
        return "No eigenvalues beyond the largest were recorded for this run."
    main = several[0]
    measured = [
        scene.Line(n.name, f"lambda{k}", f"λ{style.subscript(k + 1)}{_of(n, main)}", mode=k)
        for n in [main, *(n for n in runs if n is not main)]
        for k in range(n.run.eigenvalues.shape[1] if n is main else 1)
    ]
    closed = [
        scene.Line(
            main.name,
            pair_column(i, j),
            "Λ" + style.subscript(i + 1, j + 1),
            colour="theory" if i == j else "muted",
            theory=True,
        )
        for i, j in top_pairs(main.run)
    ]
    panel = scene.SeriesPanel(
        title="Largest eigenvalues" + (" beside Λᵢⱼ of the strengths" if closed else ""),
        label="λ",
        lines=[*measured, *closed, *_edges([main])],
    )
    return _cut_above_edges(panel, [main], [main.run.eigenvalues])


ALONE = "needs two pathways; this network has one."


def _sharing(runs: Sequence[Named], view: View) -> scene.Panel | str:
    if _pathways(runs) < 2:
        return f"A share {ALONE}"
    return scene.SeriesPanel(
        title="Largest share",
        label="max σₕ / Σσ",
        limits=(0.0, 1.02),
        lines=[scene.Line(n.name, "share", n.name) for n in runs],
        levels=[scene.Level(1 / _pathways(runs), "equal")],
    )


def _participation(runs: Sequence[Named], view: View) -> scene.Panel | str:
    if _pathways(runs) < 2:
        return f"The participation ratio {ALONE}"
    return scene.SeriesPanel(
        title="Participation ratio",
        label="1 / Σq²",
        limits=(0.9, _pathways(runs) + 0.1),
        lines=[scene.Line(n.name, "participation", n.name) for n in runs],
    )


def _invariant(runs: Sequence[Named], view: View) -> scene.Panel | str:
    if _pathways(runs) < 2:
        return "An invariant compares two pathways; this network has one."
    followed = [n for n in _followed(runs) if n.run.strengths.shape[1] > 1]
    changes = [np.isfinite(phi_differences(n.run, view.mode)[:, 1:]).any() for n in followed]
    if not any(changes):
        return "Only aligned, balanced starts with every pathway above zero have the invariant φ."
    return scene.SeriesPanel(
        title="GF invariants, change since start",
        label="Δ",
        least=_least(followed, [_phi(n.run, view.mode) for n in followed]),
        lines=[
            scene.Line(
                n.name,
                f"invariant{h}",
                f"φ{style.subscript(h + 1)} − φ₁{_of(n, runs[0])}",
                colour=h,
            )
            for n in followed
            for h in range(1, n.run.strengths.shape[1])
        ],
        levels=_equal_pathways(followed[0].run, view.mode),
    )


def _phi(run: Trajectory, mode: int) -> np.ndarray:
    """The invariants at the start, whose differences are kept."""
    start = np.maximum(run.strengths[0, :, mode], 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return theory.flow_invariants(start, run.experiment.network.depths)


def _least(runs: Sequence[Named], sizes: Sequence[np.ndarray]) -> float:
    """The smallest range to draw quantities in that are as large as these, one for each run."""
    largest = [float(np.max(np.abs(size[np.isfinite(size)]), initial=0.0)) for size in sizes]
    return FLAT * max(
        (precision(named.run) * size for named, size in zip(runs, largest, strict=True)),
        default=0.0,
    )


def _equal_pathways(run: Trajectory, mode: int) -> list[scene.Level]:
    """The change of phi_h - phi_1 at which pathway h would equal pathway 1 of the same depth."""
    depths, start = run.experiment.network.depths, phi_differences(run, mode)[0]
    return [
        scene.Level(-float(gap), f"σ{style.subscript(h + 1)} = σ₁", h)
        for h, gap in enumerate(start)
        if h > 0 and depths[h] == depths[0] and np.isfinite(gap)
    ]


@dataclass(frozen=True)
class PanelKind:
    """A panel to choose: its name in the menu, what it shows in one clause, and what draws it, or
    says in a sentence why it makes no sense."""

    title: str
    meaning: str
    build: Callable[[Sequence[Named], View], Any]


PANELS: dict[str, PanelKind] = {
    "strengths": PanelKind("Strengths", "how much of a mode each pathway carries", _strengths),
    "plane": PanelKind("Plane", "the strengths of two pathways against each other", _plane),
    "sharpness": PanelKind(
        "Sharpness", "largest eigenvalue of the Hessian, with the edge of stability", _sharpness
    ),
    "loss": PanelKind("Loss", "half the squared distance to the target", _loss),
    "gfs": PanelKind(
        "GFS sharpness", "sharpness of the minimum that gradient flow would reach from here", _gfs
    ),
    "sharing": PanelKind(
        "Largest share", "part of the mode in the strongest pathway, 1/H if all are equal", _sharing
    ),
    "participation": PanelKind(
        "Participation", "1/Σq² of the shares q: how many pathways carry the mode", _participation
    ),
    "invariants": PanelKind(
        "Invariants", "what gradient flow would keep, and the edge changes", _invariant
    ),
    "eigenvalues": PanelKind(
        "Eigenvalues", "the largest of the Hessian, beside their closed forms", _eigenvalues
    ),
    "distance": PanelKind(
        "Difference",
        "how far other runs are from this one at the same time t",
        lambda runs, view: distance.panel(runs, view.mode),
    ),
}

MOST_EIGENVALUES = 6  # that a panel asks for: more lines are not told apart


def with_eigenvalues(experiment: Experiment, panels: Sequence[str]) -> Experiment:
    """The experiment recorded as these panels need it: with the second eigenvalue and more where
    they are shown, H of one mode and R x R of several, if it records fewer."""
    record, modes = experiment.record, len(experiment.task.singular_values)
    wanted = min(max(2, experiment.network.pathways, modes**2), MOST_EIGENVALUES)
    wanted = min(wanted, limits.current().eigenvalues)
    if "eigenvalues" not in panels or not record.sharpness or record.eigenvalues >= wanted:
        return experiment
    return replace(experiment, record=replace(record, eigenvalues=wanted))


FIRST_PANELS = ("plane", "strengths", "sharpness", "loss")
