"""BibTeX of the paper and of this program."""

from __future__ import annotations

from simcore.experiment import Experiment
from simcore.version import NUMBER

PAPER = """\
@inproceedings{kim2026gradient,
  title     = {Gradient Descent with Large Step Size Restores Symmetry in
               Deep Linear Networks with Multi-Pathway},
  author    = {Kim, Hee-Sung and Lee, Sungyoon},
  booktitle = {International Conference on Machine Learning},
  year      = {2026},
  note      = {arXiv:2606.05219}
}
"""


def citation(experiment: Experiment | None = None) -> str:
    """The paper, and the program with its version and, where one is given, the run."""
    run = f", run {experiment.key}" if experiment else ""
    return f"""{PAPER}
@misc{{multipathway2026,
  title   = {{Symmetry at the edge of stability: a simulator of deep linear
             networks with several pathways}},
  author  = {{{{The multi-pathway laboratory authors}}}},
  year    = {{2026}},
  version = {{{NUMBER}}},
  license = {{MIT}},
  note    = {{simcore {NUMBER}{run}}}
}}
"""
