"""Trained models: find one by name or folder, read its card, check that the file does what the card says, write a new one."""

import hashlib
import json
import os
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from mirscan.errors import InputError, ModelError
from mirscan.keras_loading import load_keras
from mirscan.sequence.text import finite
from mirscan.shipped import CARD_FILE, models_folder, shipped_names
from mirscan.windows import WindowLayout, encode_pairs

NETWORK_FILE, TRAINING_FILE, METRICS_FILE = "model.keras", "training.toml", "metrics.json"
CARD_FORMAT = 1
# float32 on TensorFlow, JAX and Torch differs by up to 2e-5 on trained networks; a wrong encoding differs by tenths.
EXAMPLE_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Calibration:
    """Piecewise-linear map from the network's output to the probability that is reported; empty means identity."""

    method: str = "none"
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()

    def __post_init__(self):
        if len(self.x) != len(self.y) or list(self.x) != sorted(self.x) or list(self.y) != sorted(self.y):
            raise ModelError("calibration: x and y must have equal length and both must rise")

    def apply(self, scores: np.ndarray) -> np.ndarray:
        """Calibrated scores, float32, same shape."""
        return np.interp(scores, self.x, self.y).astype(np.float32) if self.x else scores.astype(np.float32)


@dataclass(frozen=True)
class Example:
    """A pair and what the network gives for it in float32, before calibration."""

    mirna: str
    target: str
    output: float


@dataclass(frozen=True)
class Card:
    """What a model's file cannot say for itself.

    `base_rate`: share of true sites for which the calibrated score is a probability. `thresholds`: named cut-offs of the
    calibrated score. `prefilter`: for each cheaper scorer, the score below which a pair need not be scored by this model.
    `seed_shift`: what is added to the log odds of a pair by the type of its strongest canonical seed match, before calibration.
    `training`: data sets with checksums, soft labels included. `metrics`: by test set, what an evaluation measured once training was over.
    """

    name: str
    description: str
    architecture: str
    layout: WindowLayout
    inputs_duplex: bool = False
    parameters: int = 0
    mflop: float = 0.0
    label: str = "1: the miRNA was found bound to this window; 0: it was not"
    base_rate: float = 0.5
    licence: str = "MIT"
    citation: str = ""
    calibration: Calibration = field(default_factory=Calibration)
    thresholds: dict[str, float] = field(default_factory=dict)
    prefilter: dict[str, float] = field(default_factory=dict)
    seed_shift: dict[str, float] = field(default_factory=dict)
    training: dict = field(default_factory=dict)
    metrics: dict = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    sha256: str = ""

    @property
    def scores_sha256(self) -> str:
        """SHA-256 of what decides the calibrated scores: the network, and what is made of its outputs."""
        decides = [self.sha256 or self.architecture, asdict(self.calibration), self.seed_shift]
        return hashlib.sha256(json.dumps(decides).encode()).hexdigest()


@dataclass(frozen=True)
class TrainedModel:
    """A loaded network with its card; `network` is a keras.Model."""

    card: Card
    network: object
    folder: Path


def list_models() -> list[Card]:
    """Cards of the shipped models, by name.

    >>> [card.name for card in ms.list_models()]
    ['affinity', 'base', 'base-pretrained', 'fast']
    """
    return [read_card(models_folder() / name) for name in shipped_names(CARD_FILE)]


def find_model(name_or_folder: str | os.PathLike) -> Path:
    """Folder of a shipped model's name or of a path; ModelError lists the known names otherwise."""
    text = os.fspath(name_or_folder)
    shipped = models_folder() / text
    is_name = os.sep not in text and text not in ("", ".", "..")
    for folder in ([shipped] if is_name else []) + [Path(text)]:
        if (folder / CARD_FILE).is_file():
            return folder
    known = ", ".join(shipped_names(CARD_FILE)) or "none"
    raise ModelError(f"model {text!r}: neither a known name nor a folder with {CARD_FILE}; known: {known}")


def read_card(folder: str | os.PathLike) -> Card:
    """The card of a model folder; ModelError says which entry is missing or wrong."""
    path = Path(folder) / CARD_FILE
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=finite)
    except FileNotFoundError:
        raise ModelError(f"{path}: not there; expected a model folder with {NETWORK_FILE} and {CARD_FILE}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not valid TOML ({error})") from None
    if entries.pop("format", None) != CARD_FORMAT:
        raise ModelError(f"{path}: expected format = {CARD_FORMAT}; this mirscan reads no other")
    try:
        entries["layout"] = WindowLayout(**entries["layout"])
        calibration = entries.get("calibration", {})
        entries["calibration"] = Calibration(
            calibration.get("method", "none"), tuple(calibration.get("x", ())), tuple(calibration.get("y", ()))
        )
        entries["examples"] = tuple(Example(**example) for example in entries.get("examples", ()))
        return Card(**entries)
    except (KeyError, TypeError, InputError) as error:
        raise ModelError(f"{path}: {error}; expected the entries of a mirscan card") from None


def check_files(folder: Path) -> Card:
    """The card of a model folder, whose network has the checksum that it names; ModelError otherwise. Loads nothing heavy."""
    card = read_card(folder)
    path = folder / NETWORK_FILE
    if not path.is_file():
        raise ModelError(f"{path}: not there; expected the network that {CARD_FILE} describes")
    if card.sha256 and file_sha256(path) != card.sha256:
        raise ModelError(f"{path}: checksum differs from {CARD_FILE}; the two belong to different models. Fetch both again.")
    return card


def load_model(name_or_folder: str | os.PathLike) -> TrainedModel:
    """Network and card of a model, checked against each other.

    The file must have the card's checksum and input shapes, and give the card's outputs for its examples, so that a model
    that behaves differently on another backend or version is noticed here. Raises ModelError. Nothing in a model folder is
    executed: Keras loads it in safe mode.

    >>> model = ms.load_model("fast")
    >>> model.card.layout.length, [tensor.name for tensor in model.network.inputs]
    (50, ['mirna_codes', 'target_codes'])
    """
    folder = find_model(name_or_folder)
    card = check_files(folder)
    path = folder / NETWORK_FILE
    network = _load_network(path)
    _check_shapes(card, network, path)
    _check_examples(card, network, path)
    return TrainedModel(card, network, folder)


def _load_network(path: Path):
    keras = load_keras()
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever a damaged or foreign file provokes; all of it means the same to a user
        raise ModelError(f"{path}: cannot be loaded ({str(error).splitlines()[0][:150]})") from None


def _check_shapes(card: Card, network, path: Path) -> None:
    expected = {"mirna_codes": (None, card.layout.mirna_length), "target_codes": (None, card.layout.length)}
    found = {tensor.name: tuple(tensor.shape) for tensor in network.inputs}
    duplex = found.pop("duplex", None)
    if found != expected or (duplex is not None) != card.inputs_duplex:
        raise ModelError(
            f"{path}: inputs {found}{' + duplex' if duplex else ''} differ from the card's {expected}"
            f"{' + duplex' if card.inputs_duplex else ''}"
        )


def _check_examples(card: Card, network, path: Path) -> None:
    if not card.examples:
        return
    found = predict_examples(network, card, [example.mirna for example in card.examples], [example.target for example in card.examples])
    for example, output in zip(card.examples, found, strict=True):
        if not abs(output - example.output) <= EXAMPLE_TOLERANCE:
            raise ModelError(
                f"{path}: gives {output:.4f} for {example.mirna} on {example.target}, the card says {example.output:.4f}; "
                "do not trust its scores"
            )


def predict_examples(network, card: Card, mirnas: list[str], targets: list[str]) -> np.ndarray:
    """Outputs (n,) of the plain network, uncalibrated: for a few pairs, where speed does not matter."""
    mirna_codes, target_codes = encode_pairs(mirnas, targets, card.layout)
    inputs = {"mirna_codes": mirna_codes, "target_codes": target_codes}
    if card.inputs_duplex:
        from mirscan.duplex import duplex_features

        inputs["duplex"] = duplex_features(mirna_codes, target_codes)
    return np.asarray(network.predict_on_batch(inputs)).reshape(-1)


def write_model(
    folder: str | os.PathLike, network, card: Card, training: dict, metrics: dict, example_pairs: list[tuple[str, str]]
) -> Card:
    """Write a model folder; returns the card with checksum and examples filled in.

    `network` must have a float32 policy; `training` is the recipe (TOML), `metrics` any JSON, so without nan; `example_pairs` are five
    or so (miRNA, target) pairs whose outputs go into the card.
    """
    from dataclasses import replace

    import tomli_w

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / ("writing." + NETWORK_FILE)
    network.save(temporary)
    os.replace(temporary, folder / NETWORK_FILE)
    mirnas, targets = [pair[0] for pair in example_pairs], [pair[1] for pair in example_pairs]
    outputs = predict_examples(network, card, mirnas, targets)
    examples = tuple(
        Example(mirna, target, round(float(output), 6)) for mirna, target, output in zip(mirnas, targets, outputs, strict=True)
    )
    card = replace(card, sha256=file_sha256(folder / NETWORK_FILE), examples=examples)
    (folder / TRAINING_FILE).write_text(tomli_w.dumps(training), encoding="utf-8")
    (folder / METRICS_FILE).write_text(json.dumps(metrics, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    write_card(folder, card)
    return card


def write_card(folder: str | os.PathLike, card: Card) -> None:
    """Write `card` into its folder, replacing the one there."""
    import tomli_w

    entries = {"format": CARD_FORMAT, **asdict(card)}
    (Path(folder) / CARD_FILE).write_text(tomli_w.dumps(entries), encoding="utf-8")


def file_sha256(path: str | os.PathLike) -> str:
    """Hexadecimal SHA-256 of a file."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
