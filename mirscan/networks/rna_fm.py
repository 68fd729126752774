"""Weights of RNA-FM (Chen et al. 2022, arXiv:2204.00300) from a local file into an encoder of ours."""

import re
from pathlib import Path

import numpy as np

from mirscan.errors import InputError
from mirscan.networks.nucleotide_encoder import EncoderSize, build_encoder
from mirscan.networks.torch_weights import read_torch_file

# Rows of its table of 25 tokens for A C G U N MASK BEGIN END: <cls> 0, <pad> 1, <eos> 2, <unk> 3, letters from 4, <mask> last.
_TOKENS = np.array([4, 5, 6, 7, 18, 24, 0, 2])
# Its positions count from the row behind that of padding.
_FIRST_PLACE = 2
# With token dropout its letters are scaled by the part that was not hidden in training.
_SHOWN = 1 - 0.15 * 0.8
_HEAD_WIDTH = 32


def read_rna_fm(path: str | Path):
    """The encoder (keras.Model) with the weights of an RNA-FM file, and its EncoderSize. Numbers of layers and units follow from the file.

    Raises InputError for a file that is none, lacks a weight or has one of another shape.
    """
    path = Path(path)
    file = read_torch_file(path)
    if not isinstance(file, dict) or not isinstance(file.get("model", file), dict):
        raise InputError(f"{path}: holds no weights by name; expected those of RNA-FM")
    settings = getattr(file.get("args"), "__dict__", {})
    weights = _Weights(path, file.get("model", file))
    size = weights.size(settings)
    encoder = build_encoder(size)
    wanted = _arrays(weights, size, bool(settings.get("token_dropout", False)))
    for variable in encoder.weights:
        array = wanted[variable.path]
        if array.shape != tuple(variable.shape):
            raise InputError(f"{path}: {variable.path} would have shape {array.shape}; expected {tuple(variable.shape)}, as in RNA-FM")
        variable.assign(array)
    return encoder, size


class _Weights:
    """The arrays of a file by their names without what stands before `embed_tokens`."""

    def __init__(self, path: Path, arrays: dict):
        self._path = path
        first = next((name for name in arrays if str(name).endswith("embed_tokens.weight")), None)
        if first is None:
            raise InputError(f"{path}: no weight embed_tokens.weight; expected the weights of RNA-FM")
        before = first.removesuffix("embed_tokens.weight")
        self._arrays = {name.removeprefix(before): array for name, array in arrays.items() if isinstance(array, np.ndarray)}

    def __call__(self, name: str) -> np.ndarray:
        if name not in self._arrays:
            raise InputError(f"{self._path}: no weight {name}; expected the weights of RNA-FM")
        return self._arrays[name].astype(np.float32)

    def size(self, settings: dict) -> EncoderSize:
        tokens, width = self._two_axes("embed_tokens.weight")
        if tokens <= _TOKENS.max():
            raise InputError(f"{self._path}: embed_tokens.weight has {tokens} tokens; expected the 25 of RNA-FM")
        numbers = [int(match[1]) for name in self._arrays if (match := re.match(r"layers\.(\d+)\.", name))]
        heads = int(settings.get("attention_heads", settings.get("encoder_attention_heads", max(width // _HEAD_WIDTH, 1))))
        if not numbers or heads < 1 or width % heads:
            raise InputError(f"{self._path}: {max(numbers, default=-1) + 1} layers of width {width} with {heads} heads; expected RNA-FM's")
        wide = self._two_axes("layers.0.fc1.weight")[0]
        longest = self._two_axes("embed_positions.weight")[0] - _FIRST_PLACE - 2
        return EncoderSize(width, max(numbers) + 1, heads, wide, longest)

    def _two_axes(self, name: str) -> tuple[int, int]:
        array = self(name)
        if array.ndim != 2:
            raise InputError(f"{self._path}: {name} has shape {array.shape}; expected two axes, as in RNA-FM")
        return array.shape


def _arrays(weights: _Weights, size: EncoderSize, token_dropout: bool) -> dict[str, np.ndarray]:
    """Every array of the encoder by its path."""
    arrays = {
        "encoder_letters/embeddings": weights("embed_tokens.weight")[_TOKENS] * (_SHOWN if token_dropout else 1),
        "encoder_places/embeddings": weights("embed_positions.weight")[_FIRST_PLACE:],
        **_norm(weights, "emb_layer_norm_before", "encoder_first_norm"),
        **_norm(weights, "emb_layer_norm_after", "encoder_last_norm"),
    }
    for number in range(size.n_layers):
        own, name = f"layers.{number}", f"encoder_{number + 1}"
        arrays |= _norm(weights, f"{own}.self_attn_layer_norm", f"{name}_attention_norm")
        arrays |= _norm(weights, f"{own}.final_layer_norm", f"{name}_norm")
        arrays |= _dense(weights, f"{own}.fc1", f"{name}_wide") | _dense(weights, f"{own}.fc2", f"{name}_narrow")
        arrays |= _attention(weights, f"{own}.self_attn", f"{name}_attention", size)
    return arrays


def _norm(weights: _Weights, theirs: str, ours: str) -> dict[str, np.ndarray]:
    return {f"{ours}/gamma": weights(f"{theirs}.weight"), f"{ours}/beta": weights(f"{theirs}.bias")}


def _dense(weights: _Weights, theirs: str, ours: str) -> dict[str, np.ndarray]:
    return {f"{ours}/kernel": weights(f"{theirs}.weight").T, f"{ours}/bias": weights(f"{theirs}.bias")}


def _attention(weights: _Weights, theirs: str, ours: str, size: EncoderSize) -> dict[str, np.ndarray]:
    """Their square matrices as Keras' (width, heads, width of a head), and back for the output."""
    split, arrays = (size.n_heads, size.width // size.n_heads), {}
    for letter, name in (("q", "query"), ("k", "key"), ("v", "value")):
        kernel = _square(weights, f"{theirs}.{letter}_proj.weight", size)
        arrays[f"{ours}/{name}/kernel"] = kernel.T.reshape(size.width, *split)
        arrays[f"{ours}/{name}/bias"] = weights(f"{theirs}.{letter}_proj.bias").reshape(split)
    arrays[f"{ours}/attention_output/kernel"] = _square(weights, f"{theirs}.out_proj.weight", size).T.reshape(*split, size.width)
    arrays[f"{ours}/attention_output/bias"] = weights(f"{theirs}.out_proj.bias")
    return arrays


def _square(weights: _Weights, name: str, size: EncoderSize) -> np.ndarray:
    array = weights(name)
    if array.shape != (size.width, size.width):
        raise InputError(f"{weights._path}: {name} has shape {array.shape}; expected {(size.width, size.width)}, as in RNA-FM")
    return array
