"""Mixup for networks that read codes: the one-hot letters are mixed where the network's own encoding has just made them, or the features
before its dense head."""

import numpy as np

from mirscan.pairs.columns import POSITIVE

# Chawla 2002 draws the partner of a positive among its five nearest ones.
_NEIGHBOURS = 5


def mixing_network(network, place: str = "letters"):
    """A Keras model that shares every weight with `network` and takes two more inputs: `partner` (n, 1) int32, the row of the batch each
    pair is mixed with, and `share` (n, 1) float32, what remains of the pair itself.

    Codes cannot be mixed, but every encoding begins with a layer from codes to numbers; at `place` letters its output is mixed (Zhang
    2018, arXiv:1710.09412), at `place` features what enters the dense head (Verma 2019, arXiv:1806.05236); so are the duplex features.
    """
    import keras

    inputs = {tensor.name: tensor for tensor in network.inputs}
    codes = [inputs["mirna_codes"], inputs["target_codes"]]
    encoded = _first_numbers(network, codes) if place == "letters" else [_features(network)]
    encoder = keras.Model(inputs, encoded)
    body = keras.Model([*encoded, *([inputs["duplex"]] if "duplex" in inputs else [])], network.outputs[0])
    partner = keras.Input((1,), dtype="int32", name="partner")
    share = keras.Input((1,), dtype="float32", name="share")
    numbers = encoder(inputs)
    numbers = [*(numbers if isinstance(numbers, list | tuple) else [numbers]), *([inputs["duplex"]] if "duplex" in inputs else [])]
    mixed = [_mix(tensor, partner, share) for tensor in numbers]
    return keras.Model({**inputs, "partner": partner, "share": share}, body(mixed))


def _features(network):
    """The tensor that the trunk hands to the dense head (`networks/head.py`)."""
    names = {layer.name for layer in network.layers}
    return network.get_layer("dense_1" if "dense_1" in names else "probability").input


def _first_numbers(network, codes: list) -> list:
    """Tensors where integer codes have become numbers: outputs of the first operations with a floating type on the way from `codes`."""
    integers, numbers = {id(tensor) for tensor in codes}, []
    # Functional keeps its operations in an order in which inputs come first.
    for operation in network.operations:
        for node in operation._inbound_nodes:
            if any(id(tensor) in integers for tensor in node.input_tensors):
                for tensor in node.outputs:
                    if tensor.dtype.startswith(("float", "bfloat")):
                        numbers.append(tensor)
                    else:
                        integers.add(id(tensor))
    return numbers


def _mix(tensor, partner, share):
    from keras import ops

    share = ops.reshape(ops.cast(share, tensor.dtype), (-1,) + (1,) * (len(tensor.shape) - 1))
    return tensor * share + ops.take(tensor, ops.squeeze(partner, 1), axis=0) * (1 - share)


def draw_mixing(labels: np.ndarray, alpha: float, random: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The two extra inputs for a batch and its mixed labels (n, 1); shares follow Beta(alpha, alpha)."""
    partner = random.permutation(len(labels)).astype(np.int32)
    share = random.beta(alpha, alpha, (len(labels), 1)).astype(np.float32)
    return _mixed(labels, partner, share)


def draw_similar(
    labels: np.ndarray, codes: np.ndarray, alpha: float, random: np.random.Generator
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """As `draw_mixing`, but negatives stay as they are and each positive is mixed with one of its five nearest positives of the batch, by
    letters that differ in `codes` (n, letters): synthetic positives (SMOTE, Chawla 2002, doi:10.1613/jair.953)."""
    partner = np.arange(len(labels), dtype=np.int32)
    share = np.ones((len(labels), 1), np.float32)
    positive = np.flatnonzero(labels[:, 0] >= POSITIVE)
    if len(positive) > 1:
        distances = np.count_nonzero(codes[positive][:, None] != codes[positive][None], axis=2)
        np.fill_diagonal(distances, codes.shape[1] + 1)
        nearest = np.argsort(distances, axis=1, kind="stable")[:, : min(_NEIGHBOURS, len(positive) - 1)]
        drawn = random.integers(0, nearest.shape[1], len(positive))
        partner[positive] = positive[nearest[np.arange(len(positive)), drawn]]
        share[positive] = random.beta(alpha, alpha, (len(positive), 1))
    return _mixed(labels, partner, share)


def _mixed(labels: np.ndarray, partner: np.ndarray, share: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    # The greater share is the pair's own, so its weight in the loss stays with it.
    share = np.maximum(share, 1 - share)
    return {"partner": partner[:, None], "share": share}, share * labels + (1 - share) * labels[partner]
