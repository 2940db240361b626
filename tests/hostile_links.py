"""Links that somebody made to do harm: markup, numbers that are none, the heaviest runs allowed."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

from simcore import Descent, Experiment, Gaussian, Network, Record, Spectrum, links
from simcore.cost import check
from simcore.experiment import Balanced

HOST = "evil.example"
MARKUP = (
    f"![](http://{HOST}/t.png)",
    f"[Log in again](http://{HOST})",
    f"http://{HOST}/x",
    f"www.{HOST}",
    f"a@{HOST}",
    f"<{HOST}>",
    f"<img src=http://{HOST}/a.png onerror=alert(1)>",
    f"<script src=//{HOST}></script>",
    f"`[l](http://{HOST})`",
    f"``` [l](http://{HOST})",
    f"x` [l](http://{HOST}) `` ![](//{HOST}/b)",
    f"'![](http://{HOST}/q.png)'",
    f"a\n\n# b\n\n[l](http://{HOST})",
    f"[l]: http://{HOST}\n[l]",
    f"[l](javascript:fetch('http://{HOST}'))",
    f"$\\href{{http://{HOST}}}{{x}}$ $$\\includegraphics{{http://{HOST}/c}}$$",
    f":red[x] :material/home: :100: :blue-background[http://{HOST}]",
    f"| a |\n|---|\n| http://{HOST} |",
    f"\u2028[l](http://{HOST})\u202e",
    f"\\[l\\](http\\://{HOST})",
)
TYPED = ("*a* _b_ $c$", "a -> b <- c -- d >= e ~= f", "x_1 * x_2", "$5 and $6", "~~s~~ `c` ``d``")
NUMBERS = (
    *("0", "-1", "nan", "inf", "-inf", "1e308", "1e-320", "9" * 400, "0x10", "1_0", "٣", "1e400"),
    *("", ",", ";", ":", "1,,2", "1;2;", "1:2:3:4", "1,2,3,4,5,6,7,8,9", "True", "None", "\x00"),
    *("[" * 2000, "1," * 1990, "../../etc", "'; DROP TABLE runs; --", "%s%n", "{0}", "9" * 20),
)
HALVES = {  # what a value may begin with, so that more of it is read
    "task": ("1.0", "1.0:", "target:1,2;", "tree:", "1.0,0.5:128:128"),
    "depths": ("2,", "20,20", "3"),
    "start": ("balanced:", "layers:1,1;", "gaussian:", "balanced:0.1,"),
    "record": ("frames:", "every:1,", "maps:", "eigenvalues:16,", "sharpness:0,frames:2,"),
    "map_x": ("eta:60:", "depth:", "seed:4:", "eta:400"),
    "map_y": ("start_ratio:400", "ratio:", "value_ratio:5:"),
    "panels": ("loss,", "plane,"),
    "log": ("loss:", "plane:1,"),
    "pin_a": ("task=1.0&depths=2&start=balanced:0.1&eta=", "task="),
    "pin_b": ("task=1.0&depths=2&start=balanced:0.1&", "task=1.0&depths=2&start="),
}
FIELDS = (*sorted(links.KNOWN), "etta", "amp;eta", "utm_source", "embed")
PAGES = ("", "why_flat", "step_size", "phase_diagram", "matrices", "paper_figures", "about")


def queries(count: int, seed: int, pages: Sequence[str] = PAGES) -> list[tuple[str, str]]:
    """So many links, each a page and a query; every field comes with every kind of value."""
    source = random.Random(seed)
    found = []
    for number in range(count):
        names = {FIELDS[number % len(FIELDS)], *source.sample(FIELDS, source.randrange(3))}
        query = {name: _value(name, source) for name in names}
        if source.random() < 0.1:
            query[source.choice(MARKUP)] = source.choice(MARKUP)
        found.append((pages[number % len(pages)], urlencode(query)))
    return found


def _value(name: str, source: random.Random) -> str:
    text = source.choice(source.choice((MARKUP, TYPED, NUMBERS)))
    begin = source.choice(("", *HALVES.get(name, ("1,", "0.1"))))
    return (begin if source.random() < 0.6 else "") + text


SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)


def live(markdown: str) -> bool:
    """Whether something of a link's stands outside the spans of code, where Markdown is at work."""
    return HOST in SPAN.sub("", markdown)


def heaviest() -> dict[str, Experiment]:
    """The longest runs of several kinds that the limits in force allow."""
    many = Spectrum(singular_values=tuple(1 - k / 400 for k in range(128)))
    weights = Experiment(
        task=Spectrum(singular_values=(1.0, 0.7), n_in=86, n_out=86),
        network=Network(depths=(4, 4)),
        start=Gaussian(std=0.1),
        dynamics=Descent(step_size=0.01, steps=1),
        record=Record(frames=2, eigenvalues=16),
    )
    modes = Experiment(
        task=many,
        network=Network(depths=(20,) * 8),
        start=Balanced(scales=(0.9,) * 8),
        dynamics=Descent(step_size=1e-4, steps=1),
        record=Record(frames=2),
    )
    plain = Record(frames=2, sharpness=False)
    return {
        "eigenvalues of full weights": _longest(weights, "frames"),
        "blocks of many modes": _longest(
            replace(modes, network=Network(depths=(6,) * 8)), "frames"
        ),
        "steps of many modes": _longest(replace(modes, record=plain), "steps"),
        "steps of full weights": _longest(replace(weights, record=plain), "steps"),
    }


def _longest(experiment: Experiment, what: str) -> Experiment:
    """The experiment with as many steps, or records, as a run may take."""
    low, high = 2, 50_001 if what == "steps" else 5001
    while high - low > 1:
        middle = (low + high) // 2
        try:
            check(_with(experiment, what, middle))
        except ValueError:
            high = middle
        else:
            low = middle
    return _with(experiment, what, low)


def _with(experiment: Experiment, what: str, count: int) -> Experiment:
    if what == "steps":
        return replace(experiment, dynamics=replace(experiment.dynamics, steps=count))
    dynamics = replace(experiment.dynamics, steps=count - 1)
    return replace(experiment, dynamics=dynamics, record=replace(experiment.record, every=1))


def with_other_step_size(experiment: Experiment, number: int) -> Experiment:
    """The same work that no cache knows."""
    step_size = experiment.dynamics.step_size * (1 + 1e-6 * number)
    return replace(experiment, dynamics=replace(experiment.dynamics, step_size=step_size))
