"""BatchNormalization folded into the layers around it, and the network rebuilt in another precision: the same function, cheaper.

At inference y = x * scale + shift for each channel. After a convolution or a Dense layer without activation, both go into its kernel and
bias. Before one (Conv -> activation -> BatchNorm -> ...), they go into the next kernel and bias where no zero padding lies between.
Elsewhere they stay, as one multiplication and one addition by constants.
"""

from dataclasses import dataclass

import numpy as np

from mirscan.scoring.graph import Graph, read_graph

# Layers that change nothing at inference.
IDENTITY = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout")
_LINEAR = ("Dense", "Conv1D", "Conv2D", "SeparableConv1D", "SeparableConv2D", "DepthwiseConv1D", "DepthwiseConv2D")


@dataclass(frozen=True)
class Affine:
    """y = x * scale + shift for each channel of the last axis; both (channels,) float64."""

    scale: np.ndarray
    shift: np.ndarray


@dataclass(frozen=True)
class FoldPlan:
    """`into` maps id of a layer to (layer, its new weights); `skipped` holds ids of layers left out of the graph; `affines` maps id of a
    BatchNormalization that stays to its Affine. `folded` and `left` are names."""

    into: dict
    skipped: frozenset[int]
    affines: dict
    folded: tuple[str, ...]
    left: tuple[str, ...]


def batchnorm_affine(layer) -> Affine | None:
    """Scale and shift of a BatchNormalization over its last axis; None for any other."""
    n_axes = len(layer.moving_mean.shape)
    axis = layer.axis if isinstance(layer.axis, int) else layer.axis[0]
    if n_axes != 1 or axis not in (-1, len(layer.input.shape) - 1):
        return None
    mean, variance = (np.asarray(value, np.float64) for value in (layer.moving_mean, layer.moving_variance))
    scale = 1.0 / np.sqrt(variance + layer.epsilon)
    if layer.gamma is not None:
        scale = scale * np.asarray(layer.gamma, np.float64)
    shift = -mean * scale
    if layer.beta is not None:
        shift = shift + np.asarray(layer.beta, np.float64)
    return Affine(scale, shift)


def plan_folds(network) -> FoldPlan:
    """Which BatchNormalization goes where."""
    graph = read_graph(network)
    into, skipped, affines, folded, left = {}, set(), {}, [], []
    for call in graph.calls:
        layer = call.operation
        if type(layer).__name__ in IDENTITY:
            skipped.add(id(layer))
        if type(layer).__name__ != "BatchNormalization" or len(graph.calls_of(layer)) != 1:
            continue
        affine = batchnorm_affine(layer)
        if affine is None:
            left.append(layer.name)
        elif _fold_back(graph, call, affine, into, skipped) or _fold_forward(graph, call, affine, into):
            skipped.add(id(layer))
            folded.append(layer.name)
        else:
            affines[id(layer)] = affine
            left.append(layer.name)
    return FoldPlan(into, frozenset(skipped), affines, tuple(folded), tuple(left))


def rebuild(network, plan: FoldPlan, dtype: str, inputs=None):
    """The network with the folds of `plan`, computing in `dtype`, its last layer in float32.

    `inputs` replaces the input tensors (same structure as network.input).
    """
    import keras

    outputs = {id(tensor) for tensor in network.outputs}
    last = {id(call.operation) for call in read_graph(network).calls if not outputs.isdisjoint(call.makes)}
    clones, original_of = [], {}

    def clone(layer):
        if not isinstance(layer, keras.Layer):
            return layer
        config = layer.get_config()
        config["dtype"] = "float32" if id(layer) in last else dtype
        if id(layer) in plan.into and "use_bias" in config:
            config["use_bias"] = True
        copy = type(layer).from_config(config)
        original_of[id(copy)] = layer
        clones.append((layer, copy))
        return copy

    def call(copy, *arguments, **keywords):
        layer = original_of.get(id(copy))
        if id(layer) in plan.skipped:
            return arguments[0]
        if id(layer) in plan.affines:
            affine = plan.affines[id(layer)]
            return keras.ops.add(keras.ops.multiply(arguments[0], _constant(affine.scale, dtype)), _constant(affine.shift, dtype))
        return copy(*arguments, **keywords)

    copy = keras.models.clone_model(network, input_tensors=inputs, clone_function=clone, call_function=call)
    for layer, cloned in clones:
        if cloned.built and layer.weights:
            cloned.set_weights(plan.into[id(layer)][1] if id(layer) in plan.into else layer.get_weights())
    return copy


def _constant(values: np.ndarray, dtype: str):
    import keras

    return keras.ops.convert_to_tensor(values.astype(np.float32), dtype=dtype)


def _weights(layer, into: dict) -> dict[str, np.ndarray]:
    """Kernels and bias of a linear layer, after earlier folds, in float64."""
    names = _kernel_names(layer)
    values = into[id(layer)][1] if id(layer) in into else layer.get_weights()
    weights = dict(zip((*names, "bias"), (np.asarray(value, np.float64) for value in values), strict=False))
    return weights


def _kernel_names(layer) -> tuple[str, ...]:
    return ("depthwise", "pointwise") if type(layer).__name__.startswith("Separable") else ("kernel",)


def _is_linear_once(graph: Graph, layer) -> bool:
    name = type(layer).__name__
    if name not in _LINEAR or len(graph.calls_of(layer)) != 1 or getattr(layer, "data_format", None) == "channels_first":
        return False
    # quantised and LoRA layers hold other weights than kernel and bias
    return len(layer.weights) == len(_kernel_names(layer)) + int(layer.use_bias)


def _fold_back(graph: Graph, call, affine: Affine, into: dict, skipped: set) -> bool:
    """Into the layer that makes the BatchNormalization's input."""
    maker = graph.makers.get(call.reads[0])
    while maker is not None and id(maker.operation) in skipped and graph.only_reader(maker.makes[0]):
        maker = graph.makers.get(maker.reads[0])
    if maker is None or not _is_linear_once(graph, maker.operation) or graph.only_reader(maker.makes[0]) is None:
        return False
    layer = maker.operation
    if layer.activation.__name__ != "linear":
        return False
    weights = _weights(layer, into)
    name = _kernel_names(layer)[-1]
    kernel = weights[name]
    channels = len(affine.scale)
    bias = weights.get("bias", np.zeros(channels))
    # the depthwise kernel ends in (channels in, multiplier); all others end in channels out
    scale = affine.scale.reshape(kernel.shape[-2:]) if type(layer).__name__.startswith("Depthwise") else affine.scale
    weights[name] = kernel * scale
    weights["bias"] = bias * affine.scale + affine.shift
    into[id(layer)] = (layer, _as_list(weights, layer))
    return True


def _fold_forward(graph: Graph, call, affine: Affine, into: dict) -> bool:
    """Into the one layer that reads the BatchNormalization's output, through layers that leave channels apart."""
    scale, shift = affine.scale, affine.shift
    reader = graph.only_reader(call.makes[0])
    while reader is not None and len(set(reader.reads)) == 1:
        layer, name = reader.operation, type(reader.operation).__name__
        if _is_linear_once(graph, layer):
            return _fold_into_next(layer, scale, shift, into)
        if name == "Flatten":
            n_places = int(np.prod(graph.tensors[reader.reads[0]].shape[1:-1]))
            scale, shift = np.tile(scale, n_places), np.tile(shift, n_places)
        elif name in ("MaxPooling1D", "MaxPooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D"):
            # a maximum keeps its place only under a rising map, and a border of padding must not change
            if np.any(scale <= 0) or getattr(layer, "padding", "valid") != "valid":
                return False
        elif name in ("AveragePooling1D", "AveragePooling2D"):
            if layer.padding != "valid":
                return False
        elif name not in ("GlobalAveragePooling1D", "GlobalAveragePooling2D", *IDENTITY):
            return False
        reader = graph.only_reader(reader.makes[0])
    return False


def _fold_into_next(layer, scale: np.ndarray, shift: np.ndarray, into: dict) -> bool:
    name = type(layer).__name__
    if name.startswith(("Separable", "Depthwise")):
        return False
    weights = _weights(layer, into)
    kernel = weights["kernel"]
    is_padded = name != "Dense" and layer.padding != "valid" and any(size > 1 for size in kernel.shape[:-2])
    if kernel.shape[-2] != len(scale) or is_padded:
        return False
    bias = weights.get("bias", np.zeros(kernel.shape[-1]))
    weights["bias"] = bias + (kernel * shift[:, None]).reshape(-1, kernel.shape[-1]).sum(axis=0)
    weights["kernel"] = kernel * scale[:, None]
    into[id(layer)] = (layer, _as_list(weights, layer))
    return True


def _as_list(weights: dict, layer) -> list[np.ndarray]:
    return [weights[name].astype(np.float32) for name in (*_kernel_names(layer), "bias")]
