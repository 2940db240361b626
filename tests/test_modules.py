"""ES modules joined into one: what is dropped, what is refused, what is shipped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simcore.figures import modules

FIGURES = Path(modules.__file__).parent
ENTRIES = sorted(p for n in ("streamlit", "page", "pocket") for p in FIGURES.glob(f"*/{n}.js"))

A = """import { b } from "./b.js";
import {
  c,
  d,
} from "./deep/c.js";

export default b + c + d;
"""
B = """import { c } from "./deep/c.js";

const twice = 2;
export const b = twice * c;
"""
C = """export const c = 3;
export class d {}
export function e() {
  const b = 1;
  return b;
}
"""


@pytest.fixture
def write(tmp_path: Path):
    def write_(**files: str) -> Path:
        (tmp_path / "deep").mkdir(exist_ok=True)
        for name, text in {"a": A, "b": B, "deep/c": C, **files}.items():
            (tmp_path / f"{name}.js").write_text(text, encoding="utf-8")
        return tmp_path / "a.js"

    return write_


def test_each_module_stands_once_behind_what_it_imports(write) -> None:
    assert modules.joined(write()) == (
        "const c = 3;\nclass d {}\nfunction e() {\n  const b = 1;\n  return b;\n}\n\n"
        "const twice = 2;\nconst b = twice * c;\n\n"
        "export default b + c + d;\n"
    )


REFUSED = {
    "whole module": (B.replace("{ c }", "* as c"), "'import \\* as c"),
    "default import": (B.replace("{ c }", "c"), "'import c from"),
    "renamed import": (B.replace("{ c }", "{ c as b }"), "'import { c as b }|does not export"),
    "import for its effect": ('import "./deep/c.js";\n' + B, "'import \"./deep/c.js\";'"),
    "package": (B.replace("./deep/c.js", "three"), 'from "three";\''),
    "import at run time": (B + 'const f = () => import("./deep/c.js");\n', "'import\\('"),
    "import.meta": (B + "export const url = import.meta.url;\n", "'import.'"),
    "list of exports": (B + "export { twice };\n", "'export { twice };'"),
    "export from": (B + 'export * from "./deep/c.js";\n', "'export \\*"),
    "two names at once": (B + "const x = 1,\n  y = 2;\n", "'const x = 1,'"),
    "destructured": (B + "const { x } = { x: 1 };\n", "'const {"),
    "var": (B + "var x = 1;\n", "'var x = 1;'"),
    "name twice in a file": (
        B + "function twice() {}\n",
        "'twice' is declared in b.js and in b.js",
    ),
    "name of another file": (B + "function e() {}\n", "'e' is declared in c.js and in b.js"),
    "not exported": (
        B.replace("{ c }", "{ c, f }"),
        r"imports \['f'\], which c.js does not export",
    ),
    "no such file": (B.replace("./deep/c.js", "./c.js"), "c.js is imported but not there"),
    "twice from one file": (
        'import { d } from "./deep/c.js";\n' + B,
        "b.js imports ./deep/c.js twice",
    ),
    "circle": ('import { x } from "./a.js";\n' + B, "circle, a.js -> b.js -> a.js"),
    "default export below": (B + "export default 1;\n", "b.js is imported and has a default"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_joined_is_refused_in_a_sentence(write, case: str) -> None:
    text, words = REFUSED[case]
    with pytest.raises(ValueError, match=words) as refusal:
        modules.joined(write(b=text))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_is_shipped_has_no_module_words_left_but_its_default_export(entry: Path) -> None:
    code = modules.joined(entry)
    assert re.findall(r"^(?:import|export)\b.*?(?=\w+\()", code, re.MULTILINE) == (
        ["export default "] if entry.name == "streamlit.js" else []
    )


def test_every_file_is_shipped_and_every_export_is_imported() -> None:
    """The linter sees a name that is imported and not used, but none that nobody imports."""
    found = {path: module for entry in ENTRIES for path, module in modules.modules(entry).items()}
    assert set(found) == set(FIGURES.glob("*/*.js"))
    imported = {
        (target, name)
        for module in found.values()
        for target, names in module.imports.items()
        for name in names
    }
    exported = {(path, name) for path, module in found.items() for name in module.exports}
    assert exported == imported
