"""What a picture says of itself."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from simcore import Descent, captions, links, presets, regimes, simulate

MEDIUM = presets.MEDIUM.experiment


def test_a_caption_leads_back_to_its_run():
    run = simulate(MEDIUM)
    caption = captions.of_run(run)
    assert caption.title == presets.MEDIUM.title
    assert caption.verdict == regimes.headline(run)
    key, version, query = caption.small.split(" · ")
    assert MEDIUM.key.startswith(key)
    assert version.startswith("simcore ")
    found, complaints = links.from_query(dict(parse_qsl(query[1:])), presets.SMALL.experiment)
    assert (found, complaints) == (MEDIUM, ())
    assert "https://host/?v=1" in captions.of_run(run, "https://host/?v=1").small


@pytest.mark.parametrize("preset", presets.ALL, ids=lambda preset: preset.name)
def test_files_of_different_runs_have_different_names_that_any_disk_takes(preset):
    stem = captions.stem(preset.experiment)
    assert stem.startswith(preset.name)
    assert stem.isascii()
    assert stem.endswith(preset.experiment.key[:8])
    other = replace(preset.experiment, dynamics=Descent(step_size=0.01, steps=3))
    assert captions.stem(other) != stem
    assert "0.01" in captions.stem(other)
