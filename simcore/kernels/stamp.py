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
# any other version kernels are compiled at each start, and copied into all that call them: slow,
# but never stale.
KNOWN_NUMBA = "0.68."


def kernel(function: Callable[..., Any]) -> Any:
    """A compiled loop over arrays that the caller brings."""
    return _compiled(function, BARE)


def inlined_kernel(function: Callable[..., Any]) -> Any:
    """A kernel for other kernels, of which a call would cost more than the work."""
    return _compiled(function, BARE | {"forceinline": True, "no_cpython_wrapper": True})


def shared_kernel(function: Callable[..., Any]) -> Any:
    """A kernel that other kernels call where it lies. Numba would copy its code into each of them
    and optimise it again there, and again in whoever calls that. For work that is long beside a
    call, which passes every field of every array."""
    return _compiled(function, BARE, shared=True)


def inner_kernel(function: Callable[..., Any]) -> Any:
    """A shared kernel that kernels alone call: what Python would call is left out."""
    return _compiled(function, BARE | {"no_cpython_wrapper": True}, shared=True)


def allocating_kernel(function: Callable[..., Any]) -> Any:
    """A kernel that makes arrays of its own."""
    return _compiled(function, OPTIONS)


def _compiled(function: Callable[..., Any], options: Any, *, shared: bool = False) -> Any:
    compiled = numba.njit(**options)(function)
    if compiled is not function and numba.__version__.startswith(KNOWN_NUMBA):
        from simcore.kernels import cache

        cache.attach(compiled)
        if shared:
            cache.share(compiled)
    return compiled
