"""A functional Keras model as a list of calls: who makes a tensor, who reads it, and which tensors every path must pass."""

from dataclasses import dataclass
from functools import cached_property

from mirscan.errors import ModelError


@dataclass(frozen=True)
class Call:
    """One call of a layer or operation: the tensors it reads and makes, by `id`."""

    operation: object
    reads: tuple[int, ...]
    makes: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """Calls in an order in which each comes after those it reads from; `tensors` maps an id to its symbolic tensor."""

    network: object
    calls: tuple[Call, ...]
    tensors: dict

    @cached_property
    def makers(self) -> dict[int, Call]:
        return {tensor: call for call in self.calls for tensor in call.makes}

    @cached_property
    def readers(self) -> dict[int, list[Call]]:
        readers = {tensor: [] for tensor in self.tensors}
        for call in self.calls:
            for tensor in set(call.reads):
                readers[tensor].append(call)
        return readers

    def calls_of(self, operation) -> list[Call]:
        """Every call of a layer; more than one where it is shared."""
        return [call for call in self.calls if call.operation is operation]

    def only_reader(self, tensor: int) -> Call | None:
        """The single call that reads a tensor; None where there are several, or where it is an output of the network."""
        if any(id(output) == tensor for output in self.network.outputs):
            return None
        readers = self.readers[tensor]
        return readers[0] if len(readers) == 1 else None

    def reached_from(self, tensors: set[int], without: int | None = None) -> set[int]:
        """All tensors that depend on `tensors`, themselves included, by paths that do not pass `without`."""
        reached = set(tensors) - {without}
        for call in self.calls:
            if not reached.isdisjoint(call.reads):
                reached.update(tensor for tensor in call.makes if tensor != without)
        return reached


def read_graph(network) -> Graph:
    """The graph of a functional model; ModelError for a model that is none (subclassed, or Keras changed)."""
    try:
        by_depth = network._nodes_by_depth
        nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    except AttributeError:
        raise ModelError(f"{network.name}: not a functional Keras model") from None
    calls = tuple(Call(node.operation, tuple(map(id, node.input_tensors)), tuple(map(id, node.outputs))) for node in nodes)
    tensors = {id(tensor): tensor for node in nodes for tensor in (*node.input_tensors, *node.outputs)}
    return Graph(network, calls, tensors)
