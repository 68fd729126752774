"""Windows a second by model, precision and engine, against `model.predict` of the same network in the same run.

    python benchmarks/scoring/benchmark_scoring.py                                            # shipped models, example data
    python benchmarks/scoring/benchmark_scoring.py --what rates growth precision scan --data FOLDER --utrs utr.fa.gz --mirnas mirs.fa.gz
    python benchmarks/scoring/benchmark_scoring.py --engines tensorflow                       # the other engines
    python benchmarks/scoring/benchmark_scoring.py --what designs                             # untrained networks of other shapes

Rates are windows per second of processor time of one thread (on a GPU: of wall time), the median of several runs, on windows of real
candidates; engines and `predict` take turns, so that both meet the same neighbours on a shared machine. `precision` needs labelled pairs
in FOLDER/sites as described in benchmarks/README.md; `scan` takes one part of a real scan stage by stage.
"""

import argparse
import functools
import itertools
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WHAT = ("rates", "growth", "precision", "scan", "designs")
TEST_SETS = ("AGO2_CLASH_Hejret2023_test.tsv.gz", "test_set_1_1_CLASH2013_paper.tsv.gz", "evaluation_set_1_1_CLASH2013_paper.tsv.gz")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--what", nargs="+", choices=WHAT, default=["rates", "growth"])
    parser.add_argument("--models", nargs="+", help="names or folders; default: all shipped ones")
    parser.add_argument("--engines", nargs="+", default=["kernels"], choices=("kernels", "tensorflow", "jax"))
    parser.add_argument("--utrs", default=ROOT / "examples/utrs.fa.gz")
    parser.add_argument("--mirnas", default=ROOT / "examples/mirnas.fa")
    parser.add_argument("--species")
    parser.add_argument("--rows", type=int, default=1 << 18, help="windows a timed run, fewer of models above 4 MFLOP; default as a scan")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--data", type=Path, default=os.environ.get("MIRSCAN_DATA"))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        run_child(arguments)
        return
    print_machine()
    for engine in arguments.engines:
        # a process an engine: Keras cannot change its backend
        backend = "jax" if engine == "jax" else "tensorflow"
        environment = {**os.environ, "KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--child", engine], check=True, env=environment)


def print_machine() -> None:
    from mirscan.cores import usable_cores
    from mirscan.scoring.processor import bfloat16_unit, may_have_gpu, processor_name

    load = os.getloadavg()[0]
    unit, gpu = bfloat16_unit() or "no bfloat16", "GPU" if may_have_gpu() else "no GPU"
    print(f"{processor_name()}, {usable_cores()} cores, {unit}, {gpu}, load {load:.1f}, Python {platform.python_version()}\n")


def run_child(arguments) -> None:
    """Everything asked for on one engine."""
    from mirscan.trained_models import list_models

    models = arguments.models or [card.name for card in list_models()]
    steps = {"rates": print_rates, "growth": print_growth, "precision": print_precision, "scan": print_scan, "designs": print_designs}
    for what in arguments.what:
        if what != "designs":
            steps[what](arguments, models)
        elif arguments.child == arguments.engines[0]:
            print_designs(arguments)


# --- input ---------------------------------------------------------------------------------------------------------------------------


def read_input(arguments):
    """(transcriptome, miRNAs) of --utrs and --mirnas."""
    from mirscan.sequence.mirnas import read_mirnas
    from mirscan.sequence.transcriptome import read_transcriptome

    return read_transcriptome(arguments.utrs), read_mirnas(arguments.mirnas, arguments.species)


def find_some(arguments, n: int):
    """(candidates, transcriptome, miRNAs): the canonical candidates of as many transcripts as give n of them, or of all."""
    from mirscan.search.candidates import find_candidates

    transcriptome, mirnas = read_input(arguments)
    last = 16
    while True:
        last = min(last, len(transcriptome))
        candidates = find_candidates(transcriptome, mirnas, last=last)
        if len(candidates) >= n or last == len(transcriptome):
            return candidates.slice(0, n), transcriptome, mirnas
        last *= 2


def cut_windows(candidates, transcriptome, mirnas, layout):
    """(miRNA codes, window codes), one row a candidate."""
    import numpy as np

    from mirscan.windows import fit_mirnas, gather_windows

    transcript = candidates["transcript"].combine_chunks().indices.to_numpy()
    begin, end = transcriptome.begin[transcript], transcriptome.end[transcript]
    anchors = begin + candidates["anchor"].to_numpy().astype(np.int64)
    index = candidates["mirna"].combine_chunks().indices.to_numpy()
    return fit_mirnas(mirnas.codes, layout)[index], gather_windows(transcriptome.codes, begin, end, anchors, layout)


# --- rates ---------------------------------------------------------------------------------------------------------------------------


def time_turns(functions: dict, repeats: int, clock) -> dict[str, float]:
    """Median seconds of each function, called in turns; one call each goes before, untimed."""
    seconds = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(repeats):
        for name, function in functions.items():
            started = clock()
            function()
            seconds[name].append(clock() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def print_rates(arguments, models: list[str]) -> None:
    """Every model in every precision, against model.predict, and kernels against TensorFlow, the others against their graph without tables.

    The scorer gets as many candidates as a scan scores at once, in proportion to the model's cost; the others a slice of them.
    """
    from mirscan.scoring import load_scorer
    from mirscan.scoring.processor import bfloat16_unit
    from mirscan.trained_models import load_model

    print(f"## Windows per second, {arguments.child}\n")
    beside = "on TensorFlow" if arguments.child == "kernels" else "no tables"
    print(
        f"| model | MFLOP | predict | predict, batches of 512 | precision | device | scorer | x predict | x of 512 | {beside} | load, s |"
    )
    print("| --- | ---: | ---: | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for name in models:
        load_scorer(name, engine="jax" if arguments.child == "jax" else "tensorflow")  # sets the threads before anything else runs
        trained = load_model(name)
        n = max(2048, min(arguments.rows, round(arguments.rows * 4 / max(trained.card.mflop, 1))))
        codes = cut_windows(*find_some(arguments, n), trained.card.layout)
        few = tuple(array[: max(2048, n // 16)] for array in codes)
        for precision in ("float32", "bfloat16"):
            if precision == "bfloat16" and bfloat16_unit() is None and not has_gpu(arguments.child):
                continue
            started = time.perf_counter()
            scorer = load_scorer(trained, precision=precision, engine=arguments.child)
            loaded = time.perf_counter() - started
            runs = {
                "predict": (plain_predict(trained, *few, batch_size=None), few),
                "512": (plain_predict(trained, *few, batch_size=512), few),
                "scorer": (functools.partial(scorer.score, *codes), codes),
                "beside": beside_scorer(arguments.child, trained, scorer, codes, few),
            }
            device = scorer.describe()["device"]
            clock = time.perf_counter if device == "gpu" else time.process_time
            seconds = time_turns({key: function for key, (function, _) in runs.items()}, arguments.repeats, clock)
            rates = {key: len(rows[0]) / seconds[key] for key, (_, rows) in runs.items()}
            cells = [name, f"{trained.card.mflop:.1f}", *(f"{rates[key]:,.0f}" for key in ("predict", "512")), precision, device]
            cells += [f"{rates['scorer']:,.0f}", *(f"{rates['scorer'] / rates[key]:.1f}" for key in ("predict", "512"))]
            print(f"| {' | '.join(cells)} | {rates['beside']:,.0f} | {loaded:.1f} |", flush=True)
    print()


def plain_predict(trained, mirna_codes, target_codes, batch_size: int | None):
    """model.predict of the network as it was trained, in batches of so many (None: Keras' own 32); duplex features as the scorer's."""
    from mirscan.duplex import duplex_features

    inputs = {"mirna_codes": mirna_codes, "target_codes": target_codes}

    def predict():
        values = dict(inputs)
        if trained.card.inputs_duplex:
            values["duplex"] = duplex_features(mirna_codes, target_codes)
        return trained.network.predict(values, batch_size=batch_size, verbose=0)

    return predict


def beside_scorer(engine: str, trained, scorer, codes: tuple, few: tuple) -> tuple:
    """What the scorer is compared with, and the windows for it."""
    from mirscan.scoring import load_scorer

    if engine != "kernels":
        return without_tables(trained, scorer, *few), few
    other = load_scorer(trained, precision=scorer.describe()["precision"], engine="tensorflow")
    return functools.partial(other.score, *codes), codes


def without_tables(trained, scorer, mirna_codes, target_codes):
    """The scorer's own engine on the whole folded network."""
    from mirscan.networks import members_of
    from mirscan.scoring.compiled import compile_network
    from mirscan.scoring.network_engine import NetworkEngine
    from mirscan.scoring.scorer import Scorer

    runners = scorer.engine._runners
    plain = [
        type(runner)(compile_network(member, runner.compiled.dtype, use_stem=False), runner.batch_size, 1)
        for runner, member in zip(runners, members_of(trained.network), strict=True)
    ]
    other = Scorer(trained.card, NetworkEngine(plain, []))
    return lambda: other.score(mirna_codes, target_codes)


def has_gpu(engine: str) -> bool:
    """Whether this engine sees a GPU."""
    if engine == "kernels":
        return False
    if engine == "jax":
        import jax

        return jax.default_backend() == "gpu"
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def print_growth(arguments, models: list[str]) -> None:
    """Twice the windows, twice the time; peak memory of the process after each."""
    from mirscan.scoring import load_scorer

    name = "fast" if "fast" in models else models[0]
    scorer = load_scorer(name, engine=arguments.child)
    print(f"## Growth, model {name}, {arguments.child}\n")
    print("| windows | s | windows/s | peak memory, MB |\n| ---: | ---: | ---: | ---: |")
    candidates, transcriptome, mirnas = find_some(arguments, arguments.rows)
    mirna_codes, target_codes = cut_windows(candidates, transcriptome, mirnas, scorer.layout)
    scorer.score(mirna_codes[:2048], target_codes[:2048])
    for share in (8, 4, 2, 1):
        n = len(mirna_codes) // share
        started = time.process_time()
        scorer.score(mirna_codes[:n], target_codes[:n])
        seconds = time.process_time() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"| {n:,} | {seconds:.2f} | {n / seconds:,.0f} | {peak:,.0f} |", flush=True)
    print()


# --- precision -----------------------------------------------------------------------------------------------------------------------


def print_precision(arguments, models: list[str]) -> None:
    """What bfloat16 changes in scores and in average precision, on labelled pairs."""
    import numpy as np

    from mirscan.evaluation.metrics import average_precision
    from mirscan.pairs.read import read_pairs
    from mirscan.scoring import load_scorer
    from mirscan.windows import encode_pairs

    if not arguments.data:
        sys.exit("--what precision needs --data or MIRSCAN_DATA")
    print(f"## bfloat16 against float32, {arguments.child}\n")
    print("| model | pairs | AP float32 | AP bfloat16 | difference | mean abs. difference of scores | largest |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for name in models:
        full, half = (load_scorer(name, precision=precision, engine=arguments.child) for precision in ("float32", "bfloat16"))
        for file in TEST_SETS:
            table = read_pairs(Path(arguments.data) / "sites" / file)
            codes = encode_pairs(table["mirna"], table["target"], full.layout)
            labels = table["label"].to_numpy()
            scores = [scorer.score(*codes) for scorer in (full, half)]
            ap = [float(average_precision(labels, values)) for values in scores]
            change = np.abs(scores[0] - scores[1])
            print(
                f"| {name} | {file.split('.')[0]} | {ap[0]:.4f} | {ap[1]:.4f} | {ap[1] - ap[0]:+.4f} "
                f"| {change.mean():.5f} | {change.max():.3f} |",
                flush=True,
            )
    print()


# --- a part of a scan, stage by stage ------------------------------------------------------------------------------------------------


def print_scan(arguments, models: list[str]) -> None:
    """Candidates, windows, distinct pairs and scores of a quarter of a million candidates, and what the whole input would take."""
    from mirscan.scoring import load_scorer
    from mirscan.scoring.distinct import find_distinct
    from mirscan.search.candidates import find_candidates
    from mirscan.seeds.rules import read_rules
    from mirscan.seeds.table import compile_seed_table

    candidates, transcriptome, mirnas = find_some(arguments, 1 << 18)
    last = candidates["transcript"].combine_chunks().indices.to_numpy()[-1] + 1
    print(f"## One part of a scan: {len(candidates):,} candidates of {last:,} transcripts x {len(mirnas):,} miRNAs\n")
    total = count_all(transcriptome, compile_seed_table(read_rules(("canonical",)), mirnas))
    print("| model | find, s | windows, s | distinct, s | score, s | windows/s | computed | whole input, 1 core | peak memory, MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name in models:
        scorer = load_scorer(name, engine=arguments.child)
        scorer.score(*(codes[:2048] for codes in cut_windows(candidates.slice(0, 2048), transcriptome, mirnas, scorer.layout)))
        marks = [time.process_time()]
        find_candidates(transcriptome, mirnas, last=int(last))
        marks.append(time.process_time())
        codes = cut_windows(candidates, transcriptome, mirnas, scorer.layout)
        marks.append(time.process_time())
        distinct = find_distinct(*codes)
        marks.append(time.process_time())
        scorer.score(*codes)
        marks.append(time.process_time())
        stages = [after - before for before, after in itertools.pairwise(marks)]
        rate = len(candidates) / stages[3]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        cells = " | ".join(f"{seconds:.2f}" for seconds in stages)
        share = len(distinct.rows) / len(candidates)
        print(f"| {name} | {cells} | {rate:,.0f} | {share:.1%} | {total:,} in {total / rate / 60:.1f} min | {peak:,.0f} |", flush=True)
    print()


def count_all(transcriptome, table) -> int:
    """Candidates of the whole input."""
    from mirscan.search.candidates import count_candidates

    return int(count_candidates(transcriptome, table))


# --- designs -------------------------------------------------------------------------------------------------------------------------


def design_settings() -> dict[str, tuple[str, dict]]:
    """Name -> (architecture, settings): shapes that were considered for the fast network, and the published ones."""
    fast = {"batch_norm": False}
    return {
        "mirscan_fast": ("mirscan_fast", {}),
        "stem of 16, no pooling, strides": (
            "mirscan_fast",
            {**fast, "stem_filters": 16, "stem_pool": 1, "filters": (32, 48), "strides": (2, 2)},
        ),
        "stem of 64": ("mirscan_fast", {**fast, "stem_filters": 64}),
        "one convolution": ("mirscan_fast", {**fast, "filters": (48,), "strides": (2,), "pools": (1,)}),
        "stem alone": ("mirscan_fast", {**fast, "filters": (), "strides": (), "pools": ()}),
        "mirscan_base": ("mirscan_base", {}),
        "pairwise_cnn": ("pairwise_cnn", {}),
        "mirbind_cnn": ("mirbind_cnn", {}),
        "resnet_small": ("resnet_small", {}),
        "three_block_cnn": ("three_block_cnn", {}),
        "inception": ("inception", {}),
        "targetnet": ("targetnet", {}),
        "targetnet, wider": (
            "targetnet",
            {"stem_filters": (32, 32), "filters": (48, 64), "dense": (64, 32)},
        ),
        "late_interaction": ("late_interaction", {}),
    }


def print_designs(arguments) -> None:
    """Speed of untrained networks: it depends on shapes, not on weights."""
    from mirscan.scoring.tensorflow_engine import TensorFlowRunner

    TensorFlowRunner.prepare(1)
    from mirscan.networks import build_network, count_mflop
    from mirscan.scoring import load_scorer
    from mirscan.trained_models import Card, TrainedModel
    from mirscan.windows import WindowLayout

    layout = WindowLayout()
    print("## Designs (untrained)\n\n| design | parameters | MFLOP | predict float32 | float32 | bfloat16, no tables | bfloat16 |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, (architecture, settings) in design_settings().items():
        network = build_network(architecture, layout.mirna_length, layout.length, **settings)
        mflop = count_mflop(network)
        trained = TrainedModel(Card(name, "", architecture, layout, mflop=mflop), network, None)
        n = max(1024, min(16_384, round(16_384 * 4 / mflop)))
        codes = cut_windows(*find_some(arguments, n), layout)
        full, half = (load_scorer(trained, precision=precision) for precision in ("float32", "auto"))
        runs = {
            "predict": plain_predict(trained, *codes, batch_size=512),
            "float32": partial(full.score, *codes),
            "no tables": without_tables(trained, half, *codes),
            "half": partial(half.score, *codes),
        }
        seconds = time_turns(runs, arguments.repeats, time.process_time)
        cells = " | ".join(f"{len(codes[0]) / seconds[key]:,.0f}" for key in runs)
        print(f"| {name} | {network.count_params():,} | {mflop:.1f} | {cells} |", flush=True)
    print()


if __name__ == "__main__":
    main()
