"""`mirscan train`: flags and TOML to one recipe, then one call."""

from pathlib import Path
from typing import Annotated

import typer

Flag = typer.Option


def train(
    pairs: Annotated[list[Path] | None, typer.Argument(help="Labelled pairs: TSV, CSV (.gz too) or Parquet.", show_default=False)] = None,
    out: Annotated[Path, Flag("--out", help="Folder of the new model.")] = Path("mirscan-model"),
    recipe: Annotated[
        Path | None, Flag("--recipe", help="TOML file of settings, such as training.toml of a model; flags win over it.")
    ] = None,
    resume: Annotated[bool, Flag("--resume", help="Go on from the checkpoint in --out after a kill.")] = False,
    finish: Annotated[bool, Flag("--finish", help="Write the model from the best weights of an interrupted training.")] = False,
    keep_work: Annotated[bool, Flag("--keep-work", help="Keep checkpoint and cached duplex energies.")] = False,
    cache: Annotated[Path | None, Flag("--cache", help="Folder that keeps duplex energies between trainings on the same pairs.")] = None,
    quiet: Annotated[bool, Flag("--quiet", help="No progress.")] = False,
    weights: Annotated[list[float] | None, Flag("--weight", help="Weight of a file's pairs in the loss, one a file.")] = None,
    max_pairs: Annotated[int | None, Flag(help="Train on a random subset of so many pairs.")] = None,
    validation: Annotated[list[Path] | None, Flag("--validation", help="File of pairs to validate on; repeat for more.")] = None,
    also_split: Annotated[bool | None, Flag("--also-split", help="Split validation pairs off the training files, too.")] = None,
    split: Annotated[str | None, Flag(help="Else split off by family, cluster, chromosome, column or random [family].")] = None,
    validation_fraction: Annotated[float | None, Flag(help="Part split off [0.1].")] = None,
    allow_leak: Annotated[bool | None, Flag("--allow-leak", help="Train although validation pairs or sites occur in training.")] = None,
    architecture: Annotated[str | None, Flag(help="See mirscan models architectures.")] = None,
    settings: Annotated[list[str] | None, Flag("--set", help="Hyper-parameter of the architecture, NAME=VALUE; repeat for more.")] = None,
    duplex: Annotated[bool | None, Flag("--duplex/--no-duplex", help="Give the network the duplex energy features.")] = None,
    mirna_length: Annotated[int | None, Flag(help="miRNAs are cut or padded to so many nt [24].")] = None,
    target_length: Annotated[int | None, Flag(help="Windows are cut or padded to so many nt [50].")] = None,
    anchor: Annotated[int | None, Flag(help="Place in the window, 0-based, opposite miRNA nt 1 in a scan [as in most positives].")] = None,
    init: Annotated[list[str] | None, Flag("--init", help="Start from the weights of this model; repeat for the mean of several.")] = None,
    teacher: Annotated[str | None, Flag(help="Learn from this model's scores of the training pairs.")] = None,
    teacher_share: Annotated[float | None, Flag(help="Part of a label that comes from the teacher [1].")] = None,
    teacher_background: Annotated[
        float | None, Flag(help="Part of each miRNA's background that is taken off the teacher's scores [0].")
    ] = None,
    loss: Annotated[str | None, Flag(help="crossentropy or focal [crossentropy].")] = None,
    focal_gamma: Annotated[float | None, Flag(help="Exponent of the focal loss [2].")] = None,
    label_smoothing: Annotated[float | None, Flag(help="Pull labels towards 1/2 by this part [0].")] = None,
    positive_weight: Annotated[float | None, Flag(help="Weight of a positive over a negative; 0 balances the classes [1].")] = None,
    mixup: Annotated[float | None, Flag(help="Alpha of mixup; 0 is off [0].")] = None,
    window_shift: Annotated[int | None, Flag(help="Move windows by up to so many nt at random [0].")] = None,
    right_shift: Annotated[
        list[int] | None, Flag("--right-shift", help="Also move windows of a file right by 0 to so many nt, one number a file.")
    ] = None,
    optimizer: Annotated[str | None, Flag(help="adam or adamw [adamw].")] = None,
    learning_rate: Annotated[float | None, Flag("--learning-rate", "--lr", help="Highest learning rate [0.001].")] = None,
    weight_decay: Annotated[float | None, Flag(help="AdamW's [0.0001].")] = None,
    clip_norm: Annotated[float | None, Flag(help="Cut gradients to this norm; 0 is off [0].")] = None,
    layer_rates: Annotated[
        list[str] | None, Flag("--layer-rate", help="PREFIX=FACTOR of the learning rate for layers named so; 0 freezes; repeat for more.")
    ] = None,
    schedule: Annotated[str | None, Flag(help="constant, cosine, step, multi-step, exponential, plateau or one-cycle [one-cycle].")] = None,
    warmup: Annotated[float | None, Flag(help="Part of the steps with rising rate [one-cycle 0.3, else 0].")] = None,
    final_rate: Annotated[float | None, Flag(help="Last rate as a part of the highest: cosine, one-cycle [0.001].")] = None,
    decay: Annotated[float | None, Flag(help="Factor of a reduction: step, multi-step, exponential, plateau [0.5].")] = None,
    decay_epochs: Annotated[int | None, Flag(help="Epochs between reductions (step), validations without gain (plateau) [5].")] = None,
    milestones: Annotated[list[int] | None, Flag("--milestone", help="Epoch of a reduction (multi-step); repeat for more.")] = None,
    epochs: Annotated[int | None, Flag(help="Passes over the pairs; 0 with --init only calibrates [10].")] = None,
    batch_size: Annotated[int | None, Flag(help="Pairs a step [256].")] = None,
    patience: Annotated[int | None, Flag(help="Stop after so many validations without a better average precision; 0 is never [0].")] = None,
    validate_every: Annotated[int | None, Flag(help="Steps between validations; 0 is every epoch [0].")] = None,
    average: Annotated[str | None, Flag(help="Averaged weights: none, ema or swa [none].")] = None,
    ema_momentum: Annotated[float | None, Flag(help="Momentum of ema [0.999].")] = None,
    precision: Annotated[str | None, Flag(help="float32 or mixed_bfloat16 [float32].")] = None,
    seed: Annotated[int | None, Flag(help="Seed of everything random [1].")] = None,
    threads: Annotated[int | None, Flag(help="CPU threads; 0 is as many as there are [0].")] = None,
    checkpoint_minutes: Annotated[float | None, Flag(help="Minutes between checkpoints [2].")] = None,
    tensorboard: Annotated[bool | None, Flag("--tensorboard", help="Write TensorBoard logs into --out.")] = None,
    calibration: Annotated[str | None, Flag(help="isotonic, temperature or none [isotonic].")] = None,
    base_rate: Annotated[float | None, Flag(help="Part of positives for which the score is a probability [0.5].")] = None,
) -> None:
    """Train a network on labelled pairs; the model folder works with scan --model."""
    flags = {key: value for key, value in locals().items() if value not in (None, []) and key not in _NOT_RECIPE}
    for key in ("pairs", "validation"):
        if key in flags:
            flags[key] = [str(path) for path in flags[key]]
    for key in ("settings", "layer_rates"):
        if key in flags:
            flags[key] = dict(_assignment(text, key) for text in flags[key])

    from mirscan.cli.training_progress import training_progress
    from mirscan.train.fit import train_model
    from mirscan.train.recipe import Recipe, read_recipe

    settings_of_run = (read_recipe(recipe) if recipe else Recipe()).replace(**flags)
    with training_progress(quiet) as (say, report):
        card = train_model(settings_of_run, out, resume=resume, finish=finish, keep_work=keep_work, cache=cache, say=say, report=report)
    _print_summary(out, card)


_NOT_RECIPE = ("out", "recipe", "resume", "finish", "keep_work", "cache", "quiet")


def _assignment(text: str, key: str) -> tuple[str, object]:
    """NAME=VALUE with the value read as TOML, a bare word as text."""
    import tomllib

    from mirscan.errors import InputError

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InputError(f"{'--set' if key == 'settings' else '--layer-rate'} {text}: expected NAME=VALUE")
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), value.strip()


def _print_summary(out: Path, card) -> None:
    import json

    metrics = json.loads((out / "metrics.json").read_text())
    scores = metrics["validation"]
    print(f"{out}: {card.architecture}, {card.parameters:,} parameters, best at step {metrics['best_step']:,} of {metrics['steps']:,}")
    print(
        f"validation ({scores['pairs']:,} pairs): average precision {scores['average_precision']:.4f}, AUROC {scores['auroc']:.4f}, "
        f"within-miRNA AUROC {scores['within_mirna_auroc']:.4f}"
    )
    print(f"scan with it: mirscan scan --model {out} ...")
