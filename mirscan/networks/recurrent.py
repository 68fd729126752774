"""Recurrent networks that walk along the miRNA; at each nt they see its pairs with the whole window."""

from keras import layers

from mirscan.networks.encoding import pair_embedding
from mirscan.networks.head import NetworkInputs, make_regularizer, probability


def bilstm_attention(
    inputs: NetworkInputs,
    *,
    embedding: int = 1,
    units: tuple[int, ...] = (128, 64),
    dense: tuple[int, ...] = (512,),
    dropout: float = 0.25,
    regularization: str = "none",
    factor: float = 0.002,
    duplex_units: int = 16,
):
    """Learned pair embedding, bidirectional LSTM layers of `units`, dot-product self-attention, average, dense head."""
    regularizer = make_regularizer(regularization, factor)

    def layer(n_units, name):
        return layers.Bidirectional(_cell(layers.LSTM, n_units, regularizer, f"{name}_cell"), name=name)

    return _recurrent(inputs, layer, "bilstm", embedding, units, dense, dropout, regularizer, duplex_units)


def gru(
    inputs: NetworkInputs,
    *,
    embedding: int = 1,
    units: tuple[int, ...] = (128, 128, 64),
    dense: tuple[int, ...] = (512,),
    dropout: float = 0.25,
    regularization: str = "none",
    factor: float = 0.002,
    duplex_units: int = 16,
):
    """The same plan with a deep stack of GRU layers."""
    regularizer = make_regularizer(regularization, factor)

    def layer(n_units, name):
        return _cell(layers.GRU, n_units, regularizer, name)

    return _recurrent(inputs, layer, "gru", embedding, units, dense, dropout, regularizer, duplex_units)


def _cell(kind, units: int, regularizer, name: str):
    return kind(units, return_sequences=True, kernel_regularizer=regularizer, recurrent_regularizer=regularizer, name=name)


def _recurrent(inputs: NetworkInputs, layer, name: str, embedding, units, dense, dropout, regularizer, duplex_units):
    pairs = pair_embedding(inputs.mirna_codes, inputs.target_codes, embedding)
    _, n_mirna, n_target, size = pairs.shape
    x = layers.Reshape((n_mirna, n_target * size), name="pairs_by_mirna_nt")(pairs)
    for number, n_units in enumerate(units, start=1):
        x = layer(n_units, f"{name}_{number}")(x)
        x = layers.Dropout(dropout, name=f"{name}_{number}_dropout")(x)
    x = layers.Attention(name="attention")([x, x])
    x = layers.GlobalAveragePooling1D(name="average")(x)
    return probability(x, inputs, tuple(dense), dropout, duplex_units, norm="after", regularizer=regularizer)
