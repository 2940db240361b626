"""From trajectories to scenes: which columns and panels the player shows for a run.

Pictures: nouns and truths in, a `scene.Scene` out. A page passes named runs and the panels to
show; phases come from the page, as `regimes` is a verb.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from simcore import theory
from simcore.checks import require
from simcore.experiment import Descent
from simcore.figures import scene, style
from simcore.figures.reduced import gfs, is_reduced
from simcore.trajectory import Trajectory

PHASE_WORDS = {  # what the phases of `regimes` are, in one clause
    "plateau": "near the start nothing is learned yet",
    "symmetry breaking": "one pathway grows ahead of the others, as under gradient flow",
    "edge of stability": "the minimum is sharper than 2/η, and descent oscillates around it",
    "re-balancing": "the oscillation hands signal back to the other pathways",
    "settled": "the shares stay, and the sum moves in a fixed band: a steady cycle counts too",
}


@dataclass(frozen=True, eq=False)
class Named:
    """A run, its name in legends, and its phases (name, first_step, last_step)."""

    name: str
    run: Trajectory
    phases: Sequence[scene.Phase] = ()


@dataclass(frozen=True)
class View:
    """What of the runs is shown: a mode (from 0) and two pathways for the plane (from 0)."""

    mode: int = 0
    pathways: tuple[int, int] = (0, 1)


def simulator(runs: Sequence[Named], panels: Sequence[str], view: View = View()) -> scene.Scene:
    """The scene of the Simulator: `panels` are keys of `PANELS`, in order.

    Runs without the mode on show are left out, and so are panels that none of the runs can fill;
    if nothing remains, the strengths are shown.
    """
    unknown = [panel for panel in panels if panel not in PANELS]
    require(not unknown, f"panels must be some of {tuple(PANELS)}, got {unknown}; leave them out")
    runs = [named for named in runs if named.run.strengths.shape[2] > view.mode]
    require(bool(runs), f"no run has a mode {view.mode + 1}; choose a smaller one")
    built = [PANELS[panel].build(runs, view) for panel in panels]
    shown = [panel for panel in built if panel is not None]
    return scene.Scene(
        runs=tuple(_player_run(named, view, panels) for named in runs),
        panels=tuple(shown or [_strengths(runs, view)]),
        words=PHASE_WORDS,
    )


def _player_run(named: Named, view: View, panels: Sequence[str]) -> scene.Run:
    run = named.run
    return scene.Run(
        name=named.name,
        stroke=run.experiment.dynamics.stroke,
        columns=_columns(run, view, panels),
        phases=named.phases,
    )


def _columns(run: Trajectory, view: View, panels: Sequence[str]) -> dict[str, np.ndarray]:
    """Every column that one of the panels may name, over the records of one run."""
    mode = view.mode
    strengths = run.strengths[:, :, mode]
    columns = {
        "step": run.steps,
        "t": run.time,
        "loss": run.loss,
        "loss_low": run.loss_range[:, 0],
        "loss_high": run.loss_range[:, 1],
        "share": theory.shares(strengths).max(axis=1),
        "participation": theory.participation(strengths),
    }
    for h in range(strengths.shape[1]):
        columns[f"s{h}"] = strengths[:, h]
        columns[f"s{h}_low"] = run.strengths_range[:, 0, h, mode]
        columns[f"s{h}_high"] = run.strengths_range[:, 1, h, mode]
    for k in range(run.eigenvalues.shape[1]):
        columns[f"lambda{k}"] = run.eigenvalues[:, k]
    if is_reduced(run) and "gfs" in panels:  # a bisection for every record
        columns["gfs"] = gfs(run)
    if is_reduced(run) and "invariants" in panels:
        columns |= _invariants(run, mode)
    return columns


def _invariants(run: Trajectory, mode: int) -> dict[str, np.ndarray]:
    """phi_h - phi_1 relative to the start, for h > 1; nan where a strength is not positive."""
    strengths = run.strengths[:, :, mode]
    with np.errstate(divide="ignore", invalid="ignore"):
        phi = theory.flow_invariants(
            np.where(strengths > 0, strengths, np.nan), run.experiment.network.depths
        )
    differences = phi - phi[:, :1]
    changes = differences - differences[0]
    return {f"invariant{h}": changes[:, h] for h in range(1, strengths.shape[1])}


# --- Panels ----------------------------------------------------------------------------------


def _descents(runs: Sequence[Named]) -> list[Named]:
    return [named for named in runs if isinstance(named.run.experiment.dynamics, Descent)]


def _edges(runs: Sequence[Named]) -> tuple[scene.Level, ...]:
    """2/eta of every step size, written once."""
    edges = dict.fromkeys(named.run.experiment.edge for named in _descents(runs))
    return tuple(scene.Level(edge, f"2/η = {edge:.4g}") for edge in edges if edge is not None)


def _pathways(runs: Sequence[Named]) -> int:
    return max(named.run.strengths.shape[1] for named in runs)


def _strengths(runs: Sequence[Named], view: View) -> scene.Panel:
    target = runs[0].run.experiment.task.singular_values[view.mode]
    return scene.SeriesPanel(
        title="Pathway strengths",
        label="σ",
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
        levels=[scene.Level(target, f"σ* = {target:.4g}", "muted")],
        marks=_predicted_strengths(runs, view) if is_reduced(runs[0].run) else (),
    )


def ghosts(runs: Sequence[Named], view: View) -> list[tuple[str, np.ndarray]]:
    """The predicted ends of the first run's mode: (name, split (H,)).

    GF's end split, the flattest split, and for two pathways the split at the edge on the winner's
    side, where re-balancing stops.
    """
    first = runs[0].run
    target = first.experiment.task.singular_values[view.mode]
    if target <= 0 or not is_reduced(first):
        return []
    step_sizes = [named.run.experiment.dynamics.step_size for named in _descents(runs)]  # type: ignore[union-attr]
    start = tuple(first.strengths[0, :, view.mode].tolist())
    return list(_ends(start, first.experiment.network.depths, target, *step_sizes[:1]))


@lru_cache(maxsize=64)  # several panels ask, and each end is a bisection
def _ends(
    start: tuple[float, ...], depths: tuple[int, ...], target: float, eta: float | None = None
) -> tuple[tuple[str, np.ndarray], ...]:
    end, best = theory.flow_end_split(start, depths, target), theory.flattest_split(target, depths)
    ends = [("GF end", end), ("flattest", best)]
    if len(depths) == 2 and eta is not None and theory.mode_sharpness(end, depths) > 2 / eta:
        splits = theory.edge_splits(target, depths, eta)
        on_side = [s for s in splits if (s[0] > best[0]) == (end[0] > best[0])]
        ends += [("λ = 2/η", split) for split in on_side[:1]]
    for _, split in ends:
        split.setflags(write=False)
    return tuple(ends)


_SHAPES = {"GF end": "circle", "flattest": "star", "λ = 2/η": "diamond"}


def _predicted_strengths(runs: Sequence[Named], view: View) -> list[scene.Mark]:
    """Where each pathway's strength will end: at the edge if it gets there, else GF's end."""
    predicted = dict(ghosts(runs, view))
    name = "λ = 2/η" if "λ = 2/η" in predicted else "GF end"
    if name not in predicted:
        return []
    return [
        scene.Mark(
            None,
            float(value),
            f"{style.strength_label(h, view.mode)}, {name}",
            _SHAPES[name],  # type: ignore[arg-type]
            colour=h,
        )
        for h, value in enumerate(predicted[name])
    ]


def _plane(runs: Sequence[Named], view: View) -> scene.Panel | None:
    if _pathways(runs) < 2:
        return None
    p, q = view.pathways
    target = runs[0].run.experiment.task.singular_values[view.mode]
    x, y = style.strength_label(p, view.mode), style.strength_label(q, view.mode)
    top = max(1.05 * target, *(float(np.nanmax(n.run.strengths[:, :, view.mode])) for n in runs))
    shown = [n for n in runs if n.run.strengths.shape[1] > max(p, q)]
    return scene.PlanePanel(
        title=f"Plane ({x}, {y})",
        x_label=x,
        y_label=y,
        trails=[scene.Trail(n.name, f"s{p}", f"s{q}", n.name) for n in shown],
        curves=[
            scene.Curve(
                [(0.0, target), (target, 0.0)],
                "minima" if _pathways(runs) == 2 else "minima of these two alone",
                "muted",
            ),
            scene.Curve([(0.0, 0.0), (top, top)], "equal", "muted"),
        ],
        marks=[
            scene.Mark(
                float(split[p]),
                float(split[q]),
                name,
                _SHAPES[name],  # type: ignore[arg-type]
                hollow=name != "flattest",
            )
            for name, split in ghosts(runs, view)
            if len(split) > max(p, q)
        ],
    )


def _loss(runs: Sequence[Named], view: View) -> scene.Panel:
    """On a log axis from the first run's smallest loss: a flow's rounding noise lies far below."""
    largest = max(float(np.nanmax(n.run.loss_range)) for n in runs)
    smallest = float(np.nanmin(np.where(runs[0].run.loss > 0, runs[0].run.loss, np.nan)))
    limits = (smallest / 3, largest * 3) if 0 < smallest < largest < np.inf else None
    return scene.SeriesPanel(
        title="Loss",
        label="½‖M − M*‖²",
        scale="log",
        limits=limits,
        lines=[scene.Line(n.name, "loss", n.name, low="loss_low", high="loss_high") for n in runs],
    )


def _sharpness(runs: Sequence[Named], view: View) -> scene.Panel | None:
    shown = [n for n in runs if np.isfinite(n.run.sharpness).any()]
    if not shown:
        return None
    return scene.SeriesPanel(
        title="Sharpness",
        label="λ",
        lines=[scene.Line(n.name, "lambda0", n.name) for n in shown],
        levels=_edges(runs),
    )


def _gfs(runs: Sequence[Named], view: View) -> scene.Panel | None:
    shown = [n for n in runs if is_reduced(n.run)]
    if not shown:
        return None
    return scene.SeriesPanel(
        title="GFS sharpness",
        label="λ of the minimum GF would reach",
        lines=[scene.Line(n.name, "gfs", n.name) for n in shown],
        levels=_edges(runs),
    )


def _eigenvalues(runs: Sequence[Named], view: View) -> scene.Panel | None:
    shown = [n for n in runs if n.run.eigenvalues.shape[1] > 1] or []
    if not shown:
        return None
    named = shown[0]
    return scene.SeriesPanel(
        title=f"Largest eigenvalues ({named.name})",
        label="λ",
        lines=[
            scene.Line(named.name, f"lambda{k}", f"λ{style.subscript(k + 1)}", colour=k)
            for k in range(named.run.eigenvalues.shape[1])
        ],
        levels=_edges(runs),
    )


def _sharing(runs: Sequence[Named], view: View) -> scene.Panel | None:
    if _pathways(runs) < 2:
        return None
    return scene.SeriesPanel(
        title="Largest share",
        label="max σₕ / Σσ",
        limits=(0.0, 1.02),
        lines=[scene.Line(n.name, "share", n.name) for n in runs],
        levels=[scene.Level(1 / _pathways(runs), "equal", "muted")],
    )


def _participation(runs: Sequence[Named], view: View) -> scene.Panel | None:
    if _pathways(runs) < 2:
        return None
    return scene.SeriesPanel(
        title="Participation ratio",
        label="1 / Σq²",
        limits=(0.9, _pathways(runs) + 0.1),
        lines=[scene.Line(n.name, "participation", n.name) for n in runs],
    )


def _invariant(runs: Sequence[Named], view: View) -> scene.Panel | None:
    lines = [
        scene.Line(n.name, f"invariant{h}", f"φ{style.subscript(h + 1)} − φ₁", colour=h)
        for n in runs
        if is_reduced(n.run)
        for h in range(1, n.run.strengths.shape[1])
    ]
    if not lines:
        return None
    return scene.SeriesPanel(title="GF invariants, change since start", label="Δ", lines=lines)


@dataclass(frozen=True)
class PanelKind:
    """A panel to choose: its name in the menu, what it shows in one clause, and what draws it
    (None where it makes no sense)."""

    title: str
    meaning: str
    build: Callable[[Sequence[Named], View], scene.Panel | None]


PANELS: dict[str, PanelKind] = {
    "strengths": PanelKind("Strengths", "how much of a mode each pathway carries", _strengths),
    "plane": PanelKind("Plane", "the strengths of two pathways against each other", _plane),
    "sharpness": PanelKind(
        "Sharpness", "largest eigenvalue of the Hessian, with the edge 2/η", _sharpness
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
        "Eigenvalues", "the largest of the Hessian, as many as were recorded", _eigenvalues
    ),
}

FIRST_PANELS = ("plane", "strengths", "sharpness", "loss")


# --- Full weights ----------------------------------------------------------------------------


def blocks(run: Trajectory) -> list[np.ndarray]:
    """Modes of one singular value each, as index arrays; such blocks need no choice of basis."""
    values = np.array(run.experiment.task.singular_values)
    breaks = np.flatnonzero(np.diff(values) < -1e-9 * max(values[0], 1e-300)) + 1
    return np.split(np.arange(len(values)), breaks)


def _block_label(block: np.ndarray) -> str:
    if len(block) == 1:
        return f"mode {block[0] + 1}"
    return f"modes {block[0] + 1}–{block[-1] + 1}"


def singular_maps(run: Trajectory) -> np.ndarray:
    """U*^T Omega_h V* at every record, shape (K, H, R, R); ValueError for a run without maps."""
    maps = run.maps
    if maps is None:
        raise ValueError("the pathway maps were not recorded; run with Record(maps=True)")
    left, right = run.experiment.task.bases()
    return left.T @ maps @ right


def matrices(named: Named, companions: Sequence[Named] = ()) -> scene.Scene:
    """The scene of the Matrices page: maps, block norms, eigenvalues beside theory, loss.

    `companions` are runs to overlay, such as gradient flow, recorded with their maps as `named`.
    """
    everyone, view = [named, *companions], View()
    shown = blocks(named.run)[:4]
    pathways = named.run.strengths.shape[1]
    closed = _closed_spectrum(named.run, shown)
    runs = []
    for each in everyone:
        maps = singular_maps(each.run)
        run = _player_run(each, view, ())
        columns = {**run.columns, **_block_norms(maps, shown)}
        stacks = {}
        if each is named:
            columns |= closed
            stacks["maps"] = np.concatenate([maps, maps.sum(axis=1, keepdims=True)], axis=1)
        runs.append(replace(run, columns=columns, maps=stacks))
    panels: list[scene.Panel] = [
        scene.HeatPanel(
            title="Pathway maps U*ᵀ Ω V*",
            run=named.name,
            maps="maps",
            titles=[f"pathway {h + 1}" for h in range(pathways)] + ["sum"],
            row_label="mode out",
            col_label="mode in",
        ),
        scene.SeriesPanel(
            title="Norms of the diagonal blocks, one per singular value",
            label="‖·‖" + "".join(f", thin: {companion.name}" for companion in companions),
            lines=[
                scene.Line(
                    each.name,
                    _block_column(h, b),
                    f"pathway {h + 1}, {_block_label(block)}" if each is named else "",
                    colour=h,
                    mode=b,
                )
                for each in everyone
                for b, block in enumerate(shown)
                for h in range(pathways)
            ],
        ),
        scene.SeriesPanel(
            title="Largest eigenvalues beside Λᵢⱼ of the strengths",
            label="λ",
            lines=[
                scene.Line(
                    each.name, f"lambda{k}", f"λ{style.subscript(k + 1)}{_of(each, named)}", mode=k
                )
                for each in everyone
                for k in range(each.run.eigenvalues.shape[1] if each is named else 1)
            ]
            + [
                scene.Line(named.name, name, label, colour=c, theory=True)
                for c, (name, label) in enumerate(_SPECTRUM_LABELS.items())
                if name in closed
            ],
            levels=_edges([named]),
        ),
        _loss(everyone, view),
    ]
    return scene.Scene(runs=tuple(runs), panels=tuple(panels), height=300, words=PHASE_WORDS)


def _of(each: Named, main: Named) -> str:
    """The name of a run in the label of a line, if it is not the main one."""
    return "" if each is main else f" {each.name}"


def _block_column(pathway: int, block: int) -> str:
    return f"block{pathway}_{block}"


def _block_norms(maps: np.ndarray, shown: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Frobenius norms of the diagonal blocks of the maps (K, H, R, R), one column (K,) each."""
    return {
        _block_column(h, b): norms[:, h]
        for b, block in enumerate(shown)
        for norms in [np.linalg.norm(maps[:, :, block[:, None], block], axis=(2, 3))]
        for h in range(maps.shape[1])
    }


_SPECTRUM_LABELS = {"pair00": "Λ₁₁", "pair01": "Λ₁₂", "pair11": "Λ₂₂"}


def _closed_spectrum(run: Trajectory, shown: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Lambda_ij of the first two singular values, from the strengths at every record."""
    depths = run.experiment.network.depths
    firsts = [int(block[0]) for block in shown[:2]]
    return {
        f"pair{i}{j}": theory.pair_sharpness(
            run.strengths[:, :, firsts[i]], run.strengths[:, :, firsts[j]], depths
        )
        for i in range(len(firsts))
        for j in range(i, len(firsts))
    }
