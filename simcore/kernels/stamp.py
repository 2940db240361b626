"""What every kernel is decorated with: how it is compiled, and where its compiled code is kept.

No fastmath: apart from `simd.fma` every operation is rounded as written, so that a run gives the
same bits alone, among many, freshly compiled or from the cache.
"""

from collections.abc import Callable
from typing import Any

import numba

# C never calls a kernel, and to leave out what it would call saves a tenth of the compilation.
OPTIONS: Any = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
# Where nothing is allocated Numba's runtime can stay out: it would count references of all arrays
# in each call.
BARE: Any = OPTIONS | {"_nrt": False}

# `cache` is written against parts of Numba that are not public and change without notice. Under
# any other version kernels are compiled at each start: slow, but never stale.
KNOWN_NUMBA = "0.68."


def kernel(function: Callable[..., Any]) -> Any:
    """A compiled loop over arrays that the caller brings."""
    return _compiled(function, BARE)


def inlined_kernel(function: Callable[..., Any]) -> Any:
    """A kernel for other kernels, of which a call would cost more than the work."""
    return _compiled(function, BARE | {"forceinline": True, "no_cpython_wrapper": True})


def merged_kernel(function: Callable[..., Any]) -> Any:
    """A kernel that is compiled as a part of each kernel that calls it: what is compiled by itself
    is optimised once more in its caller, and in whoever calls that."""
    return _compiled(function, BARE | {"inline": "always"})


def allocating_kernel(function: Callable[..., Any]) -> Any:
    """A kernel that makes arrays of its own."""
    return _compiled(function, OPTIONS)


def _compiled(function: Callable[..., Any], options: Any) -> Any:
    compiled = numba.njit(**options)(function)
    if compiled is not function and numba.__version__.startswith(KNOWN_NUMBA):
        from simcore.kernels import cache

        cache.attach(compiled)
    return compiled
