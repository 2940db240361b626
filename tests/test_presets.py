"""Every published number, through the same presets that the app offers."""

import pytest

from simcore import Experiment, Outcome, presets, simulate


@pytest.fixture(scope="module")
def runs():
    return {}


def _run(runs, preset):
    if preset.name not in runs:
        runs[preset.name] = simulate(preset.experiment)
    return runs[preset.name]


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        pytest.param(preset, expected, id=f"{preset.name}: {expected.label}")
        for preset in presets.ALL
        for expected in preset.expected
    ],
)
def test_published_number(runs, preset, expected):
    run = _run(runs, preset)
    assert expected.holds(run), f"{expected.measure(run)} instead of {expected.value}"


@pytest.mark.parametrize("preset", presets.ALL, ids=lambda preset: preset.name)
def test_every_preset_runs_to_its_end(runs, preset):
    assert _run(runs, preset).outcome is Outcome.FINISHED


def test_the_other_eigenvalues_of_the_spectrum_are_zero(runs):
    values = _run(runs, presets.SPECTRUM).eigenvalues[-1]
    assert (abs(values[9:]) < 1e-6).all()


def test_the_hosted_demo_can_offer_every_preset(monkeypatch):
    monkeypatch.setenv("SIMCORE_HOSTED", "1")
    for preset in presets.ALL:
        assert Experiment.from_dict(preset.experiment.to_dict()) == preset.experiment


def test_names_are_unique_and_sources_given():
    assert len(presets.BY_NAME) == len(presets.ALL)
    assert all(preset.source and preset.title for preset in presets.ALL)
