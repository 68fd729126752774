"""Recipe: every setting of a training in one frozen value, from a TOML file and flags, written back beside the model."""

import dataclasses
import tomllib
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mirscan.errors import InputError

SPLITS = ("family", "cluster", "chromosome", "column", "random")
LOSSES = ("crossentropy", "focal")
OPTIMIZERS = ("adam", "adamw")
SCHEDULES = ("constant", "cosine", "step", "multi-step", "exponential", "plateau", "one-cycle")
AVERAGES = ("none", "ema", "swa")
PRECISIONS = ("float32", "mixed_bfloat16")
CALIBRATIONS = ("isotonic", "temperature", "none")


@dataclass(frozen=True)
class Recipe:
    """How one network is trained. Rates are per step, counts of epochs are passes over the training pairs.

    Raises InputError when a value is outside its range.
    """

    # -- data
    pairs: tuple[str, ...] = ()
    """Files of labelled pairs."""
    weights: tuple[float, ...] = ()
    """Weight in the loss of every pair of a file, one a file; empty: 1."""
    max_pairs: int = 0
    """Train on a random subset of so many pairs; 0: all."""
    validation: tuple[str, ...] = ()
    """Files to validate on; empty: split validation pairs off the training pairs. Of several files the mean average precision counts."""
    also_split: bool = False
    """Split validation pairs off the training pairs although validation files are given."""
    split: str = "family"
    """What stays together when validation pairs are split off: family, cluster, chromosome, column (named in a column `split`), random."""
    validation_fraction: float = 0.1
    """Part of the pairs that is split off, about."""
    allow_leak: bool = False
    """Train although pairs, sites or families of the validation pairs occur among the training pairs."""

    # -- network
    architecture: str = ""
    """Name of the architecture; empty: that of `init`."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Hyper-parameters of the architecture that differ from its defaults."""
    duplex: bool = False
    """Give the network the duplex energy features as a third input."""
    mirna_length: int = 24
    """miRNAs are cut or padded with N to so many nt."""
    target_length: int = 50
    """Target windows are cut or padded with N to so many nt."""
    anchor: int | None = None
    """Place in the window opposite miRNA nt 1 where a scan puts a site; unset: where most positive training pairs have it."""
    init: tuple[str, ...] = ()
    """Start from the weights of this trained model (name or folder), or from the mean of several of one architecture (Wortsman 2022)."""
    teacher: str = ""
    """Learn from the scores of this trained model on the training pairs, too (Hinton 2015)."""
    teacher_share: float = 1.0
    """Part of a training label that comes from the teacher; the rest is the pair's own label."""
    teacher_background: float = 0.0
    """Part of each miRNA's background that is taken off the teacher's scores, in log odds: how much better or worse than those of
    other miRNAs its best random targets score. A teacher that likes every site of some miRNAs does not pass that on."""

    # -- objective
    loss: str = "crossentropy"
    focal_gamma: float = 2.0
    """Focal loss: exponent that plays down easy pairs (Lin 2017)."""
    label_smoothing: float = 0.0
    """Labels y become y (1 - s) + s / 2."""
    positive_weight: float = 1.0
    """Weight of a positive pair over a negative one; 0: balance the classes."""
    mixup: float = 0.0
    """Alpha of the Beta distribution that mixes pairs of pairs (Zhang 2018); 0: off."""
    window_shift: int = 0
    """Move every window by up to so many nt at random, anew each epoch; places moved in become N."""
    right_shift: tuple[int, ...] = ()
    """Also move windows right by 0 to so many nt, one number a file: for a study that cut its windows with the seed further left than a
    scan places it."""

    # -- optimiser
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    """AdamW only."""
    clip_norm: float = 0.0
    """Cut gradients to this global norm; 0: off."""
    layer_rates: dict[str, float] = field(default_factory=dict)
    """Factor of the learning rate for layers whose name begins so, the longest match wins; "" is every other layer; 0 freezes."""
    schedule: str = "one-cycle"
    warmup: float = 0.3
    """one-cycle: part of the steps on the way up; others: part of the steps with a linear rise from 0 (their default 0.3 counts as 0)."""
    final_rate: float = 1e-3
    """cosine, one-cycle: last learning rate as a part of the highest."""
    decay: float = 0.5
    """step, multi-step, exponential (an epoch), plateau: factor of each reduction."""
    decay_epochs: int = 5
    """step: epochs between reductions; plateau: validations without gain before one."""
    milestones: tuple[int, ...] = ()
    """multi-step: epochs at whose end the rate is reduced."""

    # -- loop
    epochs: int = 10
    batch_size: int = 256
    patience: int = 0
    """Stop after so many validations without a better average precision; 0: never."""
    validate_every: int = 0
    """Steps between validations; 0: at the end of every epoch."""
    average: str = "none"
    """Validate and keep averaged weights: ema (exponential, a step) or swa (plain mean over the validations of the second half)."""
    ema_momentum: float = 0.999
    precision: str = "float32"
    seed: int = 1
    threads: int = 0
    """CPU threads; 0: as many as the backend likes."""
    checkpoint_minutes: float = 2.0
    tensorboard: bool = False

    # -- after training
    calibration: str = "isotonic"
    base_rate: float = 0.5
    """Part of positives for which the calibrated score is a probability."""

    def __post_init__(self):
        for name in ("pairs", "validation", "init"):
            # A lone name is a sequence of letters to Python.
            if isinstance(getattr(self, name), str):
                object.__setattr__(self, name, (getattr(self, name),))
        for name, choices in (
            ("split", SPLITS),
            ("loss", LOSSES),
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("average", AVERAGES),
            ("precision", PRECISIONS),
            ("calibration", CALIBRATIONS),
        ):
            if getattr(self, name) not in choices:
                raise InputError(f"recipe: {name} is {getattr(self, name)!r}; expected {', '.join(choices)}")
        for name, lowest, highest in _RANGES:
            value = getattr(self, name)
            if value is not None and not lowest <= value <= highest:
                raise InputError(f"recipe: {name} is {value}; expected {lowest:g} to {highest:g}")
        if self.weights and len(self.weights) != len(self.pairs):
            raise InputError(f"recipe: {len(self.weights)} weights for {len(self.pairs)} files of pairs; expected one a file")
        if self.epochs == 0 and not self.init:
            raise InputError("recipe: epochs is 0; expected at least 1, or 0 with init, to calibrate the mean of trained models")
        if self.right_shift and (len(self.right_shift) != len(self.pairs) or not all(0 <= shift <= 50 for shift in self.right_shift)):
            raise InputError(
                f"recipe: right_shift is {list(self.right_shift)}; expected a number from 0 to 50 for each of {len(self.pairs)} files"
            )
        if self.anchor is not None and self.anchor >= self.target_length:
            raise InputError(f"recipe: anchor is {self.anchor}; expected a place inside the window of {self.target_length} nt, 0-based")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a TOML file; unset ones are left out."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items() if value is not None}

    def replace(self, **changes: Any) -> "Recipe":
        """This recipe with some values changed, checked again."""
        return recipe_from_dict({**self.to_dict(), **changes}, "flags")


_RANGES = (
    ("max_pairs", 0, 10**12),
    ("validation_fraction", 0.001, 0.9),
    ("teacher_share", 0.0, 1.0),
    ("teacher_background", 0.0, 1.0),
    ("mirna_length", 8, 40),
    ("target_length", 20, 1000),
    ("anchor", 0, 1000),
    ("focal_gamma", 0.0, 10.0),
    ("label_smoothing", 0.0, 0.5),
    ("positive_weight", 0.0, 1000.0),
    ("mixup", 0.0, 10.0),
    ("window_shift", 0, 50),
    ("learning_rate", 0.0, 10.0),
    ("weight_decay", 0.0, 1.0),
    ("clip_norm", 0.0, 1e6),
    ("warmup", 0.0, 0.9),
    ("final_rate", 0.0, 1.0),
    ("decay", 0.001, 1.0),
    ("decay_epochs", 1, 10_000),
    ("epochs", 0, 100_000),
    ("batch_size", 1, 1_000_000),
    ("patience", 0, 100_000),
    ("validate_every", 0, 10**9),
    ("ema_momentum", 0.0, 0.999999),
    ("seed", 0, 2**32 - 1),
    ("threads", 0, 1024),
    ("checkpoint_minutes", 0.0, 10_000.0),
    ("base_rate", 0.0001, 0.9999),
)


def read_recipe(path: str | Path) -> Recipe:
    """Recipe of a TOML file; raises InputError for broken TOML, an unknown key (listing the known ones) or a wrong value."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such recipe")
    try:
        values = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file: {error}") from error
    return recipe_from_dict(values, str(path))


def recipe_from_dict(values: dict[str, Any], where: str = "recipe") -> Recipe:
    """Recipe of plain values, each checked against the type of its field; `where` begins the error message."""
    known = typing.get_type_hints(Recipe)
    unknown = [key for key in values if key not in known]
    if unknown:
        raise InputError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(known)}")
    return Recipe(**{key: _convert(value, known[key], f"{where}: {key}") for key, value in values.items()})


def _convert(value: Any, kind: Any, where: str) -> Any:
    if isinstance(kind, types.UnionType):
        return None if value is None else _convert(value, typing.get_args(kind)[0], where)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            value = [] if value == "" else [value]
        return tuple(_convert(item, arguments[0], where) for item in value)
    if origin is dict:
        if isinstance(value, dict):
            return {key: item if arguments[1] is Any else _convert(item, arguments[1], f"{where}.{key}") for key, item in value.items()}
        raise InputError(f"{where} is {value!r}; expected a table of names and values")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    # bool is an int in Python: `epochs = true` must not pass.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise InputError(f"{where} is {value!r}; expected {kind.__name__}")
    return value
