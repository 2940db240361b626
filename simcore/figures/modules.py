"""ES modules joined into one, as Streamlit takes a component's code as one string.

The files of `player/`, `ruler/` and `browser/` are modules as any browser, editor and linter reads
them. `joined` puts a module behind everything it imports and drops the import lines; since all
names then share one scope, it refuses what would mean something else there.

Known are `import { a, b } from "./file.js";`, `export` in front of a declaration of one name, and
`export default` in the module that is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypedDict

from simcore.checks import require

_IMPORT = re.compile(r'^import \{([\w\s,]+)\} from "(\.{1,2}/[\w./-]+\.js)";\n', re.MULTILINE)
_NAMED = r"(?:const|let|class|(?:async )?function\*?) (\w+)\b"
_TOP_LEVEL = re.compile(rf"^(export )?(?:default )?{_NAMED}", re.MULTILINE)
_EXPORT = re.compile(rf"^export (?={_NAMED})", re.MULTILINE)
# What looks like a module's word or declares names at the top, once all known forms are taken out.
_UNKNOWN = re.compile(
    r"^(?:import|export|var|(?:const|let) [\[{]|(?:const|let) [^;\n]*,$).*|\bimport *[(.]",
    re.MULTILINE,
)


class Component(TypedDict):
    """What `st.components.v2.component` takes."""

    html: str
    css: str
    js: str


class Module(NamedTuple):
    """One file: what it imports from where, what it declares and exports, and its own code."""

    imports: Mapping[Path, frozenset[str]]
    names: Sequence[str]
    exports: frozenset[str]
    code: str


def parsed(path: Path) -> Module:
    """The module of a file; ValueError for an unknown form, or a file that is not there."""
    require(path.is_file(), f"{path.name} is imported but not there; mend the import")
    text = path.read_text(encoding="utf-8")
    imports: dict[Path, frozenset[str]] = {}
    for names, source in _IMPORT.findall(text):
        target = (path.parent / source).resolve()
        require(target not in imports, f"{path.name} imports {source} twice; put it into one line")
        imports[target] = frozenset(re.findall(r"\w+", names))
    rest = _IMPORT.sub("", text)
    declared = _TOP_LEVEL.findall(rest)
    code = _EXPORT.sub("", rest)
    unknown = _UNKNOWN.search(re.sub(r"^export default ", "", code, flags=re.MULTILINE))
    require(
        unknown is None,
        f"{path.name} has {unknown and unknown[0]!r}, which cannot be joined; "
        "import or declare each name by itself",
    )
    return Module(
        imports=imports,
        names=[name for _, name in declared],
        exports=frozenset(name for export, name in declared if export),
        code=code.strip() + "\n",
    )


def modules(entry: Path) -> dict[Path, Module]:
    """`entry` and all that it needs, each behind what it imports.

    ValueError for a circle, a name that is not exported, or one that two modules declare.
    """
    found: dict[Path, Module] = {}
    _collect(entry.resolve(), found, ())
    owner: dict[str, Path] = {}
    for path, module in found.items():
        for name in module.names:
            other = owner.setdefault(name, path)
            require(
                other is path and module.names.count(name) == 1,
                f"{name!r} is declared in {other.name} and in {path.name}; rename one",
            )
        for target, names in module.imports.items():
            missing = names - found[target].exports
            require(
                not missing,
                f"{path.name} imports {sorted(missing)}, which {target.name} does not export; "
                "export or rename",
            )
    return found


def _collect(path: Path, found: dict[Path, Module], above: tuple[Path, ...]) -> None:
    circle = " -> ".join(each.name for each in (*above, path))
    require(path not in above, f"modules import each other in a circle, {circle}; cut it")
    if path in found:
        return
    module = parsed(path)
    require(
        not above or "export default" not in module.code,
        f"{path.name} is imported and has a default export; export a name",
    )
    for target in module.imports:
        _collect(target, found, (*above, path))
    found[path] = module


def joined(entry: Path) -> str:
    """One module that does what `entry` does, with its default export and without imports."""
    return "\n".join(module.code for module in modules(entry).values())


@cache
def component(folder: Path, entry: str = "streamlit.js") -> Component:
    """The files that are called as their folder, and the module `entry` with all that it needs.
    They are read when first asked for: who only computes shows nothing."""
    html, css = ((folder / f"{folder.name}.{end}").read_text("utf-8") for end in ("html", "css"))
    return {"html": html, "css": css, "js": joined(folder / entry)}
