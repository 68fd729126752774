"""A small network for affinities: convolutions over the pairs of a seed with a 12-mer."""

from keras import layers

from mirscan.networks.encoding import pair_embedding
from mirscan.networks.head import NetworkInputs, probability


def affinity_cnn(
    inputs: NetworkInputs,
    *,
    embedding: int = 8,
    filters: tuple[int, ...] = (16, 32),
    kernels: tuple[int, ...] = (2, 4),
    dense: tuple[int, ...] = (48,),
    dropout: float = 0.0,
    duplex_units: int = 16,
):
    """Learned pair embedding, a 2x2 and a 4x4 convolution without padding, one dense layer: where a pair lies in the grid matters."""
    x = pair_embedding(inputs.mirna_codes, inputs.target_codes, embedding)
    for number, (n_filters, kernel) in enumerate(zip(filters, kernels, strict=True), start=1):
        x = layers.Conv2D(n_filters, kernel, activation="relu", name=f"conv_{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    return probability(x, inputs, tuple(dense), dropout, duplex_units)
