"""The innermost loop of every layer: a few rows of numbers times a block of weights, all sums kept in registers.

A compiler does not find this loop by itself, least of all with bfloat16, so it is written as LLVM code: vectors of the processor's own
width, fused multiply-add, or its bfloat16 kind, which multiplies and adds two neighbours at once.
"""

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_FLOAT, _INT32, _INT64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
_FEATURES = llvmlite.binding.get_host_cpu_features()
# float32 numbers in a vector register, and such registers.
if _FEATURES.get("avx512f"):
    LANES, _REGISTERS = 16, 32
elif _FEATURES.get("avx"):
    LANES, _REGISTERS = 8, 16
else:
    LANES, _REGISTERS = 4, 32
# (rows, vectors) of a tile: as many sums as leave registers for the weights and a number of the rows. Many rows suit few channels.
TILES = ((6, 4), (12, 2)) if _REGISTERS == 32 else ((6, 2), (12, 1))


def has_fused_multiply_add() -> bool:
    """Whether this processor multiplies and adds in one instruction; without, the tile would call a function for each number."""
    return bool(_FEATURES.get("fma")) or not any(name.startswith("sse") for name in _FEATURES)


class _BFloat16(ir.Type):
    """LLVM's bfloat, which llvmlite does not know."""

    def _to_string(self):
        return "bfloat"

    def __eq__(self, other):
        return isinstance(other, _BFloat16)

    def __hash__(self):
        return hash(_BFloat16)


@intrinsic
def dot_tile(typingctx, values, start, step, n_rows, row_step, n_terms, weights, weight_start, bias, bias_start, out, rows, vectors):
    """out[p, :] = bias + the sum over r < n_rows and t < n_terms of values[start + p * step + r * row_step + t] * weights[r, t, :].

    The lengths of the tuples `rows` and `vectors` are the tile's: P rows, V vectors of LANES float32. `values` flat, float32, or uint16 for
    bfloat16, where a term is two neighbours and n_terms counts pairs. `weights` flat from weight_start on, (n_rows, n_terms, V * LANES),
    for bfloat16 (n_rows, n_terms, V * LANES, 2). `bias` flat from bias_start on; `out` (P, V * LANES) float32. Indices count elements.
    """
    signature = types.void(
        values, start, step, n_rows, row_step, n_terms, weights, weight_start, bias, bias_start, out, rows, vectors
    )  # fmt: skip

    def generate(context, builder, signature, arguments):
        is_bfloat16 = signature.args[0].dtype == types.uint16
        pointers = {
            name: cgutils.create_struct_proxy(signature.args[place])(context, builder, arguments[place]).data
            for name, place in (("values", 0), ("weights", 6), ("bias", 8), ("out", 10))
        }
        tile = _Tile(builder, is_bfloat16, len(signature.args[11]), len(signature.args[12]))
        tile.generate(pointers, *arguments[1:6], arguments[7], arguments[9])
        return context.get_dummy_value()

    return signature, generate


class _Tile:
    """Writes the LLVM code of one tile."""

    def __init__(self, builder: ir.IRBuilder, is_bfloat16: bool, n_rows: int, n_vectors: int):
        self._builder, self._is_bfloat16 = builder, is_bfloat16
        self._rows, self._vectors = range(n_rows), range(n_vectors)
        self._vector = ir.VectorType(_FLOAT, LANES)
        # two bfloat16 travel as one int32
        self._term = _INT32 if is_bfloat16 else _FLOAT
        self._terms = ir.VectorType(self._term, LANES)

    def generate(self, pointers: dict, start, step, n_rows, row_step, n_terms, weight_start, bias_start) -> None:
        build = self._builder
        weights = build.bitcast(build.gep(pointers["weights"], [weight_start]), self._terms.as_pointer())
        bias = build.bitcast(build.gep(pointers["bias"], [bias_start]), self._vector.as_pointer())
        sums = [self._load(bias, _INT64(vector)) for _ in self._rows for vector in self._vectors]

        def one_row(row, sums):
            first = build.add(start, build.mul(row, row_step))
            places = [build.gep(pointers["values"], [build.add(first, build.mul(step, _INT64(place)))]) for place in self._rows]
            places = [build.bitcast(place, self._term.as_pointer()) for place in places]
            first_weight = build.mul(row, n_terms)
            return self._loop(n_terms, sums, lambda term, sums: self._add_term(places, weights, first_weight, term, sums))

        sums = self._loop(n_rows, sums, one_row)
        out = build.bitcast(pointers["out"], self._vector.as_pointer())
        for place, value in enumerate(sums):
            build.store(value, build.gep(out, [_INT64(place)])).align = 4

    def _add_term(self, places: list, weights, first_weight, term, sums: list) -> list:
        build = self._builder
        first = build.mul(build.add(first_weight, term), _INT64(len(self._vectors)))
        columns = [self._load(weights, build.add(first, _INT64(vector))) for vector in self._vectors]
        added = []
        for row, place in enumerate(places):
            everywhere = self._spread(self._load(place, term))
            added += [self._multiply_add(everywhere, column, sums[row * len(columns) + v]) for v, column in enumerate(columns)]
        return added

    def _loop(self, n, sums: list, body) -> list:
        """`body`(index, sums) for indices below n, at least once; the sums go from turn to turn."""
        build = self._builder
        before, turn, after = build.block, build.append_basic_block("turn"), build.append_basic_block("after")
        build.branch(turn)
        build.position_at_end(turn)
        index, carried = build.phi(_INT64), [build.phi(self._vector) for _ in sums]
        results = body(index, carried)
        following, last = build.add(index, _INT64(1)), build.block
        index.add_incoming(_INT64(0), before)
        index.add_incoming(following, last)
        for phi, first, result in zip(carried, sums, results, strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(result, last)
        build.cbranch(build.icmp_signed("<", following, n), turn, after)
        build.position_at_end(after)
        return results

    def _load(self, pointer, index):
        loaded = self._builder.load(self._builder.gep(pointer, [index]))
        loaded.align = 2 if self._is_bfloat16 else 4
        return loaded

    def _spread(self, number):
        nothing = ir.Constant(self._terms, ir.Undefined)
        first = self._builder.insert_element(nothing, number, _INT32(0))
        return self._builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_INT32, LANES), [0] * LANES))

    def _multiply_add(self, left, right, total):
        build, vector = self._builder, self._vector
        if self._is_bfloat16:
            halves = ir.VectorType(_BFloat16(), 2 * LANES)
            kind = ir.FunctionType(vector, [vector, halves, halves])
            function = cgutils.get_or_insert_function(build.module, kind, "llvm.x86.avx512bf16.dpbf16ps.512")
            return build.call(function, [total, build.bitcast(left, halves), build.bitcast(right, halves)])
        kind = ir.FunctionType(vector, [vector, vector, vector])
        function = cgutils.get_or_insert_function(build.module, kind, f"llvm.fma.v{LANES}f32")
        return build.call(function, [left, right, total])
