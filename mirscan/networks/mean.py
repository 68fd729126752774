"""Several networks as one Keras model, whose output is the mean of theirs."""


def mean_network(networks: list):
    """The mean of the networks' outputs, on all inputs that any of them reads; a single network as it is."""
    if len(networks) == 1:
        return networks[0]
    import keras

    tensors = {tensor.name: tensor for network in networks for tensor in network.inputs}
    inputs = {name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name) for name, tensor in tensors.items()}
    for number, network in enumerate(networks, start=1):
        network.name = f"member_{number}"
    outputs = [network({tensor.name: inputs[tensor.name] for tensor in network.inputs}) for network in networks]
    return keras.Model(inputs, keras.layers.Average(name="mean")(outputs))


def members_of(network) -> list:
    """The networks that `network` is the mean of; any other network alone."""
    import keras

    *others, last = network.layers
    return [layer for layer in others if isinstance(layer, keras.Model)] if isinstance(last, keras.layers.Average) else [network]
