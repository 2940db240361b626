"""Named experiments with their sources and the numbers they must reproduce.

The app offers them, the tests check them: both read the objects below. Published numbers were read
off figures or re-simulated in double precision by independent code; `Expected.tolerance` is half a
unit of the last digit given, or, where iterates are chaotic between the onset of the edge of
stability and the end, the measured spread over starts that differ in the 13th digit (`note` says
so).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from simcore import (
    central_presets,
    drive_presets,
    event_presets,
    neighbour_presets,
    nonlinear_presets,
    theory,
)
from simcore.experiment import Balanced, Descent, Experiment, Flow, Gaussian, Network, Record
from simcore.preset import (
    PAPER,
    Expected,
    at_step,
    largest_share,
    of_last_two,
    ratio_drift,
    sharpness,
    strength,
    total,
)
from simcore.preset import Preset as Preset  # programs have them from here
from simcore.preset import two_pathways as two_pathways
from simcore.tasks import Spectrum, Tree
from simcore.trajectory import Trajectory
from simcore.variations import at_minimum as at_minimum
from simcore.variations import matching_flow as matching_flow

SHI = "Shi, Shea-Brown, Buice, NeurIPS 2022"


# --- The paper -------------------------------------------------------------------------------


def _last_two(h: int) -> tuple[Callable[[Trajectory], float], Callable[[Trajectory], float]]:
    def value(run: Trajectory, record: int) -> float:
        return run.strengths[record, h, 0]

    return of_last_two(value, min), of_last_two(value, max)


def _last_two_sharpness(pick: Callable[..., float]) -> Callable[[Trajectory], float]:
    return of_last_two(lambda run, record: run.sharpness[record], pick)


_CHAOTIC = "after a chaotic transient; the tolerance is the spread over starts 1e-13 apart"

SMALL = Preset(
    "small",
    "Small step size: winner takes all",
    f"{PAPER}, main figure",
    two_pathways(Descent(step_size=0.05, steps=2000)),
    (
        Expected("σ₁₁ at the end", 0.984297, 5e-7, strength(0)),
        Expected("σ₂₁ at the end", 0.015703, 5e-7, strength(1)),
        Expected("σ₁₁ at step 300", 0.18785, 5e-6, at_step(300, 0)),
        Expected("σ₂₁ at step 300", 0.01425, 5e-6, at_step(300, 1)),
    ),
)

MEDIUM = Preset(
    "medium",
    "Medium step size: partly re-balanced",
    f"{PAPER}, main figure",
    two_pathways(Descent(step_size=2 / 13, steps=650)),
    (
        Expected("σ₁₁ at the end", 0.7399, 5e-5, strength(0)),
        Expected("σ₂₁ at the end", 0.2601, 5e-5, strength(1)),
        Expected("sharpness at the end", 12.83, 5e-3, sharpness),
        Expected(
            "λ(min) / S₁",
            0.5358867,
            5e-8,
            lambda run: (
                theory.balanced_sharpness(1.0, run.experiment.network.depths)
                / theory.single_path_sharpness(1.0, 20)
            ),
            exact=True,
        ),
    ),
)

LARGE = Preset(
    "large",
    "Large step size: equal pathways that jump",
    f"{PAPER}, main figure",
    two_pathways(Descent(step_size=2 / 10.7, steps=534)),
    (
        Expected("σ₁₁, low", 0.5009, 3e-4, _last_two(0)[0], note=_CHAOTIC),
        Expected("σ₁₁, high", 0.5368, 1e-3, _last_two(0)[1], note=_CHAOTIC),
        Expected("σ₂₁, low", 0.4645, 1e-3, _last_two(1)[0], note=_CHAOTIC),
        Expected("σ₂₁, high", 0.4956, 5e-4, _last_two(1)[1], note=_CHAOTIC),
        Expected("sharpness, low", 9.70, 0.02, _last_two_sharpness(min), note=_CHAOTIC),
        Expected("sharpness, high", 11.74, 0.02, _last_two_sharpness(max), note=_CHAOTIC),
    ),
)

FLOW = Preset(
    "flow",
    "Gradient flow of the main figure",
    f"{PAPER}, main figure",
    two_pathways(Flow(duration=100.0, rtol=1e-10)),
    (
        Expected("σ₁₁ at the end", 0.984812, 5e-7, strength(0)),
        Expected("σ₂₁ at the end", 0.015188, 5e-7, strength(1)),
        Expected("sharpness at the end", 19.4338, 5e-5, sharpness),
    ),
)


def unequal_depths(depths: tuple[int, int], steps: int) -> Experiment:
    """Pathways of different depth at the step size 2/lambda_min where full balance sets in."""
    step_size = 2 / theory.balanced_sharpness(1.0, depths)
    return two_pathways(Descent(step_size=step_size, steps=steps), depths, (0.002, 0.002))


UNEQUAL_DEPTHS = (3, 5, 10)  # rows and columns of the grid

UNEQUAL = Preset(
    "unequal",
    "Unequal depths 3 and 5 at 2/λ(min)",
    f"{PAPER}, grid of unequal depths",
    unequal_depths((3, 5), 452),
    (
        Expected(
            "λ(min)",
            2.587189,
            5e-7,
            lambda run: theory.balanced_sharpness(1.0, run.experiment.network.depths),
            exact=True,
        ),
        Expected(
            "flattest share of pathway 1",
            0.73462,
            5e-6,
            lambda run: theory.flattest_split(1.0, run.experiment.network.depths)[0],
            exact=True,
        ),
        Expected("σ₁₁, low", 0.73477, 5e-6, _last_two(0)[0]),
        Expected("σ₂₁, low", 0.19582, 5e-6, _last_two(1)[0]),
        Expected("σ₁₁, high", 0.84676, 5e-6, _last_two(0)[1]),
        Expected("σ₂₁, high", 0.21638, 5e-6, _last_two(1)[1]),
    ),
)

RANK_ONE = Preset(
    "rank-one",
    "Rank-1 balancing: only mode 1 is shared",
    PAPER,
    two_pathways(Descent(step_size=2 / 13, steps=650), singular_values=(1.0, 0.7, 0.4)),
    (
        Expected("σ₁₁ at the end", 0.7399, 5e-5, strength(0)),
        Expected("σ₂₁ at the end", 0.2601, 5e-5, strength(1)),
        Expected("largest share of mode 2", 0.96, 0.0, largest_share(1), at_least=True),
        Expected("largest share of mode 3", 0.96, 0.0, largest_share(2), at_least=True),
    ),
)

SHALLOW = Preset(
    "depth-two",
    "Depth 2: nothing to gain",
    "Exact: one-mode chain, period doubling of the cubic map",
    two_pathways(Descent(step_size=1.1, steps=2000), depths=(2, 2), scales=(0.02, 0.01)),
    (
        Expected("total, low", 0.6634944, 5e-8, of_last_two(total, min), exact=True),
        Expected("total, high", 1.2455966, 5e-8, of_last_two(total, max), exact=True),
        Expected("drift of σ₁₁/σ₂₁", 0.0, 1e-12, ratio_drift, exact=True),
    ),
)


def _spectrum_entry(index: int) -> Callable[[Trajectory], float]:
    return lambda run: run.eigenvalues[-1, index]


SPECTRUM = Preset(
    "spectrum",
    "Hessian spectrum of one pathway at its minimum",
    "Exact: Λᵢⱼ at an aligned, balanced minimum",
    Experiment(
        task=Spectrum(singular_values=(2.0, 1.1, 0.6)),
        network=Network(depths=(4,)),
        start=Balanced(scales=(0.2,)),
        dynamics=Flow(duration=60.0, rtol=1e-11),
        record=Record(frames=60, eigenvalues=12),
    ),
    tuple(
        Expected(f"eigenvalue {index + 1}", value, tolerance, _spectrum_entry(index), exact=True)
        for index, (value, tolerance) in enumerate(
            [
                (11.313708, 5e-7),
                (7.63537, 5e-6),
                (7.63537, 5e-6),
                (5.69091, 5e-6),
                (5.69091, 5e-6),
                (4.61476, 5e-6),
                (3.09979, 5e-6),
                (3.09979, 5e-6),
                (1.85903, 5e-6),
                (0.0, 1e-6),
                (0.0, 1e-6),
            ]
        )
    ),
)


def _gamma(run: Trajectory) -> float:
    """eta S_1."""
    eta = run.experiment.dynamics.eta
    assert eta is not None
    return eta * theory.single_path_sharpness(1.0, run.experiment.network.depths[0])


def _smallest_strength(run: Trajectory) -> float:
    """After any step, recorded or not."""
    return run.strengths_range[:, 0].min()


_RETURN = Expected(
    "γ(WCR) at L = 5",
    4.2245,
    5e-5,
    lambda run: theory.wcr_gamma(run.experiment.network.depths[0]),
    exact=True,
)

RETURN_BELOW = Preset(
    "return-below",
    "Depth 5 below the return threshold",
    f"{PAPER}, return threshold",
    two_pathways(Descent(step_size=0.820, steps=4000), depths=(5, 5)),
    (
        _RETURN,
        Expected(
            "γ(WCR) - ηS₁ at L = 5", 0.0, 0.0, lambda run: 4.2245 - _gamma(run), at_least=True
        ),
        Expected("smallest strength: none crosses 0", 0.0, 0.0, _smallest_strength, at_least=True),
    ),
)

RETURN_ABOVE = Preset(
    "return-above",
    "Depth 5 above the return threshold: trapped",
    f"{PAPER}, return threshold",
    two_pathways(Descent(step_size=0.870, steps=4000), depths=(5, 5)),
    (_RETURN, Expected("ηS₁: at least γ(WCR) at L = 5", 4.2245, 0.0, _gamma, at_least=True)),
)

# --- Random starts ---------------------------------------------------------------------------

SHI_GAIN = 0.01 * math.sqrt(1000)  # std * sqrt(width) of the published networks


def shi_tree(depth: int, step_size: float, steps: int, width: int = 64) -> Experiment:
    """Shi et al.'s tree network at a smaller width and the published layer gain std sqrt(width).

    Their lr 0.01 minimises ||.||^2 without the 1/2, so it is eta = 0.02 here.
    """
    return Experiment(
        task=Tree(levels=3),
        network=Network(depths=(depth, depth), width=width),
        start=Gaussian(std=SHI_GAIN / math.sqrt(width), seed=0),
        dynamics=Descent(step_size=step_size, steps=steps),
        record=Record(frames=300),
    )


def _tree_value(index: int) -> Callable[[Trajectory], float]:
    return lambda run: run.experiment.task.singular_values[index]


_TREE_VALUES = tuple(
    Expected(
        f"singular value {index + 1}", math.sqrt(square), 1e-12, _tree_value(index), exact=True
    )
    for index, square in enumerate((15, 7, 3, 3, 1, 1, 1, 1))
)

# An independent run split the top mode 3.20/0.67 at eta 0.02, and 2.01/1.87 and 1.90/1.88 past the
# edge, where nobody has published any; its digits depend on its seed, which is not ours.
_SEED = "an independent run with another seed; the tolerance leaves 0.05 in the share for it"
TREE = tuple(
    Preset(
        f"tree-{depth}",
        f"Semantic tree, two pathways of depth {depth}",
        SHI,
        shi_tree(depth, 0.02, steps),
        _TREE_VALUES
        + (
            (Expected("largest share of mode 1", 3.20 / 3.87, 0.05, largest_share(0), note=_SEED),)
            if depth == 7
            else ()
        ),
    )
    for depth, steps in ((2, 1500), (3, 2000), (4, 3000), (7, 12000))
) + tuple(
    Preset(
        f"tree-7-eta-{step_size}",
        f"Semantic tree, depth 7 past the edge (η = {step_size})",
        f"The network of {SHI}, at a larger step size than theirs",
        shi_tree(7, step_size, 12000),
        (Expected("largest share of mode 1", share, 0.05, largest_share(0), note=_SEED),),
    )
    for step_size, share in ((0.036, 2.01 / 3.88), (0.044, 1.90 / 3.78))
)

ALL: tuple[Preset, ...] = (
    MEDIUM,
    SMALL,
    LARGE,
    FLOW,
    UNEQUAL,
    RANK_ONE,
    SHALLOW,
    RETURN_BELOW,
    RETURN_ABOVE,
    *event_presets.ALL,
    *drive_presets.ALL,
    *central_presets.ALL,
    *neighbour_presets.ALL,
    SPECTRUM,
    *TREE,
    *nonlinear_presets.ALL,
)

RANDOM = (*TREE, *nonlinear_presets.ALL)  # all with full weights

BY_NAME: dict[str, Preset] = {preset.name: preset for preset in ALL}
