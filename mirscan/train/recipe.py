"""Recipe: every setting of a training in one frozen value, from a TOML file and flags, written back beside the model."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from mirscan.errors import InputError
from mirscan.notices import counted
from mirscan.sequence.text import read_toml
from mirscan.settings import Settings, about

_DATA, _NETWORK, _OBJECTIVE, _OPTIMISER, _LOOP, _AFTER = "Data", "Network", "Objective", "Optimiser", "Loop", "After training"
_IMBALANCE, _HARDNESS, _ITERATIVE = "Imbalance", "Hardness of single pairs", "Iterative training"


@dataclass(frozen=True)
class Recipe(Settings):
    """How one network is trained. Rates are per step, counts of epochs are passes over the training pairs.

    Raises InputError when a value is outside its range.
    """

    pairs: Annotated[tuple[str, ...], about("Labelled pairs: TSV, CSV (.gz too) or Parquet.", _DATA, positional=True)] = ()
    weights: Annotated[
        tuple[float, ...], about("Weight of a file's pairs in the loss, one a file; none: 1.", _DATA, flags=("--weight",))
    ] = ()
    max_pairs: Annotated[int, about("Train on a random subset of so many pairs; 0: all.", _DATA, ge=0, le=10**12)] = 0
    validation: Annotated[
        tuple[str, ...],
        about(
            "File of pairs to validate on; repeat for more. Of several the mean average precision counts. "
            "None: validation pairs are split off the training files.",
            _DATA,
        ),
    ] = ()
    also_split: Annotated[bool, about("Split validation pairs off the training files although --validation is given.", _DATA)] = False
    split: Annotated[
        Literal["family", "cluster", "chromosome", "column", "random"],
        about("What stays together when pairs are split off; column: a column `split` says.", _DATA),
    ] = "family"
    validation_fraction: Annotated[float, about("Part of the pairs that is split off, about.", _DATA, ge=0.001, le=0.9)] = 0.1
    allow_leak: Annotated[bool, about("Train although validation pairs, sites or families occur in training.", _DATA)] = False

    architecture: Annotated[str, about("See mirscan models architectures; none: that of --init.", _NETWORK)] = ""
    settings: Annotated[
        dict[str, Any],
        about("Hyper-parameter of the architecture, NAME=VALUE; repeat for more.", _NETWORK, flags=("--set",)),
    ] = field(default_factory=dict)
    duplex: Annotated[bool, about("Give the network the duplex energy features as a third input.", _NETWORK)] = False
    mirna_length: Annotated[int, about("miRNAs are cut or padded with N to so many nt.", _NETWORK, ge=8, le=40)] = 24
    target_length: Annotated[int, about("Windows are cut or padded with N to so many nt.", _NETWORK, ge=20, le=1000)] = 50
    anchor: (
        Annotated[
            int,
            about("Place in the window, 0-based, opposite miRNA nt 1 in a scan; unset: as in most positives.", _NETWORK, ge=0, le=1000),
        ]
        | None
    ) = None
    init: Annotated[
        tuple[str, ...],
        about("Start from the weights of this model; repeat for the mean of several of one architecture (Wortsman 2022).", _NETWORK),
    ] = ()
    averaged_with: Annotated[
        tuple[str, ...],
        about(
            "The model is the mean of the trained network and this model; repeat for more. Networks of different design err in different "
            "places.",
            _NETWORK,
        ),
    ] = ()
    encoder: Annotated[
        str, about("Folder of mirscan pretrain, or shipped encoder, that an encoded_sites network starts with.", _NETWORK)
    ] = ""
    teacher: Annotated[str, about("Learn from this model's scores of the training pairs, too (Hinton 2015).", _NETWORK)] = ""
    teacher_share: Annotated[float, about("Part of a label that comes from the teacher.", _NETWORK, ge=0, le=1)] = 1.0
    teacher_shares: Annotated[
        tuple[float, ...], about("The same, one number a file, where studies and windows at random are learned from together.", _NETWORK)
    ] = ()
    teacher_background: Annotated[
        float,
        about(
            "Part of each miRNA's background (how its best random targets score, in log odds, beside those of others) that is taken off "
            "the teacher's scores: its liking for every site of some miRNAs is not passed on.",
            _NETWORK,
            ge=0,
            le=1,
        ),
    ] = 0.0

    loss: Annotated[Literal["crossentropy", "focal"], about("Loss function.", _OBJECTIVE)] = "crossentropy"
    focal_gamma: Annotated[float, about("Exponent that plays down easy pairs in the focal loss (Lin 2017).", _OBJECTIVE, ge=0, le=10)] = 2.0
    label_smoothing: Annotated[float, about("Part s of a label pulled to 1/2: y (1 - s) + s / 2.", _OBJECTIVE, ge=0, le=0.5)] = 0.0
    positive_weight: Annotated[
        float, about("Weight of a positive pair over a negative one; 0 balances the classes.", _OBJECTIVE, ge=0, le=1000)
    ] = 1.0
    mixup: Annotated[
        float, about("Alpha of the Beta distribution that mixes pairs of pairs (Zhang 2018); 0 is off.", _OBJECTIVE, ge=0, le=10)
    ] = 0.0
    sampling: Annotated[
        float,
        about(
            "Exponent s: pairs are drawn with chances weight^s and weigh weight^(1 - s) in the loss; 0: each once an epoch.",
            _OBJECTIVE,
            ge=0,
            le=1,
        ),
    ] = 0.0
    mining: Annotated[
        str,
        about(
            "Draw negatives that this model scores high more often, and weigh them less in the loss, so that only noise changes.",
            _OBJECTIVE,
        ),
    ] = ""
    mixup_place: Annotated[
        Literal["letters", "features"],
        about("Mix after the one-hot letters, or what the trunk makes of them, before the dense head (Verma 2019).", _OBJECTIVE),
    ] = "letters"
    mixup_partners: Annotated[
        Literal["any", "positives"],
        about("Mix with any pair of the batch, or only positives, each with a similar positive (SMOTE, Chawla 2002).", _OBJECTIVE),
    ] = "any"
    window_shift: Annotated[
        int, about("Move every window by up to so many nt at random, anew each epoch; places moved in become N.", _OBJECTIVE, ge=0, le=50)
    ] = 0
    right_shift: Annotated[
        tuple[int, ...],
        about(
            "Also move windows of a file right by 0 to so many nt, one number a file: for seeds further left.",
            _OBJECTIVE,
        ),
    ] = ()

    class_sampling: Annotated[
        Literal["all", "under", "over", "balanced", "iterative"],
        about(
            "Pairs of an epoch: all once; all positives with negatives drawn anew; positives repeated; the same mixture in each batch; "
            "growing negatives.",
            _IMBALANCE,
        ),
    ] = "all"
    negative_ratio: Annotated[float, about("Negatives a positive that class_sampling makes.", _IMBALANCE, ge=0.01, le=10_000)] = 1.0
    sampling_epochs: Annotated[
        int,
        about("Sample so for so many epochs, then see all pairs as they are (two phases); 0: always.", _IMBALANCE, ge=0, le=100_000),
    ] = 0
    members: Annotated[
        int,
        about(
            "Mean of so many networks, each on all positives and its own draw of negative_ratio negatives each (EasyEnsemble, Liu 2009).",
            _IMBALANCE,
            ge=1,
            le=100,
        ),
    ] = 1
    hard_share: Annotated[
        float, about("Part of a batch's negatives, those of highest loss, that count; 1: all (Shrivastava 2016).", _IMBALANCE, gt=0, le=1)
    ] = 1.0
    seed_priors: Annotated[
        dict[str, float],
        about(
            "SEED=PART of positives among candidates of a seed type (none, 6mer, 7mer-A1, 7mer-m8, 8mer) where the model will be used: "
            "its log odds move from those of the training pairs to these.",
            _IMBALANCE,
            flags=("--seed-prior",),
        ),
    ] = field(default_factory=dict)

    start_ratio: Annotated[int, about("Negatives a positive of the first iteration (epoch).", _ITERATIVE, ge=1, le=10_000)] = 1
    raise_above: Annotated[
        float, about("F1 at .5 above which new positives come in and the ratio rises by one.", _ITERATIVE, ge=0, le=1)
    ] = 0.7
    new_positives: Annotated[int, about("Positives of an iteration.", _ITERATIVE, ge=1, le=10**9)] = 1000
    max_ratio: Annotated[int, about("Ratio that is never passed.", _ITERATIVE, ge=1, le=10_000)] = 15
    iteration_steps: Annotated[int, about("Batches of an iteration; they grow with the ratio.", _ITERATIVE, ge=1, le=10**6)] = 500
    own_negatives: Annotated[bool, about("A positive's negatives are those of its own site; else any of the files.", _ITERATIVE)] = False

    hardness: Annotated[
        str, about("File of mirscan hardness on the same pairs: chooses training pairs and labels; none: all pairs.", _HARDNESS)
    ] = ""
    hard_ratio: Annotated[float, about("Negatives a positive: hard ones, and others at random.", _HARDNESS, ge=0.01, le=10_000)] = 20.0
    hard_above: Annotated[float, about("Negatives of more than this hardness are hard.", _HARDNESS, ge=0, le=1)] = 0.1
    hardest: Annotated[int, about("The so many hardest negatives are hard, instead; 0: by --hard-above.", _HARDNESS, ge=0, le=10**12)] = 0
    discard_above: Annotated[
        float, about("Leave out negatives of more than this hardness, which may be sites that nobody found.", _HARDNESS, ge=0, le=1)
    ] = 1.0
    positive_label: Annotated[float, about("What positives are asked for.", _HARDNESS, ge=0.5, le=1)] = 0.95
    first_label: Annotated[float, about("What the easiest negatives are asked for.", _HARDNESS, ge=0, le=0.5)] = 0.05
    label_step: Annotated[float, about("How much more with each step of hardness.", _HARDNESS, ge=0, le=0.5)] = 0.05
    hardness_step: Annotated[float, about("Hardness of a step.", _HARDNESS, ge=0.01, le=1)] = 0.1
    smooth_up_to: Annotated[float, about("Hardness from which labels rise no more.", _HARDNESS, ge=0.01, le=1)] = 1.0

    optimizer: Annotated[Literal["adam", "adamw"], about("Optimiser.", _OPTIMISER)] = "adamw"
    learning_rate: Annotated[float, about("Highest learning rate.", _OPTIMISER, flags=("--learning-rate", "--lr"), ge=0, le=10)] = 1e-3
    weight_decay: Annotated[float, about("AdamW's.", _OPTIMISER, ge=0, le=1)] = 1e-4
    clip_norm: Annotated[float, about("Cut gradients to this global norm; 0 is off.", _OPTIMISER, ge=0, le=1e6)] = 0.0
    layer_rates: Annotated[
        dict[str, float],
        about(
            "PREFIX=FACTOR of the learning rate for layers named so, the longest match wins; empty: every other layer; 0 freezes.",
            _OPTIMISER,
            flags=("--layer-rate",),
        ),
    ] = field(default_factory=dict)
    schedule: Annotated[
        Literal["constant", "cosine", "step", "multi-step", "exponential", "plateau", "one-cycle"],
        about("Course of the learning rate.", _OPTIMISER),
    ] = "one-cycle"
    warmup: Annotated[float, about("Part of the steps with rising rate; of one-cycle alone unless said.", _OPTIMISER, ge=0, le=0.9)] = 0.3
    final_rate: Annotated[float, about("Last rate as a part of the highest: cosine, one-cycle.", _OPTIMISER, ge=0, le=1)] = 1e-3
    decay: Annotated[
        float, about("Factor of a reduction: step, multi-step, exponential (an epoch), plateau.", _OPTIMISER, ge=0.001, le=1)
    ] = 0.5
    decay_epochs: Annotated[
        int, about("Epochs between reductions (step), validations without gain (plateau).", _OPTIMISER, ge=1, le=10_000)
    ] = 5
    milestones: Annotated[
        tuple[int, ...], about("Epoch at whose end the rate is reduced (multi-step); repeat for more.", _OPTIMISER, flags=("--milestone",))
    ] = ()

    epochs: Annotated[int, about("Passes over the pairs; 0 with --init only calibrates.", _LOOP, ge=0, le=100_000)] = 10
    epoch_pairs: Annotated[int, about("Pairs of an epoch; 0: as many as there are.", _LOOP, ge=0, le=10**12)] = 0
    batch_size: Annotated[int, about("Pairs a step.", _LOOP, ge=1, le=1_000_000)] = 256
    patience: Annotated[
        int, about("Stop after so many validations without a better average precision; 0 is never.", _LOOP, ge=0, le=100_000)
    ] = 0
    validate_every: Annotated[int, about("Steps between validations; 0 is every epoch.", _LOOP, ge=0, le=10**9)] = 0
    average: Annotated[
        Literal["none", "ema", "swa"],
        about("Averaged weights: exponential (a step) or the plain mean over the validations of the second half.", _LOOP),
    ] = "none"
    ema_momentum: Annotated[float, about("Momentum of ema.", _LOOP, ge=0, le=0.999999)] = 0.999
    precision: Annotated[Literal["float32", "mixed_bfloat16"], about("Numbers a step computes with.", _LOOP)] = "float32"
    seed: Annotated[int, about("Seed of everything random.", _LOOP, ge=0, le=2**32 - 1)] = 1
    threads: Annotated[int, about("CPU threads; 0 is as many as the backend likes.", _LOOP, ge=0, le=1024)] = 0
    checkpoint_minutes: Annotated[float, about("Minutes between checkpoints.", _LOOP, ge=0, le=10_000)] = 2.0
    tensorboard: Annotated[bool, about("Write TensorBoard logs into --out.", _LOOP)] = False

    calibration: Annotated[Literal["isotonic", "temperature", "none"], about("Map from outputs to probabilities.", _AFTER)] = "isotonic"
    base_rate: Annotated[float, about("Part of positives for which the score is a probability.", _AFTER, ge=0.0001, le=0.9999)] = 0.5

    @staticmethod
    def tell(name: str, value: Any) -> str:
        return f"recipe: {name} is {value!r};"

    def check(self) -> None:
        if self.weights and len(self.weights) != len(self.pairs):
            raise InputError(
                f"recipe: {counted(len(self.weights), 'weight')} for {counted(len(self.pairs), 'file')} of pairs; expected one a file"
            )
        if self.epochs == 0 and not self.init:
            raise InputError("recipe: epochs is 0; expected at least 1, or 0 with init, to calibrate the mean of trained models")
        for name, highest in (("right_shift", 50), ("teacher_shares", 1)):
            numbers = getattr(self, name)
            if numbers and (len(numbers) != len(self.pairs) or not all(0 <= number <= highest for number in numbers)):
                raise InputError(
                    f"recipe: {name} is {list(numbers)}; "
                    f"expected a number from 0 to {highest} for each of {counted(len(self.pairs), 'file')}"
                )
        if self.class_sampling != "all" and (self.sampling or self.epoch_pairs or self.mining):
            raise InputError(
                f"recipe: class_sampling {self.class_sampling!r} says which pairs an epoch has; expected no sampling, epoch_pairs or mining"
            )
        if self.class_sampling == "iterative" and (self.validate_every or self.max_ratio < self.start_ratio):
            raise InputError(
                "recipe: iterative training validates once an iteration and its ratio rises; expected validate_every of 0 and a max_ratio "
                f"of at least {self.start_ratio}"
            )
        if self.hardness and self.teacher:
            raise InputError("recipe: hardness and teacher each say what a network is asked for; give one of them")
        if self.seed_priors:
            self._check_seed_priors()
        if self.anchor is not None and self.anchor >= self.target_length:
            raise InputError(f"recipe: anchor is {self.anchor}; expected a place inside the window of {self.target_length} nt, 0-based")

    def _check_seed_priors(self) -> None:
        # Numba is loaded only by a recipe that needs the names.
        from mirscan.seeds.seed_class import SEED_CLASSES

        if not all(name in SEED_CLASSES and 0 < part < 1 for name, part in self.seed_priors.items()):
            raise InputError(f"recipe: seed_priors is {self.seed_priors}; expected parts between 0 and 1 of {', '.join(SEED_CLASSES)}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a TOML file; unset ones are left out."""
        return {key: value for key, value in super().to_dict().items() if value is not None}

    def replace(self, **changes: Any) -> "Recipe":
        """This recipe with some values changed, checked again."""
        return Recipe.from_dict({**self.to_dict(), **changes}, "flags")


def read_recipe(path: str | Path) -> Recipe:
    """Recipe of a TOML file; raises InputError for broken TOML, an unknown key (listing the known ones) or a wrong value."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such recipe")
    return Recipe.from_dict(read_toml(path), str(path))
