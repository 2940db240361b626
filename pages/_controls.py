"""The controls of an experiment: widgets that show it, and callbacks that change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from pages import _state
from simcore import limits, links, presets
from simcore.experiment import Balanced, Descent, Experiment, Gaussian, LayerScales
from simcore.figures import scenes, style
from simcore.maps import with_depths
from simcore.tasks import Spectrum, Task, Tree

STARTS = {"balanced": "Balanced", "layers": "Layer scales", "gaussian": "Random"}
TASKS = {"spectrum": "Singular values", "tree": "Semantic tree"}


def sidebar(experiment: Experiment) -> None:
    """All controls of a run: few visible, the experts' behind one fold."""
    preset(experiment, presets.ALL)
    architecture(experiment)
    clock(experiment)
    with st.expander("More"):
        experts(experiment)


def architecture(experiment: Experiment) -> None:
    """Number of pathways, and their common depth."""
    depths, most = experiment.network.depths, limits.current()
    left, right = st.columns(2)
    with left:
        _number(
            "Pathways H",
            "pathways",
            len(depths),
            lambda h: with_depths(experiment, _resized(depths, int(h))),
            least=1,
            most=min(6, most.pathways),
        )
    with right:
        _number(
            "Depth L",
            "depth",
            max(depths),
            lambda depth: with_depths(experiment, (int(depth),) * len(depths)),
            least=1,
            most=most.depth,
            help="Weight matrices per pathway; different ones are set by the list of depths.",
        )


def clock(experiment: Experiment) -> None:
    """Step size and steps of a descent, or the duration of a flow."""
    dynamics, most = experiment.dynamics, limits.current()
    if isinstance(dynamics, Descent):
        _number(
            "Step size η",
            "eta",
            dynamics.step_size,
            lambda eta: with_step_size(experiment, eta),
            least=1e-9,
            most=1e3,
            step=dynamics.step_size / 100,
            format="%.6g",
        )
        _number(
            "Steps",
            "steps",
            dynamics.steps,
            lambda steps: _with_steps(experiment, int(steps)),
            least=1,
            most=most.steps,
            step=50,
        )
    else:
        _number(
            "Duration t of gradient flow",
            "duration",
            dynamics.duration,
            lambda duration: replace(experiment, dynamics=replace(dynamics, duration=duration)),
            least=1e-6,
            most=most.duration,
            step=10.0,
        )


def preset(experiment: Experiment, offered: Sequence[presets.Preset]) -> None:
    """A menu of presets; the one in force is shown as chosen."""
    chosen = next((p.name for p in offered if p.experiment == experiment), None)
    st.session_state["preset"] = chosen

    def apply() -> None:
        name = st.session_state["preset"]
        if name is not None:
            _state.show(presets.BY_NAME[name].experiment)

    st.selectbox(
        "Preset",
        [p.name for p in offered],
        key="preset",
        format_func=lambda name: presets.BY_NAME[name].title,
        placeholder="Your own",
        on_change=apply,
    )


def experts(experiment: Experiment) -> None:
    _task(experiment)
    depths(experiment)
    _start(experiment)
    dynamics = experiment.dynamics
    if isinstance(dynamics, Descent):
        _number(
            "Record every … steps",
            "every",
            experiment.record.every or int(experiment.record.steps(dynamics.steps)[1]),
            lambda every: replace(experiment, record=replace(experiment.record, every=int(every))),
            least=1,
            most=limits.current().steps,
            help="An even number hides a period-2 oscillation.",
        )
    if isinstance(experiment.start, Gaussian):
        _number(
            "Hidden width",
            "width",
            experiment.network.hidden_width(experiment.task),
            lambda width: replace(
                experiment, network=replace(experiment.network, width=int(width))
            ),
            least=1,
            most=limits.current().size,
        )


def depths(experiment: Experiment) -> None:
    """Depths as a list, for pathways that differ."""
    _text(
        "Depths, one per pathway",
        "depths",
        ", ".join(map(str, experiment.network.depths)),
        lambda text: with_depths(experiment, links.parse_depths(text)),
    )


def _task(experiment: Experiment) -> None:
    kinds = {Spectrum: "spectrum", Tree: "tree"}
    kind = kinds.get(type(experiment.task), "own")
    names = TASKS if kind != "own" else TASKS | {"own": "As in the link"}

    def change(new: str) -> Experiment:
        if new == kind:
            return experiment
        task = Tree() if new == "tree" else Spectrum(singular_values=(1.0,))
        width = None if isinstance(experiment.start, (Balanced, LayerScales)) else 64
        return replace(experiment, task=task, network=replace(experiment.network, width=width))

    _choice("Target", "task", names, kind, change)
    if kind == "spectrum":
        singular_values(experiment)


def singular_values(experiment: Experiment) -> None:
    """The target's singular values as a list."""
    if isinstance(experiment.task, Spectrum):
        values = [v for v in experiment.task.singular_values if v] or [0.0]
        _text(
            "Singular values σ*, largest first",
            "singular_values",
            ", ".join(f"{value:.12g}" for value in values),
            lambda text: replace(
                experiment, task=_with_values(experiment.task, links.parse_numbers(text))
            ),
        )


def _with_values(task: Task, values: tuple[float, ...]) -> Spectrum:
    """Other singular values; a rectangular target keeps its sizes where the values fit in."""
    if task.n_in != task.n_out and len(values) <= min(task.n_in, task.n_out):
        return Spectrum(singular_values=values, n_in=task.n_in, n_out=task.n_out)
    return Spectrum(singular_values=values)


def _start(experiment: Experiment) -> None:
    start = experiment.start
    depths = experiment.network.depths
    kind = {Balanced: "balanced", LayerScales: "layers", Gaussian: "gaussian"}[type(start)]

    def change(new: str) -> Experiment:
        scales = tuple(float(f"{0.002 * 0.85**h:.6g}") for h in range(len(depths)))
        if new == "balanced":
            return replace(experiment, start=Balanced(scales=scales))
        if new == "layers":
            rows = Balanced(scales=scales).layer_scales(depths)
            return replace(experiment, start=LayerScales(scales=rows))
        return replace(experiment, start=Gaussian(std=0.05))

    _choice("Start", "start", STARTS, kind, change)
    texts = {
        "balanced": "Scales α, one per pathway",
        "layers": "Layer scales, pathways separated by ;",
        "gaussian": "Standard deviation, seed",
    }
    written = links.to_query(experiment)["start"].partition(":")[2]
    _text(
        texts[kind],
        f"start_{kind}",
        written.replace(",", ", ").replace(";", "; "),
        lambda text: replace(experiment, start=links.parse_start(f"{kind}:{text}")),
    )


def with_step_size(experiment: Experiment, step_size: float) -> Experiment:
    """The experiment as a descent with that step size; a flow keeps its duration."""
    dynamics = experiment.dynamics
    if isinstance(dynamics, Descent):
        return replace(experiment, dynamics=replace(dynamics, step_size=step_size))
    steps = max(1, round(dynamics.duration / step_size))
    return replace(experiment, dynamics=Descent(step_size=step_size, steps=steps))


def _resized(depths: tuple[int, ...], pathways: int) -> tuple[int, ...]:
    return (depths + (depths[-1],) * pathways)[:pathways]


def view(experiment: Experiment) -> tuple[scenes.View, list[str]]:
    """Which mode, which pathways and which panels the player shows."""
    chosen = st.pills(
        "Panels",
        list(scenes.PANELS),
        selection_mode="multi",
        default=scenes.FIRST_PANELS,
        key="panels",
        format_func=lambda name: scenes.PANELS[name].title,
    )
    modes, pathways = len(experiment.task.singular_values), experiment.network.pathways
    mode, pair = 0, (0, 1)
    if modes > 1:
        mode = st.selectbox(
            "Mode", range(modes), format_func=lambda i: style.target_label(i), key="mode"
        )
    if pathways > 2:
        pairs = [(p, q) for p in range(pathways) for q in range(p + 1, pathways)]
        pair = st.selectbox(
            "Pathways in the plane",
            pairs,
            format_func=lambda pair: f"{pair[0] + 1} and {pair[1] + 1}",
            key="plane_pathways",
        )
    panels = [name for name in scenes.PANELS if name in chosen]
    return scenes.View(mode=mode, pathways=pair), panels or ["strengths"]


def flow_beside(experiment: Experiment) -> bool:
    """Whether gradient flow runs beside descent: at once for modes, on demand for full weights,
    where it takes longer than descent itself."""
    engine = experiment.resolved_engine
    return st.toggle("Gradient flow beside it", value=engine == "modes", key=f"flow_{engine}")


def _with_steps(experiment: Experiment, steps: int) -> Experiment:
    """The experiment with other steps; records thin out where they would be too many."""
    dynamics, record = experiment.dynamics, experiment.record
    assert isinstance(dynamics, Descent)
    if record.every and steps / record.every >= limits.current().records:
        record = replace(record, every=None)
    return replace(experiment, dynamics=replace(dynamics, steps=steps), record=record)


# --- Widgets ---------------------------------------------------------------------------------


def attempt(key: str, change: Callable[[Any], Experiment]) -> None:
    """Apply a widget's new value; bad input gets its sentence, stays to be mended, and changes
    nothing else."""
    try:
        _state.show(change(st.session_state[key]))
    except ValueError as error:
        _state.complain(f"{error}. The experiment stays as it was.")
        st.session_state.rejected = key


def _fill(key: str, value: Any) -> None:
    """Let a widget show the experiment's value, unless its input was just rejected."""
    if st.session_state.get("rejected") == key:
        st.session_state.rejected = None
    else:
        st.session_state[key] = value


def _number(
    label: str,
    key: str,
    value: float,
    change: Callable[[float], Experiment],
    *,
    least: float,
    most: float,
    step: float = 1,
    **options: Any,
) -> None:
    kind = float if isinstance(value, float) else int
    _fill(key, kind(value))
    st.number_input(
        label,
        kind(min(least, value)),
        kind(max(most, value)),
        step=kind(step),
        key=key,
        on_change=lambda: attempt(key, change),
        **options,
    )


def _text(label: str, key: str, value: str, change: Callable[[str], Experiment]) -> None:
    _fill(key, value)
    st.text_input(label, key=key, on_change=lambda: attempt(key, change))


def _choice(
    label: str, key: str, names: dict[str, str], value: str, change: Callable[[str], Experiment]
) -> None:
    """A select box over the keys of `names`, shown by their values."""
    _fill(key, value)
    st.selectbox(
        label,
        list(names),
        key=key,
        format_func=lambda name: names[name],
        on_change=lambda: attempt(key, change),
    )
