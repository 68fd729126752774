"""A network made ready for inference.

Stem in tables where it has one, BatchNormalization folded, in the precision asked for, checked against the original.
"""

import math
from dataclasses import dataclass

import numpy as np

from mirscan.errors import ModelError
from mirscan.scoring.fold import FoldPlan, plan_folds, rebuild
from mirscan.scoring.graph import read_graph
from mirscan.scoring.stem import Stem, find_stem

# Float32 sums in another order; a wrong fold differs by tenths.
CHECK_TOLERANCE = 1e-4


@dataclass(frozen=True)
class CompiledNetwork:
    """`network` is the part after the stem, or all of it: a keras.Model with inputs stem, mirna_codes, target_codes or duplex.

    `notes` says what could not be done and why.
    """

    network: object
    stem: Stem | None
    plan: FoldPlan
    dtype: str
    notes: tuple[str, ...]

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(tensor.name for tensor in self.network.inputs)

    def predict(self, values: dict):
        """Output (n, 1) of the network for values by input name."""
        if isinstance(self.network.input, dict):
            return self.network({name: values[name] for name in self.network.input}, training=False)
        return self.network([values[name] for name in self.input_names], training=False)


def compile_network(network, dtype: str, use_stem: bool = True) -> CompiledNetwork:
    """The cheapest equal of `network`, in `dtype` (float32 or bfloat16).

    Each step is checked in float32 on random pairs; a step that does not hold is left out, and `notes` says so. A network that cannot be
    rebuilt at all is returned as it is.
    """
    notes = []
    stem = find_stem(network) if use_stem else None
    for candidate in (stem, None) if stem else (None,):
        try:
            compiled = _build(network, candidate, dtype, tuple(notes))
            error = _largest_error(network, compiled, candidate)
        except Exception as problem:  # Keras raises whatever an unusual layer provokes; the plain graph is always right
            reason = f"{type(problem).__name__}: {str(problem).splitlines()[0][:120]}"
            notes.append(f"the network is run without {'tables' if candidate else 'folding'}: {reason}")
            continue
        if error <= CHECK_TOLERANCE:
            return compiled
        notes.append(f"the network is run without {'tables' if candidate else 'folding'}: outputs differ by {error:.1e}")
    return CompiledNetwork(network, None, FoldPlan({}, frozenset(), {}, (), ()), "float32", tuple(notes))


def largest_tensor(compiled: CompiledNetwork) -> int:
    """Bytes that the largest tensor of the network holds for one pair."""
    try:
        tensors = read_graph(compiled.network).tensors.values()
    except ModelError:
        tensors = compiled.network.inputs
    return max(math.prod(size or 1 for size in tensor.shape[1:]) for tensor in tensors) * (2 if compiled.dtype == "bfloat16" else 4)


def _build(network, stem: Stem | None, dtype: str, notes: tuple[str, ...]) -> CompiledNetwork:
    tail = cut_after(network, stem) if stem else network
    plan = plan_folds(tail)
    return CompiledNetwork(rebuild(tail, plan, dtype, _inputs_like(tail, stem, dtype)), stem, plan, dtype, notes)


def cut_after(network, stem: Stem):
    """The part of a network after its stem; its first input takes the stem's place."""
    import keras

    graph = read_graph(network)
    reached = graph.reached_from({id(tensor) for tensor in network.inputs}, without=id(stem.tensor))
    needed = {tensor for call in graph.calls if _leads_on(graph, call, stem) for tensor in call.reads}
    others = [tensor for tensor in network.inputs if id(tensor) in needed and id(tensor) in reached]
    return keras.Model([stem.tensor, *others], network.outputs[0], name=network.name)


def _leads_on(graph, call, stem: Stem) -> bool:
    """Whether a call's result is still needed once the stem is given."""
    outputs = {id(tensor) for tensor in graph.network.outputs}
    return not outputs.isdisjoint(graph.reached_from(set(call.makes), without=id(stem.tensor)) - {id(stem.tensor)})


def _inputs_like(network, stem: Stem | None, dtype: str):
    """New inputs for `network` in the structure of its own, the stem's with its name and in `dtype`."""
    import keras

    def like(tensor):
        is_stem = stem is not None and tensor is network.inputs[0]
        return keras.Input(tensor.shape[1:], dtype=dtype if is_stem else tensor.dtype, name="stem" if is_stem else tensor.name)

    if isinstance(network.input, dict):
        return {name: like(tensor) for name, tensor in network.input.items()}
    return [like(tensor) for tensor in network.inputs]


def _largest_error(network, compiled: CompiledNetwork, stem: Stem | None) -> float:
    """Largest difference between the original and the rebuilt network in float32, on random pairs."""
    rebuilt = compiled if compiled.dtype == "float32" else _build(network, stem, "float32", ())
    random = np.random.default_rng(5)
    shapes = {tensor.name: tensor.shape[1] for tensor in network.inputs}
    n = 32
    values = {name: random.integers(0, 5, (n, shapes[name]), dtype=np.uint8) for name in ("mirna_codes", "target_codes")}
    if "duplex" in shapes:
        values["duplex"] = random.normal(size=(n, shapes["duplex"])).astype(np.float32)
    expected = np.asarray(network(values, training=False))
    if stem is not None:
        values["stem"] = np.empty((n, *stem.shape), np.float32)
        stem.fill(values["mirna_codes"], np.arange(n, dtype=np.int32), values["target_codes"], stem.make_scratch(), values["stem"])
    found = np.asarray(rebuilt.predict(values))
    return float(np.abs(found - expected).max())
