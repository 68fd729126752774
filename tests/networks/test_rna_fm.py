"""RNA-FM weights: a made-up file in PyTorch's own format, read without PyTorch, and features equal to a plain NumPy transformer."""

import argparse
import collections
import io
import math
import os
import pickle
import sys
import types
import zipfile

import numpy as np
import pytest

from mirscan.errors import InputError
from mirscan.networks.rna_fm import read_rna_fm
from mirscan.networks.torch_weights import read_torch_file

WIDTH, LAYERS, HEADS, WIDE, PLACES = 16, 2, 4, 24, 42


def made_up(width=WIDTH, layers=LAYERS):
    random = np.random.default_rng(3)
    shapes = {"embed_tokens.weight": (25, width), "embed_positions.weight": (PLACES, width)}
    for name in ("emb_layer_norm_before", "emb_layer_norm_after"):
        shapes |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    for number in range(layers):
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= {f"layers.{number}.self_attn.{part}.weight": (width, width), f"layers.{number}.self_attn.{part}.bias": (width,)}
        for part in ("self_attn_layer_norm", "final_layer_norm"):
            shapes |= {f"layers.{number}.{part}.weight": (width,), f"layers.{number}.{part}.bias": (width,)}
        shapes |= {f"layers.{number}.fc1.weight": (WIDE, width), f"layers.{number}.fc1.bias": (WIDE,)}
        shapes |= {f"layers.{number}.fc2.weight": (width, WIDE), f"layers.{number}.fc2.bias": (width,)}
    return {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


class FloatStorage:
    """Stands for torch.FloatStorage while a file is written."""


FloatStorage.__module__, FloatStorage.__qualname__ = "torch", "FloatStorage"


def rebuild(*arguments):
    """Stands for torch._utils._rebuild_tensor_v2."""


rebuild.__module__, rebuild.__name__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2", "_rebuild_tensor_v2"


class Tensor:
    def __init__(self, key, array):
        self.key, self.array = key, array

    def __reduce__(self):
        steps = tuple(step // self.array.itemsize for step in self.array.strides)
        return rebuild, (Stored(self.key, self.array), 0, self.array.shape, steps, False, collections.OrderedDict())


class Stored:
    def __init__(self, key, array):
        self.key, self.array = key, array


class Writer(pickle.Pickler):
    def persistent_id(self, value):
        return ("storage", FloatStorage, value.key, "cpu", value.array.size) if isinstance(value, Stored) else None


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Function that writes what torch.save would write of {args, model}."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage, utils._rebuild_tensor_v2 = FloatStorage, rebuild
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    def write_file(arrays, args=None, extra=None):
        stored = {name: Tensor(str(number), array) for number, (name, array) in enumerate(arrays.items())}
        buffer = io.BytesIO()
        Writer(buffer, protocol=2).dump({"args": args, "model": collections.OrderedDict(stored), **(extra or {})})
        path = tmp_path / "weights.pth"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("weights/data.pkl", buffer.getvalue())
            for tensor in stored.values():
                archive.writestr(f"weights/data/{tensor.key}", tensor.array.tobytes())
        return path

    return write_file


def norm(x, arrays, name):
    scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return scaled * arrays[f"{name}.weight"] + arrays[f"{name}.bias"]


def plain_features(letters: str, arrays, scale=1.0):
    """RNA-FM for one strand, written from its publication's equations."""

    def linear(x, name):
        return x @ arrays[f"{name}.weight"].T + arrays[f"{name}.bias"]

    tokens = [0, *(4 + "ACGU".index(letter) for letter in letters), 2]
    x = arrays["embed_tokens.weight"][tokens] * scale + arrays["embed_positions.weight"][2 : 2 + len(tokens)]
    x = norm(x, arrays, "emb_layer_norm_before")
    for number in range(LAYERS):
        own = f"layers.{number}"
        y = norm(x, arrays, f"{own}.self_attn_layer_norm")
        q, k, v = (linear(y, f"{own}.self_attn.{part}_proj").reshape(len(y), HEADS, -1).swapaxes(0, 1) for part in "qkv")
        attention = np.exp(q @ k.swapaxes(1, 2) / math.sqrt(WIDTH // HEADS))
        attention /= attention.sum(-1, keepdims=True)
        x = x + linear((attention @ v).swapaxes(0, 1).reshape(len(y), WIDTH), f"{own}.self_attn.out_proj")
        y = linear(norm(x, arrays, f"{own}.final_layer_norm"), f"{own}.fc1")
        y = y * 0.5 * (1 + np.vectorize(math.erf)(y / math.sqrt(2)))
        x = x + linear(y, f"{own}.fc2")
    return norm(x, arrays, "emb_layer_norm_after")[1:-1]


@pytest.mark.parametrize("token_dropout", [False, True])
def test_read_rna_fm__features_equal_a_plain_transformer(write, token_dropout):
    arrays = made_up()
    named = {f"encoder.sentence_encoder.{name}": array for name, array in arrays.items()}
    args = argparse.Namespace(attention_heads=HEADS, token_dropout=token_dropout, arch="roberta_large")
    encoder, size = read_rna_fm(write(named, args))
    assert (size.width, size.n_layers, size.n_heads, size.feed_forward, size.longest) == (WIDTH, LAYERS, HEADS, WIDE, PLACES - 4)
    letters = "GAUUACAGGUCCA"
    codes = np.array([["ACGU".index(letter) for letter in letters]], np.uint8)
    expected = plain_features(letters, arrays, 0.88 if token_dropout else 1.0)
    np.testing.assert_allclose(np.array(encoder(codes))[0], expected, atol=2e-4)
    # Padding on either side changes nothing, and has no features.
    for before, after in ((5, 0), (0, 7)):
        padded = np.array(encoder(np.pad(codes, ((0, 0), (before, after)), constant_values=4)))[0]
        np.testing.assert_allclose(padded[before : before + len(letters)], expected, atol=2e-4)
        assert (np.delete(padded, np.arange(before, before + len(letters)), axis=0) == 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("layers.1.fc2.bias"), "no weight layers.1.fc2.bias; expected the weights of RNA-FM"),
        (lambda arrays: arrays.pop("embed_tokens.weight"), "no weight embed_tokens.weight"),
        (lambda arrays: arrays.update({"layers.1.fc2.bias": np.zeros(9, np.float32)}), r"encoder_2_narrow/bias would have shape \(9,\)"),
        (lambda arrays: arrays.update({"embed_tokens.weight": np.zeros((8, 16), np.float32)}), "has 8 tokens; expected the 25"),
        (
            lambda arrays: arrays.update({"layers.0.self_attn.q_proj.weight": np.zeros((16, 8), np.float32)}),
            r"q_proj.weight has shape \(16, 8\); expected \(16, 16\)",
        ),
    ],
)
def test_read_rna_fm__weights_that_are_others(write, change, message):
    arrays = made_up()
    change(arrays)
    with pytest.raises(InputError, match=message):
        read_rna_fm(write(arrays, argparse.Namespace(attention_heads=HEADS)))


class Bomb:
    def __reduce__(self):
        return os.system, ("touch exploded",)


def test_read_torch_file__nothing_pickled_is_run(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"wants to call posix.system; expected tensors by name only. It is not read"):
        read_torch_file(write(made_up(), extra={"bomb": Bomb()}))
    assert not (tmp_path / "exploded").exists()


def test_read_torch_file__files_that_are_none(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_torch_file(tmp_path / "x.pth")
    (tmp_path / "x.pth").write_bytes(b"weights")
    with pytest.raises(InputError, match=r"not a zip file of torch\.save"):
        read_torch_file(tmp_path / "x.pth")
