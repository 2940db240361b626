"""Fresh Pythons without the wait: forks of one that has imported Numba and nothing of ours.

A new interpreter spends most of its time on the import of Numba and on its first compilation; a
fork has its own modules, environment and folder all the same.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT_RUNS = sys.platform == "linux" and os.getuid() == 0
ANCESTOR = """
import json, os, sys, traceback
import numba

numba.njit(lambda x: x + 1.0)(1.0)


def begin(job):
    streams = [os.pipe() for _ in range(2)]
    process = os.fork()
    if process == 0:
        for number, (_, end) in enumerate(streams, 1):
            os.dup2(end, number)
        try:
            os.environ.clear()
            os.environ.update(job["environment"])
            numba.core.config.reload_config()
            sys.dont_write_bytecode = True
            os.chdir(job["folder"])
            exec(job["program"], {"__name__": "__main__"})
            code = 0
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    for _, end in streams:
        os.close(end)
    return process, [os.fdopen(start) for start, _ in streams]


def finish(process, streams):
    said = [stream.read() for stream in streams]
    return [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), *said]


for line in sys.stdin:
    job = json.loads(line)
    begun = [begin(job) for _ in range(job["copies"])]
    print(json.dumps([finish(*each) for each in begun]), flush=True)
"""


class Ended(NamedTuple):
    """How a fork ended and what it said."""

    code: int
    out: str
    err: str


class Ancestor(NamedTuple):
    """The process that is forked."""

    process: subprocess.Popen[str]

    def run(
        self, folder: Path, program: str, environment: dict[str, str], copies: int = 1
    ) -> list[Ended]:
        """Run a program in a folder, several at once if asked for, and wait for them."""
        job = {
            "folder": str(folder),
            "program": program,
            "environment": environment,
            "copies": copies,
        }
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return [Ended(*each) for each in json.loads(self.process.stdout.readline())]


@contextmanager
def ancestor() -> Iterator[Ancestor]:
    """A process to fork, which may write no more than the modes of files allow."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    bound = obey_permissions if ROOT_RUNS else None
    process = subprocess.Popen(
        [sys.executable, "-c", ANCESTOR], cwd="/", text=True, preexec_fn=bound, **pipes
    )
    with process:  # it ends when its input does
        yield Ancestor(process)


def obey_permissions() -> None:
    """Of a process of root, from its next program on (prctl of Linux)."""
    drop_from_bounding_set, may_write_anywhere = 24, 1
    ctypes.CDLL(None).prctl(drop_from_bounding_set, may_write_anywhere, 0, 0, 0)
