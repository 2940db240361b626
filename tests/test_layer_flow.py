"""Where gradient flow ends from layers of any scale, against gradient flow itself."""

from __future__ import annotations

import numpy as np
import pytest

from simcore import (
    Experiment,
    Flow,
    LayerScales,
    Network,
    Record,
    Spectrum,
    layer_flow,
    simulate,
    theory,
)


@pytest.mark.parametrize("least", [0.02, -0.4], ids=["positive", "signed"])
def test_it_ends_where_gradient_flow_does(least):
    draw, told = np.random.default_rng(1), 0
    for _ in range(60):
        depths = tuple(draw.integers(1, 9, draw.integers(1, 4)).tolist())
        rows = tuple(tuple(draw.uniform(least, 1.1, depth).tolist()) for depth in depths)
        target = float(draw.uniform(0.3, 1.5))
        strengths, sharpness = layer_flow.ends([rows], [target])
        flow = simulate(
            Experiment(
                task=Spectrum(singular_values=(target,)),
                network=Network(depths=depths),
                start=LayerScales(scales=rows),
                dynamics=Flow(duration=1000.0, rtol=1e-10),
                record=Record(frames=2),
            )
        )
        if abs(flow.strengths[-1, :, 0].sum() - target) < 1e-7:
            assert strengths[:, 0] == pytest.approx(flow.strengths[-1, :, 0], abs=2e-5), rows
            assert sharpness[0] == pytest.approx(flow.sharpness[-1], rel=1e-4), rows
            told += 1
    assert told > 50


def test_equal_layers_have_the_closed_form():
    draw = np.random.default_rng(2)
    for _ in range(40):
        depths = tuple(draw.integers(1, 21, draw.integers(1, 5)).tolist())
        scales = 10 ** draw.uniform(-3, 0.2, len(depths))
        rows = tuple(
            (scale ** (1 / depth),) * depth for scale, depth in zip(scales, depths, strict=True)
        )
        strengths, sharpness = layer_flow.ends([rows], [1.0])
        end = theory.flow_end_split(scales, depths, 1.0)
        assert strengths[:, 0] == pytest.approx(end, abs=2e-5)
        assert sharpness[0] == pytest.approx(theory.mode_sharpness(end, depths), rel=1e-4)


def test_many_starts_at_once_are_each_alone():
    draw = np.random.default_rng(3)
    starts = [tuple(tuple(draw.uniform(-0.3, 1, d).tolist()) for d in (3, 1, 4)) for _ in range(30)]
    targets = draw.uniform(0.3, 1.5, 30)
    together, sharp = layer_flow.ends(starts, targets)
    for n, (start, target) in enumerate(zip(starts, targets, strict=True)):
        alone, sharpness = layer_flow.ends([start], [target])
        assert together[:, n] == pytest.approx(alone[:, 0], rel=1e-12, nan_ok=True)
        assert sharp[n] == pytest.approx(sharpness[0], rel=1e-12, nan_ok=True)


def test_from_a_saddle_it_never_arrives():
    for row in ((0.0, 0.0, 0.5), (-0.5, 0.5)):
        strengths, sharpness = layer_flow.ends([(row,)], [1.0])
        assert np.isnan(strengths).all()
        assert np.isnan(sharpness).all()
