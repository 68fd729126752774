"""From a model's name to a Scorer on the engine, device and precision that suit this machine."""

import importlib.util
import logging
import os
import sys
from pathlib import Path

from mirscan.errors import InputError
from mirscan.keras_loading import load_keras
from mirscan.networks import members_of
from mirscan.scoring.cascade import CascadeScorer, make_cascade
from mirscan.scoring.dot_tile import has_fused_multiply_add
from mirscan.scoring.duplex_engine import DUPLEX, DuplexEngine, duplex_card
from mirscan.scoring.kept_networks import SHIPPED_FILE, keep, read_kept, write_plain
from mirscan.scoring.kernel_runner import KernelRunner
from mirscan.scoring.network_engine import NetworkEngine
from mirscan.scoring.plain_network import PlainNetwork, make_plain_networks
from mirscan.scoring.processor import bfloat16_unit, choose_precision, may_have_gpu
from mirscan.scoring.scorer import Scorer
from mirscan.trained_models import Card, TrainedModel, check_files, find_model, load_model

ENGINES = ("auto", "kernels", "tensorflow", "jax")
_BACKENDS = ("tensorflow", "jax")
# Windows at once on a processor: as many as keep the largest tensor of the network under so many bytes, within bounds. Measured: stem
# tables and network take turns in the L2 cache, so the turns should be long (`fast`: 256, 512, 1,024 windows give 66,600, 67,500, 72,400
# a second), until memory is the limit (`base`: 512 are as fast as 1,024 in 100 MB less). A GPU needs thousands to be busy.
CPU_TENSOR_BYTES, CPU_BATCHES = 1 << 24, (64, 1024)
GPU_BATCH = 8192

logger = logging.getLogger("mirscan.scoring")


def load_scorer(
    model: str | os.PathLike | TrainedModel,
    precision: str = "auto",
    batch_size: int | None = None,
    threads: int | None = None,
    engine: str = "auto",
    prefilter: str | os.PathLike | TrainedModel | None = None,
) -> Scorer | CascadeScorer:
    """A scorer for a shipped model, a model folder, a loaded model, or "duplex" (energy alone).

    `precision`: auto, float32 or bfloat16 (auto: bfloat16 where the hardware multiplies it). `batch_size`: pairs computed at once;
    default 256 on mirscan's own kernels, elsewhere 64 to 1,024 by the size of the network, on a GPU 8,192. `threads`: cores to use,
    default 1 (a run uses one process a core). `engine`: auto, kernels, tensorflow or jax (auto: mirscan's own kernels on a processor
    without AMX, where the network is made of what they have; jax where a GPU is there that only JAX can use; else tensorflow).
    `prefilter`: a cheaper scorer that looks first (see CascadeScorer). What could not be done as asked is logged once and stands in
    `describe()`.

    Raises InputError for an unknown precision or engine or a precision that this processor lacks, ModelError for the model.
    """
    if prefilter is not None:
        first, final = (load_scorer(name, precision, batch_size, threads, engine) for name in (prefilter, model))
        return make_cascade(first, final)
    if engine not in ENGINES:
        raise InputError(f"engine {engine!r}: unknown; expected one of {', '.join(ENGINES)}")
    if batch_size is not None and batch_size < 1:
        raise InputError(f"batch size {batch_size}: expected at least 1")
    if model == DUPLEX:
        choose_precision("float32" if precision == "bfloat16" else precision, has_gpu=False)
        return Scorer(duplex_card(), DuplexEngine())
    if _suits_kernels(engine, precision):
        scorer = _load_on_kernels(model, choose_precision(precision, has_gpu=False), batch_size, threads)
        if scorer is not None:
            return scorer
    if engine == "kernels":
        raise InputError("engine 'kernels': it has not all layers of this model, or this processor lacks fused multiply-add; use auto")
    return _load_on_keras(model, precision, batch_size, threads, engine)


def _suits_kernels(engine: str, precision: str) -> bool:
    """Whether mirscan's own kernels are the fastest here: on processors, except those with AMX, which TensorFlow uses."""
    if engine != "auto":
        return engine == "kernels" and has_fused_multiply_add()
    has_matrix_unit = precision != "float32" and bfloat16_unit() == "amx_bf16"
    return has_fused_multiply_add() and not (has_matrix_unit or may_have_gpu() or os.environ.get("KERAS_BACKEND") == "jax")


def _load_on_kernels(model, dtype: str, batch_size: int | None, threads: int | None) -> Scorer | None:
    """A scorer that needs no Keras, unless the network must be made plain first; None for a network that cannot be."""
    card, networks = _find_plain(model)
    if networks is None:
        return None
    return Scorer(card, NetworkEngine([KernelRunner(network, dtype, batch_size, threads or 1) for network in networks], []))


def _find_plain(model) -> tuple[Card, tuple[PlainNetwork, ...] | None]:
    if isinstance(model, TrainedModel):
        return model.card, make_plain_networks(model.network)
    folder = find_model(model)
    card = check_files(folder)
    networks = read_kept(card.sha256, card.name) if card.sha256 else None
    if networks is None:
        _choose_backend("auto")
        networks = make_plain_networks(load_model(folder).network)
        if networks is not None and card.sha256:
            keep(card.sha256, networks)
    return card, networks


def ship_plain_network(model: str | os.PathLike) -> Path:
    """Write the networks of a model as the kernels read them into the model's folder, so that scoring with it needs no Keras.

    Returns the file. Raises ModelError for the model and InputError for a network that the kernels do not have all layers of.
    """
    folder = find_model(model)
    _choose_backend("auto")
    trained = load_model(folder)
    networks = make_plain_networks(trained.network)
    if networks is None:
        raise InputError(f"{folder}: the kernels have not all layers of this network; it is scored by Keras")
    path = folder / SHIPPED_FILE
    write_plain(path, trained.card.sha256, networks)
    # For everyone who may read the model; a temporary file is its owner's alone.
    path.chmod(0o644)
    return path


def _load_on_keras(model, precision: str, batch_size: int | None, threads: int | None, engine: str) -> Scorer:
    backend = _choose_backend(engine)
    if backend == "jax":
        from mirscan.scoring.jax_engine import JaxRunner as Runner
    else:
        from mirscan.scoring.tensorflow_engine import TensorFlowRunner as Runner
    has_gpu, note = Runner.prepare(threads or 1)
    notes = [note] if note and threads else []
    dtype = choose_precision(precision, has_gpu)
    trained = model if isinstance(model, TrainedModel) else load_model(model)

    from mirscan.scoring.compiled import compile_network, largest_tensor

    # on a GPU the encoding and the first convolution are cheaper than carrying the stem there
    compiled = [compile_network(network, dtype, use_stem=not has_gpu) for network in members_of(trained.network)]
    largest = max(map(largest_tensor, compiled))
    batch_size = batch_size or (GPU_BATCH if has_gpu else _cpu_batch(largest))
    loaded = NetworkEngine([Runner(network, batch_size, threads or 1) for network in compiled], notes)
    for sentence in loaded.notes:
        logger.warning("model %s: %s", trained.card.name, sentence)
    return Scorer(trained.card, loaded)


def _cpu_batch(largest: int) -> int:
    """Windows at once, a power of two, for a network whose largest tensor has so many bytes a window."""
    least, most = CPU_BATCHES
    return max(least, min(most, 1 << (CPU_TENSOR_BYTES // largest).bit_length() - 1))


def _choose_backend(engine: str) -> str:
    """Keras' backend for `engine`; it can be chosen only before Keras is imported."""
    if "keras" not in sys.modules:
        wanted = engine if engine != "auto" else os.environ.get("KERAS_BACKEND") or _backend_of_machine()
        if wanted == "jax" and importlib.util.find_spec("jax") is None:
            raise InputError(
                "engine 'jax': JAX is not installed; `pip install jax` (for a GPU: `pip install jax[cuda12]`), or use tensorflow"
            )
        if wanted in _BACKENDS:
            os.environ["KERAS_BACKEND"] = wanted
    backend = load_keras().backend.backend()
    if backend not in _BACKENDS or engine not in ("auto", backend):
        wanted = "tensorflow or jax" if engine == "auto" else engine
        raise InputError(
            f"engine {engine!r}: Keras already runs on {backend!r} in this process; set KERAS_BACKEND={wanted} before Keras is imported"
        )
    return backend


def _backend_of_machine() -> str:
    """jax where there is a GPU, JAX can use it and TensorFlow cannot; else tensorflow."""
    if not may_have_gpu() or importlib.util.find_spec("jax") is None:
        return "tensorflow"
    import jax

    if jax.default_backend() != "gpu":
        return "tensorflow"
    if importlib.util.find_spec("tensorflow") is None:
        return "jax"
    import tensorflow as tf

    return "tensorflow" if tf.config.list_physical_devices("GPU") else "jax"
