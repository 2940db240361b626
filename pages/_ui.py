"""What every page shares: frame, navigation, complaints, ruler, player."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from pages import _prose, _reached, _said, _stage, _state, _take, _waking, _widgets, _words
from pages._names import BEHIND, FRONT, PAGES
from simcore import averages, captions, presets, prospects, regimes, variations
from simcore.caption import Caption
from simcore.experiment import Experiment
from simcore.figures import player, ruler
from simcore.figures.scene import Scene
from simcore.studies import warm
from simcore.trajectory import Trajectory

_OLD = ":is(.st-key-player,.st-key-matrices_player)[data-stale=true]"  # the picture, in a new run


def _cold_start() -> None:
    """On a fresh process a deep link runs the page file without app.py, as in the old style of
    multipage apps; switch that off and start again."""
    if "pages" in st.session_state:  # app.py has run; another thread may have switched it off
        return
    try:
        from streamlit.runtime.pages_manager import PagesManager
    except ImportError:  # private: should it move, the old style will have gone with it
        return
    PagesManager.uses_pages_directory = False
    st.rerun()


def frame() -> None:
    """The window: title, wide layout, compact margins."""
    _waking.run_begins(time.monotonic())
    st.set_page_config(page_title="Symmetry at the edge of stability", page_icon="⚖️", layout="wide")
    st.html(
        "<style>"
        # the bar stands in the line of Streamlit's own buttons, and its sign of work below
        ".stMainBlockContainer{padding:.5rem 1.5rem 2rem}"
        ".stMainBlockContainer>[data-testid=stVerticalBlock]{gap:.5rem}"
        "[data-testid=stHeader]{background:none;pointer-events:none}"
        "[data-testid=stHeader] :is(button,a,[role=button]){pointer-events:auto}"
        "[data-testid=stStatusWidget]{position:fixed;bottom:.5rem;right:.5rem}"
        "[data-testid=stApp]:has([data-testid=stExpandSidebarButton]) .st-key-bar"
        "{padding-left:2.5rem}"
        "[data-testid=stSidebarHeader]{height:2.5rem;margin:0}"
        ".st-key-bar{gap:.25rem}"
        ".st-key-bar>:has(h1){position:absolute;width:1px;height:1px;overflow:hidden;"
        "clip-path:inset(50%)}"
        ".st-key-bar a:focus-visible{outline:2px solid var(--st-primary-color,#0072b2)}"
        ".st-key-bar a{padding-inline:.35rem}"
        ".st-key-bar :is(a,button) p{font-size:.875rem}"
        ":is(.st-key-bar,.st-key-about_row) button{min-height:2rem;padding:0 .5rem}"
        "@media(max-width:1150px){.st-key-bar :is(a,button) p{font-size:.8rem}"
        ".st-key-bar a{padding-inline:.25rem}.st-key-bar button{padding:0 .35rem}}"
        ".st-key-about_row>:has([class*=st-key-lead-]),.st-key-about_row>[class*=st-key-lead-]"
        "{flex:1;min-width:10rem}"
        ".st-key-about_row button p{font-size:.8rem}"
        ".st-key-about_row button{min-height:1.6rem}"
        "[class*=st-key-small-] p{font-size:.875rem;line-height:1.4}"
        # verdicts differ in length, and the picture below stays where it is
        ".stMainBlockContainer:has(.st-key-player) [class*=st-key-small-verdict]"
        "{min-height:calc(3*.875rem*1.4);container-type:inline-size}"
        "@container(max-width:760px){[class*=st-key-small-verdict]>*"
        "{min-height:calc(4*.875rem*1.4)}}"
        "@container(max-width:500px){[class*=st-key-small-verdict]>*"
        "{min-height:calc(7*.875rem*1.4)}}"
        "[class*=st-key-lead-] p{font-size:.875rem;line-height:1.35;margin:0 0 1rem}"
        "[class*=st-key-title-] h2{font-size:1.5rem;padding:0 0 .5rem}"
        "[class*=st-key-title-] h3{font-size:1.2rem;padding:.5rem 0 .25rem}"
        "[data-words-follow] [class*=st-key-small-]{opacity:.45}"  # see the ruler's `announce`
        "[data-testid=stLayoutWrapper]:has(>.st-key-working){position:absolute}"  # and no gap
        ".st-key-working{position:fixed;z-index:900;bottom:.5rem;left:50%;width:auto;"
        "transform:translateX(-50%);display:none;pointer-events:none}"
        ".st-key-working p{padding:.25rem .75rem;border-radius:.5rem;font-size:.875rem;"
        "color:#fff;background:#31333f;box-shadow:0 0 0 1px #fff6;white-space:nowrap}"
        ".vega-bindings{display:none!important}"  # the cells of a map set them
        "@keyframes said{from{opacity:0}to{opacity:1}}"
        f"[data-testid=stMain]:has({_OLD}) .st-key-working"
        "{display:block;animation:said 0s .4s backwards}"
        f"{_said.STYLE}{_take.STYLE}{_stage.STYLE}</style>"
    )


def run_page() -> None:
    """Run the page that the browser asks for; `open_page` draws the links to the others.

    Each visitor's pages are their own: Streamlit notes in a page whether it may run.
    """
    pages = {
        name: st.Page(f"pages/{name}.py", title=title, url_path=name, default=name == FRONT)
        for name, title in PAGES.items()
    }
    st.session_state.pages = pages
    page = st.navigation(list(pages.values()), position="hidden")
    st.session_state.title = page.title
    page.run()
    _widgets.sent()


def open_page(
    default: Experiment = _state.DEFAULT, offered: Sequence[presets.Preset] = presets.ALL
) -> Experiment:
    """First line of each page: its links to the other pages, and the experiment to show.

    A link to the page without a query shows `default`; the keys 1 to 9 of the stage show presets.
    """
    _cold_start()
    _prose.begin()
    _widgets.settle()
    experiment = _state.experiment(default)
    _state.write_link()
    _stage.style()
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="bar"):
        st.html(f"<h1>{st.session_state.get('title', '')}</h1>")  # for those who hear the page
        for name, title in PAGES.items():
            if name not in BEHIND:
                link(name, title)
        with st.popover("More", key="more"):
            for name, title in PAGES.items():
                if name in BEHIND:
                    link(name, title)
        with st.popover("Words", help="What the words and symbols mean"):
            _prose.say(_words.listed())
            link("about", "The model and its equations: About")
        _take.menu(experiment)
        _stage.keys(offered)
    with st.container(key="working"):
        st.markdown("Computing: text and picture are still the old ones.")
    _stage.question()
    return experiment


def link(page: str, label: str, experiment: Experiment | None = None, **options: Any) -> None:
    """A link to a page that shows `experiment` there, or the session's."""
    query = _state.link_query(experiment)
    st.page_link(st.session_state.pages[page], label=label, query_params=query, **options)


def complaints() -> None:
    """What the link or an input got wrong, one sentence each, until a change is accepted: the page
    may run again by itself."""
    for sentence in st.session_state.get("complaints", []):
        _prose.warn(sentence)


def chart(picture: Any, title: str, experiment: Experiment) -> None:
    """Hang an Altair chart about an experiment as wide as its place."""
    _take.add(picture, title, experiment)
    st.altair_chart(picture, width="stretch")


def chart_of_run(picture: Any, title: str, run: Trajectory, width: Any = "stretch") -> None:
    """Hang an Altair chart of a run."""
    _take.add_of_run(picture, title, run)
    st.altair_chart(picture, width=width)


_RULER = st.components.v2.component("regime_ruler", **ruler.component())
_PLAYER = st.components.v2.component("run_player", **player.component())

_TO_TOP = st.components.v2.component(
    "to_top", js=Path(__file__).with_name("to_top.js").read_text(encoding="utf-8")
)


def to_top(place: int, known: bool) -> None:
    """Show the page from its top and read it from its title, where `place` is another than before
    on the same page; where its answer is `known` since then, read on from that."""
    _TO_TOP(key="to_top", data={"step": place, "known": known})


def step_size_ruler(experiment: Experiment) -> None:
    """Where the step size lies among the marks of the theory; a flow has none."""
    if experiment.edge is None:
        return

    def move(eta: float) -> None:
        _state.show(variations.with_step_size(experiment, eta), by_ruler=True)

    ruler_of(experiment, "ruler", move, st.session_state.others)


def ruler_of(
    experiment: Experiment, key: str, move: Callable[[float], None], token: object
) -> None:
    """The ruler of a descent, whose handle calls `move`; see `ruler.data` for the `token`."""
    strip = [(part.regime.value, part.low, part.high) for part in _reached.now(experiment)]
    data = ruler.data(experiment, token=token, reached=strip)
    _widgets.component(_RULER, key, "eta", move, data)


def verdict(run: Trajectory) -> None:
    """What happened in a run, in words."""
    _small("verdict", f"Result: **{regimes.headline(run).capitalize()}.** {regimes.describe(run)}")


def say_beside(average: Trajectory, run: Trajectory) -> None:
    """What the central flow beside a run shows of it, and what not."""
    _small("average", averages.beside(average, run))


def expectation(experiment: Experiment) -> None:
    """What theory expects at the step size, in words; it knows of no events."""
    said = prospects.place(variations.without_events(experiment))
    label = "Theory, without the events" if experiment.dynamics.events else "Theory, before the run"
    _small("expectation", f"**{label}:** {said}")


def _small(key: str, words: str) -> None:
    _prose.say(words, f"small-{key}")


def play(scene: Scene, run: Trajectory, experiment: Experiment, key: str) -> None:
    """Mount the player on a scene whose subject is the run of an experiment; the browser plays, the
    server hears of it when it rests."""
    shown = _mount(scene, _take.caption_of(run, experiment), experiment, key)
    _take.of_run(shown, run, experiment)


def play_awaited(scene: Scene, experiment: Experiment, key: str) -> None:
    """Mount the same player on a run that the browser computes while the server still compiles."""
    words = (  # as long as a verdict, so that the picture stays where it is
        "**The server is waking up.** This picture was computed by your browser, with the "
        "operations of the server's own kernels, which are being compiled. What happened in the "
        "run follows in words."
    )
    _small("verdict", words)
    title = experiment.dynamics.title.capitalize()
    _mount(scene, captions.of_chart(title, experiment, _state.address()), experiment, key)


def _mount(scene: Scene, caption: Caption, experiment: Experiment, key: str) -> Scene:
    shown = replace(scene, view=_state.view().of_player(), report=True, caption=caption)
    acts: dict[str, Callable[[Any], None]] = {
        "view": _state.played,
        "network": partial(_state.let_go, experiment),
    }
    _widgets.telling(_PLAYER, key, acts, player.payload(shown))
    return shown


def play_here(scene: Scene, run: Trajectory, key: str) -> None:
    """The same of a run that the page has for itself: the link holds nothing of how it is shown."""
    shown = replace(scene, caption=_take.caption_of(run))
    _PLAYER(key=key, data=player.payload(shown))
    _take.of_run(shown, run, run.experiment)


@st.cache_resource
def warm_up() -> None:
    """Load every kernel in the background, or compile it, so that no visitor waits for it."""
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()


def _warm_up() -> None:
    _waking.whole.wait()
    for stage in warm.STAGES.values():
        stage()
    importlib.import_module("simcore.figures.charts")  # and with it Altair, for the other pages
