"""The paper's neighbours: their figures, run again in their own convention, and past the edge.

One entry of `ALL` is one figure of the page: what it shows, how the authors count, the runs with
the numbers they must reproduce, and which pictures to draw of each. A new figure is a new entry.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from simcore import central_presets, event_presets, nonlinear_presets, presets, theory
from simcore import neighbour_presets as runs
from simcore.preset import Expected, Preset, sharpness
from simcore.trajectory import Trajectory


@dataclass(frozen=True)
class Convention:
    """How authors count: their loss, how often their learning rate goes into eta, and what else
    there is to translate; without a loss, only that."""

    who: str
    loss: str
    factor: float = 1.0
    more: str = ""

    @property
    def sentence(self) -> str:
        """What a number of theirs is here."""
        if not self.loss:
            return self.more
        if self.factor == 1:
            said = f"{self.who} minimise {self.loss}: rates, sharpness and times are as here."
        else:
            times = "twice" if self.factor == 2 else f"{self.factor:g} times"
            said = (
                f"{self.who} minimise {self.loss}, without the ½: η here is {times} their learning "
                f"rate, t here is {times} their time, and their loss and sharpness are {times} "
                "those here."
            )
        return f"{said} {self.more}".strip()


@dataclass(frozen=True)
class Picture:
    """A panel of a run, of one mode and with these layers if it is a plane."""

    panel: str
    mode: int = 0
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A figure of a neighbour: its name in links, what is seen, how they count, and its runs.

    pictures: of each run, one column per run. together: a picture of all runs, by its name.
    past: what is not theirs, namely the runs that go past the edge.
    """

    name: str
    title: str
    seen: str
    convention: Convention
    runs: tuple[Preset, ...]
    pictures: tuple[Picture, ...] = ()
    together: str = ""
    past: str = ""


HALF = "½‖M − M*‖²"
SHI = Convention("Shi et al.", "‖M − M*‖²", 2.0)
GHOSH = Convention("Ghosh et al.", HALF)
KLEINMAN = Convention("Kleinman et al.", HALF)
KREISLER = Convention("Kreisler et al.", HALF)
COHEN = Convention("Cohen et al.", "any loss", more="The trace of their Σ is the variance here.")
CHEN = Convention(
    "Chen et al.",
    "",
    more="Chen et al. reduce quadratic regression to the map z → z³ + (a − 2)z² + (1 − 2a)z. A "
    "mode of depth 2 with the total σ is exactly that: a = ησ*, z = a(σ/σ* − 1).",
)


def _largest_rise(run: Trajectory) -> float:
    """Of the GFS sharpness from one record to the next."""
    depths, target = run.experiment.network.depths, run.experiment.task.singular_values[0]
    gfs = theory.gfs_sharpness(run.strengths[:, :, 0], depths, target)
    return float((gfs[1:] - gfs[:-1]).max())


def _gfs_at(record: int, label: str, value: float, tolerance: float) -> Expected:
    def measure(run: Trajectory) -> float:
        depths, target = run.experiment.network.depths, run.experiment.task.singular_values[0]
        return float(theory.gfs_sharpness(run.strengths[record, :, 0], depths, target))

    return Expected(label, value, tolerance, measure)


def _never_rises(preset: Preset, end: float) -> Preset:
    return replace(
        preset,
        source="Kreisler et al., ICML 2023, for a network of the paper",
        expected=(
            _gfs_at(0, "GFS sharpness at the start", 19.4338, 5e-5),
            _gfs_at(-1, "GFS sharpness at the end", end, 5e-3),
            Expected("largest rise of the GFS sharpness in a step", 0.0, 1e-6, _largest_rise),
            Expected("sharpness at the end", end, 5e-3, sharpness),
        ),
    )


def _with_maps(preset: Preset) -> Preset:
    """Recorded with the maps of its pathways, and without the sharpness, which takes longer."""
    record = replace(preset.experiment.record, maps=True, sharpness=False)
    return replace(preset, experiment=replace(preset.experiment, record=record))


FLOW_PLANE = Picture("plane", layers=("flow",))

ALL = (
    Figure(
        "shi-plane",
        "Shi: phase portrait",
        "Gradient flow of two pathways from p = (0.10, 0.05) to the target 10, on the lines of the "
        "flow: the deeper they are, the more of the signal the one ahead keeps. Deeper "
        "than 2, the dashed separatrix parts who wins.",
        Convention(
            "Shi et al.",
            "",
            more="Here p is the scale of one layer and √(1 + p²) that of all others, as gradient "
            "flow keeps it in their wide random networks; ṗ = (1 + p²)^((D − 1)/2) r counts time "
            "as here. Their picture steps it by Euler with dt = 0.001, which at D = 13 ends at "
            "8.5074 instead of 8.6171.",
        ),
        (*runs.RACES, runs.RACE_PAST),
        (FLOW_PLANE,),
        past="The last one is descent past the edge, where they stopped before it: it swings "
        "across the line of minima to where the signal is shared more evenly. Descent does not "
        "keep the layers apart, so that no lines of the flow stand behind it.",
    ),
    Figure(
        "shi-maps",
        "Shi: K over time",
        "Their network on the semantic tree: K_h = UᵀΩ_hV of each pathway at the end, in the "
        "singular bases of the target, and the strongest mode over time.",
        replace(
            SHI,
            more="Their learning rate 0.01 is η = 0.02 here. Width 64 instead of their 1000, at "
            "the same layer gain.",
        ),
        tuple(
            _with_maps(presets.BY_NAME[name]) for name in ("tree-4", "tree-7", "tree-7-eta-0.044")
        ),
        (Picture("maps"), Picture("strengths")),
        past="The last one is their network of depth 7 past the edge: the winner gives back.",
    ),
    Figure(
        "shi-tanh",
        "Shi: tanh",
        "Two pathways with tanh on the semantic tree, at our own start and width: below the edge, "
        "past it, and with tanh after the last layer too, as they have it.",
        SHI,
        (nonlinear_presets.SMALL, nonlinear_presets.EDGE, nonlinear_presets.TO_THE_LAST),
        (Picture("strengths"), Picture("sharpness")),
        past="Where the last layer stays linear the edge shares the strongest mode; with tanh "
        "after it too, the winner keeps it and saturates down to the edge instead.",
    ),
    Figure(
        "ghosh-gap",
        "Ghosh: balancing gap",
        "One pathway of two layers, target 5: the gap w₁² − w₂², which gradient flow keeps. "
        "Descent multiplies it by 1 − η²r² in every step, so it goes only as far as the edge "
        "makes the loss swing.",
        GHOSH,
        runs.GAPS,
        (Picture("sharpness"),),
        together="gap",
    ),
    Figure(
        "ghosh-modes",
        "Ghosh: 2-cycles per mode",
        "One pathway of depth 3, targets 1, 0.95 and 0.5: exactly the modes swing whose "
        "2/Sᵢ is below η, each in a 2-cycle of its own; the others rest at their target.",
        GHOSH,
        runs.CYCLES,
        (Picture("strengths", 0), Picture("strengths", 1), Picture("strengths", 2)),
    ),
    Figure(
        "kleinman",
        "Kleinman: deficits",
        "Pathway 2 sleeps for 150 updates at different times. What is learned meanwhile it "
        "misses for good; the plane is that of the mode learned last.",
        KLEINMAN,
        (runs.DEFICITS[0], event_presets.CRITICAL_PERIOD, runs.DEFICITS[1]),
        (Picture("plane", 3, ("flow",)), Picture("strengths", 3)),
    ),
    Figure(
        "kleinman-past",
        "Kleinman: past the edge",
        "A deficit in the network of the paper: the pathway ahead sleeps for the first 200 "
        "updates, and the other one wins.",
        KLEINMAN,
        (event_presets.FROZEN,),
        (FLOW_PLANE, Picture("strengths")),
        past="They stopped before the edge. Past it the deficit is not for good: the sleeper "
        "comes back to what the edge leaves the loser of the medium run.",
    ),
    Figure(
        "kreisler",
        "Kreisler: GFS sharpness",
        "The sharpness of the minimum that gradient flow would reach from here. The sharpness "
        "itself and the loss swing, this one only falls.",
        KREISLER,
        (_never_rises(presets.MEDIUM, 12.8326),),
        (Picture("gfs"), Picture("sharpness"), Picture("loss")),
    ),
    Figure(
        "chen",
        "Chen: cubic map",
        "The total of a mode of depth 2 is the cubic map: up to a = 2√2 − 2 = 0.8284 the loss "
        "never rises, up to 1 it may rise and still reaches zero (catapult), then it swings: a "
        "2-cycle up to √5 − 1 = 1.2361, doublings and chaos up to 2. Beyond 2 it diverges.",
        CHEN,
        (*runs.CUBIC, runs.DIVERGENT),
        (Picture("strengths"), Picture("loss")),
    ),
    Figure(
        "cohen",
        "Cohen: central flow",
        "Central flow of the medium run: it follows gradient flow up to the edge 2/η and then "
        "stays at it while the shares move. Past 2/λ(min) no minimum is flat enough: it stops "
        "short of the target.",
        COHEN,
        central_presets.ALL,
        (Picture("plane"), Picture("sharpness")),
    ),
)

BY_NAME = {figure.name: figure for figure in ALL}
