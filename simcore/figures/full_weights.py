"""The scene of full weights: maps of the pathways, their blocks, the spectrum, the loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simcore.figures import scene
from simcore.figures.panels import PANELS, PHASE_WORDS
from simcore.figures.tables import Named, blocks, run_of
from simcore.trajectory import Trajectory
from simcore.view import DEFAULT as DEFAULT_VIEW


def _block_label(block: np.ndarray) -> str:
    if len(block) == 1:
        return f"mode {block[0] + 1}"
    return f"modes {block[0] + 1}–{block[-1] + 1}"


def singular_maps(run: Trajectory) -> np.ndarray:
    """U*^T Omega_h V* at every record, shape (K, H, R, R); ValueError for a run without maps."""
    maps = run.maps
    if maps is None:
        raise ValueError("the pathway maps were not recorded; run with Record(maps=True)")
    left, right = run.experiment.task.bases()
    return left.T @ maps @ right


def matrices(named: Named, companions: Sequence[Named] = ()) -> scene.Scene:
    """Maps, block norms, eigenvalues beside theory, loss.

    `companions` are runs to overlay, such as gradient flow, recorded with their maps as `named`.
    """
    everyone, view = [named, *companions], DEFAULT_VIEW
    shown = blocks(named.run)[:4]
    built = {
        "maps": _maps(named),
        "blocks": _blocks(everyone, shown),
        "eigenvalues": PANELS["eigenvalues"].build(everyone, view),
        "loss": PANELS["loss"].build(everyone, view),
    }
    return scene.Scene(
        runs=tuple(_run(each, shown, with_maps=each is named) for each in everyone),
        panels=tuple(replace(p, key=key) for key, p in built.items() if not isinstance(p, str)),
        missing={key: sentence for key, sentence in built.items() if isinstance(sentence, str)},
        height=300,
        words=PHASE_WORDS,
    )


def _run(named: Named, shown: Sequence[np.ndarray], with_maps: bool) -> scene.Run:
    maps = singular_maps(named.run)
    run = run_of(named, 0, ("eigenvalues",))
    stacks = {}
    if with_maps:
        stacks["maps"] = np.concatenate([maps, maps.sum(axis=1, keepdims=True)], axis=1)
    return replace(run, columns={**run.columns, **_block_norms(maps, shown)}, maps=stacks)


def _maps(named: Named) -> scene.HeatPanel:
    pathways = named.run.strengths.shape[1]
    return scene.HeatPanel(
        title="Pathway maps U*ᵀ Ω V*"
        if named.run.experiment.network.linear
        else "Pathway maps on the samples, U*ᵀ F X⁺ V*",
        run=named.name,
        maps="maps",
        titles=[f"pathway {h + 1}" for h in range(pathways)] + ["sum"],
        colours=[*range(pathways), "muted"],
        row_label="mode out",
        col_label="mode in",
    )


def _blocks(everyone: Sequence[Named], shown: Sequence[np.ndarray]) -> scene.SeriesPanel:
    named, *companions = everyone
    return scene.SeriesPanel(
        title="Norms of the diagonal blocks, one per singular value",
        label="‖·‖" + "".join(f", thin: {companion.name}" for companion in companions),
        lines=[
            scene.Line(
                each.name,
                _block_column(h, b),
                f"pathway {h + 1}, {_block_label(block)}" if each is named else "",
                colour=h,
                mode=b,
            )
            for each in everyone
            for b, block in enumerate(shown)
            for h in range(named.run.strengths.shape[1])
        ],
    )


def _block_column(pathway: int, block: int) -> str:
    return f"block{pathway}_{block}"


def _block_norms(maps: np.ndarray, shown: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Frobenius norms of the diagonal blocks of the maps (K, H, R, R), one column (K,) each."""
    return {
        _block_column(h, b): norms[:, h]
        for b, block in enumerate(shown)
        for norms in [np.linalg.norm(maps[:, :, block[:, None], block], axis=(2, 3))]
        for h in range(maps.shape[1])
    }
