"""The menu "Take it with you": pictures, films, data, code and links of what a page shows.

Nothing is drawn on the server. The browser draws the player's pictures and films; charts are drawn
by Vega once more, as SVG in the menu itself, where they can be saved. What the menu holds is made
when it is open; files with data are made when they are asked for.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import segno
import streamlit as st

from pages import _prose, _state, _widgets
from simcore import captions, run_table, scenes
from simcore.caption import Caption
from simcore.experiment import Experiment
from simcore.export import citation, snippet
from simcore.figures import take
from simcore.figures.scene import Scene
from simcore.trajectory import Trajectory

_MENU = st.components.v2.component("take", **take.component())
_FIRST_SHEET = {"width": 1240, "height": 600, "dark": False}  # until the browser says which
_SIDES = 50, 10_000  # CSS pixels that a chart may have
# What is saved is larger than the menu, which shows it in small.
STYLE = (
    "[class*=st-key-take-chart],[class*=st-key-take-chart] div{width:100%!important;"
    "min-width:0!important;height:auto!important}"
    "[class*=st-key-take-chart] [data-testid=stElementToolbar]{display:none}"
    "[class*=st-key-take-chart] svg.marks{width:100%;height:auto;max-height:15rem}"
)
_LONGEST_CODE = 1500  # characters: a code of more is hard to read off a screen
_AT_HOME = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class _Chart:
    picture: Any
    caption: Caption
    experiment: Experiment


@dataclass(frozen=True)
class File:
    """A file of data that a page offers, called as its picture is; `data` makes it when it is asked
    for."""

    label: str
    ending: str
    mime: str
    data: Callable[[], str | bytes]


def menu(experiment: Experiment) -> None:
    """The menu in the bar of a page; `of_run` or `of_charts` say what of the page is in it."""
    state = st.session_state
    state.taking, state.charts = None, []
    opened = st.popover("Take it with you", key="take_menu", on_change="rerun")
    if opened.open:
        with opened:
            state.taking = st.container()
            link, *code = st.tabs(["Link", "Python", "BibTeX"])
            with link:
                _link()
            state.code = [tab.empty() for tab in code]
            _code(experiment)


def caption_of(run: Trajectory, experiment: Experiment | None = None) -> Caption:
    """What the files of a run say of it, with the link of this page; the experiment is that which
    was asked for, where the run has more records."""
    return captions.of_run(run, _state.address(), of=experiment)


def add(picture: Any, title: str, experiment: Experiment, parameters: str | None = None) -> None:
    """Offer a chart about an experiment, or about many like it, of which `parameters` tells."""
    if st.session_state.taking is None:
        return
    caption = captions.of_chart(title, experiment, _state.address())
    if parameters is not None:
        caption = replace(caption, parameters=parameters)
    st.session_state.charts.append(_Chart(picture, caption, experiment))


def add_of_run(picture: Any, title: str, run: Trajectory) -> None:
    """Offer a chart of a run."""
    if st.session_state.taking is None:
        return
    caption = captions.of_part(title, caption_of(run))
    st.session_state.charts.append(_Chart(picture, caption, run.experiment))


def of_run(scene: Scene, run: Trajectory, experiment: Experiment) -> None:
    """Fill the menu of a page with a player on the run of an experiment."""
    if st.session_state.taking is None:
        return
    with st.session_state.taking:
        _MENU(key="take", data=take.of_player())
        _files(
            scene.caption.stem,
            File("Offline page", "html", "text/html", lambda: scenes.page(scene, experiment)),
            File("Data (CSV)", "csv", "text/csv", lambda: run_table.text(run)),
            File("Data (NPZ)", "npz", "application/octet-stream", lambda: _npz(run)),
        )
    _code(experiment)


def of_charts(*files: File) -> None:
    """Fill the menu of a page with the charts that it has offered, and with files."""
    place, charts = st.session_state.taking, st.session_state.charts
    if not charts:  # none was offered, or the menu is closed
        return
    with place:
        titles = [chart.caption.title for chart in charts]
        number = st.selectbox(
            "Picture", range(len(charts)), format_func=lambda k: titles[k], key="take_which"
        )
        chart = charts[number or 0]
        sheet = st.session_state.get("sheet", _FIRST_SHEET)
        from simcore.figures import paper  # and with it Altair, which the front page can do without

        picture = paper.on_paper(chart.picture, **sheet)
        words = repr((chart.caption.stem, chart.caption.title, sheet, picture.to_json()))
        key = f"take-chart-{hashlib.blake2s(words.encode(), digest_size=6).hexdigest()}"
        with st.container(key=key):
            st.altair_chart(picture, width="content", theme=None)
        _widgets.component(
            _MENU,
            "take",
            "sheet",
            _choose_sheet,
            take.of_chart(chart.caption, f"st-key-{key}", sheet),
        )
        _files(chart.caption.stem, *files)
    _code(chart.experiment)


def _choose_sheet(asked: Any) -> None:
    """Take in how large the browser wants a chart to be; for callbacks."""
    if isinstance(asked, dict) and set(asked) == set(_FIRST_SHEET):
        width, height = asked["width"], asked["height"]
        if _is_side(width) and (height is None or _is_side(height)):
            sheet = {"width": width, "height": height, "dark": bool(asked["dark"])}
            st.session_state.sheet = sheet


def _is_side(pixels: Any) -> bool:
    low, high = _SIDES
    return isinstance(pixels, int | float) and low <= pixels <= high


def _files(stem: str, *files: File) -> None:
    with st.container(horizontal=True, gap="small"):
        for file in files:
            st.download_button(
                file.label,
                data=file.data,
                file_name=f"{stem}.{file.ending}",
                mime=file.mime,
                on_click="ignore",
            )


def _npz(run: Trajectory) -> bytes:
    file = io.BytesIO()
    run.save(file)
    return file.getvalue()


def _code(experiment: Experiment) -> None:
    """Say in code what makes a run and how it is cited."""
    for place, words in zip(
        st.session_state.code, (snippet(experiment), citation(experiment)), strict=True
    ):
        with place, _prose.fresh(words, "code"):
            st.code(words, language=None, wrap_lines=True)


def _link() -> None:
    """The address of the page with all that it shows, and as a code for a telephone."""
    address = _state.address()
    with _prose.fresh(address, "link"):
        st.code(address, language=None, wrap_lines=True)
        if len(address) > _LONGEST_CODE:
            st.write(f"The link is too long for a QR code: {len(address):,} characters.")
            return
        st.html(f'<img alt="QR code of the link" width="220" src="{qr(address)}">')
        if urlsplit(address).hostname in _AT_HOME:
            st.write("Only this machine opens this link: its address is the machine's own.")


def qr(address: str) -> str:
    """The QR code of an address as a picture that a page can hold: an SVG, on white as cameras
    expect it."""
    return segno.make(address, error="l", micro=False).svg_data_uri(border=4, light="#fff")
