"""The zones of the step size by name, and what is said to happen in each, in a clause."""

FOLLOWS_FLOW = "follows gradient flow"
IN_PART = "partly re-balanced"
EQUAL = "equal pathways, sum oscillates"
FLATTEST = "flattest split, sum oscillates"
NO_GAIN = "no flatter split, sum oscillates"
MAY_BE_TRAPPED = "may be trapped near zero"
CROSSES_ZERO = "may flip sign, be trapped, diverge"
DIVERGES = "diverges"
NOTHING_MOVES = "nothing moves"
IS_FLOW = "is gradient flow"  # of central flow, as what follows
ALONG_EDGE = "re-balances along the edge"
STOPS_SHORT = "stops short of the target"
ABOVE = "above every edge"
DECAYS = "decays to zero"
SHARP_START = "starts above the edge"

_TO_THE_FLATTEST = (
    "no split is flat enough, so the pathways go to the flattest and keep jumping there"
)
SENTENCES = {
    FOLLOWS_FLOW: "descent follows gradient flow",
    IN_PART: "the winner's minimum is too sharp, so the edge hands signal back to the others",
    EQUAL: _TO_THE_FLATTEST,
    FLATTEST: _TO_THE_FLATTEST,
    NO_GAIN: "no minimum within reach is flat enough, so the sum keeps jumping around the target",
    MAY_BE_TRAPPED: (
        "an overshoot may land so close to zero that coming back takes longer than this run, which "
        "a warm-up avoids"
    ),
    CROSSES_ZERO: (
        "an overshoot may cross zero, so signs may flip, or the run be trapped or diverge"
    ),
    DIVERGES: (
        "no minimum is flat enough, and a pathway of depth 1 is not slowed by an overshoot, so the "
        "run diverges"
    ),
    NOTHING_MOVES: "it makes no difference",
    IS_FLOW: "the edge is never reached, so central flow is gradient flow",
    ALONG_EDGE: (
        "the winner's minimum is too sharp, so central flow is kept at the edge and hands signal "
        "to the others until a minimum is flat enough"
    ),
    STOPS_SHORT: (
        "no minimum is flat enough, so central flow stops short of the target; it knows nothing "
        "of the jumps of descent"
    ),
    ABOVE: (
        "no balanced minimum is flat enough, so descent ends at one that is not, keeps oscillating "
        "or diverges"
    ),
    DECAYS: (
        "weight decay is stronger than the pull of the target on so small a start, so the run "
        "never leaves the plateau"
    ),
    SHARP_START: (
        "the start is sharper than the edge, so the first steps overshoot, and may lead to another "
        "split than that of gradient flow, to a turned sign, to a trap near zero or to divergence"
    ),
}

# What else is said of step sizes above every edge, where the start is sharper than the edge, too.
OVERSHOOTS_FIRST = (
    "though the start is sharper than the edge, so the first overshoot may turn a sign or diverge"
)
PULLED_DOWN = (
    "the start is above the edge, where central flow has no course: it is pulled down to the edge "
    "at once, and what follows may lead to another split than that of gradient flow"
)

# Where gradient flow has no closed form, as layers start uneven: what more may happen.
UNEVEN = {
    FOLLOWS_FLOW: (
        "descent follows gradient flow, though layers that start uneven may meet the edge, which "
        "evens them out and may lead to another split"
    ),
    IN_PART: (
        "the winner's minimum may be too sharp, and then the edge evens out its layers and hands "
        "signal back to the others"
    ),
    **{
        name: f"{SENTENCES[name]}, though layers that start uneven may flip a sign or diverge first"
        for name in (EQUAL, FLATTEST, NO_GAIN)
    },
}

# The same of central flow.
UNEVEN_AVERAGE = {
    IS_FLOW: (
        "balanced minima are below the edge, so central flow is gradient flow, though layers that "
        "start uneven may meet the edge"
    ),
    ALONG_EDGE: (
        "the winner's minimum may be too sharp, and then central flow is kept at the edge until a "
        "minimum is flat enough"
    ),
}

# Where the inputs are not whitened: minima are known whose layers are balanced, no others.
UNWHITENED = {
    FOLLOWS_FLOW: "balanced minima are flat enough, so descent should follow gradient flow",
    IN_PART: (
        "the balanced minimum of one pathway is too sharp, so the edge hands signal to the others "
        "or takes the layers out of balance"
    ),
}
ABOUT = "the inputs are not whitened, so all this is about right"

# For equal depths above 2, in a sentence each (Kim and Lee 2026): after which mark they begin.
STORY = (
    (None, FOLLOWS_FLOW),
    ("flow_edge", IN_PART),
    ("balanced", EQUAL),
    ("trap", MAY_BE_TRAPPED),
    ("wcr", CROSSES_ZERO),
)
