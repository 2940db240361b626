"""Pictures that stand still: pure functions of runs, or of theory, each one a single Altair view.

`runs` is a Trajectory, or pairs of a name and a Trajectory that are drawn together. Nothing is
computed here but closed forms of `simcore.theory`, and no value is altered: a long run is thinned
to every k-th record, k odd (an even k would hide a period-2 oscillation), at most `MAX_POINTS` a
line and `MAX_ROWS` a chart, with a band from the smallest to the largest value in between. Values
that are not finite are left out; axes that are cut, as for a diverged run, say so.

Shared encoding (`simcore.figures.style`): pathway h keeps its colour and dash, descent is thick and
solid, flow thin, theory dashed. Charts over time have the params `hover` (nearest record) and
`zoom` (drag with a mouse; pinch, or wheel with Ctrl). `axis` is "time" (t = eta * step) or "step",
where a flow beside a descent is shown at t/eta. A chart with nothing to show says so in words.

ValueError, in one sentence, for no run, two runs of one name, or a mode, pathway or record that
the runs do not have. Modes and pathways count from 0 in arguments, from 1 in pictures. Symbols and
sources: those of `theory`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import altair as alt
import numpy as np
from numpy.typing import ArrayLike

from simcore import theory
from simcore.checks import require, shown
from simcore.experiment import Descent, Gaussian
from simcore.figures import parts, reduced, style
from simcore.figures.parts import (
    LINE_ROWS,
    MAX_POINTS,
    MAX_ROWS,
    THEORY_PEN,
    Axis,
    Channels,
    Columns,
    Frames,
    Height,
    Named,
    Pen,
    Runs,
    ink,
    table,
)
from simcore.trajectory import Outcome, Trajectory

__all__ = [
    "MAX_POINTS",
    "MAX_ROWS",
    "eigenvalues",
    "gain",
    "invariants",
    "loss",
    "maps",
    "minima_curve",
    "plane",
    "sharing",
    "sharpness",
    "strengths",
]

# --- Curves over time --------------------------------------------------------------------------


def strengths(
    runs: Runs, mode: int = 0, axis: Axis = "time", *, total: bool = False, height: int = 320
) -> alt.LayerChart:
    """sigma_{h,i} of every pathway h, in one mode i, against t or step.

    Bands span the smallest to the largest value since the record before. Dashed: the target
    sigma*_i; with `total` also the sum sigma_i = sum_h sigma_{h,i}.
    """
    named = parts.named_runs(runs)
    parts.check_mode(named, mode)
    pathways = parts.most_pathways(named)
    frames = parts.frames_of(named, axis, pathways + total)
    x = parts.clock(frames, axis)
    rows = [
        f.line(f.run.strengths[:, h, mode], f.run.strengths_range[:, :, h, mode], pathway=h + 1)
        for f in frames
        for h in range(f.run.experiment.network.pathways)
    ]
    targets = {run.experiment.task.singular_values[mode] for _, run in named}
    y = Height(f"strength σₕ{style.subscript(mode + 1)}")
    y = y.cut(named, rows, 3 * max(targets))
    sums, pens = [], [f.pen for f in frames]
    for f in frames if total else ():
        name = parts.of_run(f"sum σ{style.subscript(mode + 1)}", f, frames)
        pens.append(Pen(name, 1.1, style.FAINT_DASH))
        sums.append(f.line(f.run.strengths[:, :, mode].sum(axis=1), line=name))
    key = parts.key(pens, dashed=parts.hues_suffice(pathways))
    hues = parts.pathway_key(pathways, lambda h: style.strength_label(h, mode))
    layers = [
        *parts.overlay(sums, x, y, key, color=ink(style.MUTED)),
        *parts.curves(rows, x, y, key | hues),
        *parts.levels({t: f"{style.target_label(mode)} = {style.short(t)}" for t in targets}),
    ]
    return parts.view(layers, height, f"Strengths of the pathways in mode {mode + 1} over {axis}.")


def loss(
    runs: Runs,
    scale: Literal["log", "linear"] = "log",
    axis: Axis = "time",
    *,
    height: int = 280,
) -> alt.LayerChart:
    """The loss against t or step, with a band over the values between records.

    A log scale leaves out values of zero, and is cut 16 decades below the largest.
    """
    require(
        scale in ("log", "linear"),
        f'scale must be "log" or "linear", got {shown(scale)}; choose one',
    )
    named = parts.named_runs(runs)
    frames = parts.frames_of(named, axis, 1)
    rows = [f.line(f.run.loss, f.run.loss_range) for f in frames]
    noiseless = all(run.experiment.task.floor() == 0 for _, run in named)
    title = "loss ½‖M − M*‖²" if noiseless else "loss (1/2N) Σ‖y − Mx‖²"
    y = Height(title, log=scale == "log")
    if y.log:
        rows = [parts.positive(row) for row in rows]
        if not parts.any_finite(rows):
            return parts.message("The loss is zero: a log scale cannot show it.", height)
        y = y.cut_below(rows)
    else:
        y = y.cut(named, rows, 4 * max(run.loss[0] for _, run in named))
    key = parts.key([f.pen for f in frames], coloured=True)
    layers = parts.curves(rows, parts.clock(frames, axis), y, key)
    return parts.view(layers, height, f"Loss over {axis}, {scale} scale.")


def sharpness(
    runs: Runs, axis: Axis = "time", *, gfs: bool = True, top: int = 1, height: int = 280
) -> alt.LayerChart:
    """lambda_max against t or step, with the edge 2/eta of each descent.

    `gfs` adds the GFS sharpness (theory.gfs_sharpness, the largest over modes) of every descent
    from an aligned, balanced start, or of the flows if there is no descent; `top` > 1 adds the
    next eigenvalues, as far as they were recorded.
    """
    require(top >= 1, f"top must be at least 1, got {shown(top)}; 1 draws the sharpness alone")
    named = parts.named_runs(runs)
    followed = [run for _, run in named if gfs and reduced.is_reduced(run)]
    predicted = [run for run in followed if run.edge is not None] or followed
    most = min(top, max(run.eigenvalues.shape[1] for _, run in named))
    frames = parts.frames_of(named, axis, most + 1)
    rows = [f.line(f.run.sharpness) for f in frames]
    if not parts.any_finite(rows):
        return parts.message("No sharpness was recorded for this run.", height)
    pens, behind, ahead = [f.pen for f in frames], [], []
    for f in frames:
        if most > 1:
            name = parts.of_run("λ₂" if most == 2 else f"λ₂ to λ{style.subscript(most)}", f, frames)
            pens.append(Pen(name, 0.9, f.pen.dash, style.MUTED))
            behind += [
                f.line(values, line=name, what="λ" + style.subscript(rank))
                for rank, values in enumerate(f.run.eigenvalues[:, 1:top].T, start=2)
            ]
        if any(f.run is run for run in predicted):
            pens.append(THEORY_PEN._replace(name=parts.of_run("GFS sharpness", f, frames)))
            ahead.append(f.at_records(reduced.gfs(f.run, f.kept), line=pens[-1].name))
    x, key, edges = parts.clock(frames, axis), parts.key(pens, coloured=True), parts.edges_of(named)
    y = Height("sharpness λ").cut(named, rows, 4 * max([1.0, *edges]))
    layers = [
        *parts.overlay(behind, x, y, key),
        *parts.curves(rows, x, y, key),
        *parts.overlay(ahead, x, y, {}, color=parts.PAGE, strokeWidth=4, opacity=0.8),
        *parts.overlay(ahead, x, y, key),
        *parts.edge_levels(edges, _near(rows)),
    ]
    return parts.view(layers, height, f"Sharpness over {axis}, with the edge of stability.")


def sharing(runs: Runs, mode: int = 0, axis: Axis = "time", *, height: int = 280) -> alt.LayerChart:
    """How evenly the pathways share mode i, by theory.shares q_h of their strengths.

    Left axis: the largest share max_h q_h, from 1 (one pathway) to 1/H (all alike). Right axis:
    the participation ratio 1/sum_h q_h^2, from 1 to H.
    """
    named = parts.named_runs(runs)
    parts.check_mode(named, mode)
    frames = parts.frames_of(named, axis, 2)
    largest = Height("largest share max qₕ", (0, 1))
    ratio = Height(
        "participation 1/Σqₕ²",
        (0, parts.most_pathways(named)),
        shade=style.THEORY,
        on_right=True,
    )
    groups = []
    pens: list[Pen] = []
    for name, y, measure in (
        ("max q", largest, lambda sigma: theory.shares(sigma).max(axis=1)),
        ("1/Σq²", ratio, theory.participation),
    ):
        rows = []
        for f in frames:
            pens.append(Pen(parts.of_run(name, f, frames), f.pen.width, f.pen.dash, y.shade))
            with np.errstate(invalid="ignore", over="ignore"):
                rows.append(f.line(measure(f.run.strengths[:, :, mode]), line=pens[-1].name))
        groups.append((rows, y))
    x, key = parts.clock(frames, axis), parts.key(pens, coloured=True)
    layers = [alt.layer(*parts.curves(rows, x, y, key, params=False)) for rows, y in groups]
    chart = alt.layer(*layers).resolve_scale(y="independent")
    return parts.finish(chart, height, f"How the pathways share mode {mode + 1}, over {axis}.")


def eigenvalues(
    run: Trajectory, closed_forms: bool = True, axis: Axis = "time", *, height: int = 320
) -> alt.LayerChart:
    """The recorded top-k Hessian eigenvalues beside Lambda_ii and Lambda_ij of the strengths.

    Dashed (`closed_forms`): theory.pair_sharpness of the strengths at each record, for the pairs of
    modes i <= j that hold the largest k at the end. These are Hessian eigenvalues at an aligned,
    balanced minimum, so they join the others as a run comes to rest. Whitened inputs
    only.
    """
    named = parts.named_runs(run)
    k = run.eigenvalues.shape[1]
    pairs = _top_pairs(run, k) if closed_forms and run.experiment.task.whitened else []
    (frame,) = parts.frames_of(named, axis, k + len(pairs))
    measured = Pen(f"Hessian, largest {k}" if k > 1 else "Hessian, largest", 1.4)
    one, two = (
        THEORY_PEN._replace(name="Λᵢᵢ of one mode"),
        THEORY_PEN._replace(name="Λᵢⱼ of two modes", shade=style.MUTED),
    )
    rows = [
        frame.line(values, line=measured.name, what="λ" + style.subscript(rank))
        for rank, values in enumerate(run.eigenvalues.T, start=1)
    ]
    if not parts.any_finite(rows):
        return parts.message("No eigenvalues were recorded for this run.", height)
    sigma, depths = run.strengths[frame.kept], run.experiment.network.depths
    closed = [
        frame.at_records(
            theory.pair_sharpness(sigma[:, :, i], sigma[:, :, j], depths),
            line=(one if i == j else two).name,
            what="Λ" + style.subscript(i + 1, j + 1),
        )
        for i, j in pairs
    ]
    used = {row["line"] for row in closed}
    key = parts.key([measured, *(pen for pen in (one, two) if pen.name in used)], coloured=True)
    x, edges = parts.clock([frame], axis), parts.edges_of(named)
    y = Height("eigenvalue of the Hessian").cut(named, rows, 4 * max([1.0, *edges]))
    layers = [
        *parts.curves(rows, x, y, key),
        *parts.overlay(closed, x, y, key),
        *parts.edge_levels(edges, _near(rows)),
        *parts.end_labels(closed[:8], x, y, height),
    ]
    return parts.view(layers, height, f"Largest Hessian eigenvalues over {axis}.")


def invariants(
    runs: Runs, mode: int = 0, axis: Axis = "time", *, height: int = 280
) -> alt.LayerChart:
    """The change of phi_h - phi_1 since the start, one line per pathway h > 1.

    Gradient flow keeps phi_h - phi_1 (theory.flow_invariants), so its line stays at zero; descent
    moves it at the edge. Dashed, for equal depths: where pathway h would equal pathway 1. Runs
    from other than aligned, balanced starts have no such invariant and are left out.
    """
    named = parts.named_runs(runs)
    parts.check_mode(named, mode)
    pathways = parts.most_pathways(named)
    if pathways < 2:
        return parts.message("An invariant compares two pathways; this network has one.", height)
    followed = [(name, run) for name, run in named if reduced.is_reduced(run)]
    frames = parts.frames_of(followed, axis, pathways - 1)
    rows: list[Columns] = []
    equal: list[Columns] = []
    for f in frames:
        depths = f.run.experiment.network.depths
        phi = theory.flow_invariants(f.run.strengths[:, :, mode], depths)
        with np.errstate(invalid="ignore"):
            gap = phi[:, 1:] - phi[:, :1]
            change = gap - gap[0]
        for h in range(1, len(depths)):
            rows.append(f.line(change[:, h - 1], pathway=h + 1))
            if depths[h] == depths[0]:
                equal.append({"value": [-gap[0, h - 1]], "pathway": h + 1})
    if not parts.any_finite(rows):
        return parts.message(
            "Only aligned, balanced starts with every pathway above zero have the invariant φ.",
            height,
        )
    hues = parts.pathway_key(pathways, lambda h: f"φ{style.subscript(h + 1)} − φ₁", first=1)
    key = parts.key([f.pen for f in frames], dashed=parts.hues_suffice(pathways))
    y = Height("change of φₕ − φ₁ since the start")
    layers = parts.curves(rows, parts.clock(frames, axis), y, key | hues)
    if parts.any_finite(equal):
        rules = alt.Chart(table(equal)).mark_rule(strokeDash=style.THEORY_DASH)
        layers.append(rules.encode(y=alt.Y("value:Q"), color=hues["color"]))
        layers += parts.word(equal[0]["value"][0], "σₕ = σ₁", style.MUTED)
    description = f"Change of the flow invariants in mode {mode + 1} over {axis}."
    return parts.view(layers, height, description)


# --- The plane of two pathways -----------------------------------------------------------------


def plane(
    runs: Runs, mode: int = 0, pathways: tuple[int, int] = (0, 1), *, height: int = 440
) -> alt.LayerChart:
    """Trails (sigma_{p,i}, sigma_{q,i}) of two pathways p, q, coloured by time.

    Descent shows a point for every record drawn, flow a line. Dashed: the minima
    sigma_p + sigma_q = sigma*_i (with more pathways, those where the others carry nothing); dotted:
    the diagonal. Star: theory.flattest_split. Hollow, for aligned and balanced starts: where GF
    ends (theory.flow_end_split) and, of two pathways, where the sharpness meets 2/eta
    (theory.edge_splits). Both axes have the same domain.
    """
    named = parts.named_runs(runs)
    parts.check_mode(named, mode)
    if parts.most_pathways(named) < 2:
        return parts.message("The plane needs two pathways; this network has one.", height)
    parts.check_pair(named, pathways)
    frames = parts.frames_of(named, "time", 1)
    rows = [_trail(f, mode, pathways) for f in frames]
    target = max(run.experiment.task.singular_values[mode] for _, run in named)
    domain = _square(named, rows, target)
    names = [style.strength_label(h, mode) for h in pathways]
    axes: Channels = {
        channel: kind(
            f"{field}:Q",
            title=f"strength {name} of pathway {h + 1}",
            scale=alt.Scale(domain=domain, nice=False),
            axis=alt.Axis(tickCount=6, **parts.CLOSE_AXIS),
        )
        for channel, kind, field, name, h in zip(
            ("x", "y"), (alt.X, alt.Y), ("value", "other"), names, pathways, strict=True
        )
    }
    layers = [
        *_theory_lines(target, names, style.target_label(mode), axes),
        *_trail_layers(rows, axes, names),
        *parts.marks(_plane_marks(named, mode, pathways), axes, names, orient="top-right"),
        *_end_names(rows, axes),
    ]
    both = " and ".join(str(h + 1) for h in pathways)
    description = f"Strengths of pathways {both} in mode {mode + 1}, coloured by time."
    return parts.view(layers, height, description)


def _theory_lines(
    target: float, names: Sequence[str], target_name: str, axes: Channels
) -> list[alt.Chart]:
    minima, diagonal = f"{' + '.join(names)} = {target_name}", " = ".join(names)
    half = 0.75 * target  # as far as trails come; leaves the corner to the legend
    rows = [
        {"value": [0, target], "other": [target, 0], "line": minima},
        {"value": [0, half], "other": [0, half], "line": diagonal},
    ]
    pens = [
        Pen(minima, style.THEORY_WIDTH, style.THEORY_DASH),
        Pen(diagonal, 1.0, style.FAINT_DASH),
    ]
    lines = alt.Chart(table(rows)).mark_line(color=ink(style.MUTED), clip=True)
    return [lines.encode(**axes, **parts.key(pens, orient="top-right"))]


def _trail(frame: Frames, mode: int, pathways: tuple[int, int]) -> Columns:
    """The two strengths at the kept records, each with those before it."""
    first, second = (frame.run.strengths[frame.kept, h, mode] for h in pathways)
    before = np.maximum(np.arange(len(frame.kept)) - 1, 0)
    smooth = parts.dynamics(frame.run) != "Descent"
    names = {"other": second, "value_before": first[before], "other_before": second[before]}
    return frame.at_records(first, **names, smooth=smooth)


def _trail_layers(rows: Sequence[Columns], axes: Channels, names: Sequence[str]) -> list[alt.Chart]:
    latest = float(max(row["time"][-1] for row in rows)) or 1.0
    base = alt.Chart(table(rows)).encode(
        **axes, color=parts.gradient("time", "time t", (0, latest), style.PLASMA)
    )
    hover = alt.selection_point(name="hover", nearest=True, on="pointerover", empty=False)
    smooth = alt.datum.smooth
    segments = base.mark_rule(clip=True).encode(
        x2=alt.X2("value_before:Q"),
        y2=alt.Y2("other_before:Q"),
        opacity=alt.condition(smooth, alt.value(1), alt.value(0.35)),
        strokeWidth=alt.condition(smooth, alt.value(1.6), alt.value(1)),
    )
    # Stroked, as the segments are: a colour legend of fills and strokes would lose its gradient.
    points = base.mark_point(filled=False, strokeWidth=2, clip=True).encode(
        size=alt.condition(hover, alt.value(60), alt.value(4)),
        opacity=alt.when(hover)
        .then(alt.value(1))
        .when(smooth)
        .then(alt.value(0))
        .otherwise(alt.value(0.9)),
        tooltip=[
            *parts.line_tooltip(rows),
            alt.Tooltip("step:Q"),
            alt.Tooltip("time:Q", title="t", format=".5g"),
            alt.Tooltip("value:Q", title=names[0], format=".5g"),
            alt.Tooltip("other:Q", title=names[1], format=".5g"),
        ],
    )
    return [segments, points.add_params(hover)]


def _end_names(rows: Sequence[Columns], axes: Channels) -> list[alt.Chart]:
    """The name of each of several runs where it ends."""
    if len(rows) < 2:
        return []
    ends = [
        {"value": row["value"][-1:], "other": row["other"][-1:], "text": row["line"]}
        for row in rows
    ]
    at = alt.Chart(table(ends)).encode(**axes, text=alt.Text("text:N"))
    return parts.haloed(at, style.INK, align="left", dx=8, dy=-12, clip=True)


def _square(named: Named, rows: Sequence[Columns], target: float) -> tuple[float, float]:
    """One domain for both axes, that holds the trails and the minima; cut for diverged runs."""
    values = np.concatenate([row[name] for row in rows for name in ("value", "other")])
    values = np.append(values[np.isfinite(values)], [0.0, target])
    if any(run.outcome is Outcome.DIVERGED for _, run in named) and target > 0:
        values = np.clip(values, -3 * target, 3 * target)
    low, high = float(values.min()), float(values.max())
    pad = 0.04 * (high - low) or 1.0
    return low - pad, high + pad


def _plane_marks(named: Named, mode: int, pathways: tuple[int, int]) -> list[Columns]:
    found: dict[tuple[str, tuple[float, ...]], Columns] = {}
    for name, run in named:
        depths, start = run.experiment.network.depths, run.experiment.start
        dynamics = run.experiment.dynamics
        if not run.experiment.task.whitened:
            continue
        target = run.experiment.task.singular_values[mode]
        ends = [("flattest split", theory.flattest_split(target, depths))]
        if reduced.is_reduced(run) and not isinstance(start, Gaussian):
            ends.append(("GF end", theory.flow_end_split(start.strengths(), depths, target)))
            if len(depths) == 2 and isinstance(dynamics, Descent):
                borders = theory.edge_splits(target, depths, dynamics.step_size)
                ends += [("λ = 2/η", border) for border in borders]
        for what, split in ends:
            sharpness_there = theory.mode_sharpness(split, depths)
            mark = parts.mark_at(what, split[list(pathways)], sharpness_there, name)
            found.setdefault((what, tuple(np.round(split, 9))), mark)
    return list(found.values())


# --- Theory alone ------------------------------------------------------------------------------


def minima_curve(
    singular_value: float,
    depths: Sequence[int],
    step_size: float,
    split: ArrayLike | None = None,
    flow_end: ArrayLike = (np.nan, np.nan),
    *,
    height: int = 320,
) -> alt.LayerChart:
    """Lambda_ii of the minima of one mode of two pathways, against sigma_1 = sigma* - sigma_2.

    Thick and shaded: the minima where GD can rest, Lambda_ii <= 2/eta. Star: the flattest. `split`
    (2,) marks the one looked at, `flow_end` (2,) where GF ends, if that is known. ValueError unless
    there are two depths.
    """
    borders = theory.edge_splits(singular_value, depths, step_size)
    flattest = theory.flattest_split(singular_value, depths)
    line = np.concatenate([theory.minima_line(singular_value), borders, flattest[None]])
    line = line[np.argsort(line[:, 0], kind="stable")]
    edge = 2 / step_size
    curve = {"value": line[:, 0], "other": theory.mode_sharpness(line, depths), "rest": line[:, 1]}
    at_rest = curve["other"] <= edge * (1 + 1e-12)  # a border is on the edge up to rounding
    reach = {name: np.where(at_rest, column, np.nan) for name, column in curve.items()}
    found = [("flattest split", flattest), *(("λ = 2/η", border) for border in borders)]
    found += [("GF end", flow_end)] if np.isfinite(flow_end).all() else []
    found += [("this split", np.asarray(split))] if split is not None else []
    marks = []
    for name, at in found:
        height_there = float(theory.mode_sharpness(at, depths))
        marks.append(parts.mark_at(name, (at[0], height_there), height_there))
    pad = 0.03 * singular_value or 1.0
    title = f"strength σ₁ of pathway 1 (σ₂ = {style.short(singular_value)} − σ₁)"
    axes: Channels = {
        "x": alt.X(
            "value:Q",
            title=title,
            scale=alt.Scale(domain=(-pad, singular_value + pad), nice=False),
            axis=alt.Axis(**parts.CLOSE_AXIS),
        ),
        "y": alt.Y(
            "other:Q",
            title="sharpness λ of the minimum",
            stack=None,
            axis=alt.Axis(**parts.CLOSE_AXIS),
        ),
    }
    tooltip = [
        alt.Tooltip("value:Q", title="σ₁", format=".4g"),
        alt.Tooltip("rest:Q", title="σ₂", format=".4g"),
        alt.Tooltip("other:Q", title="λ", format=".4g"),
    ]
    whole = alt.Chart(table([curve])).encode(**axes)
    layers = [whole.mark_line(color=ink(style.INK), strokeWidth=style.THEORY_WIDTH)]
    if at_rest.any():
        inside = alt.Chart(table([reach])).encode(**axes)
        layers.insert(0, inside.mark_area(color=ink(style.MUTED), opacity=0.2))
        layers.append(inside.mark_line(color=ink(style.INK), strokeWidth=3.2))
    layers += [
        parts.nearest(whole.encode(tooltip=tooltip), color=ink(style.INK)),
        *parts.edge_levels([edge], 2.5 * float(curve["other"].max())),
        *parts.marks(marks, axes, ["σ₁", "λ"]),
    ]
    return parts.view(layers, height, "Sharpness along the line of minima of two pathways.")


def gain(
    depths: Iterable[int] = range(2, 41),
    pathways: Sequence[int] = (1, 2, 3, 4, 8),
    here: tuple[int, int] | None = None,
    *,
    height: int = 320,
) -> alt.LayerChart:
    """lambda^min / S = H^{2/L-1} against depth L, a curve for each number H of pathways.

    What sharing gains: theory.balanced_sharpness over single_path_sharpness. `here`
    rings one (L, H).
    """
    layer_counts, pathway_counts = sorted(set(depths)), sorted(set(pathways))
    require(
        bool(layer_counts and pathway_counts),
        "gain needs at least one depth and one number of pathways, got none; "
        "give e.g. range(2, 41) and (1, 2, 4)",
    )

    def row(layers: Sequence[int], count: int) -> Columns:
        factors = [
            theory.balanced_sharpness(1.0, (depth,) * count)
            / theory.single_path_sharpness(1.0, depth)
            for depth in layers
        ]
        return {"value": list(layers), "other": factors, "pathways": count}

    title = "λ(min) / S = H^(2/L − 1)"
    axes: Channels = {
        "x": alt.X(
            "value:Q",
            title="depth L, layers of each pathway",
            scale=alt.Scale(nice=False, zero=False),
            axis=alt.Axis(format="d", tickMinStep=1, **parts.CLOSE_AXIS),
        ),
        "y": alt.Y(
            "other:Q",
            title=title,
            scale=alt.Scale(type="log", nice=False),
            axis=alt.Axis(format="~g", **parts.CLOSE_AXIS),
        ),
    }
    tooltip = [
        alt.Tooltip("pathways:Q", title="pathways H"),
        alt.Tooltip("value:Q", title="depth L"),
        alt.Tooltip("other:Q", title="λ(min) / S", format=".4g"),
    ]
    rows = [row(layer_counts, count) for count in pathway_counts]
    ends = [row(layer_counts[-1:], n) | {"text": f"H = {n}"} for n in pathway_counts]
    family = alt.Chart(table(rows)).encode(**axes, detail=alt.Detail("pathways:N"), tooltip=tooltip)
    words = alt.Chart(table(ends)).encode(**axes, text=alt.Text("text:N"))
    dashed: Channels = {"strokeWidth": style.THEORY_WIDTH, "strokeDash": style.THEORY_DASH}
    layers = [
        family.mark_line(color=ink(style.INK), **dashed),
        family.mark_point(color=ink(style.INK), filled=True, size=14, opacity=1),
        *parts.haloed(words, style.INK, align="right", dy=-9),
    ]
    if here is not None:
        ring = alt.Chart(table([row([here[0]], here[1])]))
        ring = ring.mark_point(color=ink(style.EDGE), size=140, strokeWidth=2, opacity=1)
        layers.append(ring.encode(**axes, tooltip=tooltip))
    return parts.view(layers, height, "How much flatter a shared minimum is, over depth.")


# --- Matrices ----------------------------------------------------------------------------------


def maps(run: Trajectory, record: int = -1, *, height: int = 280) -> alt.LayerChart:
    """The pathway maps U^T Omega_h V at a record, side by side on one diverging scale about zero.

    The scale reaches to sigma*_1, or to the largest entry if that is larger. Where all modes would
    be more than MAX_ROWS cells, the first are shown. ValueError for a run without maps.
    """
    require(
        run.maps is not None,
        "maps needs a run recorded with its maps, got one without; use Record(maps=True)",
    )
    assert run.maps is not None
    count = len(run.maps)
    require(
        -count <= record < count,
        f"record must be from {-count} to {count - 1} for this run, got {shown(record)}; "
        "-1 is the last",
    )
    left, right = run.experiment.task.bases()
    inner = left.T @ run.maps[record] @ right  # (H, R, R)
    pathways, modes = inner.shape[:2]
    size = min(modes, int(np.sqrt(LINE_ROWS / pathways)))
    pitch = 1.14 * size  # from one map to the next
    entries = np.abs(inner[np.isfinite(inner)])
    limit = max([run.experiment.task.singular_values[0], *entries]) or 1.0
    part = "" if size == modes else f" (first {size} of {modes})"
    axes = _map_axes(pathways, size, pitch, part)
    layers = [
        _cells(inner[:, :size, :size], pitch, limit, axes),
        *_map_titles(pathways, size, pitch, axes),
    ]
    description = f"Pathway maps in the target's singular bases, record {record % count}."
    return parts.view(layers, height, description)


def _map_axes(pathways: int, size: int, pitch: float, part: str) -> Channels:
    places = np.arange(0, size, max(1, -(-size // 10), -(-size * pathways // 20)))
    number = f"format(datum.value % {pitch} + 0.5, '.0f')"
    columns = [float(h * pitch + j + 0.5) for h in range(pathways) for j in places]
    rows = [float(i + 0.5) for i in places]
    head = 0.16 * size  # room for the titles above
    return {
        "x": alt.X(
            "value:Q",
            title="input mode j" + part,
            scale=alt.Scale(domain=(0, pathways * pitch - (pitch - size)), nice=False),
            axis=alt.Axis(values=columns, labelExpr=number, grid=False, **parts.CLOSE_AXIS),
        ),
        "y": alt.Y(
            "y:Q",
            title="output mode i" + part,
            scale=alt.Scale(domain=(-head, size), nice=False, reverse=True),
            axis=alt.Axis(values=rows, labelExpr=number, grid=False, **parts.CLOSE_AXIS),
        ),
    }


def _cells(inner: np.ndarray, pitch: float, limit: float, axes: Channels) -> alt.Chart:
    h, i, j = (grid.ravel() for grid in np.indices(inner.shape))
    cells = {
        "value": h * pitch + j,
        "end": h * pitch + j + 1,
        "y": i,
        "foot": i + 1,
        "entry": inner.ravel(),
        "pathway": h + 1,
        "output": i + 1,
        "input": j + 1,
    }
    seam = alt.ExprRef("scale('color', datum.entry)")  # hairlines between cells otherwise
    return (
        alt.Chart(table([cells]))
        .mark_rect(clip=True, strokeWidth=1.2, stroke=seam)
        .encode(
            **axes,
            x2=alt.X2("end:Q"),
            y2=alt.Y2("foot:Q"),
            color=parts.gradient("entry", "(U*ᵀ Ωₕ V*)ᵢⱼ", (-limit, limit), style.DIVERGING),
            tooltip=[
                alt.Tooltip("pathway:Q"),
                alt.Tooltip("output:Q", title="output mode i"),
                alt.Tooltip("input:Q", title="input mode j"),
                alt.Tooltip("entry:Q", format=".4g"),
            ],
        )
    )


def _map_titles(pathways: int, size: int, pitch: float, axes: Channels) -> list[alt.Chart]:
    heads = [
        {
            "value": [h * pitch],
            "end": [h * pitch + size],
            "y": [-0.04 * size],
            "text": f"pathway {h + 1}",
            "hue": style.pathway_colour(h),
        }
        for h in range(pathways)
    ]
    titles = alt.Chart(table(heads)).encode(**axes)
    words = titles.mark_text(align="left", baseline="bottom", dy=-4, color=ink(style.INK))
    return [
        titles.mark_rule(strokeWidth=3, stroke=alt.ExprRef("datum.hue")).encode(x2=alt.X2("end:Q")),
        words.encode(text=alt.Text("text:N")),
    ]


# --- What theory says of a run -----------------------------------------------------------------


def _top_pairs(run: Trajectory, k: int) -> list[tuple[int, int]]:
    """Pairs of modes i <= j whose Lambda_ij hold the largest k values at the last finite record."""
    finite = np.isfinite(run.strengths).all(axis=(1, 2))
    if not finite.any():
        return []
    sigma = run.strengths[finite][-1][:, :32].T  # (R, H): the first modes are the sharpest
    values = theory.pair_sharpness(sigma[:, None], sigma[None], run.experiment.network.depths)
    i, j = np.triu_indices(len(sigma))
    order = np.argsort(-values[i, j], kind="stable")
    multiplicity = np.where(i == j, 1, 2)[order]
    return [(int(i[n]), int(j[n])) for n in order[np.cumsum(multiplicity) - multiplicity < k]]


def _near(rows: Sequence[Columns]) -> float:
    """How high a rule may stand above the curves without pressing them flat."""
    values = np.concatenate([row["value"] for row in rows])
    return 2.5 * float(values[np.isfinite(values)].max())
