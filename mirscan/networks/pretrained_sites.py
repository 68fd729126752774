"""Site networks on features of a nucleotide encoder, with the heads of the DeepTarget / TargetFM line, and DeepTarget's own without one."""

import keras
from keras import layers

from mirscan.networks.encoding import N_CODES, one_hot
from mirscan.networks.head import NetworkInputs, probability
from mirscan.networks.nucleotide_encoder import EncoderSize, build_encoder

HEADS = ("fc", "cnn", "bilstm")
_LETTER_UNITS, _DENSE = 32, 30


def encoded_sites(
    inputs: NetworkInputs,
    *,
    head: str = "fc",
    width: int = 64,
    n_layers: int = 4,
    n_heads: int = 4,
    feed_forward: int = 256,
    longest: int = 128,
    dropout: float = 0.1,
    duplex_units: int = 16,
):
    """miRNA and window (3'->5') through one encoder, joined channel by channel; a head reads them.

    The sizes of the encoder are those of a pre-trained one (`encoder` of a recipe). `head`: fc, cnn or bilstm, each after a dense layer of
    32 a letter.
    """
    length = max(inputs.mirna_codes.shape[1], inputs.target_codes.shape[1])
    if length > longest:
        raise ValueError(f"longest {longest}; expected at least the length of either strand")
    encoder = build_encoder(EncoderSize(width, n_layers, n_heads, feed_forward, longest), dropout, length)
    return _read(encoder, inputs, head, dropout, duplex_units)


def deep_target(inputs: NetworkInputs, *, head: str = "cnn", dropout: float = 0.1, duplex_units: int = 16):
    """One-hot letters and an embedding convolution of 32 in place of the encoder."""
    return _read(None, inputs, head, dropout, duplex_units)


def _read(encoder, inputs: NetworkInputs, head: str, dropout: float, duplex_units: int):
    if head not in HEADS:
        raise ValueError(f"head {head!r}; expected {', '.join(HEADS)}")
    strands = {"mirna": inputs.mirna_codes, "target": keras.ops.flip(inputs.target_codes, axis=1)}
    length = max(codes.shape[1] for codes in strands.values())
    joined = []
    for name, codes in strands.items():
        # Padded in front, so that both strands end side by side.
        codes = keras.ops.pad(keras.ops.cast(codes, "int32"), ((0, 0), (length - codes.shape[1], 0)), constant_values=N_CODES - 1)
        if encoder is None:
            letters = one_hot(codes, f"{name}_one_hot")
            x = layers.Conv1D(_LETTER_UNITS, 3, padding="same", activation="relu", name=f"{name}_embedding")(letters)
        else:
            x = layers.Dense(_LETTER_UNITS, activation="relu", name=f"{name}_dense")(encoder(codes))
        joined.append(x)
    x = layers.Concatenate(name="strands")(joined)
    return probability(_HEADS[head](x), inputs, (_DENSE,), dropout, duplex_units)


def _fc(x):
    return layers.Flatten(name="flatten")(x)


def _cnn(x):
    for number, filters in enumerate((16, 64, 16), start=1):
        x = layers.Conv1D(filters, 3, activation="relu", name=f"head_conv_{number}")(x)
    return layers.Flatten(name="flatten")(x)


def _bilstm(x):
    return layers.Bidirectional(layers.LSTM(_LETTER_UNITS, name="head_lstm_cell"), name="head_lstm")(x)


_HEADS = {"fc": _fc, "cnn": _cnn, "bilstm": _bilstm}
