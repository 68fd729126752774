"""A transformer encoder of single RNA strands: letters in, one feature vector a letter out. Pre-trained by masked letters.

Layer normalisation stands before attention and feed-forward, and again at both ends, as in RNA-FM (Chen et al. 2022, arXiv:2204.00300) and
ESM-1b, so that their weights fit: a strand stands between a begin and an end token, positions count letters from the first, and N is
padding that is neither attended to nor has features.
"""

from dataclasses import asdict, dataclass

import keras
import numpy as np
from keras import layers

from mirscan.networks.encoding import N_CODES

# After A C G U N: what stands for a hidden letter, before and behind a strand.
MASK, BEGIN, END, N_TOKENS = 5, 6, 7, 8
_UNKNOWN = N_CODES - 1
_EPSILON = 1e-5


@dataclass(frozen=True)
class EncoderSize:
    """`width` channels a letter, `n_layers` of `n_heads` and `feed_forward` units; strands of up to `longest` nt."""

    width: int = 64
    n_layers: int = 4
    n_heads: int = 4
    feed_forward: int = 256
    longest: int = 128

    def to_dict(self) -> dict[str, int]:
        return asdict(self)


def build_encoder(size: EncoderSize, dropout: float = 0.0, length: int | None = None) -> keras.Model:
    """Codes (n, `length`; None: any up to `longest`), A0 C1 G2 U3 N4 MASK5, -> features (n, length, width), 0 at N."""
    codes = keras.Input((length,), dtype="uint8", name="codes")
    letters = keras.ops.cast(codes, "int32")
    tokens = keras.ops.pad(letters, ((0, 0), (1, 1)), constant_values=_UNKNOWN)
    is_letter = keras.ops.not_equal(letters, _UNKNOWN)
    tokens = _between(tokens, is_letter)
    known = keras.ops.not_equal(tokens, _UNKNOWN)
    places = (keras.ops.cumsum(keras.ops.cast(known, "int32"), axis=1) - 1) * keras.ops.cast(known, "int32")
    x = layers.Embedding(N_TOKENS, size.width, name="encoder_letters")(tokens)
    x = layers.Add(name="encoder_sum")([x, layers.Embedding(size.longest + 2, size.width, name="encoder_places")(places)])
    x = _norm(x, "encoder_first_norm")
    attended = keras.ops.expand_dims(known, 1)
    for number in range(1, size.n_layers + 1):
        x = _layer(x, attended, size, dropout, f"encoder_{number}")
    x = _norm(x, "encoder_last_norm")[:, 1:-1]
    features = x * keras.ops.expand_dims(keras.ops.cast(is_letter, x.dtype), -1)
    return keras.Model(codes, features, name="encoder")


def _between(tokens, is_letter):
    """Tokens with BEGIN before the first letter of each row and END behind its last, whichever side is padded."""
    ops = keras.ops
    is_letter = ops.cast(is_letter, "int32")
    before = ops.pad(is_letter, ((0, 0), (0, 2)))
    after = ops.pad(is_letter, ((0, 0), (2, 0)))
    own = ops.pad(is_letter, ((0, 0), (1, 1)))
    # Letters of a strand may be unknown themselves, so only the outermost ones have an end beside them.
    seen = ops.minimum(ops.cumsum(own, axis=1), 1)
    to_come = ops.minimum(ops.flip(ops.cumsum(ops.flip(own, 1), axis=1), 1), 1)
    begins = ops.logical_and(ops.equal(before, 1), ops.equal(seen, 0))
    ends = ops.logical_and(ops.equal(after, 1), ops.equal(to_come, 0))
    return ops.where(begins, BEGIN, ops.where(ends, END, tokens))


def _norm(x, name: str):
    return layers.LayerNormalization(epsilon=_EPSILON, name=name)(x)


def _layer(x, attended, size: EncoderSize, dropout: float, name: str):
    y = _norm(x, f"{name}_attention_norm")
    y = layers.MultiHeadAttention(size.n_heads, size.width // size.n_heads, dropout=dropout, name=f"{name}_attention")(
        y, y, attention_mask=attended
    )
    x = layers.Add(name=f"{name}_attended")([x, layers.Dropout(dropout, name=f"{name}_attention_dropout")(y)])
    y = _norm(x, f"{name}_norm")
    y = layers.Dense(size.feed_forward, activation="gelu", name=f"{name}_wide")(y)
    y = layers.Dense(size.width, name=f"{name}_narrow")(y)
    return layers.Add(name=f"{name}_out")([x, layers.Dropout(dropout, name=f"{name}_dropout")(y)])


def masked_letters(size: EncoderSize, dropout: float) -> keras.Model:
    """The encoder with a head that tells the probabilities of A C G U (n, length, 4) at every letter."""
    encoder = build_encoder(size, dropout, size.longest)
    codes = keras.Input((size.longest,), dtype="uint8", name="codes")
    x = layers.Dense(size.width, activation="gelu", name="letter_dense")(encoder(codes))
    x = layers.LayerNormalization(epsilon=_EPSILON, name="letter_norm")(x)
    letters = layers.Dense(4, activation="softmax", dtype="float32", name="letters")(x)
    return keras.Model(codes, letters, name="masked_letters")


def hide_letters(codes: np.ndarray, part: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Codes (n, L) with a `part` of the letters chosen, and which (n, L) bool.

    Of the chosen ones 8 in 10 become MASK, 1 another letter by chance, 1 stays (Devlin et al. 2019).
    """
    chosen = (codes < N_CODES - 1) & (random.random(codes.shape) < part)
    fate = random.random(codes.shape)
    hidden = np.where(chosen & (fate < 0.8), MASK, codes)
    hidden = np.where(chosen & (fate >= 0.9), random.integers(0, 4, codes.shape), hidden)
    return hidden.astype(np.uint8), chosen
