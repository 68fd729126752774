"""The three-block network of the iterative-training work (CEITEC, ENCORI sites)."""

from keras import layers

from mirscan.networks.encoding import pairing_grid
from mirscan.networks.head import NetworkInputs, probability


def three_block_cnn(
    inputs: NetworkInputs,
    *,
    filters: tuple[int, ...] = (32, 64, 128),
    kernel: int = 3,
    dense: tuple[int, ...] = (128, 64, 32),
    slope: float = 0.3,
    dropout: float = 0.25,
    duplex_units: int = 16,
):
    """Watson-Crick grid; blocks of convolution, leaky ReLU, BatchNorm, 2 x 2 max pooling, dropout; three dense layers of the same order."""
    x = pairing_grid(inputs.mirna_codes, inputs.target_codes)
    for number, n_filters in enumerate(filters, start=1):
        x = layers.Conv2D(n_filters, kernel, padding="same", name=f"conv_{number}")(x)
        x = layers.ReLU(negative_slope=slope, name=f"conv_{number}_relu")(x)
        x = layers.BatchNormalization(name=f"conv_{number}_norm")(x)
        x = layers.MaxPooling2D(2, name=f"conv_{number}_pool")(x)
        x = layers.Dropout(dropout, name=f"conv_{number}_dropout")(x)
    x = layers.Flatten(name="flatten")(x)
    return probability(x, inputs, tuple(dense), dropout, duplex_units, slope=slope, norm="after")
