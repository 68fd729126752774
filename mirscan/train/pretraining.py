"""Pre-training of a nucleotide encoder by masked letters, and encoders as folders: what `mirscan pretrain` and an import write."""

import json
import os
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mirscan.errors import InputError, ModelError, RunError
from mirscan.keras_loading import load_keras
from mirscan.sequence.alphabet import N
from mirscan.sequence.transcriptome import Transcriptome, read_transcriptome
from mirscan.shipped import models_folder, shipped_names
from mirscan.train.pretrain_settings import PretrainSettings
from mirscan.trained_models import file_sha256

ENCODER_FILE, CARD_FILE, STATE_FILE = "encoder.keras", "encoder.toml", "pretraining.npz"
# The architecture that begins with an encoder.
ENCODED = "encoded_sites"
# One record in so many is held out.
_HELD_OUT = 50
_VALIDATION_WINDOWS = 2048
_EVERY = 500


def pretrain(
    settings: PretrainSettings, out: str | Path, *, resume: bool = False, say: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """Learn to tell hidden letters and write the encoder's folder `out`; returns its metrics.

    Windows, hidden letters and their order follow from seed and step, so `resume` goes on to the same weights after a kill. Raises
    InputError for sequences that cannot be read, RunError where there is nothing to resume, or what there is was made otherwise.

    >>> from mirscan.train.pretrain_settings import PretrainSettings
    >>> settings = PretrainSettings(("examples/utrs.fa.gz",), width=16, n_layers=1, n_heads=2, feed_forward=16, longest=40, steps=3)
    >>> sorted(ms.pretrain(settings, "encoder"))
    ['accuracy', 'most_frequent', 'steps']
    """
    keras, out = load_keras(), Path(out)
    if (out / CARD_FILE).exists():
        raise InputError(f"{out}: holds an encoder already; choose another folder with --out")
    sources = [read_transcriptome(path) for path in settings.sequences]
    sides = _sides(sources, settings, held_out=False)
    from mirscan.networks.nucleotide_encoder import masked_letters

    keras.utils.set_random_seed(settings.seed)
    keras.config.set_dtype_policy(settings.precision)
    try:
        network = masked_letters(settings.size(), settings.dropout)
    finally:
        keras.config.set_dtype_policy("float32")
    optimizer = keras.optimizers.AdamW(settings.learning_rate, weight_decay=settings.weight_decay, global_clipnorm=1.0)
    network.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", jit_compile=False)
    optimizer.build(network.trainable_variables)
    variables = [*network.variables, *optimizer.variables]
    first = _resume(out / STATE_FILE, settings, variables) if resume else 0
    random = np.random.default_rng([settings.seed, 0xE7A1])
    held_out = _draw(_sides(sources, settings, held_out=True), _VALIDATION_WINDOWS, settings.longest, random)
    for step in range(first, settings.steps):
        optimizer.learning_rate = _rate(settings, step)
        loss = _step(network, sides, settings, step)
        if (step + 1) % _EVERY == 0 or step + 1 == settings.steps:
            if not all(np.isfinite(np.asarray(variable)).all() for variable in variables):
                raise _not_a_number("a weight", step)
            right = _accuracy(network, held_out, settings)[0]
            say(f"step {step + 1:,} of {settings.steps:,}: loss {loss:.4f}, {right:.4f} of hidden letters right")
            _save(out / STATE_FILE, settings, variables, step + 1)
    accuracy, frequent = _accuracy(network, held_out, settings)
    metrics = {"steps": settings.steps, "accuracy": round(accuracy, 5), "most_frequent": round(frequent, 5)}
    origin = {"sequences": [{"file": Path(path).name, "sha256": file_sha256(path)} for path in settings.sequences], "metrics": metrics}
    write_encoder(out, _plain(network.get_layer("encoder"), settings), settings.size().to_dict(), origin)
    (out / STATE_FILE).unlink(missing_ok=True)
    return metrics


@dataclass(frozen=True)
class _Side:
    """Records of one source on one side of the split, each by its number of places where a window may start."""

    source: Transcriptome
    records: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, source: Transcriptome, longest: int, held_out: bool) -> "_Side":
        records = np.flatnonzero((np.arange(len(source)) % _HELD_OUT == 0) == held_out)
        return cls(source, records, np.cumsum(np.maximum(source.lengths[records] - longest, 0) + 1))

    def draw(self, n: int, longest: int, random: np.random.Generator) -> np.ndarray:
        """Windows (n, longest) uint8, each with the same chance; N behind a record that is shorter."""
        drawn = random.integers(0, self.ends[-1], n)
        place = np.searchsorted(self.ends, drawn, side="right")
        record = self.records[place]
        start = self.source.begin[record] + drawn - np.concatenate(([0], self.ends))[place]
        index = start[:, None] + np.arange(longest)
        inside = index < self.source.end[record][:, None]
        return np.where(inside, self.source.codes[np.minimum(index, len(self.source.codes) - 1)], N).astype(np.uint8)


def _sides(sources: Sequence[Transcriptome], settings: PretrainSettings, held_out: bool) -> list[_Side]:
    for path, source in zip(settings.sequences, sources, strict=True):
        if len(source) < 2:
            raise InputError(f"{path}: {len(source)} sequence; expected at least 2, of which one in {_HELD_OUT} is held out")
    sides = [_Side.of(source, settings.longest, held_out) for source in sources]
    for path, side in zip(settings.sequences, sides, strict=True):
        if not any((side.source.codes[side.source.begin[at] : side.source.end[at]] != N).any() for at in side.records):
            which = "held out" if held_out else "learned from"
            raise InputError(f"{path}: the records {which} hold no base but N; the first and every {_HELD_OUT}th are held out")
    return sides


def _draw(sides: list[_Side], n: int, longest: int, random: np.random.Generator) -> np.ndarray:
    """`n` windows, as equally many of each source as can be."""
    shares = [len(part) for part in np.array_split(np.arange(n), len(sides))]
    return np.concatenate([side.draw(share, longest, random) for side, share in zip(sides, shares, strict=True)])


def _step(network, sides: list[_Side], settings: PretrainSettings, step: int) -> float:
    random = np.random.default_rng([settings.seed, step])
    hidden, codes, chosen = _hide(_draw(sides, settings.batch_size, settings.longest, random), settings, random)
    # The mean is over all letters of the batch, so the hidden ones weigh what makes their mean.
    weights = chosen.astype(np.float32) / max(float(chosen.mean()), 1e-6)
    loss = float(network.train_on_batch(hidden, codes, sample_weight=weights, return_dict=True)["loss"])
    if not np.isfinite(loss):
        raise _not_a_number("the loss", step)
    return loss


def _not_a_number(what: str, step: int) -> RunError:
    return RunError(f"pretrain: {what} is not a number at step {step + 1}; try a lower --learning-rate")


def _hide(codes: np.ndarray, settings: PretrainSettings, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from mirscan.networks.nucleotide_encoder import hide_letters

    hidden, chosen = hide_letters(codes, settings.hidden_part, random)
    return hidden, np.minimum(codes, N - 1), chosen


def _accuracy(network, held_out: np.ndarray, settings: PretrainSettings) -> tuple[float, float]:
    """Part of hidden letters of the held-out windows that are told rightly, and that the most frequent letter gets right."""
    hidden, codes, chosen = _hide(held_out, settings, np.random.default_rng([settings.seed, 0xACC]))
    told = np.argmax(network.predict(hidden, batch_size=256, verbose=0), axis=-1)
    letters = codes[chosen]
    return float(np.mean(told[chosen] == letters)), float(np.bincount(letters).max() / max(len(letters), 1))


def _rate(settings: PretrainSettings, step: int) -> float:
    rise = max(settings.steps // 20, 1)
    part = (step - rise) / max(settings.steps - rise, 1)
    return settings.learning_rate * ((step + 1) / rise if step < rise else (1 + np.cos(np.pi * part)) / 2)


def _save(path: Path, settings: PretrainSettings, variables: list, step: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name("writing-" + path.name)
    state = json.dumps({"step": step, "settings": settings.to_dict()})
    with open(temporary, "wb") as handle:
        np.savez(handle, state=np.array(state), **{f"{i:04d}": np.array(variable) for i, variable in enumerate(variables)})
    os.replace(temporary, path)


def _resume(path: Path, settings: PretrainSettings, variables: list) -> int:
    """Put the variables back to where a killed pre-training left them; the step it had done."""
    if not path.is_file():
        raise RunError(f"{path}: nothing to resume from; run without --resume")
    with open(path, "rb") as handle, np.load(handle, allow_pickle=False) as file:
        state = json.loads(str(file["state"]))
        for key, value in settings.to_dict().items():
            if state["settings"].get(key) != value:
                old = state["settings"].get(key)
                raise RunError(f"{path}: made with {key} {old!r}, not {value!r}; use the same settings or another folder")
        for i, variable in enumerate(variables):
            variable.assign(file[f"{i:04d}"])
    return state["step"]


def _plain(encoder, settings: PretrainSettings):
    """The encoder in float32, without dropout's state."""
    from mirscan.networks.nucleotide_encoder import build_encoder

    plain = build_encoder(settings.size())
    by_path = {weight.path: weight for weight in encoder.weights}
    for weight in plain.weights:
        weight.assign(np.array(by_path[weight.path]))
    return plain


def write_encoder(folder: str | Path, encoder, size: dict[str, int], origin: dict[str, Any]) -> None:
    """Write an encoder (keras.Model) with a card of its `size`, checksum and `origin`."""
    import tomli_w

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / ("writing." + ENCODER_FILE)
    encoder.save(temporary)
    os.replace(temporary, folder / ENCODER_FILE)
    card = {"size": size, "sha256": file_sha256(folder / ENCODER_FILE), "origin": origin}
    (folder / CARD_FILE).write_text(tomli_w.dumps(card), encoding="utf-8")


def find_encoder(name_or_folder: str | Path) -> Path:
    """Folder of an encoder: a folder that is there, else the shipped encoder of that name, such as `encoder`."""
    shipped = models_folder() / name_or_folder
    return shipped if str(name_or_folder) in shipped_names(ENCODER_FILE) and not Path(name_or_folder).exists() else Path(name_or_folder)


def read_encoder_card(name_or_folder: str | Path) -> dict[str, Any]:
    """Size, checksum and origin of an encoder; ModelError where it is none or its file is another."""
    folder = find_encoder(name_or_folder)
    path = folder / CARD_FILE
    try:
        card = tomllib.loads(path.read_text(encoding="utf-8"))
        right = file_sha256(path.with_name(ENCODER_FILE)) == card["sha256"]
    except (OSError, KeyError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        known = ", ".join(shipped_names(ENCODER_FILE)) or "none"
        raise ModelError(f"{folder}: not an encoder ({error}); expected a folder of mirscan pretrain, or a shipped one: {known}") from None
    if not right:
        raise ModelError(f"{folder}: {ENCODER_FILE} is not the file that {CARD_FILE} describes; fetch both again")
    return card


def copy_encoder(name_or_folder: str | Path, network) -> str:
    """Put the weights of a pre-trained encoder into the layer `encoder` of a site network; says how many.

    ModelError where they do not fit.
    """
    keras = load_keras()
    read_encoder_card(name_or_folder)
    folder = find_encoder(name_or_folder)
    source = keras.saving.load_model(folder / ENCODER_FILE, compile=False, safe_mode=True)
    own, known = network.get_layer("encoder").weights, {weight.path: weight for weight in source.weights}
    for weight in own:
        if weight.path not in known or known[weight.path].shape != weight.shape:
            raise ModelError(f"encoder {folder}: {weight.path} does not fit; leave the encoder's sizes out of the recipe")
        weight.assign(np.array(known[weight.path]))
    return f"{len(own)} weight arrays of the encoder come from {folder}"
