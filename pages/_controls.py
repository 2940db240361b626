"""The controls of an experiment: widgets that show it, and callbacks that change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from pages import _prose, _state, _widgets
from simcore import link_values, presets, typed, variations
from simcore.ensemble import MOST_SEEDS
from simcore.experiment import Experiment, Gaussian
from simcore.figures import panels, style
from simcore.network import ACTIVATIONS
from simcore.tasks import Spectrum, Tree
from simcore.view import LAYERS

TASKS = {"spectrum": "Singular values", "tree": "Semantic tree"}


EXPERTS = "Target, start, depths, records"


def sidebar(experiment: Experiment) -> None:
    """All controls of a run: few visible, the experts' behind one fold."""
    preset(experiment, presets.ALL)
    architecture(experiment)
    clock(experiment)
    with st.expander(EXPERTS, key="experts"):
        experts(experiment)


def architecture(experiment: Experiment) -> None:
    """Number of pathways, and their common depth."""
    depths = experiment.network.depths
    _count(
        "Pathways H",
        "pathways",
        len(depths),
        lambda count: variations.with_pathways(experiment, count),
        help="Parallel chains of linear layers between the inputs and the summed output.",
    )
    _count(
        "Depth L",
        "depth",
        max(depths),
        lambda depth: variations.with_depth(experiment, depth),
        help="Weight matrices per pathway; different ones are set by the list of depths.",
        text=typed.text_of(depths) if len(set(depths)) > 1 else None,
        read=lambda text: _typed_depths(experiment, text),
    )


def _typed_depths(experiment: Experiment, text: str) -> Experiment:
    """One depth for all pathways, or a list of them."""
    depths = typed.wholes(text)
    if len(depths) == 1:
        return variations.with_depth(experiment, depths[0])
    return variations.with_depths(experiment, depths)


def clock(experiment: Experiment) -> None:
    """Step size and steps of a descent, or the duration of a flow."""
    dynamics = experiment.dynamics
    if dynamics.step_size is not None:
        number(
            "Step size η",
            "eta",
            dynamics.step_size,
            lambda eta: variations.with_step_size(experiment, eta),
            help="Of descent, for example 0.15 or 2/13. Its edge of stability is 2/η: a sharper "
            "minimum throws it out.",
        )
    if dynamics.iterated:
        _whole(
            "Steps",
            "steps",
            dynamics.steps,
            lambda steps: variations.with_steps(experiment, steps),
            help="Updates of descent, for example 650 or 1e6; time is t = η · step. Of more than "
            f"{variations.LONG:,} not every one is recorded.",
        )
    else:
        number(
            f"Duration t of {dynamics.title}",
            "duration",
            dynamics.duration,
            lambda duration: variations.with_duration(experiment, duration),
            help=dynamics.meaning,
        )


def preset(experiment: Experiment, offered: Sequence[presets.Preset]) -> None:
    """A menu of presets; the one in force is shown as chosen."""

    def apply(name: str | None) -> None:
        if name is not None:
            _state.show(presets.BY_NAME[name].experiment)

    _widgets.choice(
        st.selectbox,
        "Preset",
        "preset",
        [p.name for p in offered],
        next((p.name for p in offered if p.experiment == experiment), None),
        apply,
        format_func=lambda name: presets.BY_NAME[name].title,
        placeholder="Your own",
        help="Runs of the paper and of its neighbours; every control may be moved afterwards.",
    )


def experts(experiment: Experiment) -> None:
    _task(experiment)
    depths(experiment)
    _start(experiment)
    _activation(experiment)
    _records(experiment)
    if not experiment.start.aligned:
        _whole(
            "Hidden width",
            "width",
            experiment.network.hidden_width(experiment.task),
            lambda width: variations.with_width(experiment, width),
            help="Rows of the hidden layers.",
        )


def _activation(experiment: Experiment) -> None:
    """What acts after the layers of a pathway."""
    forms = {
        f"{name}{':last' * last}": (name, last)
        for name in ACTIVATIONS
        for last in (False, True)
        if not (last and name == "linear")
    }
    network = experiment.network
    _choice(
        "Activation",
        "activation",
        {
            key: ACTIVATIONS[name] + (" after every layer" if last else "")
            for key, (name, last) in forms.items()
        },
        network.activation + ":last" * network.activate_last,
        lambda key: variations.with_activation(experiment, *forms[key]),
        help="After every layer of a pathway but the last. Only linear pathways have closed forms "
        "and balanced starts; choosing another activation draws the start at random.",
    )


def _records(experiment: Experiment) -> None:
    """Which steps are kept."""
    record, dynamics = experiment.record, experiment.dynamics
    _choice(
        "Records",
        "spacing",
        {"even": "Evenly spaced", "log": "Dense at first, then sparser"},
        record.spacing,
        lambda spacing: variations.with_spacing(experiment, spacing),
        help="Which steps are kept for the pictures; every step is taken. Sparser records keep the "
        f"early events of a long run; beyond {variations.LONG:,} steps they are the usual ones.",
    )
    if dynamics.iterated and record.spacing == "even":
        _whole(
            "Record every … steps",
            "every",
            record.every or int(record.steps(dynamics.steps)[1]),
            lambda every: variations.with_every(experiment, every),
            help="An even number hides a period-2 oscillation.",
        )


def depths(experiment: Experiment) -> None:
    """Depths as a list, for pathways that differ."""
    _text(
        "Depths, one per pathway",
        "depths",
        typed.text_of(experiment.network.depths),
        lambda text: variations.with_depths(experiment, typed.wholes(text)),
        help="For example 3, 5; as many pathways as there are numbers.",
    )


def _task(experiment: Experiment) -> None:
    kinds = {Spectrum: "spectrum", Tree: "tree"}
    kind = kinds.get(type(experiment.task), "own")
    names = TASKS if kind != "own" else TASKS | {"own": "Your own"}

    def change(new: str) -> Experiment:
        if new == kind:
            return experiment
        task = Tree() if new == "tree" else Spectrum(singular_values=(1.0,))
        width = None if experiment.start.aligned else 64
        sized = replace(experiment, network=replace(experiment.network, width=width))
        return variations.with_task(sized, task)

    _choice(
        "Target",
        "task",
        names,
        kind,
        change,
        help="The map to learn: by its singular values σ*, one per mode, or a tree of concepts.",
    )
    if kind == "spectrum":
        singular_values(experiment)


def singular_values(experiment: Experiment) -> None:
    """The target's singular values as a list."""
    if isinstance(experiment.task, Spectrum):
        values = [v for v in experiment.task.singular_values if v] or [0.0]
        _text(
            "Singular values σ*, largest first",
            "singular_values",
            typed.text_of(tuple(values)),
            lambda text: variations.with_singular_values(experiment, typed.numbers(text)),
        )


def _start(experiment: Experiment) -> None:
    start, depths = experiment.start, experiment.network.depths
    kinds = {row.prefix: row.kind for row in link_values.STARTS}
    kind = link_values.start_text(start).partition(":")[0]
    _choice(
        "Start",
        "start",
        {prefix: kind.name for prefix, kind in kinds.items()},
        kind,
        lambda new: replace(experiment, start=kinds[new].usual(depths)),
        help="Balanced: all layers of a pathway alike, aligned with the target. Layer scales: "
        "aligned, each layer with its own. Random: every weight drawn, full matrices.",
    )
    _text(
        start.numbers,
        f"start_{kind}",
        link_values.start_field(start),
        lambda text: replace(experiment, start=link_values.parse_start(f"{kind}:{text}")),
        help=start.hint,
    )
    if isinstance(start, Gaussian):
        next_seed("start_seed", start.seed, partial(variations.with_seed, experiment))


def next_seed(key: str, seed: int, change: Callable[[int], Experiment]) -> None:
    """A button that draws anew."""
    _widgets.button(
        "Next seed",
        key,
        partial(_widgets.attempt, lambda: _state.show(change((seed + 1) % MOST_SEEDS))),
        help=f"The same run with other random numbers; this one has seed {seed}.",
        width="stretch",
    )


def view(experiment: Experiment) -> None:
    """Which mode, which pathways and which panels the player shows."""
    shown = _state.view()
    _panels(shown.panels)
    modes, pathways = len(experiment.task.singular_values), experiment.network.pathways
    if modes > 1:
        _widgets.choice(
            st.selectbox,
            "Mode",
            "mode",
            range(modes),
            shown.mode,
            lambda mode: _state.look(mode=mode),
            format_func=style.target_label,
            help="The singular direction of the target whose strengths are shown.",
        )
    if pathways > 2:
        _widgets.choice(
            st.selectbox,
            "Pathways in the plane",
            "plane_pathways",
            [(p, q) for p in range(pathways) for q in range(p + 1, pathways)],
            shown.pathways,
            lambda pair: _state.look(pathways=pair),
            format_func=lambda pair: f"{pair[0] + 1} and {pair[1] + 1}",
        )
    if "plane" in chosen_panels() and pathways > 1:
        _layers(shown.layers)


def _layers(shown: tuple[str, ...]) -> None:
    """What the plane shows behind the runs."""
    _widgets.choice(
        st.pills,
        "Behind the plane",
        "layers",
        list(LAYERS),
        list(shown),
        lambda names: _state.look(layers=tuple(names)),
        selection_mode="multi",
        format_func=str.capitalize,
        help="**Flow**: where gradient flow goes from every point, and what parts the winners.  \n"
        "**Sharpness**: the largest eigenvalue of the Hessian at every point, blue where it is "
        "below the edge and red where it is above.",
    )


def chosen_panels() -> list[str]:
    """The panels that the player shows, by name."""
    return _known(_state.view().panels) or ["strengths"]


def _known(wanted: Sequence[str] | None) -> list[str]:
    """Those of the panels that there are, in the order of `PANELS`."""
    names = panels.FIRST_PANELS if wanted is None else wanted
    return [name for name in panels.PANELS if name in names]


def _panels(wanted: Sequence[str] | None) -> None:
    names, shown = panels.FIRST_PANELS if wanted is None else wanted, _known(wanted)
    unknown = [name for name in names if name not in panels.PANELS]
    if unknown:
        _state.look(panels=tuple(shown))
        _prose.warn(f"There is no panel {' or '.join(unknown)}; choose among those offered.")

    def choose(names: list[str]) -> None:
        usual = set(names) == set(panels.FIRST_PANELS)
        _state.look(panels=None if usual else tuple(n for n in panels.PANELS if n in names))

    _widgets.choice(
        st.pills,
        "Panels",
        "panels",
        list(panels.PANELS),
        shown,
        choose,
        selection_mode="multi",
        format_func=lambda name: panels.PANELS[name].title,
        help="  \n".join(f"**{kind.title}**: {kind.meaning}." for kind in panels.PANELS.values()),
    )


def with_flow(usual: bool) -> bool:
    """Whether gradient flow runs beside descent; `usual` is what suits the page."""
    flow = _state.view().flow
    return usual if flow is None else flow


def flow_beside(usual: bool) -> None:
    """The choice of `with_flow`."""
    shown = with_flow(usual)
    _widgets.control(
        st.toggle,
        "Gradient flow beside it",
        "flow_beside",
        shown,
        lambda on: _state.look(flow=None if on == usual else on),
        help="GF: the same start under steps so small that nothing oscillates, on the same clock. "
        "Plain GF has none of the events of the run.",
    )


def average_beside() -> None:
    """Whether central flow runs beside descent."""
    shown = _state.view().central
    _widgets.control(
        st.toggle,
        "Central flow beside it",
        "average_beside",
        shown,
        lambda on: _state.look(central=on),
        help="The smooth curve about which descent oscillates: gradient flow that is kept where "
        "the sharpness is at most 2/η, with the loss that it predicts descent to have on average.",
    )


def segments(label: str, member: str, titles: dict[str, str], **options: Any) -> str:
    """A row of choices for a member of the view, by name; the first is what suits the page."""
    usual, wanted = next(iter(titles)), getattr(_state.view(), member)
    if wanted is not None and wanted not in titles:
        _state.look(**{member: None})
        _prose.warn(f"There is no {label.lower()} {wanted}; choose one of those offered.")
    shown = wanted if wanted in titles else usual
    _widgets.choice(
        st.segmented_control,
        label,
        member,
        list(titles),
        shown,
        lambda name: _state.look(**{member: None if name == usual else name}),
        format_func=lambda name: titles[name],
        required=True,
        **options,
    )
    return shown


# --- Widgets ---------------------------------------------------------------------------------


def number(
    label: str, key: str, value: float, change: Callable[[float], Experiment], **options: Any
) -> None:
    """A number without bounds of its own: the spec says what is wrong with one, in words."""
    _text(label, key, typed.text(value), lambda text: change(typed.number(text)), **options)


def _whole(
    label: str, key: str, value: int, change: Callable[[int], Experiment], **options: Any
) -> None:
    _text(label, key, typed.text(value), lambda text: change(typed.whole(text)), **options)


def _count(
    label: str,
    key: str,
    value: int,
    change: Callable[[int], Experiment],
    *,
    text: str | None = None,
    read: Callable[[str], Experiment] | None = None,
    **options: Any,
) -> None:
    """A whole number with a key for one less and one for one more; shown as `text`, where that says
    more, and typed as `read` takes it."""
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small", key=f"{key}_row")
    words = st.empty()

    def by(step: int) -> None:
        _state.show(change(value + step))

    with row:
        taken = read or (lambda text: change(typed.whole(text)))
        _text(label, key, text or typed.text(value), taken, words=words, **options)
        for sign, step, name in (("−", -1, "less"), ("+", 1, "more")):
            press = partial(_widgets.attempt, by, step, key=key)
            _widgets.button(sign, f"{key}_{name}", press, help=f"One {name}")


def _text(
    label: str, key: str, text: str, change: Callable[[str], Experiment], **options: Any
) -> None:
    _widgets.field(label, key, text, lambda text: _state.show(change(text)), **options)


def _choice(
    label: str,
    key: str,
    names: dict[str, str],
    value: str,
    change: Callable[[str], Experiment],
    **options: Any,
) -> None:
    """A select box over the keys of `names`, shown by their values."""
    _widgets.choice(
        st.selectbox,
        label,
        key,
        list(names),
        value,
        lambda name: _widgets.attempt(lambda: _state.show(change(name)), key=key),
        format_func=lambda name: names[name],
        **options,
    )
