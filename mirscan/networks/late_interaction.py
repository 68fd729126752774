"""Late interaction: each strand is read on its own, and only similarities of their features meet."""

import keras
from keras import layers

from mirscan.networks.encoding import one_hot
from mirscan.networks.head import NetworkInputs, probability


def late_interaction(
    inputs: NetworkInputs,
    *,
    filters: tuple[int, ...] = (64, 64),
    kernels: tuple[int, ...] = (7, 5),
    heads: int = 8,
    features: int = 8,
    dense: tuple[int, ...] = (64, 32),
    dropout: float = 0.1,
    duplex_units: int = 16,
):
    """1-D convolutions over either strand give `heads` times `features` numbers a nt; their products are the grid of similarities.

    Of each head's grid the largest entry of every miRNA nt and of every target nt goes to the head (the "MaxSim" of Khattab & Zaharia
    2020, doi:10.1145/3397271.3401075, both ways). What is computed of a strand does not depend on its partner, so that a scan could keep
    it for every transcript position and every miRNA.
    """
    mirna = _read_strand(inputs.mirna_codes, filters, kernels, heads, features, "mirna")
    target = _read_strand(inputs.target_codes, filters, kernels, heads, features, "target")
    grid = keras.ops.matmul(mirna, keras.ops.swapaxes(target, 2, 3))
    best = layers.Concatenate(name="largest")([keras.ops.max(grid, axis=3), keras.ops.max(grid, axis=2)])
    return probability(layers.Flatten(name="flatten")(best), inputs, tuple(dense), dropout, duplex_units)


def _read_strand(codes, filters: tuple[int, ...], kernels: tuple[int, ...], heads: int, features: int, name: str):
    """(n, heads, length, features)."""
    x = one_hot(codes, f"{name}_one_hot")
    for number, (n_filters, kernel) in enumerate(zip(filters, kernels, strict=True), start=1):
        x = layers.Conv1D(n_filters, kernel, padding="same", activation="relu", name=f"{name}_conv_{number}")(x)
    x = layers.Conv1D(heads * features, 1, name=f"{name}_features")(x)
    return layers.Permute((2, 1, 3), name=f"{name}_heads")(layers.Reshape((codes.shape[1], heads, features), name=f"{name}_split")(x))
