"""What a sweep keeps of a run: a row, and the columns of the usual one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from simcore.trajectory import Outcome

Row = dict[str, Any]  # plain numbers and text by name, as JSON and tables have them


def _column(title: str, unreached: Any) -> Any:
    """A column by what axes, legends and tooltips call it, and its value in a run not reached."""
    return field(default=unreached, metadata={"title": title})


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The end of a run in scalars, all at its last record; without values, of a run that was
    cancelled before it began.

    Shares are those of the sharpest mode, q_h = |sigma_h| / sum_g |sigma_g|. The names head the
    columns of tables, the titles those of pictures.
    """

    outcome: str = _column("outcome", Outcome.CANCELLED.name)  # name of the `Outcome`
    regime: str = _column("regime", "unfinished")  # value of the `Regime`
    loss: float = _column("loss", math.nan)
    sharpness: float = _column("sharpness λ", math.nan)  # of the whole Hessian
    edge_ratio: float = _column("η / largest stable", math.nan)  # nan for a flow
    largest_share: float = _column("largest share", math.nan)  # max_h q_h
    participation: float = _column("participation", math.nan)  # 1 / sum_h q_h^2
    seconds: float = _column("seconds", 0.0)  # that the run took

    def row(self) -> Row:
        """As a sweep gives it."""
        return dict(vars(self))

    @classmethod
    def rows(cls, **columns: Sequence[Any]) -> list[Row]:
        """The rows of many runs from all columns by name, each with one value per run."""
        names = [f.name for f in fields(cls)]
        if set(columns) != set(names):
            raise TypeError(f"expected the columns {names}, got {list(columns)}")
        values = zip(*(columns[name] for name in names), strict=True)
        return [dict(zip(names, row, strict=True)) for row in values]


TITLES: dict[str, str] = {f.name: f.metadata["title"] for f in fields(Summary)}
