"""The pairwise network of miRBind 2: convolutions over learned embeddings of nucleotide pairs."""

from keras import layers

from mirscan.networks.encoding import pair_embedding
from mirscan.networks.head import NetworkInputs, probability


def pairwise_cnn(
    inputs: NetworkInputs,
    *,
    embedding: int = 8,
    filters: tuple[int, ...] = (128, 64, 32),
    kernels: tuple[int, ...] = (6, 3, 3),
    paddings: tuple[int, ...] = (2, 1, 1),
    dense: tuple[int, ...] = (30,),
    slope: float = 0.1,
    dropout: float = 0.2,
    duplex_units: int = 16,
):
    """Grid (M, L, embedding); convolutions, each with BatchNorm, leaky ReLU, 2 x 2 max pooling, dropout; one dense layer.

    With miRNAs of 28 nt and windows of 50 nt the defaults have the 147,233 parameters of the published network.
    """
    x = pair_embedding(inputs.mirna_codes, inputs.target_codes, embedding)
    for number, (n_filters, kernel, padding) in enumerate(zip(filters, kernels, paddings, strict=True), start=1):
        x = layers.ZeroPadding2D(padding, name=f"conv_{number}_padding")(x)
        x = layers.Conv2D(n_filters, kernel, name=f"conv_{number}")(x)
        x = layers.BatchNormalization(name=f"conv_{number}_norm")(x)
        x = layers.ReLU(negative_slope=slope, name=f"conv_{number}_relu")(x)
        x = layers.MaxPooling2D(2, name=f"conv_{number}_pool")(x)
        x = layers.Dropout(dropout, name=f"conv_{number}_dropout")(x)
    x = layers.Flatten(name="flatten")(x)
    return probability(x, inputs, tuple(dense), dropout, duplex_units, slope=slope, norm="before")
