"""A BERT-like transformer encoder over miRNA and window, with three kinds of head.

It is trained here, on pairs; nothing is pre-trained.
"""

import keras
from keras import layers

from mirscan.networks.encoding import N_CODES
from mirscan.networks.head import NetworkInputs, probability

FIRST_TOKEN = 2 * N_CODES  # stands before both strands and collects what the fc head reads


def transformer(
    inputs: NetworkInputs,
    *,
    head: str = "fc",
    width: int = 64,
    n_layers: int = 3,
    n_heads: int = 4,
    feed_forward: int = 128,
    head_units: int = 64,
    head_kernel: int = 5,
    dense: tuple[int, ...] = (64,),
    dropout: float = 0.1,
    duplex_units: int = 16,
):
    """One token to begin with, the miRNA, the window; embeddings of `width`; `n_layers` encoder layers (Devlin et al. 2019).

    `head`: "fc" reads the first token; "cnn" runs two convolutions (`head_units` filters, `head_kernel` wide) along the tokens and
    takes the maximum; "bilstm" reads them with a bidirectional LSTM of `head_units`.
    """
    if head not in ("fc", "cnn", "bilstm"):
        raise ValueError(f"head {head!r}; expected fc, cnn or bilstm")
    x = _embed(inputs, width, dropout)
    for number in range(1, n_layers + 1):
        x = _encoder_layer(x, width, n_heads, feed_forward, dropout, f"encoder_{number}")
    return probability(_read(x, head, head_units, head_kernel), inputs, tuple(dense), dropout, duplex_units)


def _embed(inputs: NetworkInputs, width: int, dropout: float):
    """(n, 1 + M + L, width). The two strands have letters of their own, which tells them apart as BERT's segments do."""
    mirna, target = keras.ops.cast(inputs.mirna_codes, "int32"), keras.ops.cast(inputs.target_codes, "int32") + N_CODES
    strands = layers.Concatenate(name="strands")([mirna, target])
    tokens = keras.ops.pad(strands, ((0, 0), (1, 0)), constant_values=FIRST_TOKEN)
    positions = keras.ops.cumsum(keras.ops.ones_like(tokens), axis=1) - 1
    letters = layers.Embedding(FIRST_TOKEN + 1, width, name="token_embedding")(tokens)
    places = layers.Embedding(tokens.shape[1], width, name="position_embedding")(positions)
    x = layers.LayerNormalization(epsilon=1e-6, name="embedding_norm")(layers.Add(name="embedding")([letters, places]))
    return layers.Dropout(dropout, name="embedding_dropout")(x)


def _encoder_layer(x, width: int, n_heads: int, feed_forward: int, dropout: float, name: str):
    y = layers.MultiHeadAttention(n_heads, width // n_heads, dropout=dropout, name=f"{name}_attention")(x, x)
    y = layers.Dropout(dropout, name=f"{name}_attention_dropout")(y)
    x = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_attention_norm")(layers.Add(name=f"{name}_attention_add")([x, y]))
    y = layers.Dense(feed_forward, activation="gelu", name=f"{name}_wide")(x)
    y = layers.Dropout(dropout, name=f"{name}_dropout")(layers.Dense(width, name=f"{name}_narrow")(y))
    return layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")(layers.Add(name=f"{name}_add")([x, y]))


def _read(x, head: str, units: int, kernel: int):
    if head == "bilstm":
        return layers.Bidirectional(layers.LSTM(units, name="head_lstm_cell"), name="head_lstm")(x)
    if head == "cnn":
        x = layers.Conv1D(units, kernel, padding="same", activation="relu", name="head_conv_1")(x)
        x = layers.Conv1D(units, kernel, padding="same", activation="relu", name="head_conv_2")(x)
        return layers.GlobalMaxPooling1D(name="head_max")(x)
    return layers.Flatten(name="first_token")(layers.Cropping1D((0, x.shape[1] - 1), name="first_token_row")(x))
