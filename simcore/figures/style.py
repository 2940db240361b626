"""One encoding everywhere: colours, pens and labels that all pictures share.

A pathway keeps its hue and its marker in every panel; simulation is solid, theory dashed, flow
thin, central flow dotted; time colours a trajectory (plasma); maps are diverging. Plain data
without a drawing library, so the charts and the player can both read it. Every line and mark keeps
a contrast of 3:1 (WCAG 2.1, 1.4.11) on white and on Streamlit's dark page: a `Shade` has one colour
for each, and hues are lightened on dark.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

LIGHT_PAGE, DARK_PAGE = "#ffffff", "#171614"  # Streamlit's two backgrounds


class Shade(NamedTuple):
    """A colour for light pages and one for dark pages."""

    light: str
    dark: str

    @property
    def expression(self) -> str:
        """A Vega expression for the colour that suits the background of the page."""
        return f"luminance(background) < 0.3 ? '{self.dark}' : '{self.light}'"


# --- Colours -----------------------------------------------------------------------------------

# Okabe-Ito; orange and sky blue darkened, as E69F00 and 56B4E9 fade on white (2.3:1).
HUES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B97F00", "#3F93C6")
LIGHTENED = 0.35  # on dark, towards white: a thin line is fainter than its colour

PAGE = Shade(LIGHT_PAGE, DARK_PAGE)
INK = Shade("#31333f", "#fafafa")  # text, and lines that belong to no pathway
MUTED = Shade("#6b717d", "#a5abb8")  # what stands behind the subject
EDGE = Shade("#b3202c", "#ff8f80")  # 2/eta
THEORY = Shade("#7d55b8", "#b79be0")  # closed forms that belong to no pathway

# Plasma, cut where it would fade into the page: 0 to 0.64 on white, 0.39 to 1 on dark.
PLASMA = tuple(
    map(
        Shade,
        ("#0d0887", "#4e02a2", "#8004a8", "#ac2694", "#cd4a76", "#e76f5a"),
        ("#ae2892", "#cf4c74", "#e87059", "#f99a3e", "#fdc827", "#f0f921"),
    )
)

# From below to above the centre, which takes the colour of the page.
DIVERGING = (
    Shade("#2166ac", "#b4dcff"),
    Shade("#92c5de", "#3a83c4"),
    PAGE,
    Shade("#f4a582", "#c2583f"),
    Shade("#b2182b", "#ffc9b5"),
)

BEHIND = 0.5  # of these colours on the page, where runs are drawn upon them

# What becomes of a run, by the value of `regimes.Regime`, in the order of a legend: one palette for
# the ruler, the ribbon, the map and the verdict. Told apart by hue and by lightness, also with
# red-green blindness. Grey means that nothing has come of it yet.
ENDS = {
    "winner takes all": Shade("#7a52c7", "#c0a8f5"),
    "partly re-balanced": Shade("#56b4e9", "#3388bb"),
    "balanced": Shade("#00487a", "#a6dbff"),
    "cycle": Shade("#f0c43c", "#f2d16b"),
    "chaos": Shade("#d55e00", "#d55e00"),
    "sign flip": Shade("#8c1d4f", "#ff8fbf"),
    "trapped": Shade("#009e73", "#00795a"),
    "diverged": Shade("#401010", "#ffe6dc"),
    "unfinished": Shade("#dcdde2", "#3a3c44"),
}

# Phases of a run, by their name in `regimes`, in the colour of the end they would lead to; one that
# is "settled" has the colour of its run's own end, where that is known. The player thins them with
# the page.
PHASES = {
    "plateau": Shade("#8a8f98", "#8a8f98"),
    "growth": ENDS["balanced"],
    "symmetry breaking": ENDS["winner takes all"],
    "edge of stability": ENDS["cycle"],
    "re-balancing": ENDS["partly re-balanced"],
    "settled": ENDS["balanced"],
}


ROLES = {"ink": INK, "muted": MUTED, "edge": EDGE, "theory": THEORY}
FADES = (0.0, 0.35, 0.52, 0.62)  # of further modes and further descents, towards the page

Colour = int | str  # a pathway index, or one of ROLES


def shade(colour: Colour, fade: int = 0) -> Shade:
    """A pathway's hue or a role; paler by `fade` = 1, 2, ... Hues repeat after six pathways, then
    the dash tells them apart."""
    part = FADES[min(fade, len(FADES) - 1)]
    if isinstance(colour, int):
        hue = HUES[colour % len(HUES)]
        on_dark = _mix(hue, "#ffffff", LIGHTENED)
        return Shade(_mix(hue, LIGHT_PAGE, part), _mix(on_dark, "#ffffff", part))
    role = ROLES[colour]
    return Shade(_mix(role.light, LIGHT_PAGE, part), _mix(role.dark, DARK_PAGE, part))


def around(places: Iterable[float], *, dark: bool) -> list[str]:
    """The diverging colours at places from -1 to 1, about 0, on a page of one kind, as pale as
    what stands behind lines must be."""
    page = PAGE.dark if dark else PAGE.light
    shades = [_mix(page, shade.dark if dark else shade.light, BEHIND) for shade in DIVERGING]
    found = []
    for place in places:
        at = (place + 1) / 2 * (len(shades) - 1)
        k = min(int(at), len(shades) - 2)
        found.append(_mix(shades[k], shades[k + 1], at - k))
    return found


def _mix(colour: str, other: str, part: float) -> str:
    pairs = [(int(colour[k : k + 2], 16), int(other[k : k + 2], 16)) for k in (1, 3, 5)]
    return "#" + "".join(f"{round(one + (two - one) * part):02x}" for one, two in pairs)


# --- Lines -------------------------------------------------------------------------------------

Dash = tuple[float, ...]

SOLID: Dash = (1, 0)
THEORY_DASH: Dash = (6, 4)
DOTS: Dash = (1.5, 3.5)
DASHES: tuple[Dash, ...] = (SOLID, (9, 2, 2, 2), (3, 2), (12, 3), (9, 2, 2, 2, 2, 2))

WIDTHS = {"points": 1.6, "thin": 1.2, "dotted": 1.3}  # by `Dynamics.stroke`
THEORY_WIDTH = 1.3
GUIDE_WIDTH = 0.8  # of lines that only guide the eye, solid

# A pathway's own, set along its lines: without colours it is told by them. Vega's names; diamond
# and star are left to marks.
MARKERS = ("circle", "triangle-up", "square", "triangle-down", "cross")


class Pen(NamedTuple):
    """How a line is drawn."""

    width: float
    dash: Dash
    shade: Shade
    points: bool = False  # joined faintly


def pen(colour: Colour, stroke: str, rank: int = 0, *, mode: int = 0, theory: bool = False) -> Pen:
    """Of a line of the `rank`-th run with this stroke (`Dynamics.stroke`).

    Hues repeat after six pathways: then the dash tells them apart, as it does further smooth runs.
    Points cannot be dashed, so further descents are paler; so are further modes.
    """
    points = stroke == "points"
    repeats = colour // len(HUES) if isinstance(colour, int) else 0
    dash = DASHES[(repeats + (0 if points else rank)) % len(DASHES)]
    if theory:
        dash = THEORY_DASH
    elif stroke == "dotted":
        dash = DOTS
    width = THEORY_WIDTH if theory else WIDTHS[stroke]
    return Pen(width, dash, shade(colour, mode + (rank if points else 0)), points and dash == SOLID)


def curve_pen(role: Colour) -> Pen:
    """Of a curve of theory in the plane; what only guides the eye is muted, thin and solid."""
    if role == "muted":
        return Pen(GUIDE_WIDTH, SOLID, shade(role))
    return Pen(THEORY_WIDTH, THEORY_DASH, shade(role))


def marker(pathway: int) -> str:
    """The shape set along the lines of pathway 0, 1, ...; shapes repeat after five, hues after six,
    so that the two together do after thirty."""
    return MARKERS[pathway % len(MARKERS)]


# --- Labels ------------------------------------------------------------------------------------

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def subscript(*indices: int) -> str:
    """₁₂ for (1, 2); with commas once one of several has two digits, ₁₀,₂ for (10, 2)."""
    separator = "," if max(indices) > 9 else ""
    return separator.join(str(index).translate(_SUBSCRIPTS) for index in indices)


def strength_label(pathway: int, mode: int) -> str:
    """σ₁₂ for pathway 0 and mode 1, both counted from zero as in arrays."""
    return "σ" + subscript(pathway + 1, mode + 1)


def target_label(mode: int) -> str:
    """σ*₁ for mode 0."""
    return "σ*" + subscript(mode + 1)


def short(value: float) -> str:
    """Three significant digits for a label: 13, 0.154, 1.2e−05."""
    return f"{value:.3g}".replace("-", "−")
