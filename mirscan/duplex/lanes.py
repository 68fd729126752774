"""32 signed 16-bit numbers in one register: a Numba type and the few operations that the duplex recursion needs.

Loops over an inner axis are vectorised by LLVM only when it can prove that no two arrays overlap, which it cannot with a dozen shifted
views of one buffer. LLVM's own vector type says it outright; it is portable: LLVM splits 512 bits into what the processor has.
Memory is given as addresses, since an array handed from one small Numba function to the next costs two atomic reference counts a call,
which made the recursion twice as slow. Whoever passes an address keeps its array alive.
"""

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, models, register_model

LANES = 32
_CELL = ir.IntType(16)
_VECTOR = ir.VectorType(_CELL, LANES)
_INDEX_VECTOR = ir.VectorType(ir.IntType(32), LANES)


class LanesType(types.Type):
    """Numba's name for a register of 32 int16."""

    def __init__(self):
        super().__init__(name="mirscan.Int16Lanes")


lanes_type = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, numba_type):
        super().__init__(manager, numba_type, _VECTOR)


def _pointer(builder, address, offset, pointed):
    return builder.gep(builder.inttoptr(address, pointed.as_pointer()), [offset])


@intrinsic
def load(typing_context, address, offset):
    """32 lanes of the int16 cells at `address`, from cell `offset` on; any offset, not checked."""

    def generate(context, builder, signature, arguments):
        pointer = _pointer(builder, *arguments, _CELL)
        return builder.load(builder.bitcast(pointer, _VECTOR.as_pointer()), align=2)

    return lanes_type(types.intp, types.intp), generate


@intrinsic
def store(typing_context, address, offset, lanes):
    """The reverse of `load`."""

    def generate(context, builder, signature, arguments):
        pointer = _pointer(builder, arguments[0], arguments[1], _CELL)
        builder.store(arguments[2], builder.bitcast(pointer, _VECTOR.as_pointer()), align=2)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, lanes_type), generate


@intrinsic
def read(typing_context, address, offset):
    """One int16 cell."""

    def generate(context, builder, signature, arguments):
        return builder.load(_pointer(builder, *arguments, _CELL))

    return types.int16(types.intp, types.intp), generate


@intrinsic
def write(typing_context, address, offset, number):
    """The reverse of `read`."""

    def generate(context, builder, signature, arguments):
        builder.store(arguments[2], _pointer(builder, arguments[0], arguments[1], _CELL))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.int16), generate


@intrinsic
def fill(typing_context, number):
    """The same number in every lane."""

    def generate(context, builder, signature, arguments):
        undefined = ir.Constant(_VECTOR, ir.Undefined)
        first = builder.insert_element(undefined, arguments[0], ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(first, undefined, ir.Constant(_INDEX_VECTOR, [0] * LANES))

    return lanes_type(types.int16), generate


@intrinsic
def add(typing_context, left, right):
    """Sum lane by lane; wraps around, so callers keep numbers far from 2**15."""

    def generate(context, builder, signature, arguments):
        return builder.add(*arguments)

    return lanes_type(lanes_type, lanes_type), generate


@intrinsic
def minimum(typing_context, left, right):
    """The smaller number of each lane."""

    def generate(context, builder, signature, arguments):
        return builder.select(builder.icmp_signed("<", *arguments), *arguments)

    return lanes_type(lanes_type, lanes_type), generate


@intrinsic
def choose_less(typing_context, left, right, if_less, otherwise):
    """`if_less` in the lanes where left < right, `otherwise` elsewhere."""

    def generate(context, builder, signature, arguments):
        less = builder.icmp_signed("<", arguments[0], arguments[1])
        return builder.select(less, arguments[2], arguments[3])

    return lanes_type(lanes_type, lanes_type, lanes_type, lanes_type), generate


@intrinsic
def shift_up(typing_context, lanes, filling):
    """Every lane takes the number of the lane before it, the first that of `filling`."""

    def generate(context, builder, signature, arguments):
        take = ir.Constant(_INDEX_VECTOR, [LANES, *range(LANES - 1)])
        return builder.shuffle_vector(arguments[0], arguments[1], take)

    return lanes_type(lanes_type, lanes_type), generate
