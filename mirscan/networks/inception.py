"""Inception modules on the pairing grid: kernels of several sizes side by side, for seeds with and without bulges."""

from keras import layers

from mirscan.networks.encoding import pairing_channels
from mirscan.networks.head import NetworkInputs, probability


def inception(
    inputs: NetworkInputs,
    *,
    stem_filters: int = 32,
    branch_filters: tuple[int, ...] = (16, 24, 32),
    n_modules_before_pool: int = 1,
    dense: tuple[int, ...] = (128,),
    dropout: float = 0.25,
    duplex_units: int = 16,
):
    """Grid of Watson-Crick and G:U pairs; stem convolution, pooling; per entry of `branch_filters` a module of four such branches.

    The grid is halved after every `n_modules_before_pool` modules but the last ones, then averaged.
    """
    x = _convolve(pairing_channels(inputs.mirna_codes, inputs.target_codes), stem_filters, 3, "stem")
    x = layers.MaxPooling2D(2, name="stem_pool")(x)
    for number, filters in enumerate(branch_filters, start=1):
        x = _module(x, filters, f"module_{number}")
        if number % n_modules_before_pool == 0 and number < len(branch_filters):
            x = layers.MaxPooling2D(2, padding="same", name=f"module_{number}_pool")(x)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    return probability(x, inputs, tuple(dense), dropout, duplex_units)


def _module(x, filters: int, name: str):
    """1x1; 1x1 then 3x3; 1x1 then 5x5; 3x3 max pooling then 1x1 (Szegedy et al. 2015, doi:10.1109/CVPR.2015.7298594)."""
    branches = [
        _convolve(x, filters, 1, f"{name}_1x1"),
        _convolve(_convolve(x, filters, 1, f"{name}_3x3_reduce"), filters, 3, f"{name}_3x3"),
        _convolve(_convolve(x, filters, 1, f"{name}_5x5_reduce"), filters, 5, f"{name}_5x5"),
        _convolve(layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_max")(x), filters, 1, f"{name}_max_1x1"),
    ]
    return layers.Concatenate(name=name)(branches)


def _convolve(x, filters: int, kernel: int, name: str):
    x = layers.Conv2D(filters, kernel, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(name=f"{name}_norm")(x))
