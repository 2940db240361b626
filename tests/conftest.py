"""What all tests share.

Comments such as "SCIENCE 3.5" point into the project's list of facts (closed forms in section 3,
published numbers in section 4), from which the formulas of `simcore.theory` and the numbers of
`simcore.presets` were taken.
"""

import functools
import sys

import pytest
from hypothesis import settings

# No test is timed: a busy machine is no failure. `pytest --hypothesis-profile=long` tries more of
# whatever is fuzzed than the suite has time for.
settings.register_profile("suite", deadline=None, max_examples=50)
settings.register_profile("long", deadline=None, max_examples=5000)
settings.load_profile("suite")


LONG = {"test_app_browser.py", "test_charts.py", "test_package.py", "test_visits.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no worker is left alone with one in the end."""
    items.sort(key=lambda item: item.path.name not in LONG)


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
