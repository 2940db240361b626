"""The singular values of a task: what there is to learn, and which modes may mix."""

from __future__ import annotations

import altair as alt
import numpy as np

from simcore import outlook
from simcore.figures import parts, style
from simcore.figures.parts import Height, Width, ink, table
from simcore.tasks import Task

DECADES = 30.0  # a largest value so many times the smallest is drawn on a scale of decades


def spectrum(task: Task, *, height: int = 260) -> alt.LayerChart:
    """sigma*_i against i; bars behind show the runs of modes whose values are within 10 % of the
    one before, which may mix past the edge (`outlook.near_equal`)."""
    count = max(outlook.rank(task), 1)
    values = np.array(task.singular_values[:count])
    log = values[-1] > 0 and values[0] > DECADES * values[-1]
    low = values[-1] / 2 if log else 0.0
    modes = np.arange(1, count + 1)
    x = Width("mode i", (0.4, count + 0.6))
    y = Height("singular value σ*ᵢ", (low, values[0] * (1.6 if log else 1.12) or 1.0), log)
    groups = outlook.near_equal(task)
    ticks = parts_of(count)
    dots = alt.Chart(table([{"x": modes, "value": values, "low": np.full(count, low)}]))
    dots = dots.encode(
        x=x.channel(values=ticks, format="d"),
        y=y.channel(),
        tooltip=[
            alt.Tooltip("x:Q", title="mode"),
            alt.Tooltip("value:Q", title="σ*", format=".5g"),
        ],
    )
    stems = dots.mark_rule(color=ink(style.MUTED), strokeWidth=1.2).encode(y2="low:Q")
    points = dots.mark_circle(color=ink(style.shade(0)), size=64 if count < 30 else 30, opacity=1)
    layers: list[alt.Chart] = [stems, points]
    if groups:
        rows = {
            "x": np.array([first + 0.6 for first, _ in groups]),
            "end": np.array([last + 1.4 for _, last in groups]),
            "value": np.array([values[first] for first, _ in groups]),
            "low": np.full(len(groups), low),
            "words": [f"modes {first + 1} to {last + 1} within 10 %" for first, last in groups],
        }
        band = alt.Chart(table([rows])).mark_rect(color=ink(style.EDGE), opacity=0.14)
        layers.insert(
            0,
            band.encode(
                x=x.channel(values=ticks, format="d"),
                x2="end:Q",
                y=y.channel(),
                y2="low:Q",
                tooltip=[alt.Tooltip("words:N", title="nearly equal")],
            ),
        )
    words = f"Singular values of the target: {count}, from {values[0]:.4g} to {values[-1]:.4g}."
    return parts.view(layers, height, words, subject={"mode": modes, "σ*": values})


def parts_of(count: int) -> list[int]:
    """Modes that the axis names."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200) if count <= 12 * step)
    return [1, *range(2 if step == 1 else step, count + 1, step)]
