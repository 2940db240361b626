"""Pathways that are not linear: their kernels against naive twins, and runs of known outcome."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import naive
import naive_samples as twin
import numpy as np
import pytest
from cases import SAMPLED, random_weights
from numba import njit

from simcore import (
    Balanced,
    CentralFlow,
    Dataset,
    Descent,
    Experiment,
    Flow,
    Freeze,
    Gaussian,
    Jitter,
    Kick,
    Network,
    Record,
    Spectrum,
    Tree,
    curvature,
    live,
    nonlinear_presets,
    prospects,
    regimes,
    scenes,
    simulate,
    theory,
)
from simcore.figures import panels, ruler
from simcore.kernels.activations import TANH, activate
from simcore.kernels.simd import at
from simcore.kernels.stamp import BARE
from simcore.regimes import Regime
from simcore.view import View

every_case = pytest.mark.parametrize("experiment", SAMPLED.values(), ids=SAMPLED)
STRAIGHT = {"activation": "linear", "activate_last": False}
LINEAR = {name: case for name, case in SAMPLED.items() if case.network.linear}


def close(actual, expected, tolerance):
    return np.abs(actual - expected).max() <= tolerance * np.abs(expected).max()


# --- The chain of trust ----------------------------------------------------------------------


@njit(**BARE)
def compiled_tanh(x):
    activate(TANH, at(x, 0), x.size)


def test_tanh_is_right_to_its_last_bits():
    """Against NumPy's in extended precision, where the machine has it."""
    size = np.concatenate([np.logspace(-300, 2.5, 20_000), np.linspace(0, 21, 20_000)])
    value, other = size.copy(), -size
    compiled_tanh(value)
    compiled_tanh(other)
    exact = np.tanh(size.astype(np.longdouble))
    assert (np.abs(value - exact) <= 4e-16 * exact).all()
    assert (other == -value).all()
    odd = np.array([np.inf, -np.inf, np.nan, 0.0])
    compiled_tanh(odd)
    assert odd.tolist()[:2] == [1.0, -1.0]
    assert np.isnan(odd[2])
    assert odd[3] == 0.0


@every_case
def test_the_loss_of_linear_pathways_is_that_of_their_map(experiment):
    linear = replace(experiment, network=replace(experiment.network, **STRAIGHT))
    theta = random_weights(experiment)
    expected = naive.loss(linear, theta)
    assert twin.loss(linear, theta) == pytest.approx(expected, rel=1e-12)


@every_case
def test_naive_gradient_is_the_complex_step_of_the_loss(experiment):
    theta = random_weights(experiment)
    slopes = [naive.along(twin.loss, experiment, theta, unit) for unit in np.eye(len(theta))]
    assert close(twin.gradient(experiment, theta), np.array(slopes), 1e-13)


@every_case
def test_loss_gradient_and_hessian_equal_their_naive_twins(experiment):
    theta, v = random_weights(experiment), random_weights(experiment, 1)
    assert curvature.loss(experiment, theta) == pytest.approx(
        twin.loss(experiment, theta), rel=1e-12
    )
    expected = twin.gradient(experiment, theta)
    assert close(curvature.gradient(experiment, theta), expected, 1e-10)
    expected = twin.hessian_vector(experiment, theta, v)
    assert close(curvature.hessian_vector(experiment, theta, v), expected, 1e-10)


@every_case
def test_sharpness_is_that_of_the_dense_hessian(experiment):
    theta = random_weights(experiment)
    dense = twin.hessian(experiment, theta)
    assert close(dense, dense.T, 1e-12)
    values, _ = curvature.sharpness(experiment, theta, k=3, tol=1e-10)
    assert close(values, np.linalg.eigvalsh(dense)[::-1][:3], 1e-8)


# --- Runs ------------------------------------------------------------------------------------


@every_case
def test_descent_equals_naive_descent(experiment):
    for dynamics in (
        Descent(step_size=0.05, steps=12),
        Descent(step_size=0.05, steps=12, momentum=0.5, weight_decay=0.01),
    ):
        moved = replace(experiment, dynamics=dynamics, record=Record(every=1, maps=True))
        run, walk = simulate(moved), list(twin.descent(moved, curvature.initial(moved)))
        assert close(run.loss, np.array([twin.loss(moved, w) for w in walk]), 1e-12)
        assert close(run.strengths, np.array([twin.strengths(moved, w) for w in walk]), 1e-11)
        assert close(run.maps, np.array([twin.maps(moved, w) for w in walk]), 1e-11)
        assert close(run.theta, walk[-1], 1e-12)


@pytest.mark.parametrize(
    "dynamics", [Descent(step_size=0.1, steps=40), Flow(duration=4.0, rtol=1e-12)]
)
@pytest.mark.parametrize("experiment", LINEAR.values(), ids=LINEAR)
def test_linear_pathways_run_as_in_the_engine_of_matrices(experiment, dynamics):
    """Whether a sample is sent through the layers or the layers are multiplied first."""
    sampled = replace(experiment, dynamics=dynamics, record=Record(frames=5, eigenvalues=2))
    run, other = (simulate(replace(sampled, engine=engine)) for engine in ("samples", "matrices"))
    for quantity in ("loss", "strengths", "eigenvalues", "theta"):
        assert close(getattr(run, quantity), getattr(other, quantity), 1e-10), quantity


@pytest.mark.parametrize("name", ["tanh", "tanh of data"])
def test_descent_approaches_flow_at_first_order(name):
    """With half the step size it is half as far away."""
    flow = simulate(replace(SAMPLED[name], dynamics=Flow(duration=2.0, rtol=1e-11)))
    assert (np.diff(flow.loss) <= 0).all()
    away = [
        np.linalg.norm(
            simulate(replace(SAMPLED[name], dynamics=Descent(step_size=eta, steps=steps))).theta
            - flow.theta
        )
        for eta, steps in ((2e-3, 1000), (1e-3, 2000))
    ]
    assert away[0] / away[1] == pytest.approx(2, rel=0.02)


def test_a_pathway_on_hold_keeps_its_weights_and_a_jitter_moves_every_one():
    experiment = SAMPLED["tanh"]
    of_first = experiment.network.shapes(experiment.task)[:2]
    count = sum(rows * cols for rows, cols in of_first)
    start = curvature.initial(experiment)
    held = Descent(step_size=0.1, steps=5, events=(Freeze(pathway=0, start=0, stop=5),))
    run = simulate(replace(experiment, dynamics=held))
    assert (run.theta[:count] == start[:count]).all()
    assert (run.theta[count:] != start[count:]).all()
    shaken = Descent(step_size=1e-12, steps=5, events=(Jitter(at=2, std=1.0, seed=1),))
    run = simulate(replace(experiment, dynamics=shaken))
    noise = np.random.default_rng(1).standard_normal(len(start))
    assert np.allclose(run.theta, start + noise, rtol=0, atol=1e-9)


def test_a_kick_multiplies_what_a_pathway_with_relu_gives():
    relu = SAMPLED["relu"]
    kicked = Descent(step_size=1e-12, steps=2, events=(Kick(at=1, pathway=1, factor=3.0),))
    run = simulate(replace(relu, dynamics=kicked))
    assert run.strengths[-1] == pytest.approx(
        run.strengths[0] * np.array([[1.0], [3.0], [1.0]]), abs=1e-8
    )


# --- Known outcomes: SCIENCE-2, section 4 ----------------------------------------------------

KNOWN = [  # activation, gain, seed, depth; eta, steps; strengths of mode 1; sharpness, None: any
    ("linear", 0.45, 0, 4, 0.02, 7500, (3.3598, 0.5132), 27.56),
    ("linear", 0.45, 0, 4, 0.08, 1875, (2.9353, 0.9377), 24.84),
    ("tanh", 0.45, 0, 4, 0.02, 7500, (3.373, 0.500), 24.742),
    ("tanh", 0.45, 0, 4, 0.06, 2500, (3.3025, 0.5705), 24.356),
    ("tanh", 0.45, 0, 4, 0.08, 1875, (3.269, 0.604), 24.178),
    ("tanh", 0.45, 0, 4, 0.09, 1666, (2.916, 0.957), 22.08),
    ("tanh", 0.45, 0, 4, 0.1, 1500, (2.3197, 1.5525), 19.95),
    ("tanh", 0.45, 0, 4, 0.11, 1363, (2.4431, 1.4299), 18.09),
    ("tanh", 0.45, 1, 4, 0.02, 7500, (3.222, 0.651), None),
    ("tanh", 0.3, 0, 4, 0.02, 5000, (3.600, 0.273), None),
    ("tanh", 0.3, 0, 4, 0.08, 1250, (3.459, 0.414), None),
    ("tanh", 0.3, 0, 4, 0.1, 1000, (2.838, 1.035), None),
    ("tanh", 0.3, 0, 4, 0.105, 952, (2.752, 1.121), None),
    ("tanh", 0.2, 0, 3, 0.03, 3333, (2.823, 1.050), None),
    ("tanh", 0.2, 0, 3, 0.13, 769, (2.689, 1.184), None),
]


def of_tree(activation, gain, seed, depth, eta, steps, **options):
    return Experiment(
        task=Tree(),
        network=Network(depths=(depth, depth), width=48, activation=activation, **options),
        start=Gaussian(std=gain / np.sqrt(48), seed=seed),
        dynamics=Descent(step_size=eta, steps=steps),
        record=Record(frames=301, sharpness=False),
        engine="samples",
    )


@pytest.mark.parametrize("known", KNOWN)
def test_how_the_tree_is_shared(known):
    *of_run, eta, steps, strengths, sharpness = known
    experiment = of_tree(*of_run, eta, steps)
    run = simulate(experiment)
    tolerance = 0.002 if eta < 0.05 else 0.02
    assert run.strengths[-1, :, 0] == pytest.approx(strengths, abs=tolerance)
    if sharpness is not None:
        found, _ = curvature.sharpness(experiment, run.theta)
        assert found[0] == pytest.approx(sharpness, abs=0.02 if eta >= 0.05 else 0.005)


def test_how_the_tree_is_shared_where_it_keeps_jumping():
    equal = simulate(of_tree("linear", 0.45, 0, 4, 0.1, 1500))
    assert np.ptp(equal.strengths[-1, :, 0]) < 4e-4
    seed = simulate(of_tree("tanh", 0.45, 1, 4, 0.1, 1500)).strengths[-20:, :, 0].mean(axis=0)
    assert seed == pytest.approx((1.892, 1.980), abs=0.02)
    # at every second update, the upper side of a swing of period 2
    shallow = replace(
        of_tree("tanh", 0.2, 0, 3, 0.15, 666), record=Record(every=2, sharpness=False)
    )
    upper = simulate(shallow).strengths[-20:, :, 0].mean(axis=0)
    assert upper == pytest.approx((2.106, 2.122), abs=0.002)


def test_with_the_activation_after_the_last_layer_the_winner_keeps_it():
    for eta, strengths in ((0.02, (3.336, 0.537)), (0.15, (3.431, 0.442)), (0.2, (3.64, 0.23))):
        run = simulate(of_tree("tanh", 0.45, 0, 4, eta, round(150 / eta), activate_last=True))
        assert run.strengths[-1, :, 0] == pytest.approx(strengths, abs=0.02)


# --- What is said ----------------------------------------------------------------------------


def said_of(preset):
    run = simulate(preset.experiment)
    assert all(expected.holds(run) for expected in preset.expected), preset.name
    return regimes.headline(run), regimes.describe(run)


@pytest.mark.parametrize(
    ("preset", "headline", "words"),
    [
        (nonlinear_presets.SMALL, "no pathway takes all", "none took it all"),
        (nonlinear_presets.EDGE, "partly re-balanced", "need not share more"),
        (nonlinear_presets.TO_THE_LAST, "no pathway takes all", "flatter without sharing"),
        (nonlinear_presets.DEAD, "outputs died", "3 of 15 outputs have died"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_verdicts_say_what_holds(preset, headline, words):
    found = said_of(preset)
    assert found[0] == headline
    assert words in found[1]


def near_its_edge(seed, steps):
    """A bent network at a step size about that of one pathway's edge; weight decay balances its
    layers, which makes it sharper."""
    rng = np.random.default_rng(seed)
    depth, width = int(rng.integers(3, 6)), int(rng.integers(4, 9))
    return Experiment(
        task=Spectrum(singular_values=(1.0, 0.4)),
        network=Network(
            depths=(depth,) * (1 + seed % 2),
            width=width,
            activation=["tanh", "relu"][seed % 5 // 4],
        ),
        start=Gaussian(std=float(rng.uniform(0.6, 0.9) / np.sqrt(width)), seed=seed),
        dynamics=Descent(
            step_size=float(2 / depth * rng.uniform(0.8, 1.5)),
            steps=steps,
            weight_decay=float(rng.choice([0, 0.002, 0.01])),
            momentum=float(rng.choice([0, 0, 0.5])),
        ),
    )


def test_what_ends_sharper_than_its_edge_has_not_settled():
    for seed in range(150):
        run = simulate(near_its_edge(seed, 400))
        above = run.sharpness[-100:].min() > 1.001 * run.edge[-1]
        moves = np.ptp(run.strengths[-5:].sum(axis=1)[:, 0]) > 0
        if regimes.classify(run) in (Regime.WINNER_TAKES_ALL, Regime.PARTLY_REBALANCED):
            assert not (above and moves), run.experiment
        assert ("sharper than its edge" in regimes.said(run)) <= (run.sharpness[-1] > run.edge[-1])
    assert "sharper than its edge" in regimes.said(simulate(near_its_edge(190, 400)))
    assert regimes.classify(simulate(near_its_edge(190, 4000))) is Regime.CYCLE


def test_a_network_without_any_gradient_is_called_dead():
    """Every weight of the first layer below zero: ReLU passes nothing on."""
    relu = Experiment(
        task=Spectrum(singular_values=(1.0,)),
        network=Network(depths=(2, 2), activation="relu"),
        start=Gaussian(std=0.5, seed=FIRST_LAYERS_BELOW_ZERO),
        dynamics=Descent(step_size=0.1, steps=30),
    )
    run = simulate(relu)
    theta = curvature.initial(relu)
    assert (theta[[0, 2]] < 0).all()
    assert (run.theta == theta).all()
    assert regimes.headline(run) == "dead network"
    assert "no weight moves" in regimes.describe(run)


FIRST_LAYERS_BELOW_ZERO = next(
    seed for seed in range(99) if (Gaussian(std=1.0, seed=seed).weights(4)[[0, 2]] < 0).all()
)


@pytest.mark.parametrize("name", sorted(SAMPLED.keys() - LINEAR.keys()))
def test_no_theory_of_linear_pathways_is_told_of_others(name):
    experiment = SAMPLED[name]
    assert np.isnan(theory.step_size_marks(experiment)).all()
    assert prospects.zones(experiment) == ()
    bar = ruler.data(experiment)
    assert not bar["sharpness"]  # so that no gamma = eta S_1 is read out
    assert bar["zones"] == []
    assert "no closed form" in prospects.place(experiment)
    assert not prospects.follows_closed_forms(experiment)
    assert panels.ghosts([scenes.named(simulate(experiment))], View()) == {}
    assert live.system(experiment, 0) is None


# --- What is refused -------------------------------------------------------------------------

TANH_NETWORK = Network(depths=(2, 2), activation="tanh")
REFUSED = [
    ({"start": Balanced(scales=(0.1, 0.2))}, "drawn at random"),
    ({"engine": "matrices"}, "whose layers it multiplies"),
    ({"engine": "modes"}, "linear pathways"),
    ({"dynamics": CentralFlow(step_size=0.1, duration=1.0)}, "central flow needs"),
    (
        {"dynamics": Descent(step_size=0.1, steps=3, events=(Kick(at=1, pathway=0, factor=2.0),))},
        "use a jitter",
    ),
    ({"dynamics": Descent(step_size=0.1, steps=3, label_noise=0.1)}, "label noise"),
    ({"task": Dataset(inputs=[[1.0], [2.0]], outputs=[[1.0], [0.0]])}, "keep=True"),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED)
def test_what_makes_no_sense_is_refused_in_a_sentence(changes, said):
    whole = {
        "task": Spectrum(singular_values=(1.0, 0.5)),
        "network": TANH_NETWORK,
        "start": Gaussian(std=0.1),
        "dynamics": Descent(step_size=0.1, steps=3),
    }
    Experiment(**whole)
    with pytest.raises(ValueError, match=said):
        Experiment(**whole | changes)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"activation": "sigmoid"}, "one of linear, tanh, relu"),
        ({"activation": None}, "one of linear, tanh, relu"),
        ({"activate_last": True}, "choose tanh or relu"),
        ({"activation": "tanh", "activate_last": 1}, "True or False"),
    ],
)
def test_wrong_activations_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        Network(depths=(2, 2), **wrong)


def test_samples_that_are_kept_come_back_with_their_data_set():
    kept = SAMPLED["tanh of data"].task
    assert Dataset.from_dict(kept.to_dict()) == kept
    data = kept.to_dict()
    data["kept"][0][0][0] += 1.0
    with pytest.raises(ValueError, match="those of its samples"):
        Dataset.from_dict(data)


# --- Flows of few records ---------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["linear", "tanh"])
def test_a_flow_of_few_records_does_not_jump(activation):
    told: Counter[Regime] = Counter()
    for seed in range(12):
        experiment = Experiment(
            task=Spectrum(singular_values=(0.41,)),
            network=Network(depths=(3, 5), width=4, activation=activation),
            start=Gaussian(std=0.6, seed=seed),
            dynamics=Flow(duration=(0.2, 2.0, 80.0)[seed % 3]),
        )
        often = regimes.classify(simulate(replace(experiment, record=Record(frames=300))))
        for frames in (2, 3, 6):
            run = simulate(replace(experiment, record=Record(frames=frames)))
            found = regimes.classify(run)
            told[found] += 1
            assert found not in (Regime.CYCLE, Regime.CHAOS), (experiment, frames)
            assert "jump" not in regimes.said(run)
            if experiment.dynamics.duration > 50:
                assert found is often, (experiment, frames)
    assert told[Regime.WINNER_TAKES_ALL] + told[Regime.BALANCED] > 5, told
    assert told[Regime.UNFINISHED] > 2, told
