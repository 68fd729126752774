"""train_model: recipe -> pairs -> trained, calibrated network in a model folder."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from mirscan.errors import InputError, RunError
from mirscan.evaluation.calibration import base_rate_weights, calibrate, held_out_calibration
from mirscan.evaluation.evaluate import without_nan
from mirscan.evaluation.metrics import calibration_error, summarize
from mirscan.keras_loading import check_backend, load_keras
from mirscan.networks import find_architecture, mean_network, members_of
from mirscan.notices import Notice
from mirscan.pairs.columns import POSITIVE, group_codes
from mirscan.seeds.seed_class import shift_by_seed
from mirscan.store.explained import refuse_unwritable
from mirscan.train.batches import predict_pairs
from mirscan.train.checkpoint import CHECKPOINT_FILE
from mirscan.train.data import TrainingData, example_pairs, load_training_data
from mirscan.train.ensemble import member_checkpoint, member_pairs, member_recipe
from mirscan.train.iterative import draw_iterations, summarize_iterations
from mirscan.train.loop import Loop, StepReport
from mirscan.train.pretraining import ENCODED, copy_encoder, read_encoder_card
from mirscan.train.priors import seed_shift
from mirscan.train.provenance import provenance
from mirscan.train.recipe import Recipe, read_recipe
from mirscan.trained_models import CARD_FILE, TRAINING_FILE, Card, find_model, load_model, read_card, write_model
from mirscan.windows import WindowLayout

WORK_FOLDER = "training"


def train_model(
    recipe: Recipe,
    out: str | Path,
    *,
    resume: bool = False,
    finish: bool = False,
    keep_work: bool = False,
    cache: str | Path | None = None,
    say: Callable[[str], None] = lambda line: None,
    report: Callable[[StepReport], None] = lambda step: None,
) -> Card:
    """Train a network and write its model folder `out`: model.keras, card.toml, training.toml, metrics.json, training.png.

    `resume` goes on from the checkpoint in `out`/training after a kill, to the same result as without it; `finish` writes the
    model from the best weights so far instead of training on. `cache` keeps duplex energies between trainings on the same pairs.
    `say` gets lines for the user, `report` every step. Raises InputError for a recipe or files that cannot be used, RunError when
    the loss is not a number or the checkpoint does not fit.

    >>> from pathlib import Path
    >>> import numpy as np
    >>> from mirscan.train.recipe import Recipe
    >>> random = np.random.default_rng(1)
    >>> draw = lambda n: "".join(random.choice(list("ACGU"), n))
    >>> rows = [f"{draw(22)}\\t{draw(50)}\\t{label}" for label in (0, 1) * 100]
    >>> _ = Path("train.tsv").write_text("\\n".join(["mirna\\ttarget\\tlabel", *rows]))
    >>> recipe = Recipe(pairs=("train.tsv",), architecture="three_block_cnn", epochs=1, validation_fraction=0.2)
    >>> card = ms.train_model(recipe, "my-model")
    >>> card.architecture, sorted(path.name for path in Path("my-model").iterdir())[:2]
    ('three_block_cnn', ['card.toml', 'metrics.json'])
    """
    out = Path(out)
    work = out / WORK_FOLDER
    check_backend()
    _check_folder(out, work, resume or finish)
    recipe = _complete(recipe)
    if recipe.teacher or recipe.mining:
        # Their scores would else start the backend with threads of its own.
        load_keras()
        set_threads(recipe.threads)
    data = load_training_data(recipe, Path(cache) if cache else work, say)
    # Now, not at the end: hours later a file may be gone or another.
    origin = provenance(recipe, data.summary["soft_labels"])
    loops = []
    with _tensorboard(recipe, work) as log:
        for member in _members(recipe, work, finish, say):
            loop = _prepare_loop(recipe, data, work, member, resume or finish, say)
            if not finish:
                loop.run(lambda step: (report(step), log(step)))
            loop.finish()
            if loop.spoiled:
                say(f"{loop.spoiled} The model is made of the weights after step {loop.progress.best_step:,}.")
            loops.append(loop)
    card = _write(recipe, data, loops, origin, out)
    if not keep_work:
        shutil.rmtree(work)
    return card


def _members(recipe: Recipe, work: Path, finish: bool, say: Callable[[str], None]) -> list[int]:
    """The members to train, or of an interrupted training to `finish` those that have begun: the others would be chance."""
    members = [member for member in range(recipe.members) if not (finish and member) or member_checkpoint(work, member).is_file()]
    if len(members) < recipe.members:
        say(str(Notice("members were not begun and are left out of the mean", recipe.members - len(members), "")))
    return members


def _prepare_loop(recipe: Recipe, data: TrainingData, work: Path, member: int, go_on: bool, say: Callable[[str], None]) -> Loop:
    """The training of one member, before its first step or at its checkpoint."""
    own, path = member_recipe(recipe, member), member_checkpoint(work, member)
    if recipe.members > 1:
        say(f"member {member + 1} of {recipe.members}")
    pairs = member_pairs(recipe, data.train, member)
    loop = Loop(_prepare_network(own, data, say), own, pairs, data.validation, data.validation_table["source"].to_pylist(), path)
    if loop.unranked and member == 0:
        ranked = ", ".join(loop.rows_of)
        say(f"validation pairs of {', '.join(loop.unranked)} are of one class and rank nothing; the best weights are those of {ranked}")
    # A later member may not have begun when the training was killed.
    if go_on and (member == 0 or path.is_file()):
        loop.resume()
        say(f"resumed after step {loop.progress.step:,} of {loop.n_steps:,}")
    work.mkdir(parents=True, exist_ok=True)
    return loop


def _check_folder(out: Path, work: Path, go_on: bool) -> None:
    refuse_unwritable(out)
    if go_on:
        return
    if (out / CARD_FILE).exists():
        raise InputError(f"{out}: holds a trained model already; choose another folder with --out")
    if (work / CHECKPOINT_FILE).exists():
        raise InputError(
            f"{work / CHECKPOINT_FILE}: a training was interrupted here; go on with --resume, end it with --finish, or choose another --out"
        )


def _complete(recipe: Recipe) -> Recipe:
    """The recipe with architecture, settings and input lengths of `init` where it names none; names are checked before any long reading."""
    if not recipe.pairs:
        raise InputError("recipe: no pairs; give files of labelled pairs")
    if recipe.encoder:
        if recipe.architecture not in ("", ENCODED):
            raise InputError(f"recipe: encoder is given, but {recipe.architecture} has none; expected architecture {ENCODED}")
        sizes = read_encoder_card(recipe.encoder)["size"]
        recipe = recipe.replace(architecture=ENCODED, settings={**sizes, **recipe.settings})
    folders = [find_model(model) for model in (*recipe.init, *filter(None, (recipe.teacher, recipe.mining)))]
    if recipe.architecture:
        find_architecture(recipe.architecture)
        return _fit_averaged(recipe)
    if not recipe.init:
        raise InputError("recipe: no architecture; give --architecture NAME (see mirscan models architectures) or --init MODEL")
    card, old = read_card(folders[0]), read_recipe(folders[0] / TRAINING_FILE)
    recipe = recipe.replace(
        architecture=old.architecture,
        settings={**old.settings, **recipe.settings},
        duplex=recipe.duplex or card.inputs_duplex,
        mirna_length=card.layout.mirna_length,
        target_length=card.layout.length,
    )
    return _fit_averaged(recipe)


def _fit_averaged(recipe: Recipe) -> Recipe:
    """The recipe with the anchor of the models that the network is averaged with, which must read the same inputs."""
    for name in recipe.averaged_with:
        card = read_card(find_model(name))
        anchor = card.layout.anchor if recipe.anchor is None else recipe.anchor
        recipe = recipe.replace(anchor=anchor)
        own = WindowLayout(recipe.target_length, anchor, recipe.mirna_length)
        if card.layout != own:
            raise InputError(
                f"recipe: averaged_with {name} reads {_in_words(card.layout)}, this network {_in_words(own)}; expected the same"
            )
        if card.inputs_duplex and not recipe.duplex:
            raise InputError(f"recipe: averaged_with {name} reads duplex energies; expected duplex = true")
    return recipe


def _in_words(layout: WindowLayout) -> str:
    return f"{layout.mirna_length} nt of a miRNA and windows of {layout.length} nt with anchor {layout.anchor}"


def _prepare_network(recipe: Recipe, data: TrainingData, say: Callable[[str], None]):
    """The network with its first weights."""
    keras = load_keras()
    set_threads(recipe.threads)

    from mirscan.networks import count_parameters

    keras.utils.set_random_seed(recipe.seed)
    network = _build(recipe, data, recipe.precision)
    if recipe.encoder:
        say(copy_encoder(recipe.encoder, network))
    if recipe.init:
        # Of a model that is a mean the first member, which its recipe trained.
        sources = [members_of(load_model(model).network)[0] for model in recipe.init]
        say(copy_weights(sources, network, ", ".join(recipe.init)))
    say(f"{recipe.architecture}: {count_parameters(network):,} parameters")
    return network


def _build(recipe: Recipe, data: TrainingData, precision: str):
    import keras

    from mirscan.networks import build_network

    # Layer names restart at 1, so weights can be matched by name whatever was built before.
    keras.backend.clear_session()
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        n_duplex = data.train.duplex.shape[1] if data.train.duplex is not None else 0
        return build_network(recipe.architecture, recipe.mirna_length, recipe.target_length, n_duplex, **recipe.settings)
    finally:
        keras.config.set_dtype_policy(policy)


def copy_weights(sources: list, network, name: str) -> str:
    """Copy into `network` the mean over `sources` of every weight that has the same layer name, weight name and shape; says how many.

    A network that has gained an input or a wider head still gets its trunk. Raises InputError when fewer than half of the arrays fit.
    """
    known = [{weight.path: weight for weight in source.weights} for source in sources]
    fitting = [weight for weight in network.weights if all(weight.path in w and w[weight.path].shape == weight.shape for w in known)]
    if 2 * len(fitting) < len(network.weights):
        raise InputError(
            f"init: only {len(fitting)} of {len(network.weights)} weight arrays of this network are in {name} by layer name and shape; "
            "expected a model of the same architecture and settings"
        )
    for weight in fitting:
        weight.assign(np.mean([np.asarray(weights[weight.path]) for weights in known], axis=0))
    return f"{len(fitting)} of {len(network.weights)} weight arrays start from {name}"


def set_threads(threads: int) -> None:
    """CPU threads of the backend; 0 leaves its own choice. RunError when the backend already runs with another number."""
    if threads == 0:
        return
    import keras

    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        if tf.config.threading.get_intra_op_parallelism_threads() != threads:
            raise RunError(f"threads: TensorFlow already runs with another number than {threads}; start a new process") from None


def _write(recipe: Recipe, data: TrainingData, loops: list[Loop], origin: dict, out: Path) -> Card:
    from mirscan.networks import count_mflop, count_parameters
    from mirscan.train.curves import draw_training

    networks = [_best_network(recipe, data, loop) for loop in loops]
    averaged = [load_model(model) for model in recipe.averaged_with]
    networks += [member for model in averaged for member in members_of(model.network)]
    network = mean_network(networks)
    shift = seed_shift(recipe, data.train)
    validation, progress = data.validation, loops[0].progress
    scores = shift_by_seed(predict_pairs(network, validation), validation.mirna_codes, validation.target_codes, shift)
    labels, mirnas = validation.labels, group_codes(data.validation_table["mirna"])
    sets = group_codes(data.validation_table["source"]) if recipe.validation else None
    error = _calibration_error(recipe, labels, scores, mirnas, sets)
    metrics = {
        "validation": {**summarize(labels, scores, mirnas), "calibration_error": error},
        "best_step": progress.best_step,
        "steps": progress.step,
        "seconds": round(sum(loop.progress.seconds for loop in loops), 1),
        "pairs": data.summary,
        "history": progress.history,
        "iterations": summarize_iterations(recipe, progress.history) if recipe.class_sampling == "iterative" else [],
        "members": [loop.progress.history for loop in loops[1:]],
    }
    files = ", ".join(Path(path).name for path in recipe.pairs)
    card = Card(
        name=out.resolve().name,
        description=" and ".join([f"{recipe.architecture} trained by mirscan on {files}", *recipe.averaged_with]),
        architecture=" + ".join([recipe.architecture, *(model.card.architecture for model in averaged)]),
        layout=data.layout,
        inputs_duplex=recipe.duplex,
        parameters=sum(map(count_parameters, networks)),
        mflop=round(sum(map(count_mflop, networks)), 3),
        seed_shift=shift,
        base_rate=recipe.base_rate,
        calibration=calibrate(labels, scores, recipe.calibration, recipe.base_rate, sets),
        training=origin,
    )
    # The anchor that was found is written into the recipe, so that the same file gives the same card.
    written = replace(recipe, anchor=data.layout.anchor)
    card = write_model(out, network, card, written.to_dict(), without_nan(metrics), example_pairs(data.validation_table))
    draw_training(progress.history, progress.best_step, out / "training.png")
    if metrics["iterations"]:
        draw_iterations(metrics["iterations"], out / "iterations.png")
    return card


def _best_network(recipe: Recipe, data: TrainingData, loop: Loop):
    network = _build(recipe, data, "float32")
    for weight, value in zip(network.weights, loop.best, strict=True):
        weight.assign(value)
    return network


def _calibration_error(recipe: Recipe, labels: np.ndarray, scores: np.ndarray, mirnas: np.ndarray, sets: np.ndarray | None) -> float:
    """Expected calibration error at the base rate, each miRNA's pairs under a map fitted on other miRNAs."""
    calibrated = held_out_calibration(labels, scores, mirnas, recipe.calibration, recipe.base_rate, sets)
    weights = base_rate_weights(labels >= POSITIVE, recipe.base_rate, sets)
    return float(calibration_error(labels, calibrated, weights, np.ones((1, len(labels))))[0])


@contextlib.contextmanager
def _tensorboard(recipe: Recipe, work: Path) -> Iterator[Callable[[StepReport], None]]:
    if not recipe.tensorboard:
        yield lambda step: None
        return
    from mirscan.train.tensorboard import event_log

    with event_log(work.parent / "tensorboard") as log:
        yield log
