"""The convolutional network of miRBind, as retrained by miRBench and HybriDetector."""

from keras import layers

from mirscan.networks.encoding import pairing_grid
from mirscan.networks.head import NetworkInputs, probability


def mirbind_cnn(
    inputs: NetworkInputs,
    *,
    filters: tuple[int, ...] = (32, 64, 96, 128, 160, 192),
    kernel: int = 5,
    pool: int = 2,
    dense: tuple[int, ...] = (192, 160),
    slope: float = 0.3,
    dropout: float = 0.3,
    duplex_units: int = 16,
):
    """Watson-Crick grid; convolutions, each with leaky ReLU, BatchNorm, max pooling, dropout; dense layers of the same order.

    The defaults are the published ones, found by a hyper-parameter search; the search space was 2-10 convolutions with kernels of 3-10.
    """
    x = pairing_grid(inputs.mirna_codes, inputs.target_codes)
    for number, n_filters in enumerate(filters, start=1):
        x = layers.Conv2D(n_filters, kernel, padding="same", name=f"conv_{number}")(x)
        x = layers.ReLU(negative_slope=slope, name=f"conv_{number}_relu")(x)
        x = layers.BatchNormalization(name=f"conv_{number}_norm")(x)
        x = layers.MaxPooling2D(pool, padding="same", name=f"conv_{number}_pool")(x)
        x = layers.Dropout(dropout, name=f"conv_{number}_dropout")(x)
    x = layers.Flatten(name="flatten")(x)
    return probability(x, inputs, tuple(dense), dropout, duplex_units, slope=slope, norm="after")
