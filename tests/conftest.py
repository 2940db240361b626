"""What all tests share.

Comments such as "SCIENCE 3.5" point into the project's list of facts (closed forms in section 3,
published numbers in section 4), from which the formulas of `simcore.theory` and the numbers of
`simcore.presets` were taken.
"""

import functools
import os
import sys

# Before anything imports NumPy, for this process and those it starts: our matrices are small, and
# threads of BLAS that wait for one another take the core from another test.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import settings

# No test is timed: a busy machine is no failure. `pytest --hypothesis-profile=long` tries more of
# whatever is fuzzed than the suite has time for.
settings.register_profile("suite", deadline=None, max_examples=50)
settings.register_profile("long", deadline=None, max_examples=5000)
settings.load_profile("suite")


# What takes longest, longest first: else a worker ends alone with one of them.
LONG = (
    *("app_browser", "package", "charts", "visits", "tour_browser", "player_browser"),
    *("stage_browser", "containers", "pages", "phase_maps", "export", "signals", "store", "served"),
    *("kernels", "cluster", "central_flow", "ruler_browser", "regimes", "experiment", "sweep"),
    *("live_browser", "verdicts", "theory", "descent", "prospects"),
)
PLACES = {f"test_{name}.py": place for place, name in enumerate(LONG)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: PLACES.get(item.path.name, len(LONG)))


@pytest.fixture(scope="session", autouse=True)
def packages_are_searched_once():
    """Each `AppTest` of Streamlit reads what every installed package says of itself, in search of
    components: half a second, and always the same."""
    with pytest.MonkeyPatch.context() as patch:
        if "streamlit.testing" in sys.modules:
            from streamlit.components.v2 import manifest_scanner

            search = functools.cache(manifest_scanner.scan_component_manifests)
            patch.setattr(manifest_scanner, "scan_component_manifests", search)
        yield
