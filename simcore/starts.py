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

    An *aligned* start has layers that are diagonal in the singular bases of the target, with a
    scale per layer and mode; with whitened inputs it stays so, and modes decouple. In a *balanced*
    one the layers of a pathway are equal, too. In a *uniform* one all modes start alike. Modes are
    counted from 0, the largest singular value first.
    """

    name: ClassVar[str]  # in menus
    numbers: ClassVar[str]  # what it is given by, in a form,
    hint: ClassVar[str]  # and how that is typed
    aligned: ClassVar[bool] = False

    @classmethod
    def usual(cls, depths: tuple[int, ...]) -> Start:
        """One to begin with, for a network of these depths."""
        raise NotImplementedError

    @property
    def balanced(self) -> bool:
        """Whether it is aligned and the layers of each pathway are equal."""
        return False

    @property
    def uniform(self) -> bool:
        """Whether all modes start alike, as far as that is known."""
        return True

    def layer_scales(self, depths: tuple[int, ...], mode: int = 0) -> Rows:
        """The scale of each layer of each pathway on one mode, from input to output, of an aligned
        start."""
        raise ValueError(f"expected an aligned start, {self.name.lower()} has no layer scales")

    def strengths(self, mode: int = 0) -> tuple[float, ...]:
        """sigma_{h,i} of one mode i of an aligned start, shape (H,)."""
        raise ValueError(f"expected an aligned start, {self.name.lower()} has no common strengths")

    def weights(self, size: int) -> np.ndarray:
        """All weights theta, shape (size,), of a start that is not aligned."""
        raise ValueError(f"expected a random start, {self.name.lower()} has none to draw")

    def alive(self, depths: tuple[int, ...], mode: int = 0) -> tuple[bool, ...]:
        """Whether each pathway can leave where it starts in one mode, shape (H,).

        A pathway of two layers or more that starts with two layers at zero, or with all of them,
        never moves: the gradient of each layer is a product of the others.
        """
        if not self.aligned:
            return (True,) * len(depths)
        rows = self.layer_scales(depths, mode)
        return tuple(len(row) == 1 or row.count(0.0) < 2 for row in rows)

    def resized(self, depths: tuple[int, ...]) -> Self:
        """The start stretched or cut to fit other depths."""
        return self

    def with_modes(self, modes: int) -> Self:
        """The start stretched or cut to fit another number of modes."""
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

    def check_fits(self, depths: tuple[int, ...], modes: int) -> None:
        """ValueError unless it has what a network of these depths needs for so many modes."""


Scale = float | tuple[float, ...]  # alpha_h of all modes, or of each


@dataclass(frozen=True, kw_only=True)
class Balanced(Start):
    """Every layer of pathway h carries alpha_{h,i}^{1/L_h} on mode i, aligned with the target.

    `scales` are the alpha >= 0, one entry per pathway: the strength of every mode at the start, or
    a tuple with that of each of the R modes, so that a pathway can be ahead in one mode and behind
    in another.
    """

    name = "Balanced"
    numbers = "Scales α, one per pathway"
    hint = (
        "The strength of every mode in each pathway, for example 0.002, 0.0017. For pathways that "
        "are specialised: one number per mode, and ; between pathways, for example "
        "0.002, 0.0017; 0.0017, 0.002."
    )
    aligned = True

    scales: tuple[Scale, ...]

    @classmethod
    def usual(cls, depths: tuple[int, ...]) -> Balanced:
        """The paper's 0.002, and for each further pathway 0.85 of the one before."""
        return Balanced(scales=(0.002,)).resized(depths)

    def __post_init__(self) -> None:
        listed = checks.sequence("scales", self.scales, "(0.002, 0.0017)")
        self._set(scales=tuple(_scale(h, entry) for h, entry in enumerate(listed, start=1)))

    @property
    def balanced(self) -> bool:
        return True

    @property
    def uniform(self) -> bool:
        return not any(isinstance(scale, tuple) for scale in self.scales)

    def layer_scales(self, depths: tuple[int, ...], mode: int = 0) -> Rows:
        return tuple(
            (scale ** (1 / depth),) * depth
            for scale, depth in zip(self.strengths(mode), depths, strict=True)
        )

    def strengths(self, mode: int = 0) -> tuple[float, ...]:
        return tuple(s[mode] if isinstance(s, tuple) else s for s in self.scales)

    def resized(self, depths: tuple[int, ...]) -> Balanced:
        """A new pathway gets 0.85 of the scale of the one before."""
        scales = self.scales
        while len(scales) < len(depths):
            scales += (_times(scales[-1], NEXT),)
        return Balanced(scales=scales[: len(depths)])

    def with_modes(self, modes: int) -> Balanced:
        """A new mode starts as the last one."""
        if self.uniform:
            return self
        return Balanced(
            scales=tuple(
                (s + (s[-1],) * modes)[:modes] if isinstance(s, tuple) else s for s in self.scales
            )
        )

    def with_ratio(self, ratio: float) -> Balanced:
        first, *others = self.scales
        if isinstance(first, tuple) or any(isinstance(other, tuple) for other in others[:1]):
            raise ValueError(
                f"a ratio of starts needs one scale per pathway, got one per mode in {shown(self)}"
                "; give a number for each pathway, or choose another axis"
            )
        if not others or first == 0:
            return super().with_ratio(ratio)
        return Balanced(scales=(first, first * ratio, *others[1:]))

    def check_fits(self, depths: tuple[int, ...], modes: int) -> None:
        _one_entry_per_pathway(self.scales, depths)
        for h, scale in enumerate(self.scales, start=1):
            require(
                not isinstance(scale, tuple) or len(scale) == modes,
                f"pathway {h} needs one scale for all modes or one per mode: the target has "
                f"{modes}, the start {len(scale) if isinstance(scale, tuple) else 1}",
            )


@dataclass(frozen=True, kw_only=True)
class LayerScales(Start):
    """Aligned with the target, each layer with a scale of its own: one tuple per pathway, from
    input to output; zero is allowed."""

    name = "Layer scales"
    numbers = "Layer scales, pathways separated by ;"
    hint = "From input to output, for example 0.6, 0.3; 0.5, 0.25; the same for every mode."
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

    def layer_scales(self, depths: tuple[int, ...], mode: int = 0) -> Rows:
        return self.scales

    def strengths(self, mode: int = 0) -> tuple[float, ...]:
        return tuple(math.prod(row) for row in self.scales)

    def resized(self, depths: tuple[int, ...]) -> LayerScales:
        """The last pathway and the last layer are repeated."""
        rows = self.scales + (self.scales[-1],) * len(depths)
        return LayerScales(
            scales=tuple(
                (row + (row[-1],) * depth)[:depth] for row, depth in zip(rows, depths, strict=False)
            )
        )

    def check_fits(self, depths: tuple[int, ...], modes: int) -> None:
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
    hint = "Of every weight, for example 0.05, 0. The seed says which numbers are drawn."

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


def _scale(h: int, entry: object) -> Scale:
    """A checked alpha of pathway `h`, counted from 1."""
    if isinstance(entry, (tuple, list, np.ndarray)):
        return checks.numbers(
            f"the scales of pathway {h}",
            entry,
            "(0.002, 0.0017)",
            checks.not_negative,
            each=f"the scale of mode {{}} in pathway {h}",
        )
    return checks.not_negative(f"the scale of pathway {h}", entry)


def _times(scale: Scale, factor: float) -> Scale:
    """To six digits."""
    if isinstance(scale, tuple):
        return tuple(float(f"{each * factor:.6g}") for each in scale)
    return float(f"{scale * factor:.6g}")


def _one_entry_per_pathway(scales: tuple[object, ...], depths: tuple[int, ...]) -> None:
    require(
        len(scales) == len(depths),
        f"the start needs one entry per pathway: {len(depths)} pathways, {len(scales)} entries",
    )
