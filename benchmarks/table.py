"""How the commands beside this file print what they measure."""

from __future__ import annotations


def report(results: dict[str, float]) -> None:
    for name, value in results.items():
        print(f"{name:66s} {value:8.3f}", flush=True)
