"""Where the weights begin: aligned with the target's singular bases, or drawn at random."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from simcore import checks
from simcore.checks import require, shown
from simcore.spec import Spec

Rows = tuple[tuple[float, ...], ...]

NEXT = 0.85  # of the scale of the pathway before, for a pathway that is added


class Start(Spec):
    """Where the weights begin; a subclass says what is peculiar to it.

    An *aligned* start has layers that are diagonal in the singular bases of the target, one scale
    per layer, the same for every mode; with whitened inputs it stays so, and modes decouple. In a
    *balanced* one the layers of a pathway are equal, too.
    """

    name: ClassVar[str]  # in menus
    numbers: ClassVar[str]  # what it is given by, in a form
    aligned: ClassVar[bool] = False

    @classmethod
    def usual(cls, depths: tuple[int, ...]) -> Start:
        """One to begin with, for a network of these depths."""
        raise NotImplementedError

    @property
    def balanced(self) -> bool:
        """Whether it is aligned and the layers of each pathway are equal."""
        return False

    def layer_scales(self, depths: tuple[int, ...]) -> Rows:
        """The scale of each layer of each pathway, from input to output, of an aligned start."""
        raise ValueError(f"expected an aligned start, {self.name.lower()} has no layer scales")

    def strengths(self) -> tuple[float, ...]:
        """sigma_{h,i} of an aligned start, the same for every mode i, shape (H,)."""
        raise ValueError(f"expected an aligned start, {self.name.lower()} has no common strengths")

    def weights(self, size: int) -> np.ndarray:
        """All weights theta, shape (size,), of a start that is not aligned."""
        raise ValueError(f"expected a random start, {self.name.lower()} has none to draw")

    def alive(self, depths: tuple[int, ...]) -> tuple[bool, ...]:
        """Whether each pathway can leave where it starts, shape (H,).

        A pathway of two layers or more that starts with two layers at zero, or with all of them,
        never moves: the gradient of each layer is a product of the others.
        """
        if not self.aligned:
            return (True,) * len(depths)
        return tuple(len(row) == 1 or row.count(0.0) < 2 for row in self.layer_scales(depths))

    def resized(self, depths: tuple[int, ...]) -> Self:
        """The start stretched or cut to fit other depths."""
        return self

    def with_ratio(self, ratio: float) -> Self:
        """Another alpha_2 / alpha_1; ValueError unless both pathways are balanced and alive."""
        raise ValueError(
            f"a ratio of starts needs a balanced start with two pathways or more, got "
            f"{shown(self)}; choose one, or another axis"
        )

    def with_seed(self, seed: int) -> Self:
        """Another draw; ValueError where nothing is drawn."""
        raise ValueError(
            f"seeds need a random start, got {shown(self)}; choose Gaussian, or another axis"
        )

    def check_fits(self, depths: tuple[int, ...]) -> None:
        """ValueError unless it has what a network of these depths needs."""


@dataclass(frozen=True, kw_only=True)
class Balanced(Start):
    """Every layer of pathway h carries alpha_h^{1/L_h} on each mode, aligned with the target.

    `scales` are the alpha_h >= 0: the strength of every mode in pathway h at the start.
    """

    name = "Balanced"
    numbers = "Scales α, one per pathway"
    aligned = True

    scales: tuple[float, ...]

    @classmethod
    def usual(cls, depths: tuple[int, ...]) -> Balanced:
        """The paper's 0.002, and for each further pathway 0.85 of the one before."""
        return Balanced(scales=(0.002,)).resized(depths)

    def __post_init__(self) -> None:
        self._set(
            scales=checks.numbers(
                "scales",
                self.scales,
                "(0.002, 0.0017)",
                checks.not_negative,
                each="the scale of pathway {}",
            )
        )

    @property
    def balanced(self) -> bool:
        return True

    def layer_scales(self, depths: tuple[int, ...]) -> Rows:
        return tuple(
            (scale ** (1 / depth),) * depth
            for scale, depth in zip(self.scales, depths, strict=True)
        )

    def strengths(self) -> tuple[float, ...]:
        return self.scales

    def resized(self, depths: tuple[int, ...]) -> Balanced:
        """A new pathway gets 0.85 of the scale of the one before."""
        scales = self.scales
        while len(scales) < len(depths):
            scales += (float(f"{scales[-1] * NEXT:.6g}"),)
        return Balanced(scales=scales[: len(depths)])

    def with_ratio(self, ratio: float) -> Balanced:
        if len(self.scales) < 2 or self.scales[0] == 0:
            return super().with_ratio(ratio)
        first, _, *others = self.scales
        return Balanced(scales=(first, first * ratio, *others))

    def check_fits(self, depths: tuple[int, ...]) -> None:
        _one_entry_per_pathway(self.scales, depths)


@dataclass(frozen=True, kw_only=True)
class LayerScales(Start):
    """Aligned with the target, each layer with a scale of its own: one tuple per pathway, from
    input to output; zero is allowed."""

    name = "Layer scales"
    numbers = "Layer scales, pathways separated by ;"
    aligned = True

    scales: tuple[tuple[float, ...], ...]

    @classmethod
    def usual(cls, depths: tuple[int, ...]) -> LayerScales:
        """The usual balanced start, layer by layer."""
        return LayerScales(scales=Balanced.usual(depths).layer_scales(depths))

    def __post_init__(self) -> None:
        example = "((0.1, 0.2), (0.1, 0.3))"
        rows = checks.sequence("scales", self.scales, example)
        scales = tuple(
            checks.numbers(f"the scales of pathway {h}", row, "(0.1, 0.2)")
            for h, row in enumerate(rows, start=1)
        )
        self._set(scales=scales)

    @property
    def balanced(self) -> bool:
        return all(len(set(row)) == 1 for row in self.scales)

    def layer_scales(self, depths: tuple[int, ...]) -> Rows:
        return self.scales

    def strengths(self) -> tuple[float, ...]:
        return tuple(math.prod(row) for row in self.scales)

    def resized(self, depths: tuple[int, ...]) -> LayerScales:
        """The last pathway and the last layer are repeated."""
        rows = self.scales + (self.scales[-1],) * len(depths)
        return LayerScales(
            scales=tuple(
                (row + (row[-1],) * depth)[:depth] for row, depth in zip(rows, depths, strict=False)
            )
        )

    def check_fits(self, depths: tuple[int, ...]) -> None:
        _one_entry_per_pathway(self.scales, depths)
        for h, (row, depth) in enumerate(zip(self.scales, depths, strict=True), start=1):
            require(
                len(row) == depth,
                f"pathway {h} needs one scale per layer: {depth} layers, {len(row)} scales",
            )


@dataclass(frozen=True, kw_only=True)
class Gaussian(Start):
    """Every weight drawn from N(0, std^2), reproducibly from `seed`."""

    name = "Random"
    numbers = "Standard deviation, seed"

    std: float
    seed: int = 0

    @classmethod
    def usual(cls, depths: tuple[int, ...]) -> Gaussian:
        return Gaussian(std=0.05)

    def __post_init__(self) -> None:
        self._set(
            std=checks.positive("the standard deviation", self.std),
            seed=checks.count("the seed", self.seed, 0, 2**32 - 1),
        )

    def weights(self, size: int) -> np.ndarray:
        """From numpy.random.default_rng(seed), in the order of theta."""
        return self.std * np.random.default_rng(self.seed).standard_normal(size)

    def with_seed(self, seed: int) -> Self:
        return replace(self, seed=seed)


def _one_entry_per_pathway(scales: tuple[object, ...], depths: tuple[int, ...]) -> None:
    require(
        len(scales) == len(depths),
        f"the start needs one entry per pathway: {len(depths)} pathways, {len(scales)} entries",
    )
