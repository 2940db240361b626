"""Claims on random networks: the paper's hold, and one that is false is found out."""

from dataclasses import replace
from urllib.parse import parse_qsl

import numpy as np
import pytest

from simcore import Descent, links, presets, theory
from simcore.__main__ import main
from simcore.studies import claims


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: claim.name)
def test_a_claim_holds_on_random_networks(claim):
    found = list(claim.findings(0, 4))
    assert [each.number for each in found] == [0, 1, 2, 3]
    assert all(each.holds for each in found), [each.deviation for each in found]


def test_the_next_networks_go_on_where_the_last_ended():
    claim = claims.BY_NAME["depth-two"]
    whole = [each.experiment for each in claim.findings(0, 4)]
    assert whole == [each.experiment for n in (0, 2) for each in claim.findings(n, 2)]
    assert len(set(whole)) == 4


FALSE = {  # the sentence turned round, or tried where it does not hold
    "depth 3 keeps its ratios": ("depth-two", {"draw": claims._past_the_edge}),
    "shares fall below the edge too": (
        "late",
        {"check": lambda e: -claims.share_gained(e), "tolerance": 0.0},
    ),
    "sharing gains at depth 2": ("sharing", {"draw": lambda rng: shallow(claims._minimum(rng))}),
    "a single pathway is no sharper": (
        "single",
        {"check": lambda e: theory.single_path_sharpness(e.task.singular_values[0], 2) - 0.1},
    ),
    "gradient flow is followed past the edge": ("small", {"draw": claims._past_the_edge}),
    "nothing drifts before the edge": ("early", {"tolerance": 0.0}),
}


def shallow(experiment):
    depths = (2,) * experiment.network.pathways
    return replace(experiment, network=replace(experiment.network, depths=depths))


@pytest.mark.parametrize("sentence", FALSE)
def test_a_false_claim_fails(sentence):
    name, changed = FALSE[sentence]
    false = replace(claims.BY_NAME[name], **changed)
    assert not all(each.holds for each in false.findings(0, 3))


def test_a_deviation_that_is_not_finite_is_a_failure():
    broken = replace(claims.BY_NAME["small"], check=lambda experiment: np.nan)
    assert [each.holds for each in broken.findings(0, 1)] == [False]


def test_what_is_drawn_is_what_the_words_say():
    for number in range(8):
        rng = np.random.default_rng([claims.SEED, number])
        past, below = claims._past_the_edge(rng), claims._below_the_edge(rng)
        for experiment, low, high in ((past, 1.1, np.inf), (below, 0.4, 0.97)):
            edge = theory.step_size_marks(experiment).flow_edge
            assert isinstance(experiment.dynamics, Descent)
            assert low - 1e-9 <= experiment.dynamics.step_size / edge <= high + 1e-9
            assert 3 <= experiment.network.depths[0] <= 12


def test_the_command_says_what_holds_and_ends_with_1_where_something_does_not(capsys, monkeypatch):
    shallow = claims.BY_NAME["depth-two"]
    monkeypatch.setattr(claims, "CLAIMS", (shallow, replace(shallow, tolerance=-1.0)))
    assert main(["claims", "--networks", "2"]) == 1
    said = capsys.readouterr().out
    assert "2 networks tried, 0 not so" in said
    assert "2 networks tried, 2 not so" in said
    (link,) = (line.split("?")[1] for line in said.splitlines() if "network 0:" in line)
    (first,) = shallow.findings(0, 1)
    assert links.from_query(dict(parse_qsl(link)), presets.MEDIUM.experiment)[0] == first.experiment
    monkeypatch.setattr(claims, "CLAIMS", (shallow,))
    assert main(["claims", "--networks", "1"]) == 0
    assert main(["claims", "--networks", "none"]) == 2
