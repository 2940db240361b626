"""The scene that the app shows of a run, made of the experiment alone: for files and for pages.

Aligned starts are shown as on the Simulator; random ones with the maps of their full weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from simcore import captions, horizon, live, regimes, variations
from simcore.checks import require, shown
from simcore.experiment import Experiment, Record
from simcore.figures import full_weights, panels, player, ruler
from simcore.figures.scene import Notice, Scene
from simcore.figures.tables import Named
from simcore.looks import Cancelled
from simcore.simulate import simulate
from simcore.trajectory import Outcome, Trajectory

OF_FULL_WEIGHTS = Record(frames=300, eigenvalues=4, maps=True)
FULL_PANELS = ("maps", "blocks", "eigenvalues", "loss")
KEYS = tuple(dict.fromkeys([*panels.PANELS, *FULL_PANELS]))


def named(run: Trajectory, name: str = "", sign: str = "") -> Named:
    """The run with what is known of it, called after its dynamics unless it has another name."""
    found = horizon.horizon(run)
    return Named(
        name or run.experiment.dynamics.short,
        run,
        regimes.phases(run),
        [_notice(run, found)] if found else [],
        regimes.classify(run).value,
        sign,
    )


def _notice(run: Trajectory, found: horizon.Horizon) -> Notice:
    times = (run.experiment.dynamics.time(step) for step in (found.first, found.last))
    begins, ends = (min(time, float(run.time[-1])) for time in times)
    return Notice("depends on rounding", found.words, begins, ends)


def named_flow(flow: Trajectory, run: Trajectory) -> Named:
    """Gradient flow beside a run: from its start, but without what happens in it."""
    return named(flow, "plain GF" if run.experiment.dynamics.events else "")


def flow_beside(run: Trajectory) -> Experiment:
    """Gradient flow from the same start for as long as the run lasted, which is not to the end that
    was asked for if it diverged; a flow is its own."""
    return variations.matching_flow(run.experiment, duration=_lasted(run))


def average_beside(run: Trajectory) -> Experiment:
    """Central flow of a descent, for as long as the run lasted; ValueError for a descent that has
    none."""
    return variations.matching_average(run.experiment, duration=_lasted(run))


def _lasted(run: Trajectory) -> float:
    """t at its end; of one that diverged at once, one step."""
    return float(run.time[-1]) or run.experiment.dynamics.time(1)


def page(scene: Scene, experiment: Experiment) -> str:
    """One HTML file that plays the scene of an experiment; with the ruler where the picture can
    follow that."""
    return player.standalone(scene, None if scene.live is None else ruler.data(experiment))


def of(
    what: Experiment | Trajectory,
    keys: Sequence[str] | None = None,
    on_progress: Callable[[float], bool] | None = None,
) -> Scene:
    """The scene of an experiment, or of a run that is there, with its caption.

    `keys` name the panels, None leaves them to the kind of the start. Where aligned modes descend,
    gradient flow runs beside them. `Cancelled` if `on_progress` ends the run. ValueError for panels
    that there are not, and for a run that is too large for its maps.
    """
    _check(keys)
    if isinstance(what, Trajectory):
        experiment, run = what.experiment, what
    else:
        experiment, run = what, simulate(recorded(what, keys), on_progress=on_progress)
        if run.outcome is Outcome.CANCELLED:
            raise Cancelled
    scene = _of_run(run, keys)
    flow = 1 if len(scene.runs) > 1 else None  # see `_of_run`
    return replace(
        scene,
        caption=captions.of_run(run, of=experiment),
        live=live.system(run.experiment, flow=flow),
    )


def recorded(experiment: Experiment, keys: Sequence[str] | None = None) -> Experiment:
    """The experiment with the records that these panels need; what moves is the same."""
    if _with_maps(experiment, keys):
        return variations.with_full_weights(experiment, OF_FULL_WEIGHTS)
    return panels.with_eigenvalues(experiment, keys or panels.FIRST_PANELS)


def _with_maps(experiment: Experiment, keys: Sequence[str] | None) -> bool:
    if keys is None:
        return not experiment.start.aligned
    return "maps" in keys or "blocks" in keys


def _check(keys: Sequence[str] | None) -> None:
    if keys is None:
        return
    unknown = [key for key in keys if key not in KEYS]
    require(
        bool(keys) and not unknown,
        f"panels must be one or more of {', '.join(KEYS)}, got {shown(list(keys))}",
    )
    others = [key for key in keys if key not in FULL_PANELS]
    require(
        not others or not {"maps", "blocks"} & set(keys),
        f"maps and blocks may stand beside eigenvalues and loss only, got {shown(others)} too; "
        "draw two figures",
    )


def _of_run(run: Trajectory, keys: Sequence[str] | None) -> Scene:
    main = named(run)
    if _with_maps(run.experiment, keys) and (keys is not None or run.maps is not None):
        whole = full_weights.matrices(main)
        kept = FULL_PANELS if keys is None else keys
        return replace(
            whole,
            panels=tuple(panel for key in kept for panel in whole.panels if panel.key == key),
            missing={key: why for key, why in whole.missing.items() if key in kept},
        )
    beside = []
    if run.experiment.resolved_engine == "modes" and run.experiment.dynamics.iterated:
        beside = [named_flow(simulate(flow_beside(run)), run)]
    return panels.simulator([main, *beside], keys or panels.FIRST_PANELS)
