"""The architecture is a table, and this test holds it: what each module may import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from pkgutil import resolve_name

import pytest

ROOT = Path(__file__).parent.parent
ANYTHING = None

# kind of file: (its modules, what they may import: packages and kinds; the standard library always)
TABLE: dict[str, tuple[str, str | None]] = {
    "loops": ("simcore.kernels simcore.kernels.*", "numpy numba llvmlite loops"),
    "nouns": (
        "simcore.version simcore.checks simcore.limits simcore.looks simcore.files "
        "simcore.extras simcore.archive simcore.caption simcore.spec simcore.tasks simcore.starts "
        "simcore.events simcore.schedules simcore.record simcore.dynamics simcore.network "
        "simcore.experiment simcore.trajectory simcore.ensemble simcore.rows simcore.view "
        "simcore.lesson "
        "simcore.typed simcore.run_inputs simcore.sharing simcore.bars simcore.memory "
        "simcore.hands simcore.wording",
        "numpy nouns",
    ),
    "truths": (
        "simcore.theory simcore.prospects simcore.variations simcore.plans simcore.cost "
        "simcore.differences simcore.branches simcore.driven "
        "simcore.drift simcore.landscape simcore.layer_flow simcore.flow_ends simcore.expectations "
        "simcore.marks simcore.zones simcore.zone_words simcore.outlook",
        "numpy nouns truths",
    ),
    "verbs": (
        "simcore.curvature simcore.davidson simcore.frames simcore.lanczos simcore.places "
        "simcore.mode_starts simcore.mode_curvature simcore.jitters "
        "simcore.engines simcore.modes_engine simcore.matrices_engine simcore.samples_engine "
        "simcore.updates simcore.edge simcore.central simcore.averages "
        "simcore.simulate "
        "simcore.alignment simcore.courses simcore.verdicts simcore.nonlinear "
        "simcore.nonlinear_presets "
        "simcore.true_tail simcore.past simcore.last_steps "
        "simcore.driven_verdicts simcore.driven_words "
        "simcore.horizon simcore.judged simcore.phases simcore.flow_words simcore.lone_words "
        "simcore.run_numbers "
        "simcore.regimes simcore.ends simcore.preset "
        "simcore.event_presets simcore.central_presets simcore.drive_presets "
        "simcore.neighbour_presets simcore.neighbours simcore.presets "
        "simcore.links simcore.link_values simcore.run_table simcore.captions "
        "simcore.what simcore.live simcore.suggest",
        "numpy nouns loops truths verbs",
    ),
    "readers": ("simcore.data simcore.data.*", "numpy pyarrow nouns readers"),
    "process": ("simcore.signals simcore.streams simcore.serve", "nouns"),
    "studies": (
        "simcore.studies simcore.studies.*",
        "numpy pyarrow cloudpickle process nouns loops truths verbs studies",
    ),
    "pictures": (
        "simcore.figures simcore.figures.*",
        "altair numpy pyarrow PIL vl_convert nouns truths pictures",
    ),
    "files": (
        "simcore.scenes simcore.awaited simcore.export simcore.export.*",
        "numpy PIL vl_convert imageio_ffmpeg nouns truths verbs pictures files",
    ),
    "displays": ("simcore.notebook", "numpy nouns truths verbs pictures files"),
    "front": ("simcore", "process nouns truths verbs studies files"),
    "command_line": (
        "simcore.__main__ simcore.command simcore.command.* simcore.scheduler",
        "numpy altair distributed front process nouns truths verbs studies pictures files "
        "command_line",
    ),
    "furniture": ("app pages pages.*", ANYTHING),
}

FILES = [*ROOT.glob("simcore/**/*.py"), *ROOT.glob("pages/*.py"), *ROOT.glob("app.py")]


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def kind_of(module: str) -> str | None:
    """The kind of one of our modules; of another, the package it comes from."""
    for kind, (patterns, _) in TABLE.items():
        if any(fnmatch(module, pattern) for pattern in patterns.split()):
            return kind
    package = module.split(".")[0]
    return None if package in ("simcore", "pages") else package


def imports(source: str) -> Iterator[str]:
    """Every module a source imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                base = "." * node.level + (node.module or "")
                inner = f"{base}.{alias.name}"
                yield inner if inner in MODULES else base


def offences(module: str, source: str) -> list[str]:
    """What a module of ours imports and may not, by the table."""
    kind = kind_of(module)
    assert kind in TABLE, f"add {module} to the table of tests/test_layers.py: what kind is it?"
    allowed = TABLE[kind][1]
    if allowed is ANYTHING:
        return []
    return [
        f"{module} ({kind}) must not import {imported}"
        for imported in imports(source)
        if imported.split(".")[0] not in sys.stdlib_module_names
        and kind_of(imported) not in allowed.split()
    ]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_kind_may(module):
    assert offences(module, MODULES[module].read_text()) == []


@pytest.mark.parametrize(
    ("module", "source", "count"),
    [
        ("simcore.kernels.modes", "from simcore import engines", 1),
        ("simcore.kernels.modes", "from simcore.curvature import layout", 1),
        ("simcore.kernels.modes", "import math, numba, numpy.linalg", 0),
        ("simcore.tasks", "def f():\n    import simcore.simulate, scipy.linalg", 2),
        ("simcore.tasks", "from simcore import checks, simulate", 1),
        ("simcore.tasks", "import simcore", 1),
        ("simcore.tasks", "from . import checks", 1),
        ("simcore.theory", "if TYPE_CHECKING:\n    from simcore.experiment import Network", 0),
        ("simcore.theory", "if TYPE_CHECKING:\n    from simcore.simulate import simulate", 1),
        ("simcore.theory", "from simcore.regimes import classify", 1),
        ("simcore.regimes", "from simcore.studies import sweep", 1),
        ("simcore.studies.sweep", "import altair, streamlit", 2),
        ("simcore.figures.new", "from simcore.figures import style\nimport streamlit", 1),
        (
            "simcore.figures.new",
            "from simcore import engines\nfrom simcore.kernels import modes",
            2,
        ),
        ("simcore.regimes", "from pages import _ui\nimport app", 2),
        ("simcore.__main__", "import streamlit", 1),
        ("app", "import streamlit, simcore.kernels.matrices", 0),
    ],
)
def test_the_table_is_held(module, source, count):
    assert len(offences(module, source)) == count


def test_a_new_module_must_be_added_to_the_table():
    with pytest.raises(AssertionError, match=r"add simcore\.novelty to the table"):
        offences("simcore.novelty", "")


# What a module looks up by name when it is asked for: a run offers what layers above make of it.
LATE = {
    "simcore.studies.cluster": {"simcore.version:VERSION"},  # on a worker
    "simcore.trajectory": {
        "simcore.run_table:write",
        "simcore.notebook:dataset",
        "simcore.notebook:shown",
    },
}


@pytest.mark.parametrize("module", MODULES)
def test_what_is_looked_up_late_is_in_the_table(module):
    nodes = ast.walk(ast.parse(MODULES[module].read_text()))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    names = {text for text in texts if re.fullmatch(r"simcore[\w.]*:\w+", str(text))}
    assert names == LATE.get(module, set())
    assert all(map(resolve_name, names))


def test_importing_simcore_brings_no_interface():
    heavy = {"altair", "streamlit", "pandas", "pyarrow", "PIL"}
    program = f"import sys, simcore; print(*sorted({heavy!r} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == ""


def inner_kernels() -> dict[str, set[str]]:
    """Per module of loops, the kernels that have no way in from Python."""
    names: dict[str, set[str]] = {}
    for path in (ROOT / "simcore/kernels").glob("*.py"):
        functions = [x for x in ast.parse(path.read_text()).body if isinstance(x, ast.FunctionDef)]
        names[module_of(path)] = {
            function.name
            for function in functions
            for mark in function.decorator_list
            if ast.unparse(mark) in ("inner_kernel", "inlined_kernel")
        }
    return names


def kernels_named(source: str) -> Iterator[tuple[str, str]]:
    """Module and name of what a source takes from the loops."""
    tree, modules = ast.parse(source), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("simcore.kernels"):
            for alias in node.names:
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield str(node.module), alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield modules.get(node.value.id, ""), node.attr


def test_python_calls_no_kernel_that_it_has_no_way_into():
    """The call would be a jump to nowhere."""
    inner = inner_kernels()
    assert sum(map(len, inner.values())) > 20
    files = [*FILES, *ROOT.glob("tests/*.py"), *ROOT.glob("benchmarks/*.py")]
    named = {
        (str(path.relative_to(ROOT)), module, name)
        for path in files
        if path.parent.name != "kernels"
        for module, name in kernels_named(path.read_text())
        if name in inner.get(module, ())
    }
    assert named == set()
    example = "from simcore.kernels import lanczos as loops\nloops.step(1)"
    assert ("simcore.kernels.lanczos", "step") in kernels_named(example)
