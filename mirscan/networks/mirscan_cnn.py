"""mirscan's own networks: a pair convolution as stem, a few small convolutions, a dense head.

Cost sits in few, wide-enough convolutions.
"""

from keras import layers

from mirscan.networks.encoding import pair_convolution
from mirscan.networks.head import NetworkInputs, probability

# Keras' .99 lags by hundreds of steps: after one pass over 150,000 pairs the network is far worse in use than it was in training
NORM_MOMENTUM = 0.9


def mirscan_base(
    inputs: NetworkInputs,
    *,
    embedding: int = 8,
    stem_filters: int = 32,
    stem_kernel: tuple[int, int] = (6, 6),
    stem_strides: tuple[int, int] = (2, 2),
    stem_pool: int = 2,
    filters: tuple[int, ...] = (64, 96),
    strides: tuple[int, ...] = (1, 1),
    pools: tuple[int, ...] = (1, 2),
    separable: bool = False,
    batch_norm: bool = False,
    dense: tuple[int, ...] = (64, 32),
    dropout: float = 0.2,
    duplex_units: int = 16,
):
    """The accurate one: convolutions over learned nucleotide pairs, a dense head.

    Stem: convolution over `embedding` channels of nucleotide pairs, ReLU, max pooling. Then per entry of `filters` a 3x3 convolution
    with its stride, ReLU and max pooling (1: none); `separable` splits it into one per channel and a 1x1 over channels. Kernels and
    strides are (miRNA, target). `batch_norm` puts BatchNorm behind the
    stem and directly behind each 3x3 convolution, where inference can fold it away; off, a training step takes a third less time.
    """
    x = pair_convolution(inputs.mirna_codes, inputs.target_codes, embedding, stem_filters, tuple(stem_kernel), tuple(stem_strides))
    if batch_norm:
        x = layers.BatchNormalization(momentum=NORM_MOMENTUM, name="stem_norm")(x)
    x = layers.ReLU(name="stem_relu")(x)
    if stem_pool > 1:
        x = layers.MaxPooling2D(stem_pool, name="stem_pool")(x)
    for number, (n_filters, stride, pool) in enumerate(zip(filters, strides, pools, strict=True), start=1):
        convolution = layers.SeparableConv2D if separable else layers.Conv2D
        x = convolution(n_filters, 3, strides=stride, padding="same", use_bias=not batch_norm, name=f"conv_{number}")(x)
        if batch_norm:
            x = layers.BatchNormalization(momentum=NORM_MOMENTUM, name=f"conv_{number}_norm")(x)
        x = layers.ReLU(name=f"conv_{number}_relu")(x)
        if pool > 1:
            x = layers.MaxPooling2D(pool, name=f"conv_{number}_pool")(x)
    x = layers.Flatten(name="flatten")(x)
    return probability(x, inputs, tuple(dense), dropout, duplex_units)


def mirscan_fast(
    inputs: NetworkInputs,
    *,
    embedding: int = 8,
    stem_filters: int = 16,
    stem_kernel: tuple[int, int] = (8, 8),
    stem_strides: tuple[int, int] = (2, 2),
    stem_pool: int = 2,
    filters: tuple[int, ...] = (32, 48),
    strides: tuple[int, ...] = (1, 2),
    pools: tuple[int, ...] = (1, 1),
    separable: bool = False,
    batch_norm: bool = False,
    dense: tuple[int, ...] = (48, 32),
    dropout: float = 0.1,
    duplex_units: int = 16,
):
    """The quick one: the plan of `mirscan_base`, narrower and with a stride in place of the last pooling, for a fifth of its cost."""
    return mirscan_base(
        inputs,
        embedding=embedding,
        stem_filters=stem_filters,
        stem_kernel=stem_kernel,
        stem_strides=stem_strides,
        stem_pool=stem_pool,
        filters=filters,
        strides=strides,
        pools=pools,
        separable=separable,
        batch_norm=batch_norm,
        dense=dense,
        dropout=dropout,
        duplex_units=duplex_units,
    )
