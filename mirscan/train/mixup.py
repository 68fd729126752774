"""Mixup for networks that read codes: the one-hot letters are mixed where the network's own encoding has just made them."""

import numpy as np


def mixing_network(network):
    """A Keras model that shares every weight with `network` and takes two more inputs: `partner` (n, 1) int32, the row of the batch each
    pair is mixed with, and `share` (n, 1) float32, what remains of the pair itself.

    Codes cannot be mixed, but every encoding begins with a layer from codes to numbers; its output is mixed, and so are the duplex
    features (Zhang 2018, arXiv:1710.09412).
    """
    import keras

    inputs = {tensor.name: tensor for tensor in network.inputs}
    encoded = _first_numbers(network, [inputs["mirna_codes"], inputs["target_codes"]])
    encoder = keras.Model(inputs, encoded)
    body = keras.Model([*encoded, *([inputs["duplex"]] if "duplex" in inputs else [])], network.outputs[0])
    partner = keras.Input((1,), dtype="int32", name="partner")
    share = keras.Input((1,), dtype="float32", name="share")
    numbers = encoder(inputs)
    numbers = [*(numbers if isinstance(numbers, list | tuple) else [numbers]), *([inputs["duplex"]] if "duplex" in inputs else [])]
    mixed = [_mix(tensor, partner, share) for tensor in numbers]
    return keras.Model({**inputs, "partner": partner, "share": share}, body(mixed))


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
    # The greater share is the pair's own, so its weight in the loss stays with it.
    share = np.maximum(share, 1 - share)
    return {"partner": partner[:, None], "share": share}, share * labels + (1 - share) * labels[partner]
