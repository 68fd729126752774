"""mirscan finds the targets of microRNAs in whole transcriptomes.

The map, from the ground up; a floor imports only from floors below it:

    0  errors  notices  settings  tables       what goes wrong or is lost; declared settings; columns
       jit  cores  cache_folder  lean          what a machine has, where compiled code may lie, what not to import;
       keras_loading  shipped                  Keras without chatter; the models that come along
    1  store                                   where a run's files live: a folder or an object store
    2  sequence                                letters -> codes, miRNAs, transcripts
    3  seeds  networks  duplex  genome         what a match is; Keras code; the physics of one pair; regions and places;
       accessibility                           how open a site lies
    4  search  windows  trained_models         transcripts -> candidates -> windows; models with their cards
    5  pairs  scoring  genes  output           labelled pairs as data; candidates -> SITES -> GENES, files
    6  train  evaluation  explain              pairs -> trained models; what a score is worth; what carried it
    7  run  benchmark                          plan -> parts -> finish, here or on a cluster; methods of training compared
    8  query  report  doctor                   answers out of a finished run; pages of it; does this installation work
    9  cli                                     Typer: parse, call one public function, print a summary

Public names are loaded on first use, so that `import mirscan` and `mirscan --help` stay instant.
"""

import importlib

__version__ = "0.1.0"

_PUBLIC = {
    "MirscanError": "errors",
    "InputError": "errors",
    "ModelError": "errors",
    "RunError": "errors",
    "read_transcriptome": "sequence.transcriptome",
    "transcriptome_from_sequences": "sequence.transcriptome",
    "read_mirnas": "sequence.mirnas",
    "mirnas_from_sequences": "sequence.mirnas",
    "find_candidates": "search.candidates",
    "iter_candidates": "search.candidates",
    "score_candidates": "scoring",
    "score_pairs": "scoring",
    "strongest_sites": "scoring",
    "aggregate_genes": "genes",
    "write_bed": "output.bed",
    "extract": "output.extracted",
    "export": "run.export",
    "read_annotation": "genome.annotation",
    "region_ranges": "genome.regions",
    "scan": "run.runs",
    "open_run": "query.finished_run",
    "query_run": "query.select",
    "compare_runs": "query.compare",
    "write_html_report": "report.page",
    "load_model": "trained_models",
    "list_models": "trained_models",
    "write_negatives": "pairs.negatives",
    "measure_hardness": "train.hardness",
    "pretrain": "train.pretraining",
    "train_model": "train.fit",
    "benchmark_training": "benchmark.compare",
    "evaluate_model": "evaluation.evaluate",
    "evaluate_scan": "evaluation.scan_task",
    "evaluate_mirna_genes": "evaluation.mirna_genes",
    "draw_duplex": "duplex",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module 'mirscan' has no attribute {name!r}")
    return getattr(importlib.import_module(f"mirscan.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
