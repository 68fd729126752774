"""Residual networks on the Watson-Crick pairing grid: small, medium and large, and the deep narrow one of the work on hard samples."""

from keras import layers

from mirscan.networks.encoding import pairing_grid
from mirscan.networks.head import NetworkInputs, make_regularizer, probability


def _resnet(
    inputs: NetworkInputs,
    filters,
    strides,
    stem_filters,
    kernel,
    flatten,
    dense,
    dropout,
    regularization,
    factor,
    norm_momentum,
    duplex_units,
):
    """Stem, one residual block per entry of `filters`, pooling or flattening, dense head."""
    regularizer = make_regularizer(regularization, factor)
    x = pairing_grid(inputs.mirna_codes, inputs.target_codes)
    x = _convolve(x, stem_filters, kernel, 1, regularizer, norm_momentum, "stem")
    for number, (n_filters, stride) in enumerate(zip(filters, strides, strict=True), start=1):
        x = _block(x, n_filters, kernel, stride, regularizer, norm_momentum, f"block_{number}")
    x = layers.Flatten(name="flatten")(x) if flatten else layers.GlobalAveragePooling2D(name="average")(x)
    return probability(x, inputs, tuple(dense), dropout, duplex_units, regularizer=regularizer)


def _convolve(x, filters: int, kernel: int, stride: int, regularizer, norm_momentum: float, name: str):
    """Convolution, ReLU, BatchNorm: in this order, as the published networks have it."""
    x = layers.Conv2D(filters, kernel, strides=stride, padding="same", kernel_regularizer=regularizer, name=f"{name}_conv")(x)
    x = layers.ReLU(name=f"{name}_relu")(x)
    return layers.BatchNormalization(momentum=norm_momentum, name=f"{name}_norm")(x)


def _block(x, filters: int, kernel: int, stride: int, regularizer, norm_momentum: float, name: str):
    y = _convolve(x, filters, kernel, stride, regularizer, norm_momentum, f"{name}_first")
    y = _convolve(y, filters, kernel, 1, regularizer, norm_momentum, f"{name}_second")
    if stride != 1 or x.shape[-1] != filters:
        x = layers.Conv2D(filters, 1, strides=stride, padding="same", kernel_regularizer=regularizer, name=f"{name}_shortcut_conv")(x)
        x = layers.BatchNormalization(momentum=norm_momentum, name=f"{name}_shortcut_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([y, x]))


def resnet_small(
    inputs: NetworkInputs,
    *,
    filters: tuple[int, ...] = (64, 128),
    strides: tuple[int, ...] = (1, 2),
    stem_filters: int = 64,
    kernel: int = 3,
    flatten: bool = False,
    dense: tuple[int, ...] = (512,),
    dropout: float = 0.25,
    regularization: str = "none",
    factor: float = 0.002,
    norm_momentum: float = 0.99,
    duplex_units: int = 16,
):
    """Two residual blocks, global average pooling.

    `regularization` (none, l1, l2, l1l2) with `factor` acts on every kernel but the last. `norm_momentum` is BatchNorm's:
    Keras' .99 needs thousands of steps until it knows the activations it divides by.
    """
    return _resnet(
        inputs, filters, strides, stem_filters, kernel, flatten, dense, dropout, regularization, factor, norm_momentum, duplex_units
    )


def resnet_medium(
    inputs: NetworkInputs,
    *,
    filters: tuple[int, ...] = (64, 128, 128),
    strides: tuple[int, ...] = (1, 2, 2),
    stem_filters: int = 64,
    kernel: int = 3,
    flatten: bool = False,
    dense: tuple[int, ...] = (512,),
    dropout: float = 0.25,
    regularization: str = "none",
    factor: float = 0.002,
    norm_momentum: float = 0.99,
    duplex_units: int = 16,
):
    """Three residual blocks, global average pooling; settings as in `resnet_small`."""
    return _resnet(
        inputs, filters, strides, stem_filters, kernel, flatten, dense, dropout, regularization, factor, norm_momentum, duplex_units
    )


def resnet_large(
    inputs: NetworkInputs,
    *,
    filters: tuple[int, ...] = (64, 128, 128),
    strides: tuple[int, ...] = (1, 2, 2),
    stem_filters: int = 64,
    kernel: int = 3,
    flatten: bool = True,
    dense: tuple[int, ...] = (512,),
    dropout: float = 0.25,
    regularization: str = "none",
    factor: float = 0.002,
    norm_momentum: float = 0.99,
    duplex_units: int = 16,
):
    """The blocks of the medium network, flattened instead of averaged: the dense layer sees where in the window a feature lies."""
    return _resnet(
        inputs, filters, strides, stem_filters, kernel, flatten, dense, dropout, regularization, factor, norm_momentum, duplex_units
    )


def resnet_deep(
    inputs: NetworkInputs,
    *,
    first_filters: int = 16,
    blocks: tuple[int, ...] = (4, 6, 4),
    kernel: int = 3,
    dropout: float = 0.15,
    norm_momentum: float = 0.99,
    duplex_units: int = 16,
):
    """Narrow and deep: stages of `blocks` residual blocks, each stage half the grid and twice the filters of the one before.

    First filters and dropout of its three sizes: mini 8 and .15, small 16 and .15, large 32 and .20. Dropout grows by .05 a stage.
    """
    x = layers.BatchNormalization(momentum=norm_momentum, name="grid_norm")(pairing_grid(inputs.mirna_codes, inputs.target_codes))
    x = _convolve(x, first_filters, kernel, 1, None, norm_momentum, "stem")
    x = layers.Dropout(dropout, name="stem_dropout")(x)
    for stage, n_blocks in enumerate(blocks):
        for number in range(n_blocks):
            name, stride = f"stage_{stage + 1}_{number + 1}", 2 if stage and not number else 1
            x = _late_norm_block(x, first_filters * 2**stage, kernel, stride, norm_momentum, name)
            x = layers.Dropout(dropout + 0.05 * stage, name=f"{name}_dropout")(x)
    x = layers.AveragePooling2D(4, padding="same", name="average")(x)
    return probability(layers.Flatten(name="flatten")(x), inputs, (), dropout, duplex_units)


def _late_norm_block(x, filters: int, kernel: int, stride: int, norm_momentum: float, name: str):
    """BatchNorm after the first ReLU and after the sum, as the work on hard samples has it."""
    y = _convolve(x, filters, kernel, stride, None, norm_momentum, f"{name}_first")
    y = layers.Conv2D(filters, kernel, padding="same", name=f"{name}_second_conv")(y)
    if stride != 1 or x.shape[-1] != filters:
        x = layers.Conv2D(filters, 1, strides=stride, padding="same", name=f"{name}_shortcut_conv")(x)
    x = layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([y, x]))
    return layers.BatchNormalization(momentum=norm_momentum, name=f"{name}_norm")(x)
