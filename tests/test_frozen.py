"""Keys and links that are out in the world: they mean tomorrow what they meant when copied."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from simcore import (
    Dataset,
    Descent,
    Experiment,
    Flow,
    Gaussian,
    LayerScales,
    Network,
    Record,
    Target,
    links,
    presets,
    variations,
)

LAYERED = Experiment(
    task=Target(rows=((1.0, 0.5), (0.0, 2.0))),
    network=Network(depths=(1, 3)),
    start=LayerScales(scales=((0.1,), (0.5, 0.0, 0.2))),
    dynamics=Descent(step_size=0.1, steps=7),
    record=Record(every=2, maps=True),
    engine="matrices",
)
DATA = Experiment(
    task=Dataset(
        inputs=((1.0, 0.0), (0.0, 2.0), (1.0, 1.0)),
        outputs=((1.0,), (0.0,), (2.0,)),
        whiten=False,
        center=True,
    ),
    network=Network(depths=(2, 2), width=3),
    start=Gaussian(std=0.1, seed=4),
    dynamics=Flow(duration=2.0, rtol=1e-7),
    record=Record(frames=9, eigenvalues=2),
)
FROZEN = [
    (
        presets.BY_NAME["medium"].experiment,
        "a186d00aded1b0ed",
        "v=1&task=1.0:1:1&depths=20,20&width=auto&start=balanced:0.002,0.0017"
        "&eta=0.15384615384615385&steps=650"
        "&record=frames:600,every:1,sharpness:1,eigenvalues:1,maps:0&engine=auto",
    ),
    (
        presets.BY_NAME["flow"].experiment,
        "4affb83b8734b75e",
        "v=1&task=1.0:1:1&depths=20,20&width=auto&start=balanced:0.002,0.0017&duration=100.0"
        "&rtol=1e-10&record=frames:600,every:1,sharpness:1,eigenvalues:1,maps:0&engine=auto",
    ),
    (
        presets.BY_NAME["tree-7"].experiment,
        "ab3b6d688e786f81",
        "v=1&task=tree:3&depths=7,7&width=64&start=gaussian:0.03952847075210474,0&eta=0.02"
        "&steps=12000&record=frames:300,sharpness:1,eigenvalues:1,maps:0&engine=auto",
    ),
    (
        LAYERED,
        "c203f40ace750cdc",
        "v=1&task=target:1.0,0.5;0.0,2.0&depths=1,3&width=auto&start=layers:0.1;0.5,0.0,0.2"
        "&eta=0.1&steps=7&record=frames:600,every:2,sharpness:1,eigenvalues:1,maps:1"
        "&engine=matrices",
    ),
    (
        variations.with_steps(presets.BY_NAME["medium"].experiment, 1_000_000),
        "10ca04bd564e7ace",
        "v=1&task=1.0:1:1&depths=20,20&width=auto&start=balanced:0.002,0.0017"
        "&eta=0.15384615384615385&steps=1000000"
        "&record=frames:600,sharpness:1,eigenvalues:1,maps:0,spacing:log&engine=auto",
    ),
    (DATA, "220c0e7b4a4d7395", None),  # a link cannot hold a dataset
]


@pytest.mark.parametrize(("experiment", "key", "link"), FROZEN)
def test_keys_and_links_of_before_stay_valid(experiment, key, link):
    assert experiment.key == key
    if link is not None:
        query = dict(parse_qsl(link))
        assert links.from_query(query, DATA) == (experiment, ())
        assert query.items() <= links.to_query(experiment).items()
