"""The command `claims`: what the paper says, checked on random networks."""

from __future__ import annotations

import argparse
from typing import Any
from urllib.parse import urlencode

from simcore import links, signals
from simcore.command import parser
from simcore.command.bar import Bar
from simcore.streams import complain, tell
from simcore.studies import claims
from simcore.studies.claims import Claim, Finding

USUAL, MOST = 20, 100_000
DISPROVED = 1  # the exit code where a network is not as a claim says


def add(commands: Any) -> None:
    """Add it to the commands."""
    one = parser.add(
        commands,
        "claims",
        _claims,
        "check what the paper says on random networks",
        f"Networks are the same everywhere (seed {claims.SEED}), and those of the app. A network "
        "that is not as a claim says is named with the query of its link, and the command ends "
        "with exit code 1.",
        "claims\nclaims --networks 200",
    )
    one.add_argument(
        "--networks",
        type=parser.whole(f"a whole number from 1 to {MOST}", MOST),
        default=USUAL,
        metavar="N",
        help=f"how many for each claim ({USUAL} if not given)",
    )


def _claims(options: argparse.Namespace) -> int:
    count, lines, disproved = options.networks, [], False
    with signals.noted() as stop:
        with Bar() as bar:
            for place, claim in enumerate(claims.CLAIMS):
                found = []
                for finding in claim.findings(0, count):
                    found.append(finding)
                    bar.show((place + len(found) / count) / len(claims.CLAIMS), claim.name)
                    if stop():
                        return complain(f"{stop.word}; nothing is kept", stop.code)
                lines += _said(claim, found)
                disproved |= not all(each.holds for each in found)
        return tell("\n".join(lines)) or (DISPROVED if disproved else 0)


def _said(claim: Claim, found: list[Finding]) -> list[str]:
    failed = [each for each in found if not each.holds]
    worst = max(each.deviation for each in found)
    return [
        claim.sentence,
        f"  {len(found)} networks tried, {len(failed)} not so; worst deviation {worst:.2g}, "
        f"{claim.tolerance:g} is allowed: {claim.measure}",
        *(
            f"  network {each.number}: {each.deviation:.2g}  "
            f"?{urlencode(links.to_query(each.experiment), safe=',:;')}"
            for each in failed
        ),
    ]
