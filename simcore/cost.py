"""What a run costs before it is run: one estimate for batches, budgets and whoever must say it."""

from __future__ import annotations

from typing import NamedTuple

from simcore import limits, theory
from simcore.events import Ramp
from simcore.experiment import CentralFlow, Experiment

# Seconds of one core (x86 with AVX2, 2026), fitted to runs of many sizes; G groups of equal layers
# in H pathways, T layers, N weights.
MODE_STEP, MODE_UPDATE = 2e-8, 5e-9  # of a step; of it per group or pathway and four modes
# Of what more than the gradient moves: a step of modes is so much slower; a random number; a step
# whose size is not that of the one before, in Python.
DRIVEN, DRAW, STRETCH = 1.4, 1.7e-8, 3e-8
CELL_UPDATE, CELL = 3.5e-9, 1e-5  # in a batch: per group or pathway and mode; per run
GRADIENT, LAYER, WEIGHT, MULTIPLICATION = 2e-7, 8e-8, 8e-10, 1.3e-10  # of whole networks
BEND = 2e-9  # of tanh and its slope, per output and sample
RECORD, RECORD_CALL = 2e-6, 4e-5  # as one of many in a call; with calls of its own, in Python
MODES_SETUP, MATRICES_SETUP = 6e-4, 1.5e-3
EIGENVALUES = 5e-6  # of a small matrix; larger ones with the cube of their size
DIAGONAL, FULL = 3e-9, 5e-10  # per size^3, of a mode's groups with their filling; of a pair
PAIR, PAIR_ENTRY = 1e-6, 1e-9  # to fill the block of two modes
PAIRS_SOLVED = 1  # of those blocks; bounds rule out the others
FIRST, FURTHER = 16, 30  # products with the Hessian that the eigenvalues of a record cost, each
EIGENPAIR, EIGENPAIRS = 1e-5, 6e-5  # of a record, beside its products; where several are sought
PRODUCT, ORTHOGONAL = 4, 5e-10  # gradients that a product costs; per weight and earlier vector
KRYLOV = 20  # vectors that a product is made orthogonal to, on average
EDGE = 8e-5  # of a step along the edge, in Python
BLOCK, BLOCK_LAYER = 5e-6, 2e-7  # of it per block of modes; and for each of its layers
LEANINGS = 8  # products that differences of the Hessian cost
WIDE = 4  # times n_in: from there on a product and its vectors cost less than half;
FURTHER_OF_WIDE = 6  # products of each further eigenvalue there
EVALUATIONS = 10  # gradients that a step of the flow's integrator costs, its own work included
STEPS_PER_UNIT, FIRST_STEPS = 0.6, 60  # of the integrator: in a time 2/S_1; until it has grown


class Cost(NamedTuple):
    """Seconds of one core, and what they go to."""

    setup: float  # seconds
    steps: float  # how many: updates, or about how many the integrator will take
    step: float  # seconds each
    records: float  # how many
    record: float  # seconds each, its eigenvalues included

    @property
    def seconds(self) -> float:
        """Of the whole run."""
        return self.setup + self.steps * self.step + self.records * self.record


def cost(experiment: Experiment, *, together: bool = False) -> Cost:
    """What the run takes of one slow core that does nothing else, kernels compiled.

    `together`: as one of many descents that run side by side (`studies.batch`), where only the last
    record has a sharpness. On the safe side: a fast core took a half to a twelfth of it in
    `benchmarks/cost.py`, least where weights come to rest and records cost next to nothing, or
    cells of a map are stepped together. Of a flow only its integrator knows the steps; taken are
    those near a minimum, at the usual tolerance. A run that diverges is shorter.
    """
    steps, records = _counts(experiment)
    if experiment.dynamics.averages:
        return _of_average(experiment, records)
    if experiment.resolved_engine != "modes":
        return _of_matrices(experiment, steps, records)
    return _of_cell(experiment, steps) if together else _of_modes(experiment, steps, records)


def check(experiment: Experiment, *, together: bool = False) -> None:
    """ValueError if the run takes more core seconds than it may here; says what to lower."""
    most, expected = limits.current().seconds, cost(experiment, together=together)
    if expected.seconds <= most:
        return
    size = "pathways, layers or modes"
    steps = f"its steps; take fewer, or fewer {size}"
    if experiment.dynamics.averages:
        steps = f"its steps along the edge; take a shorter duration, or fewer {size}"
    elif not experiment.dynamics.iterated:
        steps = f"the steps of its integrator; take a shorter duration, or fewer {size}"
    records = f"the Hessian at its records; record less often, or take fewer {size}"
    mostly = records if expected.records * expected.record > expected.seconds / 2 else steps
    about = float(f"{expected.seconds:.2g}")
    raise ValueError(
        f"the run would take about {about:,g} seconds of a core, and may take {most:g} here, most "
        f"of them for {mostly}"
    )


def product_seconds(experiment: Experiment, vectors: int) -> float:
    """Of one product with the Hessian of full weights, made orthogonal to so many vectors."""
    weights = experiment.network.weights(experiment.task)
    return PRODUCT * _gradient(experiment) + vectors * weights * ORTHOGONAL


def _counts(experiment: Experiment) -> tuple[float, float]:
    """Steps and records."""
    dynamics, record = experiment.dynamics, experiment.record
    if dynamics.iterated:
        return dynamics.steps, dynamics.records(record)
    units = dynamics.duration / theory.unit_step_size(experiment)
    steps = FIRST_STEPS + STEPS_PER_UNIT * units
    return steps, dynamics.records(record) if record.every is None else 2 + steps / record.every


def _of_modes(experiment: Experiment, steps: float, records: float) -> Cost:
    columns = -(-len(experiment.task.singular_values) // 4)
    step = MODE_STEP + MODE_UPDATE * columns * _strands(experiment)
    if experiment.dynamics.iterated and not experiment.dynamics.plain:
        step = DRIVEN * step + _driving(experiment)
    blocks = _blocks(experiment) * _looks(experiment)
    record = blocks + _record(experiment)
    return Cost(MODES_SETUP, steps, step * _evaluations(experiment), records, record)


def _record(experiment: Experiment) -> float:
    """Seconds of a record without its eigenvalues: one call comes through many where nothing else
    happens on the way; see `simulate`."""
    dynamics, record = experiment.dynamics, experiment.record
    steady = dynamics.plain if dynamics.iterated else not dynamics.events and record.every is None
    return RECORD if steady and not (record.maps or dynamics.averages) else RECORD_CALL


def _of_cell(experiment: Experiment, steps: float) -> Cost:
    step = CELL_UPDATE * len(experiment.task.singular_values) * _strands(experiment)
    return Cost(CELL, steps, step, 1, _blocks(experiment))


def _of_matrices(experiment: Experiment, steps: float, records: float) -> Cost:
    gradient = _gradient(experiment)
    record = _record(experiment) + gradient
    if experiment.record.sharpness:
        wide = experiment.network.hidden_width(experiment.task) >= WIDE * experiment.task.n_in
        further = FURTHER_OF_WIDE if wide else FURTHER
        products = FIRST * _looks(experiment) + further * (experiment.record.eigenvalues - 1)
        each = product_seconds(experiment, KRYLOV) * (0.4 if wide else 1.0)
        own = EIGENPAIRS if experiment.record.eigenvalues > 1 else EIGENPAIR
        record += own + products * each
    step = gradient * _evaluations(experiment) + _driving(experiment)
    return Cost(MATRICES_SETUP, steps, step, records, record)


def _driving(experiment: Experiment) -> float:
    """Seconds of a step for its random numbers and for a step size of its own."""
    dynamics, modes = experiment.dynamics, len(experiment.task.singular_values)
    ramps = sum(e.stop - e.start for e in dynamics.events if isinstance(e, Ramp))
    drawn = DRAW * modes if dynamics.label_noise else 0.0
    return drawn + STRETCH * min(1.0, ramps / dynamics.steps if ramps else 0.0)


def _looks(experiment: Experiment) -> int:
    """How many Hessians a record looks at: that of the weights that move, too, if any sleep."""
    return 2 if experiment.dynamics.freezes else 1


def _of_average(experiment: Experiment, records: float) -> Cost:
    """Of a central flow, as if it met its edge at once; steps that rest cost nothing."""
    dynamics, depths = experiment.dynamics, experiment.network.depths
    assert isinstance(dynamics, CentralFlow)
    steps = dynamics.duration / dynamics.step_size * dynamics.substeps
    if experiment.resolved_engine != "modes":
        alike = _of_matrices(experiment, steps, records)
        products = FIRST + FURTHER + LEANINGS
        return alike._replace(step=EDGE + products * product_seconds(experiment, KRYLOV))
    modes = len(experiment.task.singular_values)
    blocks = modes * (modes + 1) / 2
    alike = _of_modes(experiment, steps, records)
    return alike._replace(step=EDGE + blocks * (BLOCK + BLOCK_LAYER * sum(depths)))


def _gradient(experiment: Experiment) -> float:
    """Seconds of one gradient of full weights."""
    task, network = experiment.task, experiment.network
    columns = task.sample_count if experiment.sees_samples else task.n_in
    each = WEIGHT + MULTIPLICATION * columns
    bent = 0 if network.linear else network.outputs(task) * columns
    return GRADIENT + LAYER * sum(network.depths) + each * network.weights(task) + BEND * bent


def _evaluations(experiment: Experiment) -> int:
    """How many gradients a step costs."""
    return 1 if experiment.dynamics.iterated else EVALUATIONS


def _strands(experiment: Experiment) -> int:
    """G + H: what is updated in a step of one mode."""
    return _groups(experiment) + experiment.network.pathways


def _groups(experiment: Experiment) -> int:
    if experiment.dynamics.jitters:  # which tells all layers apart
        return sum(experiment.network.depths)
    scales = experiment.start.layer_scales(experiment.network.depths)
    return sum(len(set(row)) for row in scales)


def _blocks(experiment: Experiment) -> float:
    """Seconds for the Hessian's blocks at one record; see `mode_curvature`."""
    task, network = experiment.task, experiment.network
    if not experiment.record.sharpness:
        return 0.0
    modes, size = len(task.singular_values), 2 * sum(network.depths)
    beyond = max(task.n_in, task.n_out, network.hidden_width(task)) > modes
    pairs = modes * (modes - 1) // 2 + modes * beyond
    singles = modes * (EIGENVALUES + DIAGONAL * _groups(experiment) ** 3)
    solved = min(pairs, PAIRS_SOLVED) * (EIGENVALUES + FULL * size**3)
    return singles + pairs * (PAIR + PAIR_ENTRY * size**2) + solved
