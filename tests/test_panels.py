"""Scenes hold the trajectory's own numbers, and fit every kind of run."""

from dataclasses import fields, replace

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from simcore import (
    Balanced,
    Dataset,
    Descent,
    Experiment,
    Flow,
    Freeze,
    Gaussian,
    LayerScales,
    Network,
    Record,
    Spectrum,
    Trajectory,
    presets,
    regimes,
    simulate,
    theory,
    variations,
)
from simcore.figures import full_weights, panels, player, style, tables
from simcore.figures.tables import blocks, top_pairs

MEDIUM = presets.MEDIUM.experiment


def named(experiment, name="GD"):
    run = simulate(experiment)
    return panels.Named(name, run, regimes.phases(run))


@pytest.fixture(scope="module")
def medium():
    return [named(MEDIUM), named(presets.matching_flow(MEDIUM), "GF")]


CASES = {
    "one pathway": replace(MEDIUM, network=Network(depths=(20,)), start=Balanced(scales=(0.002,))),
    "three pathways": replace(
        MEDIUM, network=Network(depths=(3, 4, 5)), start=Balanced(scales=(0.01, 0.02, 0.03))
    ),
    "three modes": presets.RANK_ONE.experiment,
    "zero target": replace(MEDIUM, task=Spectrum(singular_values=(0.0,))),
    "diverged": replace(MEDIUM, dynamics=Descent(step_size=5.0, steps=50)),
    "tall": replace(MEDIUM, dynamics=Descent(step_size=0.5, steps=2000)),
    "no sharpness": replace(MEDIUM, record=Record(sharpness=False)),
    "one record": replace(
        MEDIUM, dynamics=Descent(step_size=1e6, steps=1), start=Balanced(scales=(5.0, 5.0))
    ),
    "flow": replace(MEDIUM, dynamics=Flow(duration=5.0)),
    "layer scales": replace(
        MEDIUM,
        network=Network(depths=(2, 2)),
        start=LayerScales(scales=((0.0, 0.1), (0.2, 0.3))),
        dynamics=Descent(step_size=0.1, steps=100),
    ),
    "random": replace(
        MEDIUM,
        network=Network(depths=(3, 2), width=4),
        start=Gaussian(std=0.3),
        dynamics=Descent(step_size=0.1, steps=60),
        record=Record(eigenvalues=3),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_panel_fits_every_run(name):
    scene = panels.simulator([named(CASES[name])], list(panels.PANELS))
    packed = player.payload(scene)
    assert packed["scene"]["panels"]


def test_columns_are_the_trajectory(medium):
    scene = panels.simulator(medium, panels.FIRST_PANELS)
    for shown, source in zip(scene.runs, medium, strict=True):
        run = source.run
        assert np.array_equal(shown.columns["s1"], run.strengths[:, 1, 0])
        assert np.array_equal(shown.columns["s0_high"], run.strengths_range[:, 1, 0, 0])
        assert np.array_equal(shown.columns["lambda0"], run.sharpness)
        told = np.isfinite(shown.columns["loss"])
        assert np.array_equal(shown.columns["loss"][told], run.loss[told])
        assert told.all() == run.experiment.dynamics.iterated


def test_ghosts_are_the_theory(medium):
    ghosts = panels.ghosts(medium, panels.View())
    assert ghosts["flattest"] == pytest.approx([0.5, 0.5])
    assert ghosts["flow"] == pytest.approx(medium[1].run.strengths[-1, :, 0], abs=1e-5)
    edge = ghosts["edge"]
    assert theory.mode_sharpness(edge, (20, 20)) == pytest.approx(13.0)
    assert edge[0] > edge[1]  # on the winner's side


def test_no_edge_ghost_where_descent_follows_flow():
    assert "edge" not in panels.ghosts([named(presets.SMALL.experiment)], panels.View())


def test_random_starts_have_no_ghosts_of_flow():
    assert panels.ghosts([named(CASES["random"])], panels.View()).keys() == {"flattest"}


def test_the_plane_marks_the_predicted_ends(medium):
    plane = panels.simulator(medium, ["plane"]).panels[0]
    marks = {mark.label: mark for mark in plane.marks}
    assert marks.keys() == {"GF end", "flattest", "λ = 2/η"}
    assert [mark.label for mark in plane.marks if not mark.hollow] == ["flattest"]
    assert marks["GF end"].x == pytest.approx(0.984812, abs=1e-6)
    assert marks["λ = 2/η"].note == "λ = 13"


@pytest.mark.parametrize(
    ("dynamics", "freeze", "frozen"),
    [
        (MEDIUM.dynamics, Freeze(pathway=1, start=100, stop=200), (100, 200)),
        (Flow(duration=20.0), Freeze(pathway=1, start=15.0), (15.0, np.inf)),
    ],
)
def test_of_a_run_with_events_only_what_does_not_know_them_is_drawn_as_theory(
    dynamics, freeze, frozen
):
    run = named(replace(MEDIUM, dynamics=replace(dynamics, events=(freeze,))))
    scene = panels.simulator([run], ["plane", "strengths", "sharpness"])
    plane, strengths, sharpness = scene.panels
    assert {mark.label for mark in plane.marks} == {"plain GF end", "flattest"}
    assert not strengths.marks
    assert "moving weights" in [line.label for line in sharpness.lines]
    moving = scene.runs[0].columns["moving"]
    when = run.run.steps if dynamics.iterated else run.run.time
    asleep = (frozen[0] <= when) & (when < frozen[1])
    assert np.array_equal(np.isfinite(moving), asleep)
    assert (moving[asleep] <= run.run.sharpness[asleep] + 1e-12).all()
    assert scene.runs[0].changes[0].label == "pathway 2 frozen"


def edges(scene, key):
    panel = next(panel for panel in scene.panels if panel.key == key)
    return [line for line in panel.lines if line.colour == "edge"]


@pytest.mark.parametrize("key", ["sharpness", "gfs"])
def test_the_edge_is_a_theory_line_over_the_records(medium, key):
    scene = panels.simulator(medium, [key])
    (line,) = edges(scene, key)
    assert (line.run, line.label, line.theory) == ("GD", "2/η = 13", True)
    assert np.array_equal(scene.runs[0].columns["edge"], medium[0].run.edge)
    assert "edge" not in scene.runs[1].columns  # a flow has none


def test_equal_edges_are_written_once_over_the_longest_run(medium):
    shorter = named(replace(MEDIUM, dynamics=Descent(step_size=2 / 13, steps=60)), "short")
    other = named(replace(MEDIUM, dynamics=Descent(step_size=0.1, steps=60)), "other")
    scene = panels.simulator([shorter, medium[0], other], ["sharpness"])
    found = {line.label: line.run for line in edges(scene, "sharpness")}
    assert found == {"2/η = 13": "GD", "2/η = 20": "other"}


class Ramped(Trajectory):
    """As a run whose step size changes on the way."""

    @property
    def edge(self):
        return np.linspace(20.0, 13.0, len(self.steps))


def test_an_edge_that_changes_is_named_without_a_number(medium):
    run = medium[0].run
    ramped = Ramped(**{field.name: getattr(run, field.name) for field in fields(run)})
    both = [medium[0], panels.Named("ramp", ramped)]
    labels = [line.label for line in edges(panels.simulator(both, ["sharpness"]), "sharpness")]
    assert labels == ["2/η = 13", "2/η ramp"]


def test_panels_and_what_is_missing_are_keyed_by_their_names():
    one = named(CASES["one pathway"])
    scene = panels.simulator([one], list(panels.PANELS))
    assert {panel.key for panel in scene.panels} | set(scene.missing) == set(panels.PANELS)
    assert scene.missing["plane"] == "The plane needs two pathways; this network has one."
    assert panels.simulator([one], ["plane"]).panels[0].key == "strengths"


def test_the_view_travels_beside_the_picture_and_is_no_part_of_it(medium):
    scene = panels.simulator(medium, panels.FIRST_PANELS)
    plain = player.payload(scene)["scene"]
    moved = player.payload(replace(scene, view={"cursor": 3.5, "logs": {"loss": False}}))["scene"]
    assert [panel["key"] for panel in moved["panels"]] == list(panels.FIRST_PANELS)
    assert moved["view"] == {"cursor": 3.5, "logs": {"loss": False}}
    assert plain["view"] == {}
    assert moved["hash"] == plain["hash"]


def test_what_is_cut_says_so():
    scene = panels.simulator([named(CASES["tall"])], ["strengths", "sharpness", "plane"])
    strengths, sharpness, plane = scene.panels
    assert strengths.limits == (0.0, 3.0)
    assert strengths.label == "σ, cut at 3"
    assert sharpness.limits[1] == 16.0
    assert sharpness.label == "λ, cut at 16"
    assert plane.title.endswith("cut at 3")
    assert plane.limits[1] < 3.5


def test_the_loss_is_shown_down_to_the_first_runs_and_says_so(medium):
    both, alone = (panels.simulator(runs, ["loss"]).panels[0] for runs in (medium, medium[:1]))
    assert both.limits[0] == alone.limits[0] == pytest.approx(medium[0].run.loss.min() / 3)
    assert medium[1].run.loss.min() < both.limits[0]
    assert both.label == "½‖M − M*‖² (cut), flow above its own error"
    assert alone.label == "½‖M − M*‖²"


def test_the_loss_of_noisy_data_has_its_own_name():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(12, 3))
    data = Dataset(inputs=inputs, outputs=2 * inputs + 0.3 * rng.normal(size=(12, 3)))
    start = Gaussian(std=0.3)
    run = named(
        Experiment(
            task=data,
            network=Network(depths=(2, 2), width=3),
            start=start,
            dynamics=Descent(step_size=0.01, steps=20),
        )
    )
    assert panels.simulator([run], ["loss"]).panels[0].label == "(1/2N) Σ‖y − Mx‖²"


def test_gfs_sharpness_falls(medium):
    values = tables.gfs(medium[0].run)
    assert (np.diff(values) <= 1e-9).all()
    assert values[-1] < 13.0


def test_invariants_are_constant_under_flow(medium):
    exact = named(presets.FLOW.experiment, "GF")
    scene = panels.simulator([medium[0], exact], ["invariants"])
    descent, flow = (run.columns["invariant1"] for run in scene.runs)
    assert np.abs(flow).max() < 1e-6
    assert np.abs(descent).max() > 0.1


def test_where_pathways_would_be_equal_is_a_level(medium):
    (level,) = panels.simulator(medium, ["invariants"]).panels[0].levels
    phi = theory.flow_invariants((0.002, 0.0017), (20, 20))
    assert level.value == pytest.approx(phi[0] - phi[1])
    assert (level.label, level.role) == ("σ₂ = σ₁", 1)


def test_gfs_sharpness_goes_over_the_sharpness_of_descents(medium):
    scene = panels.sharpness_and_gfs(medium)
    lines = [line for line in scene.panels[0].lines if line.colour == "theory"]
    assert [(line.run, line.label, line.theory) for line in lines] == [
        ("GD", "GFS sharpness", True)
    ]
    alone = panels.sharpness_and_gfs(medium[1:]).panels[0].lines
    assert [line.run for line in alone if line.theory] == ["GF"]
    random = panels.sharpness_and_gfs([named(CASES["random"])])
    assert "gfs" in random.missing
    assert [panel.key for panel in random.panels] == ["sharpness"]


def test_at_rest_the_closed_forms_meet_the_eigenvalues():
    experiment = replace(
        MEDIUM,
        task=Spectrum(singular_values=(1.0, 0.7, 0.4)),
        dynamics=Descent(step_size=2 / 13, steps=900),
        record=Record(every=9, eigenvalues=5),
    )
    scene = panels.simulator([named(experiment)], ["eigenvalues"])
    columns = scene.runs[0].columns
    measured, closed = [], {}
    for line in scene.panels[0].lines:
        if line.colour in ("theory", "muted"):
            closed[line.label] = columns[line.column][-1]
        elif not line.theory:
            measured.append(columns[line.column][-1])
    assert closed.keys() == {"Λ₁₁", "Λ₁₂", "Λ₂₂", "Λ₁₃"}
    twice = [closed[name] for name in ("Λ₁₁", "Λ₁₂", "Λ₁₂", "Λ₂₂", "Λ₁₃")]
    np.testing.assert_allclose(sorted(measured), sorted(twice), rtol=2e-3)


def test_equal_singular_values_are_named_once():
    experiment = replace(
        MEDIUM, task=Spectrum(singular_values=(1.0, 0.7, 0.7)), record=Record(eigenvalues=6)
    )
    run = named(experiment).run
    firsts = {int(block[0]): len(block) for block in blocks(run)}
    assert firsts == {0: 1, 1: 2}
    ends = run.strengths[-1].T

    def value(i, j):
        return float(theory.pair_sharpness(ends[i], ends[j], (20, 20)))

    everyone = sorted((value(i, j) for i in range(3) for j in range(3)), reverse=True)
    held = [
        value(i, j)
        for i, j in top_pairs(run)
        for _ in range(firsts[i] * firsts[j] * (1 if i == j else 2))
    ]
    assert held[:6] == pytest.approx(everyone[:6])
    assert top_pairs(run) == [(0, 0), (0, 1), (1, 1)]


def test_maps_in_singular_bases():
    experiment = replace(
        presets.BY_NAME["tree-2"].experiment,
        dynamics=Descent(step_size=0.02, steps=50),
        record=Record(frames=10, maps=True, eigenvalues=2),
    )
    one = named(experiment)
    maps = full_weights.singular_maps(one.run)
    assert np.diagonal(maps, axis1=2, axis2=3) == pytest.approx(one.run.strengths, abs=1e-12)
    assert [len(block) for block in blocks(one.run)] == [1, 1, 2, 4]
    assert player.payload(full_weights.matrices(one))["run0.maps"].num_columns == 1


def test_flow_is_overlaid_on_every_curve_of_the_matrices():
    experiment = replace(
        presets.BY_NAME["tree-2"].experiment,
        dynamics=Descent(step_size=0.02, steps=50),
        record=Record(frames=10, maps=True, eigenvalues=2),
    )
    both = [named(experiment), named(presets.matching_flow(experiment), "GF")]
    scene = full_weights.matrices(both[0], both[1:])
    for panel in scene.panels[1:]:
        assert {line.run for line in panel.lines} == {"GD", "GF"}, panel.title
    maps = full_weights.singular_maps(both[1].run)
    assert scene.runs[1].columns["block1_0"] == pytest.approx(np.abs(maps[:, 1, 0, 0]))
    assert player.payload(scene)["scene"]["panels"]


def test_eigenvalues_are_asked_for_where_they_are_shown():
    asked = panels.with_eigenvalues(MEDIUM, ["eigenvalues"])
    assert asked.record == replace(MEDIUM.record, eigenvalues=2)
    assert panels.with_eigenvalues(MEDIUM, ["loss"]) == MEDIUM
    three = panels.with_eigenvalues(presets.RANK_ONE.experiment, ["eigenvalues"])
    assert three.record.eigenvalues == panels.MOST_EIGENVALUES
    blind = replace(MEDIUM, record=Record(sharpness=False))
    assert panels.with_eigenvalues(blind, ["eigenvalues"]) == blind
    short = replace(asked, dynamics=Descent(step_size=2 / 13, steps=20))
    assert not panels.simulator([named(short)], ["eigenvalues"]).missing


def distances(main, other):
    """Slowly: at each step of the other, the main run on its way from its last step to the next."""
    found = []
    for t, sigma in zip(other.time, other.strengths[:, :, 0], strict=True):
        until = [k for k, then in enumerate(main.time) if then <= t * (1 + 1e-12)][-1]
        there = main.strengths[until, :, 0]
        if until + 1 < len(main.time):
            part = max(0.0, t / main.time[1] - until)
            there = there + part * (main.strengths[until + 1, :, 0] - there)
        over = t > main.time[-1] * (1 + 1e-12)
        found.append(np.nan if over else np.abs(sigma - there).max())
    return np.array(found)


def test_the_difference_is_taken_at_the_same_time():
    runs = [
        named(replace(MEDIUM, dynamics=Descent(step_size=2 / 13, steps=200)), "GD"),
        named(replace(MEDIUM, dynamics=Descent(step_size=0.1, steps=400)), "A"),
        named(CASES["one pathway"], "B"),
    ]
    scene = panels.simulator(runs, ["distance"])
    assert [(line.run, line.pen) for line in scene.panels[0].lines] == [("A", "A")]
    column = scene.runs[1].columns["distance of A"]
    assert column == pytest.approx(distances(runs[0].run, runs[1].run), nan_ok=True, abs=1e-10)
    assert np.isnan(column[-1])
    assert panels.simulator(runs[:1], ["distance"]).missing["distance"].startswith("A difference")


def slow(rng):
    """A descent below its edge, beside which gradient flow goes: recorded every so many steps, or
    ever more sparsely."""
    depth = int(rng.integers(2, 5))
    return Experiment(
        task=Spectrum(singular_values=(1.0,)),
        network=Network(depths=(depth, depth)),
        start=Balanced(scales=tuple((10.0 ** rng.uniform(-2, -1, 2)).tolist())),
        dynamics=Descent(step_size=rng.uniform(0.02, 0.8) * 2 / depth, steps=1200),
        record=Record(every=int(rng.integers(2, 6)), sharpness=False)
        if rng.random() < 0.5
        else Record(frames=300, spacing="log", sharpness=False),
    )


@pytest.mark.parametrize("seed", range(12))
def test_the_difference_to_flow_is_that_at_the_steps_of_a_descent(seed):
    """Whatever is recorded of either; a run that nobody saw to part has no mark that it did."""
    experiment = slow(np.random.default_rng(seed))
    flow = variations.matching_flow(experiment)
    fine = simulate(replace(flow, record=replace(flow.record, frames=20_000)))
    runs = [named(experiment), named(flow, "GF")]
    scene = panels.simulator(runs, ["distance"])
    (panel,) = scene.panels
    (line,) = panel.lines
    assert (line.run, line.pen) == ("GD", "GF")
    there = CubicSpline(fine.time, fine.strengths[:, :, 0])(runs[0].run.time)
    apart = np.abs(runs[0].run.strengths[:, :, 0] - there).max(axis=1)
    shown = scene.runs[0].columns["distance of GF"]
    told = np.isfinite(shown)
    assert told[1 : np.argmax(apart) + 1].mean() > 0.9
    assert shown[told] == pytest.approx(apart[told], rel=0.3, abs=1e-6)
    assert len(panel.marks) == (apart.max() > 0.02)
    for mark in panel.marks:
        assert mark.x == runs[0].run.time[np.argmax(apart > 0.02)]


@pytest.mark.parametrize("every", [1, 7])
def test_descents_differ_where_both_are_recorded(every):
    """At steps that both have; of other step sizes, where no step is left out."""
    record = Record(every=every, sharpness=False)
    one = replace(MEDIUM, dynamics=Descent(step_size=0.1, steps=630), record=record)
    two = replace(one, record=Record(every=3 * every, sharpness=False))
    other = replace(two, dynamics=Descent(step_size=0.09, steps=700), record=record)
    runs = [named(one), named(two, "A"), named(other, "B")]
    scene = panels.simulator(runs, ["distance"])
    columns = [run.columns for run in scene.runs]
    same, apart = columns[1]["distance of A"], columns[2].get("distance of B")
    assert (same == 0).all()
    assert panels.simulator(runs[:2], ["distance"]).panels[0].marks == []
    step = 10 * np.arange(71)  # 9 of the one, or 10 of the other
    known = np.isin(columns[2]["step"], step) if every > 1 else np.full(len(apart), True)
    assert np.array_equal(np.isfinite(apart), known)
    meeting = {row: k for k, row in enumerate(columns[0]["step"])}
    for k, taken in enumerate(columns[2]["step"]):
        if taken % 10 == 0 and taken * 9 // 10 in meeting:
            there = runs[0].run.strengths[meeting[taken * 9 // 10], :, 0]
            assert apart[k] == np.abs(runs[2].run.strengths[k, :, 0] - there).max()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", ["one record", "diverged"])
@pytest.mark.parametrize("first", [True, False])
def test_a_run_that_soon_ended_is_compared_as_far_as_it_came(case, first):
    runs = [named(CASES[case], "A"), named(replace(MEDIUM, dynamics=Flow(duration=9.0)), "GF")]
    scene = panels.simulator(runs if first else runs[::-1], ["distance"])
    end = runs[0].run.time[-1]
    for run in scene.runs:
        for name, column in run.columns.items():
            if name.startswith("distance"):
                assert not np.isfinite(column[run.columns["t"] > end]).any()
    assert (len(runs[0].run.steps) == 1) == ("distance" in scene.missing)


def test_runs_that_are_known_at_no_same_time_have_no_difference():
    record = Record(every=7, sharpness=False)
    runs = [
        named(replace(MEDIUM, dynamics=Descent(step_size=eta, steps=70), record=record), name)
        for eta, name in ((0.1, "GD"), (np.pi / 30, "A"))
    ]
    scene = panels.simulator(runs, ["distance"])
    assert scene.missing["distance"].startswith("A difference needs runs that are known")


@pytest.mark.parametrize("start", [(0.1, 0.05), (5.0, 0.1), (-4.0, 2.0), (30.0, 20.0)])
def test_a_run_that_diverges_is_seen_where_it_starts(start):
    """However far that is from the target."""
    experiment = Experiment(
        task=Spectrum(singular_values=(1.0,)),
        network=Network(depths=(3, 3)),
        start=LayerScales(scales=tuple((value, 1.0, 1.0) for value in start)),
        dynamics=Descent(step_size=5.0, steps=50),
        record=Record(eigenvalues=2),
    )
    one = named(experiment)
    assert one.run.outcome.name == "DIVERGED"
    scene = panels.simulator([one], ("plane", "strengths", "sharpness", "eigenvalues"))
    beside = one.run.strengths[0].ravel(), one.run.strengths[0].ravel()
    for panel, first in zip(
        scene.panels, (*beside, one.run.sharpness[:1], one.run.eigenvalues[0]), strict=True
    ):
        cut = "cut at" in panel.title + getattr(panel, "label", "")
        low, high = panel.limits or (-np.inf, np.inf)
        assert low <= first.min(), panel.key
        assert first.max() <= high, panel.key
        assert cut == (panel.limits is not None), panel.key
    assert scene.panels[1].limits or len(one.run.steps) == 1


def test_what_an_integrator_leaves_is_not_drawn_as_structure(medium):
    flow = medium[1:]
    loss = panels.simulator(flow, ["loss"])
    drawn = loss.runs[0].columns["loss"]
    assert np.nanmin(drawn) >= tables.loss_noise(flow[0].run) > 0
    assert np.isnan(drawn[-1])
    for key, column in (("invariants", "invariant1"), ("gfs", "gfs")):
        scene = panels.simulator(flow, [key])
        noise = np.ptp(scene.runs[0].columns[column])
        assert 0 < 30 * noise < scene.panels[0].least, key
        moved = panels.simulator(medium, [key])
        assert np.ptp(moved.runs[0].columns[column]) > moved.panels[0].least, key


def test_a_run_without_the_mode_is_named_where_it_is_missing(medium):
    three = named(presets.RANK_ONE.experiment)
    pin = replace(medium[0], name="A: σ* = 1", sign="A")
    scene = panels.simulator([three, pin], ["loss"], panels.View(mode=1))
    assert [run.name for run in scene.runs] == ["GD"]
    assert scene.note == "Not drawn, as without mode 2: A: σ* = 1."


def test_what_is_settled_has_the_colour_of_its_end(medium):
    run = medium[0].run
    shown = panels.Named("GD", run, regimes.phases(run), end=regimes.classify(run).value, sign="A")
    packed = player.payload(panels.simulator([shown], ["loss"]))["scene"]["runs"][0]
    colours = {phase["name"]: phase.get("colour") for phase in packed["phases"]}
    assert colours.pop("settled") == [*style.ENDS["partly re-balanced"]]
    assert set(colours.values()) == {None}
    assert packed["sign"] == "A"


def test_why_a_panel_is_missing_is_said_by_the_player():
    scene = panels.simulator([named(CASES["one pathway"])], ["plane", "loss"])
    note = player.payload(scene)["scene"]["note"]
    assert note == "The plane needs two pathways; this network has one."


def test_every_phase_has_its_words():
    assert set(panels.PHASE_WORDS) == set(regimes.PHASES)


REFUSED = {
    "panels must be some of": lambda one: panels.simulator([one], ["speed"]),
    r"Record\(maps=True\)": lambda one: full_weights.singular_maps(one.run),
    "a picture needs at least one run": lambda one: panels.simulator([], ["loss"]),
    "different names": lambda one: panels.simulator([one, one], ["loss"]),
    "mode must be from 0 to 0": lambda one: panels.simulator([one], ["loss"], panels.View(mode=1)),
    "got -1": lambda one: panels.simulator([one], ["loss"], panels.View(mode=-1)),
    "pathways must be two different ones": lambda one: panels.simulator(
        [one], ["plane"], panels.View(pathways=(0, 2))
    ),
    r"got \(1, 1\)": lambda one: panels.simulator([one], ["plane"], panels.View(pathways=(1, 1))),
}


@pytest.mark.parametrize("words", REFUSED)
def test_bad_input_is_refused_in_a_sentence(medium, words):
    with pytest.raises(ValueError, match=words):
        REFUSED[words](medium[0])
