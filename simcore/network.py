"""The architecture: parallel pathways between the same inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass

from simcore import checks, limits
from simcore.checks import require
from simcore.spec import Spec, later
from simcore.tasks import Task

ACTIVATIONS = {"linear": "linear", "tanh": "tanh", "relu": "ReLU"}  # as sentences have them


@dataclass(frozen=True, kw_only=True)
class Network(Spec):
    """Parallel pathways, one depth L_h each. Linear ones give M = sum_h W_{h,L_h} ... W_{h,1}.

    `width` is that of every hidden layer; None means as wide as max(n_in, n_out). A pathway of
    depth 1 is a single matrix without hidden layer. `activation` ("linear", "tanh" or "relu") acts
    after every layer of a pathway but the last, with `activate_last` after that, too (Shi et al.
    2022). There are no biases.
    """

    depths: tuple[int, ...]
    width: int | None = None
    activation: str = later("linear")
    activate_last: bool = later(False)

    def __post_init__(self) -> None:
        most = limits.current()
        depths = checks.sequence("depths", self.depths, "(20, 20)")
        require(
            len(depths) <= most.pathways,
            f"there may be at most {most.pathways} pathways here, got {len(depths)}",
        )
        depths = tuple(
            checks.count(f"the depth of pathway {h}", depth, 1, most.depth)
            for h, depth in enumerate(depths, start=1)
        )
        require(
            sum(depths) <= most.layers,
            f"the pathways may have at most {most.layers} layers together here, got {sum(depths)}; "
            "take fewer or shallower ones",
        )
        width = (
            None
            if self.width is None
            else checks.count("the hidden width", self.width, 1, most.size)
        )
        known = isinstance(self.activation, str) and self.activation in ACTIVATIONS
        require(known, f"the activation must be one of {', '.join(ACTIVATIONS)}", self.activation)
        last = checks.flag("an activation after the last layer", self.activate_last)
        require(
            not (last and self.activation == "linear"),
            "an activation after the last layer needs one to begin with; choose tanh or relu",
        )
        self._set(depths=depths, width=width, activation=str(self.activation), activate_last=last)

    @property
    def pathways(self) -> int:
        """H."""
        return len(self.depths)

    @property
    def linear(self) -> bool:
        """Whether each pathway is a product of its layers, as all closed forms take for granted."""
        return self.activation == "linear"

    @property
    def phi(self) -> str:
        """The name of its activation in a sentence."""
        return ACTIVATIONS[self.activation]

    @property
    def scales(self) -> bool:
        """Whether a pathway with all its layers times c^{1/L} gives c times as much."""
        return self.activation != "tanh"

    def weights(self, task: Task) -> int:
        """How many numbers all layers hold together."""
        hidden = self.hidden_width(task)
        return sum(
            task.n_in * task.n_out
            if depth == 1
            else hidden * (task.n_in + (depth - 2) * hidden + task.n_out)
            for depth in self.depths
        )

    def outputs(self, task: Task) -> int:
        """How many numbers all layers give for one sample."""
        hidden = self.hidden_width(task)
        return sum((depth - 1) * hidden + task.n_out for depth in self.depths)

    def shapes(self, task: Task) -> list[tuple[int, int]]:
        """(rows, cols) of every layer, pathway after pathway, from input to output."""
        hidden = self.hidden_width(task)
        return [
            (task.n_out if last else hidden, task.n_in if first else hidden)
            for depth in self.depths
            for first, last in ((layer == 0, layer == depth - 1) for layer in range(depth))
        ]

    def hidden_width(self, task: Task) -> int:
        return max(task.n_in, task.n_out) if self.width is None else self.width
