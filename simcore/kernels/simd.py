"""Four or eight float64 side by side, for kernels that must not depend on what a compiler notices.

Each function is written twice: its body says in NumPy what it does (and runs where the JIT is
off), its lowering is the LLVM instruction that does it. LLVM fits the vectors to what the machine
has: for four one register with AVX2 or AVX-512, two with SSE2 or NEON.
"""

import inspect
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, typing
from numba.core.datamodel import models
from numba.extending import lower_builtin, register_model, type_callable

LANES = 4
WIDE_LANES = 8  # of columns that do not wait for each other: half as much beside the numbers
LLVM = ir.VectorType(ir.DoubleType(), LANES)
CONTRACT = ("contract",)  # a x + b may be rounded once instead of twice
POINTER = types.CPointer(types.float64)


class Vector(types.Type):
    """The Numba type of float64 side by side; inside kernels only, never in Python."""

    def __init__(self, lanes: int) -> None:
        super().__init__(name=f"float64x{lanes}")
        self.lanes = lanes


@register_model(Vector)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        super().__init__(manager, vector, ir.VectorType(ir.DoubleType(), vector.lanes))


VECTOR, WIDE = Vector(LANES), Vector(WIDE_LANES)


def padded(n: int, lanes: int = LANES) -> int:
    """The next multiple of so many."""
    return -(-n // lanes) * lanes


def _lowered(
    function: Callable[..., Any], returns: types.Type, *takes: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register what follows as the instructions of `function` for these types of arguments.

    types.Array stands for any array; numbers are cast, all else must be of the type itself.
    """

    def register(instructions: Callable[..., Any]) -> Callable[..., Any]:
        def typer(*args: types.Type) -> typing.Signature | None:
            for arg, wanted in zip(args, takes, strict=True):
                number = isinstance(arg, types.Number) and isinstance(wanted, types.Number)
                array = wanted is types.Array and isinstance(arg, types.Array)
                if not (number or array or arg == wanted):
                    return None
            wanted_or_array = (
                arg if wanted is types.Array else wanted
                for arg, wanted in zip(args, takes, strict=True)
            )
            return typing.signature(returns, *wanted_or_array)

        typer.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
        type_callable(function)(lambda context: typer)
        lower_builtin(function, *takes)(instructions)
        return instructions

    return register


# --- Memory ----------------------------------------------------------------------------------


def zeros(*shape: int) -> np.ndarray:
    """Zeros that begin where a line of the cache does: vectors across two lines take twice as
    long, and where NumPy puts an array differs from run to run."""
    size = math.prod(shape)
    room = np.zeros(size + 8)
    start = -room.__array_interface__["data"][0] % 64 // 8
    return room[start : start + size].reshape(shape)


def at(place: np.ndarray, n: int) -> np.ndarray:
    """A flat array (or what `at` gave) from its n-th number on: a bare pointer in compiled code."""
    return place.reshape(-1)[n:]


@_lowered(at, POINTER, types.Array, types.intp)
def _at_array(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    array, n = args
    return builder.gep(context.make_array(signature.args[0])(context, builder, array).data, [n])


@_lowered(at, POINTER, POINTER, types.intp)
def _at_pointer(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    pointer, n = args
    return builder.gep(pointer, [n])


def load(place: np.ndarray, n: int) -> np.ndarray:
    """Four numbers from the n-th on."""
    return place[n : n + LANES].copy()


def load_wide(place: np.ndarray, n: int) -> np.ndarray:
    """Eight numbers from the n-th on."""
    return place[n : n + WIDE_LANES].copy()


def load_like(vector: np.ndarray, place: np.ndarray, n: int) -> np.ndarray:
    """As many numbers from the n-th on as the vector has."""
    return place[n : n + len(vector)].copy()


@_lowered(load, VECTOR, POINTER, types.intp)
@_lowered(load_wide, WIDE, POINTER, types.intp)
@_lowered(load_like, VECTOR, VECTOR, POINTER, types.intp)
@_lowered(load_like, WIDE, WIDE, POINTER, types.intp)
def _load(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    *_, pointer, n = args
    return builder.load(_place(builder, pointer, n, signature.return_type), align=8)


def store(place: np.ndarray, n: int, vector: np.ndarray) -> None:
    """Write the numbers of the vector from the n-th on."""
    place[n : n + len(vector)] = vector


@_lowered(store, types.void, POINTER, types.intp, VECTOR)
@_lowered(store, types.void, POINTER, types.intp, WIDE)
def _store(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    pointer, n, vector = args
    builder.store(vector, _place(builder, pointer, n, signature.args[2]), align=8)
    return context.get_dummy_value()


def copy(source: np.ndarray, target: np.ndarray, size: int) -> None:
    """Write so many numbers of one place to another."""
    target[:size] = source[:size]


@_lowered(copy, types.void, POINTER, POINTER, types.intp)
def _copy(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    source, target, size = args
    cgutils.raw_memcpy(builder, target, source, size, 8)
    return context.get_dummy_value()


def publish(place: np.ndarray, n: int, value: float) -> None:
    """Write the n-th number for another thread: once that has seen it (`published`), it sees all
    that was written before."""
    place[n] = value


@_lowered(publish, types.void, POINTER, types.intp, types.float64)
def _publish(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    pointer, n, value = args
    builder.store_atomic(value, builder.gep(pointer, [n]), "release", 8)
    return context.get_dummy_value()


def published(place: np.ndarray, n: int) -> float:
    """The n-th number as another thread has it by now."""
    return float(place[n])


@_lowered(published, types.float64, POINTER, types.intp)
def _published(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    pointer, n = args
    return builder.load_atomic(builder.gep(pointer, [n]), "acquire", 8)


def _place(builder: Any, pointer: Any, n: Any, vector: Vector) -> Any:
    numbers = ir.VectorType(ir.DoubleType(), vector.lanes)
    return builder.bitcast(builder.gep(pointer, [n]), numbers.as_pointer())


# --- Arithmetic ------------------------------------------------------------------------------


def splat(x: float) -> np.ndarray:
    """The same number four times."""
    return np.full(LANES, x)


def splat_like(vector: np.ndarray, x: float) -> np.ndarray:
    """The same number as often as the vector has numbers."""
    return np.full(len(vector), x)


@_lowered(splat, VECTOR, types.float64)
@_lowered(splat_like, VECTOR, VECTOR, types.float64)
@_lowered(splat_like, WIDE, WIDE, types.float64)
def _splat(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    lanes = signature.return_type.lanes
    nothing = ir.Constant(ir.VectorType(ir.DoubleType(), lanes), ir.Undefined)
    first = builder.insert_element(nothing, args[-1], ir.Constant(ir.IntType(32), 0))
    return _shuffle(builder, first, nothing, (0,) * lanes)


def fma(a: np.ndarray, x: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a x + b, rounded once where the machine can."""
    return a * x + b


@_lowered(fma, VECTOR, VECTOR, VECTOR, VECTOR)
def _fma(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    a, x, b = args
    return builder.fadd(builder.fmul(a, x, flags=CONTRACT), b, flags=CONTRACT)


@_lowered(operator.add, VECTOR, VECTOR, VECTOR)
@_lowered(operator.add, WIDE, WIDE, WIDE)
def _plus(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return builder.fadd(*args)


@_lowered(operator.sub, VECTOR, VECTOR, VECTOR)
@_lowered(operator.sub, WIDE, WIDE, WIDE)
def _minus(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return builder.fsub(*args)


@_lowered(operator.mul, VECTOR, VECTOR, VECTOR)
@_lowered(operator.mul, WIDE, WIDE, WIDE)
def _times(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return builder.fmul(*args)


@_lowered(operator.truediv, VECTOR, VECTOR, VECTOR)
def _divided(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return builder.fdiv(*args)


WHOLE = 1.5 * 2.0**52  # a float64 of this size has no bits for fractions
_BIAS = 1023 << 52  # of a float64's exponent


def power_of_two(shifted: np.ndarray) -> np.ndarray:
    """2^n for each n + WHOLE, n whole and within -1022..1023."""
    return ((shifted.view(np.int64) << 52) + _BIAS).view(np.float64)


@_lowered(power_of_two, VECTOR, VECTOR)
def _power_of_two(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    whole = ir.VectorType(ir.IntType(64), LANES)
    bits = builder.bitcast(args[0], whole)
    raised = builder.shl(bits, ir.Constant(whole, [52] * LANES))
    return builder.bitcast(builder.add(raised, ir.Constant(whole, [_BIAS] * LANES)), LLVM)


def smaller(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The smaller of each pair, b where they cannot be compared."""
    return np.where(a < b, a, b)


@_lowered(smaller, VECTOR, VECTOR, VECTOR)
@_lowered(smaller, WIDE, WIDE, WIDE)
def _smaller(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return builder.select(builder.fcmp_ordered("<", *args), *args)


def larger(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The larger of each pair, b where they cannot be compared."""
    return np.where(a > b, a, b)


@_lowered(larger, VECTOR, VECTOR, VECTOR)
@_lowered(larger, WIDE, WIDE, WIDE)
def _larger(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", *args), *args)


def magnitude(a: np.ndarray) -> np.ndarray:
    """The absolute values."""
    return np.abs(a)


@_lowered(magnitude, VECTOR, VECTOR)
def _magnitude(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    whole = ir.VectorType(ir.IntType(64), LANES)
    bits = builder.bitcast(args[0], whole)
    return builder.bitcast(builder.and_(bits, ir.Constant(whole, [2**63 - 1] * LANES)), LLVM)


def where_at_most(
    value: np.ndarray, limit: np.ndarray, then: np.ndarray, otherwise: np.ndarray
) -> np.ndarray:
    """`then` where value <= limit, else `otherwise`, also where they cannot be compared."""
    return np.where(value <= limit, then, otherwise)


@_lowered(where_at_most, VECTOR, VECTOR, VECTOR, VECTOR, VECTOR)
@_lowered(where_at_most, WIDE, WIDE, WIDE, WIDE, WIDE)
def _where_at_most(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    value, limit, then, otherwise = args
    return builder.select(builder.fcmp_ordered("<=", value, limit), then, otherwise)


def add_up(vector: np.ndarray) -> float:
    """The sum of four numbers, (v_0 + v_1) + (v_2 + v_3)."""
    return float((vector[0] + vector[1]) + (vector[2] + vector[3]))


@_lowered(add_up, types.float64, VECTOR)
def _add_up(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    v = [builder.extract_element(args[0], ir.Constant(ir.IntType(32), n)) for n in range(LANES)]
    return builder.fadd(builder.fadd(v[0], v[1]), builder.fadd(v[2], v[3]))


def add_in_turn(x: float, vector: np.ndarray) -> float:
    """(((x + v_0) + v_1) + v_2) + v_3."""
    for value in vector:
        x = x + value
    return x


@_lowered(add_in_turn, types.float64, types.float64, VECTOR)
def _add_in_turn(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    x, vector = args
    for n in range(LANES):
        x = builder.fadd(x, builder.extract_element(vector, ir.Constant(ir.IntType(32), n)))
    return x


def turn(
    a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The columns of the 4 x 4 matrix with rows a, b, c, d."""
    return tuple(np.array([a, b, c, d]).T.copy())


@_lowered(turn, types.UniTuple(VECTOR, LANES), VECTOR, VECTOR, VECTOR, VECTOR)
def _turn(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    a, b, c, d = args
    even_ab, odd_ab = (_shuffle(builder, a, b, lanes) for lanes in ((0, 4, 2, 6), (1, 5, 3, 7)))
    even_cd, odd_cd = (_shuffle(builder, c, d, lanes) for lanes in ((0, 4, 2, 6), (1, 5, 3, 7)))
    low, high = (0, 1, 4, 5), (2, 3, 6, 7)
    columns = [
        _shuffle(builder, ab, cd, lanes)
        for lanes in (low, high)
        for ab, cd in ((even_ab, even_cd), (odd_ab, odd_cd))
    ]
    return context.make_tuple(builder, signature.return_type, columns)


def _shuffle(builder: Any, a: Any, b: Any, lanes: tuple[int, ...]) -> Any:
    """The numbers of a, and then of b, that `lanes` names."""
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes))
    return builder.shuffle_vector(a, b, mask)
