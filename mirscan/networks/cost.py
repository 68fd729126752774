"""What a network costs: floating-point operations a window, and parameters."""

import math

import keras
from keras import layers

_CONVOLUTIONS = (layers.Conv1D, layers.Conv2D)
_GATES = {layers.LSTM: 4, layers.GRU: 3, layers.SimpleRNN: 1}


def count_mflop(model: keras.Model) -> float:
    """Million floating-point operations to score one window.

    Multiply-adds of convolutions, dense and recurrent layers, attention and matrix products, each counted as two; activations,
    normalisation, pooling and table lookups, some per cent of them, are left out.
    """
    multiply_adds = 0
    for operation in model.operations:
        if isinstance(operation, keras.Model):
            # A network within the network, once for each of its calls.
            multiply_adds += len(operation._inbound_nodes) * count_mflop(operation) * 1e6 / 2
            continue
        inputs = operation.input if isinstance(operation.input, list) else [operation.input]
        multiply_adds += _multiply_adds(operation, [tensor.shape[1:] for tensor in inputs], operation.output.shape[1:])
    return 2 * multiply_adds / 1e6


def count_parameters(model: keras.Model) -> int:
    """Parameters that training changes; the frozen tables of the encoding and the statistics of BatchNorm are not among them."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def _multiply_adds(operation, inputs: list[tuple], output: tuple) -> int:
    if isinstance(operation, layers.Bidirectional):
        return _multiply_adds(operation.forward_layer, inputs, output) + _multiply_adds(operation.backward_layer, inputs, output)
    if isinstance(operation, _CONVOLUTIONS):
        return math.prod(output[:-1]) * math.prod(operation.kernel.shape)
    if isinstance(operation, layers.Dense):
        return math.prod(inputs[0][:-1]) * math.prod(operation.kernel.shape)
    if type(operation) in _GATES:
        steps, columns = inputs[0]
        return steps * _GATES[type(operation)] * operation.units * (columns + operation.units)
    if isinstance(operation, layers.MultiHeadAttention):
        tokens, width = inputs[0]
        inner = operation.num_heads * operation.key_dim
        return 4 * tokens * width * inner + 2 * tokens * tokens * inner
    if isinstance(operation, layers.Attention):
        tokens, width = inputs[0]
        return 2 * tokens * tokens * width
    if isinstance(operation, layers.Dot) or type(operation).__name__ == "Matmul":
        return math.prod(output) * inputs[0][-1]
    return 0
