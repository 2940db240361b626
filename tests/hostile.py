"""Files that pretend to be stores: programs, torn pages, and values of every wrong kind; and, to
make them of, honest stores of today and of before.

`make(number, path)` writes the file of that number, the same one every time. Kinds take turns, so
the first so many are a fair selection.
"""

from __future__ import annotations

import json
import random
import sqlite3
import struct
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from simcore import Balanced, Descent, Experiment, Network, Spectrum, grid
from simcore.rows import Row, Summary
from simcore.studies.store import Store
from simcore.studies.store_files import APPLICATION, PLANS, RUNS, TABLES, VERSION

SMALL = Experiment(
    task=Spectrum(singular_values=(1.0,)),
    network=Network(depths=(2, 2)),
    start=Balanced(scales=(0.1, 0.2)),
    dynamics=Descent(step_size=0.1, steps=5),
)
CELLS = grid(SMALL, {"dynamics.steps": [5, 6, 7], "dynamics.step_size": [0.1, 0.2, 0.3]})
ROW = Summary(loss=0.5, sharpness=3.0).row()
DEEP = "[" * 100_000
COUNT = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c)"
COLUMNS = "key, measure, experiment, row"

Kind = Callable[[random.Random, Path], None]


def honest(path: Path, runs: int = len(CELLS), planned: bool = True) -> None:
    """A store with rows that nobody ran."""
    with Store(path) as store:
        if planned:
            store.put_plan(CELLS.to_json())
        store.put(CELLS[:runs], [ROW] * runs)


def old(path: Path, version: int, runs: Sequence[tuple[Experiment, Row]] = ()) -> None:
    """A store as a program of that version makes it, with these experiments and rows."""
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA journal_mode = WAL")
        for sql in TABLES[version]:
            file.execute(sql)
        file.execute(f"PRAGMA application_id = {APPLICATION}")
        file.execute(f"PRAGMA user_version = {version}")
        for experiment, row in runs:
            append(file, experiment, row)


def append(file: sqlite3.Connection, experiment: Experiment, row: Row) -> None:
    """What programs of versions 1 and 2 do with a run."""
    texts = json.dumps(experiment.to_dict()), json.dumps(row)
    file.execute("INSERT INTO runs VALUES (?, 'summary', ?, ?)", [experiment.key, *texts])


def make(number: int, path: Path) -> str:
    """Write the file of that number and give the name of its kind."""
    kind = KINDS[number % len(KINDS)]
    kind(random.Random(number), path)
    return kind.__name__


# --- Programs --------------------------------------------------------------------------------


def _database(path: Path, *statements: str, before: tuple[str, ...] = ()) -> None:
    """A database that says it is a store."""
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for sql in (*before, *statements):
            file.execute(sql)
        file.execute(f"PRAGMA application_id = {APPLICATION}")
        file.execute(f"PRAGMA user_version = {VERSION}")


def _altered(path: Path, *statements: str) -> None:
    """An honest store, changed by a program that may change anything."""
    honest(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA writable_schema = ON")
        for sql in statements:
            file.execute(sql)


def view(rng: random.Random, path: Path) -> None:
    endless = f"CREATE VIEW runs AS {COUNT} SELECT n AS key, n AS measure, '1' AS experiment"
    statements = [
        f"{endless}, zeroblob(900000000) AS row, NULL AS version FROM c ORDER BY n DESC",
        f"{endless}, '{{}}' AS row, NULL AS version FROM c",
        "CREATE VIEW runs AS SELECT hex(zeroblob(400000000)) AS key, 'summary' AS measure, "
        "'1' AS experiment, '1' AS row, NULL AS version",
    ]
    _database(path, rng.choice(statements), PLANS)


def view_of_plans(rng: random.Random, path: Path) -> None:
    _database(path, RUNS, f"CREATE VIEW plans AS {COUNT} SELECT n AS plan, n AS measure FROM c")
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("INSERT INTO runs VALUES ('a', 'summary', '1', '1', NULL)")


def computed(rng: random.Random, path: Path) -> None:
    where = rng.choice(["VIRTUAL", "STORED"]) if rng.random() < 0.2 else "VIRTUAL"
    size = 20_000_000 if where == "VIRTUAL" else 1_000_000
    column = f"GENERATED ALWAYS AS (hex(zeroblob({size}))) {where}"
    _database(
        path,
        RUNS.replace("row TEXT NOT NULL,", f"row TEXT {column},"),
        PLANS,
        "INSERT INTO runs (key, measure, experiment) VALUES ('a', 'summary', '1')",
    )


def trigger(rng: random.Random, path: Path) -> None:
    event = rng.choice(["INSERT", "UPDATE", "DELETE"])
    _altered(
        path,
        f"CREATE TRIGGER t BEFORE {event} ON runs BEGIN "
        f"INSERT INTO plans {COUNT} SELECT n, n FROM c; END",
    )


def more(rng: random.Random, path: Path) -> None:
    _altered(
        path,
        rng.choice(
            [
                "CREATE INDEX slow ON runs (hex(zeroblob(length(row) * 10)))",
                "CREATE TABLE more (x)",
                "CREATE UNIQUE INDEX other ON plans (measure) WHERE length(plan) > 5",
                "CREATE VIRTUAL TABLE words USING fts5(a, b)",
                "CREATE VIRTUAL TABLE pages USING dbstat",
                'CREATE TABLE "![x](http://HOST/a.png)\n\n# so" (x)',
                "ANALYZE",
            ]
        ),
    )


def other_tables(rng: random.Random, path: Path) -> None:
    runs = rng.choice(
        [
            RUNS.replace("row TEXT NOT NULL,", "row TEXT NOT NULL CHECK (length(row) < 1e9),"),
            RUNS.replace("TEXT", "BLOB"),
            RUNS.replace(")", ") ") + " WITHOUT ROWID",
            RUNS.replace("version TEXT,", "version TEXT DEFAULT (hex(randomblob(400000000))),"),
            RUNS.replace("Experiment.key", "a key"),
            "CREATE TABLE runs (key)",
            f"CREATE TABLE runs ({', '.join(f'c{n}' for n in range(1500))})",
            RUNS.replace("key TEXT NOT NULL,", "key TEXT NOT NULL COLLATE NOCASE,"),
        ]
    )
    _database(path, runs, PLANS)


def written_schema(rng: random.Random, path: Path) -> None:
    sql = rng.choice(
        [
            "NULL",
            "''",
            "5",
            "zeroblob(300000)",
            "CAST(x'ff8041' AS TEXT)",
            "'CREATE VIEW runs AS SELECT ' || replace(hex(zeroblob(50000)), '0', '(') || '1'",
            "'CREATE TABLE runs (' || replace(hex(zeroblob(20000)), '0', 'a,') || 'b)'",
            "'INSERT INTO plans VALUES (1, 2)'",
            "'CREATE TABLE runs AS SELECT 1'",
            "sql || ' STRICT'",
        ]
    )
    where = rng.choice(["name = 'runs'", "name = 'plans'", "type = 'index'", "1"])
    _altered(path, f"UPDATE sqlite_master SET sql = {sql} WHERE {where}")


def written_roots(rng: random.Random, path: Path) -> None:
    root = rng.choice([0, -1, 1, 2, 3, 5, 10**6, 2**31, 2**40, "'x'", "NULL"])
    change = rng.choice([f"rootpage = {root}", "rootpage = rootpage + 1", "name = 'x'"])
    _altered(path, f"UPDATE sqlite_master SET {change} WHERE name LIKE '%{rng.choice('rp')}%'")


# --- Torn and twisted pages ------------------------------------------------------------------


def _bytes(path: Path) -> bytearray:
    honest(path)
    return bytearray(path.read_bytes())


def flipped(rng: random.Random, path: Path) -> None:
    content = _bytes(path)
    for _ in range(rng.choice([1, 2, 5, 50, 500])):
        content[rng.randrange(len(content))] = rng.randrange(256)
    path.write_bytes(content)


def header(rng: random.Random, path: Path) -> None:
    content = _bytes(path)
    for _ in range(rng.choice([1, 1, 3])):
        content[rng.randrange(16, 116)] = rng.choice([0, 1, 2, 3, 127, 255, rng.randrange(256)])
    path.write_bytes(content)


def cut(rng: random.Random, path: Path) -> None:
    content = _bytes(path)
    end = rng.choice([rng.randrange(len(content)), rng.randrange(8) * 4096, len(content) - 1])
    path.write_bytes(content[:end])


def longer(rng: random.Random, path: Path) -> None:
    content = _bytes(path)
    path.write_bytes(content + rng.randbytes(rng.choice([1, 100, 4096, 9000])))


def shuffled(rng: random.Random, path: Path) -> None:
    """Pages of one file in each other's place, as in a copy taken while it was written."""
    content = _bytes(path)
    pages = [bytes(content[first : first + 4096]) for first in range(0, len(content), 4096)]
    for _ in range(rng.choice([1, 2, 5])):
        a, b = rng.randrange(1, len(pages)), rng.randrange(1, len(pages))
        pages[a] = rng.choice([pages[b], bytes(4096), b"\xff" * 4096, rng.randbytes(4096)])
    path.write_bytes(b"".join(pages))


def torn(rng: random.Random, path: Path) -> None:
    """Some pages of before a batch, some of after it."""
    honest(path, 2)
    before = path.read_bytes()
    honest(path)
    after = path.read_bytes()
    pages = [
        (before if rng.random() < 0.5 else after)[first : first + 4096]
        for first in range(0, len(after), 4096)
    ]
    path.write_bytes(b"".join(pages))


def circles(rng: random.Random, path: Path) -> None:
    """A page whose children are all one page, or the page itself: endless rows in few pages."""
    content = _bytes(path)
    with closing(sqlite3.connect(path)) as file:
        question = "SELECT rootpage FROM sqlite_master WHERE rootpage > 0"
        roots = [root for (root,) in file.execute(question)]
    page = rng.choice([1, *roots])
    first = (page - 1) * 4096
    start = 100 if page == 1 else 0
    children = 200
    child = rng.choice([page, *roots])
    cells = b"".join(struct.pack(">IB", child, n % 128) for n in range(children))
    begin = 4096 - len(cells)
    interior = struct.pack(">BHHHBI", 5, 0, children, begin, 0, child)
    places = struct.pack(f">{children}H", *(begin + 5 * n for n in range(children)))
    content[first + start : first + start + len(interior)] = interior
    content[first + start + 12 : first + start + 12 + len(places)] = places
    content[first + begin : first + 4096] = cells
    path.write_bytes(content)


def long_chain(rng: random.Random, path: Path) -> None:
    """A text that says it is 500 MB long, on overflow pages that lead in a circle."""
    with Store(path) as store:
        store.put(CELLS[:1], [ROW | {"note": "x" * 90_000}])
    content = bytearray(path.read_bytes())
    pages = len(content) // 4096
    for page in range(4, pages):
        if not any(content[page * 4096 : page * 4096 + 2]):  # a chain goes on at the next page
            content[page * 4096 : page * 4096 + 4] = struct.pack(">I", rng.randrange(1, pages + 1))
    path.write_bytes(content)


def another_file(rng: random.Random, path: Path) -> None:
    kind = rng.randrange(6)
    if kind == 0:
        path.write_bytes(rng.randbytes(rng.choice([1, 99, 100, 4096, 50_000])))
    elif kind == 1:
        path.write_text("step,loss\n1,2\n" * rng.choice([1, 5000]))
    elif kind == 2:
        path.write_bytes(b"SQLite format 3\0" + rng.randbytes(5000))
    elif kind == 3:
        _database(path, RUNS, PLANS, before=("PRAGMA encoding = 'UTF-16'",))
    elif kind == 4:
        with closing(sqlite3.connect(path)) as file:
            file.execute(RUNS)
    else:
        path.write_bytes(b"\x1f\x8b\x08" + rng.randbytes(3000))


def sizes(rng: random.Random, path: Path) -> None:
    """An honest store but for the size of its pages, its log or its free pages."""
    size = 2 ** rng.randrange(9, 17)
    vacuum = rng.choice(["NONE", "FULL", "INCREMENTAL"])
    mode = rng.choice(["WAL", "DELETE"])
    before = (f"PRAGMA page_size = {size}", f"PRAGMA auto_vacuum = {vacuum}")
    _database(path, f"PRAGMA journal_mode = {mode}", RUNS, PLANS, before=before)
    if mode == "DELETE":
        honest(path)


# --- Values ----------------------------------------------------------------------------------


TEXTS = [
    "",
    " ",
    "5",
    "null",
    "true",
    '"text"',
    "[]",
    "{}",
    "[1]",
    "NaN",
    "-Infinity",
    "{",
    DEEP,
    DEEP + "]" * 100_000,
    '{"a":' * 50_000 + "1" + "}" * 50_000,
    "[[]," * 20_000 + "1" + "]" * 20_000,
    "[" + "[]," * 30_000 + "1]",
    "1" + "0" * 400,
    "1" + "0" * 10_000,
    "1e999",
    '"\\ud800"',
    "\x00",
    '{"type": "Experiment"}',
    '{"type": "![](http://HOST/t.png)"}',
    '{"type": ["Experiment"]}',
    '{"base": 5, "axes": {}}',
    "x" * 200_000,
]
ANY = [None, True, 5, -1, 0, 1e400, -1e308, 10**400, -(10**400), [], {}, "x", [[]], "\ud800", ""]


def _put(path: Path, column: str, values: list[object]) -> None:
    """An honest store but for the values of one column of its runs or plans."""
    honest(path)
    table = "plans" if column == "plan" else "runs"
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        rows = [row for (row,) in file.execute(f"SELECT rowid FROM {table} ORDER BY rowid")]
        for rowid, value in zip(rows, values, strict=False):
            file.execute(
                f"UPDATE OR IGNORE {table} SET {column} = ? WHERE rowid = ?", [value, rowid]
            )
        if table == "runs":  # so that every run is looked at
            file.execute("DELETE FROM plans")


def texts(rng: random.Random, path: Path) -> None:
    column = rng.choice(["plan", "row", "experiment", "row", "experiment", "version", "key"])
    values: list[object] = [rng.choice(TEXTS) for _ in range(rng.choice([1, 9]))]
    _put(path, column, values)


def classes(rng: random.Random, path: Path) -> None:
    """Numbers and bytes where text should be."""
    column = rng.choice(["plan", "row", "experiment", "version", "key", "measure"])
    value = rng.choice([5, -(2**63), 0.5, float("inf"), b"{}", b"\xff\xfe", rng.randbytes(100)])
    _put(path, column, [value])


def broken_utf8(rng: random.Random, path: Path) -> None:
    column = rng.choice(["plan", "row", "experiment", "version", "key", "measure"])
    honest(path)
    table = "plans" if column == "plan" else "runs"
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        broken = rng.choice(["ff", "c328", "22ff22", "7b22613a22eda08022", "00", "c080"])
        file.execute(f"UPDATE {table} SET {column} = CAST(x'{broken}' AS TEXT) WHERE rowid = 1")
        if table == "runs" and rng.random() < 0.7:
            file.execute("DELETE FROM plans")


def nulls(rng: random.Random, path: Path) -> None:
    """NULL where it is forbidden, put there while the schema did not say so."""
    loose = RUNS.replace(" NOT NULL", "")
    _database(path, loose, PLANS)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        line: list[object] = [CELLS[0].key, "summary", json.dumps(SMALL.to_dict()), "{}", None]
        line[rng.randrange(4)] = None
        file.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", line)
        file.execute("PRAGMA writable_schema = ON")
        file.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'runs'", [RUNS])


def summaries(rng: random.Random, path: Path) -> None:
    """Rows with a value that no summary has."""
    rows = []
    for _ in CELLS:
        row = dict(ROW)
        name = rng.choice([*row, "new"])
        if rng.random() < 0.3:
            row.pop(name, None)
        else:
            row[name] = rng.choice([*ANY, "winner takes it all", "FINISHED!"])
        rows.append(json.dumps(row))
    _put(path, "row", list(rows))


def _mutated(rng: random.Random, data: object) -> object:
    """The same plain data with something else at one place."""
    if isinstance(data, dict) and data and rng.random() < 0.85:
        name = rng.choice(list(data))
        if rng.random() < 0.15:
            return {(f"{n}x" if n == name else n): value for n, value in data.items()}
        return data | {name: _mutated(rng, data[name])}
    if isinstance(data, list) and data and rng.random() < 0.7:
        place = rng.randrange(len(data))
        return [*data[:place], _mutated(rng, data[place]), *data[place + 1 :]]
    return rng.choice([*ANY, 10**9, 10**6, 0.1, [0.1] * 70, {"type": "Gaussian", "std": 0.1}])


def mutated_experiments(rng: random.Random, path: Path) -> None:
    data = [json.dumps(_mutated(rng, cell.to_dict())) for cell in CELLS]
    _put(path, "experiment", list(data[: rng.choice([1, 9])]))


def mutated_plans(rng: random.Random, path: Path) -> None:
    plan = json.loads(CELLS.to_json())
    for _ in range(rng.choice([1, 1, 2, 4])):
        plan = _mutated(rng, plan)
    _put(path, "plan", [json.dumps(plan)])


def huge_plans(rng: random.Random, path: Path) -> None:
    steps, sizes_ = rng.choice([(3, 100_000), (3000, 3000), (1, 200_000), (100_000, 1)])
    axes: dict[str, object] = {
        "dynamics.steps": [n % 1000 + 1 for n in range(steps)],
        "dynamics.step_size": [0.1 + n * 1e-6 for n in range(sizes_)],
    }
    if rng.random() < 0.3:
        axes |= {"start.scales": [[0.1, 0.2]], "network.depths": [[2, 2]]}
    _put(path, "plan", [json.dumps({"base": SMALL.to_dict(), "axes": axes})])


def many_rows(rng: random.Random, path: Path) -> None:
    """Many runs without a plan, or many plans, in a small file."""
    honest(path, planned=False)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("BEGIN")
        if rng.random() < 0.5:
            text, row = json.dumps(SMALL.to_dict()), json.dumps(ROW)
            lines = [(f"{n}", "summary", text, row, None) for n in range(rng.choice([100, 1000]))]
            file.executemany("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", lines)
        else:
            base = SMALL.to_dict()
            plans = [
                (json.dumps({"base": base, "axes": {"n": [n]}}), "summary") for n in range(3000)
            ]
            file.executemany("INSERT INTO plans VALUES (?, ?)", plans)
        file.execute("COMMIT")


def scattered(rng: random.Random, path: Path) -> None:
    """Runs that no grid holds: each has a step size and a number of steps of its own."""
    runs = rng.choice([60, 200])
    steps = rng.sample(range(1, 100_000), runs)
    cells = [
        SMALL.to_dict() | {"dynamics": Descent(step_size=0.1 + n * 1e-5, steps=of).to_dict()}
        for n, of in enumerate(steps)
    ]
    cells += [
        SMALL.to_dict() | {"dynamics": Descent(step_size=0.1 + n * 1e-5, steps=of).to_dict()}
        for n, of in enumerate(reversed(steps))
    ]
    honest(path, planned=False)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        row = json.dumps(ROW)
        lines = [(f"k{n}", "summary", json.dumps(cell), row, None) for n, cell in enumerate(cells)]
        file.executemany("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", lines)


KINDS: list[Kind] = [
    view,
    view_of_plans,
    computed,
    trigger,
    more,
    other_tables,
    written_schema,
    written_roots,
    flipped,
    header,
    cut,
    longer,
    shuffled,
    torn,
    circles,
    long_chain,
    another_file,
    sizes,
    texts,
    classes,
    broken_utf8,
    nulls,
    summaries,
    mutated_experiments,
    mutated_plans,
    huge_plans,
    many_rows,
    scattered,
]
PROGRAMS = {"view", "view_of_plans", "computed", "trigger", "other_tables"}  # none is ever read
