"""From a model's name to a Scorer on the engine, device and precision that suit this machine."""

import importlib.util
import logging
import os
import sys

from mirscan.errors import InputError
from mirscan.keras_loading import load_keras
from mirscan.scoring.cascade import CascadeScorer, make_cascade
from mirscan.scoring.duplex_engine import DUPLEX, DuplexEngine, duplex_card
from mirscan.scoring.network_engine import NetworkEngine
from mirscan.scoring.processor import choose_precision, may_have_gpu
from mirscan.scoring.scorer import Scorer
from mirscan.trained_models import TrainedModel, load_model

ENGINES = ("auto", "tensorflow", "jax")
# Measured on a processor: 256, 512 and 1,024 windows at once give 66,600, 67,500 and 72,400 a second with `fast` and much the same with
# `base`: stem tables and network take turns in the L2 cache, so the turns should be long. A GPU needs thousands to be busy.
CPU_BATCH, GPU_BATCH = 1024, 8192

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
    default 1,024, on a GPU 8,192. `threads`: cores to use, default 1 (a run uses one process a core). `engine`: auto, tensorflow or jax
    (auto: jax where a GPU is there that only JAX can use, else tensorflow). `prefilter`: a cheaper scorer that looks first (see
    CascadeScorer). What could not be done as asked is logged once and stands in `describe()`.

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
    backend = _choose_backend(engine)
    if backend == "jax":
        from mirscan.scoring.jax_engine import JaxRunner as Runner
    else:
        from mirscan.scoring.tensorflow_engine import TensorFlowRunner as Runner
    has_gpu, note = Runner.prepare(threads or 1)
    notes = [note] if note and threads else []
    dtype = choose_precision(precision, has_gpu)
    trained = model if isinstance(model, TrainedModel) else load_model(model)

    from mirscan.scoring.compiled import compile_network

    # on a GPU the encoding and the first convolution are cheaper than carrying the stem there
    compiled = compile_network(trained.network, dtype, use_stem=not has_gpu)
    runner = Runner(compiled, batch_size or (GPU_BATCH if has_gpu else CPU_BATCH), threads or 1)
    loaded = NetworkEngine(runner, notes)
    for sentence in loaded.notes:
        logger.warning("model %s: %s", trained.card.name, sentence)
    return Scorer(trained.card, loaded)


def _choose_backend(engine: str) -> str:
    """Keras' backend for `engine`; it can be chosen only before Keras is imported."""
    if "keras" not in sys.modules:
        wanted = engine if engine != "auto" else os.environ.get("KERAS_BACKEND") or _backend_of_machine()
        if wanted == "jax" and importlib.util.find_spec("jax") is None:
            raise InputError(
                "engine 'jax': JAX is not installed; `pip install jax` (for a GPU: `pip install jax[cuda12]`), or use tensorflow"
            )
        if wanted in ENGINES:
            os.environ["KERAS_BACKEND"] = wanted
    backend = load_keras().backend.backend()
    if backend not in ENGINES or engine not in ("auto", backend):
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
