"""A run written down before it starts: inputs with checksums, settings, versions, and parts cut by bases."""

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import mirscan
from mirscan.errors import InputError, RunError
from mirscan.run.files import INPUTS, LOCK, PLAN, RESULTS, SITES, TRANSCRIPTOME, WORK, LocalStore, Store
from mirscan.run.settings import ScanSettings
from mirscan.sequence.alphabet import decode
from mirscan.sequence.mirnas import MirnaSet, read_mirnas
from mirscan.sequence.transcriptome import CODES_FILE, RECORDS_FILE, Transcriptome, open_transcriptome, read_transcriptome

FORMAT = 1
MIRNAS = f"{INPUTS}/mirnas.fa"
REGIONS = f"{INPUTS}/regions.bed"
MODEL = f"{INPUTS}/model"
# Measured on human 3'UTRs with canonical rules: Parquet 3 bytes a site, BED 13, gene tables 54.
BYTES_PER_ROW = 70
_FILE_SETTINGS = ("mirnas", "gene_map", "regions")


@dataclass(frozen=True)
class Part:
    """Transcripts `first` to `last` (half-open) and their bases."""

    first: int
    last: int
    bases: int


@dataclass(frozen=True)
class ScanPlan:
    """What is scanned. `identity` holds everything that decides the result; `inputs` says where it was read from."""

    settings: ScanSettings
    identity: dict
    inputs: dict
    n_mirnas: int
    n_transcripts: int
    n_bases: int
    expected_candidates: int
    warnings: tuple[str, ...]
    parts: tuple[Part, ...]

    def to_json(self) -> bytes:
        return json.dumps({"format": FORMAT, **asdict(self), "settings": self.settings.to_dict()}, indent=1).encode()

    @classmethod
    def from_json(cls, data: bytes, where: str) -> "ScanPlan":
        """Raises RunError where the text is not a plan that this version can read."""
        try:
            values = json.loads(data)
            if values.pop("format") != FORMAT:
                raise RunError(f"{where}: written by another version of mirscan; run with that version, or again with --overwrite")
            values["settings"] = ScanSettings.from_dict(values["settings"])
            values["parts"] = tuple(Part(**part) for part in values["parts"])
            values["warnings"] = tuple(values["warnings"])
            return cls(**values)
        except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
            raise RunError(f"{where}: damaged plan ({error}); run again with --overwrite") from None


def load_plan(store: Store) -> ScanPlan | None:
    """The plan of a run folder; None where there is none."""
    return ScanPlan.from_json(store.read(PLAN), f"{store.root}/{PLAN}") if store.exists(PLAN) else None


def identify(settings: ScanSettings) -> tuple[dict, dict]:
    """(identity, inputs): all that decides the result, with files as SHA-256; and path and size behind each checksum.

    Raises InputError for a file that cannot be read and ModelError for an unknown model.
    """
    identity: dict = {"mirscan": mirscan.__version__}
    inputs: dict = {}
    for name, value in settings.to_dict().items():
        if name in _FILE_SETTINGS and value is not None:
            value = _checksum(value, inputs)
        elif name == "transcripts":
            value = [_checksum(path, inputs) for path in value]
        elif name == "seeds":
            value = [_checksum(word, inputs) if is_rule_file(word) else word for word in value]
        identity[name] = value
    if settings.is_scored:
        identity["model"] = _identify_model(settings.model, inputs)
    return identity, inputs


def is_rule_file(word: str) -> bool:
    """Whether a word of --seeds is a TOML file rather than the name of a rule or a group."""
    return word.endswith(".toml")


def find_differences(planned: dict, asked: dict) -> list[str]:
    """One phrase for every entry of two identities that differs."""
    return [
        f"{_flag(name)} was {_shown(planned.get(name))}, now {_shown(asked.get(name))}"
        for name in dict.fromkeys((*planned, *asked))
        if planned.get(name) != asked.get(name)
    ]


def refuse_foreign_folder(store: Store) -> None:
    """Raise RunError where the folder holds something that no run of mirscan wrote."""
    if isinstance(store, LocalStore) and Path(store.root).exists() and not Path(store.root).is_dir():
        raise RunError(f"{store.root}: is a file; expected a folder. Choose another --out.")
    if store.exists(PLAN):
        return
    foreign = [name for name in store.names() if not name.startswith((f"{WORK}/", LOCK.split(".")[0]))]
    if foreign:
        raise RunError(f"{store.root}: holds {foreign[0]} and no {PLAN}, so it is not a run of mirscan. Choose another --out.")


def clear_run(store: Store) -> None:
    """Delete everything a run wrote, and nothing else; killed at any moment it leaves a run or nothing, never a riddle."""
    ours = [name for name in store.names() if name in RESULTS or name.startswith((f"{SITES}/part-", f"{WORK}/part-"))]
    rest = [PLAN, *(name for name in store.names() if name.startswith(f"{WORK}/"))]
    for name in (*ours, *rest):
        store.remove(name)


def make_plan(settings: ScanSettings, identity: dict, inputs: dict, store: Store) -> ScanPlan:
    """Read the inputs once, put what workers need into the run folder, and write plan.json last."""
    mirnas = read_mirnas(settings.mirnas, settings.species)
    table = compile_table(settings, mirnas)
    transcriptome = _store_transcriptome(settings, store)
    _store_small_inputs(settings, mirnas, store)
    hits_per_base = expected_hits(table)
    expected = round(hits_per_base * transcriptome.n_bases)
    if not settings.min_score:
        _check_disk(store, expected)
    parts = cut_parts(transcriptome.lengths, settings.rows_per_part / max(hits_per_base, 1e-12))
    counts = (len(mirnas), len(transcriptome), transcriptome.n_bases, expected)
    plan = ScanPlan(settings, identity, inputs, *counts, warnings=_warnings(table), parts=parts)
    store.write(PLAN, plan.to_json())
    return plan


def cut_parts(lengths: np.ndarray, bases: float) -> tuple[Part, ...]:
    """Transcripts of `lengths` (n,) nt in order, cut at their boundaries into parts of about `bases` each and of even size."""
    total = int(lengths.sum())
    n_parts = max(1, round(total / bases))
    ends = np.cumsum(lengths)
    # A part ends with the transcript that reaches its share; a long transcript may use up several shares.
    targets = total * np.arange(1, n_parts + 1) / n_parts
    lasts = np.unique(np.minimum(np.searchsorted(ends, targets) + 1, len(lengths)))
    lasts[-1] = len(lengths)
    firsts = np.concatenate(([0], lasts[:-1]))
    return tuple(Part(int(first), int(last), int(lengths[first:last].sum())) for first, last in zip(firsts, lasts, strict=True))


def group_isoforms(transcriptome: Transcriptome) -> np.ndarray | None:
    """Order of transcripts (n,) in which each gene's isoforms follow each other; None where they do already."""
    codes = transcriptome.genes.dictionary_encode().indices.to_numpy()
    # Codes count genes in order of first appearance, so a stable sort keeps that order.
    return None if np.all(np.diff(codes) >= 0) else np.argsort(codes, kind="stable")


def _store_transcriptome(settings: ScanSettings, store: Store) -> Transcriptome:
    folder = store.scratch("transcriptome")
    try:
        transcriptome = read_transcriptome(list(settings.transcripts), settings.gene_map, folder=folder)
        order = group_isoforms(transcriptome)
        if order is not None:
            _reorder(transcriptome, order).save(folder / "grouped")
            folder_used = folder / "grouped"
        else:
            folder_used = folder
        for name in (CODES_FILE, RECORDS_FILE):
            store.publish(folder_used / name, f"{TRANSCRIPTOME}/{name}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return open_run_transcriptome(store)


def open_run_transcriptome(store: Store) -> Transcriptome:
    """The packed transcripts of a run, fetched first where the store is not a folder."""
    return open_transcriptome([store.local(f"{TRANSCRIPTOME}/{name}") for name in (CODES_FILE, RECORDS_FILE)][0].parent)


def _reorder(transcriptome: Transcriptome, order: np.ndarray) -> Transcriptome:
    lengths = transcriptome.lengths[order]
    end = np.cumsum(lengths + 1)
    begin = end - lengths
    codes = np.full(len(transcriptome.codes), transcriptome.codes[0], dtype=np.uint8)
    for target, source in enumerate(order):
        codes[begin[target] : end[target]] = transcriptome.codes[transcriptome.begin[source] : transcriptome.end[source]]
    names = (column.take(order) for column in (transcriptome.names, transcriptome.genes, transcriptome.symbols))
    return Transcriptome(codes, begin, end, *names)


def _store_small_inputs(settings: ScanSettings, mirnas: MirnaSet, store: Store) -> None:
    records = (f">{name}\n{decode(codes[:length])}\n" for name, codes, length in zip(mirnas.names, mirnas.codes, mirnas.lengths, strict=True))
    store.write(MIRNAS, "".join(records).encode())
    if settings.regions is not None:
        store.write(REGIONS, Path(settings.regions).read_bytes())
    for number, word in enumerate(settings.seeds):
        if is_rule_file(word):
            store.write(_rule_copy(number), Path(word).read_bytes())
    if settings.is_scored:
        for path in _model_files(settings.model):
            store.write(f"{MODEL}/{path.name}", path.read_bytes())


def local_model(store: Store) -> Path:
    """Folder with the run's own copy of the model, fetched first where the store is not a folder."""
    from mirscan.trained_models import CARD_FILE, NETWORK_FILE

    return [store.local(f"{MODEL}/{name}") for name in (NETWORK_FILE, CARD_FILE)][0].parent


def _rule_copy(number: int) -> str:
    return f"{INPUTS}/rules-{number}.toml"


def compile_table(settings: ScanSettings, mirnas: MirnaSet, store: Store | None = None):
    """The seed table of these settings; with a store its copies of the rule files are read."""
    from mirscan.seeds.rules import read_rules
    from mirscan.seeds.table import compile_seed_table

    seeds = [
        os.fspath(store.local(_rule_copy(number))) if store is not None and is_rule_file(word) else word for number, word in enumerate(settings.seeds)
    ]
    return compile_seed_table(read_rules(seeds), mirnas, all_types=settings.all_types)


def expected_hits(table) -> float:
    """Candidates per base that random sequence would give."""
    from mirscan.seeds.table import expected_hits_per_base

    return float(expected_hits_per_base(table))


def _warnings(table) -> tuple[str, ...]:
    return tuple(f"{rule}: skipped for {', '.join(names)}, too short for it" for rule, names in table.too_short.items() if names)


def _check_disk(store: Store, expected: int) -> None:
    if isinstance(store, LocalStore):
        free = shutil.disk_usage(store.root).free
        if expected * BYTES_PER_ROW > free:
            raise InputError(
                f"{expected:,} candidates expected, about {expected * BYTES_PER_ROW / 1e9:,.0f} GB; {store.root} has {free / 1e9:,.1f} GB free. "
                "Use fewer miRNAs (--species), stricter --seeds, --regions or --min-score."
            )


def _checksum(path: str, inputs: dict) -> str:
    try:
        with open(path, "rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        inputs[digest] = {"path": os.fspath(path), "bytes": os.path.getsize(path)}
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}; expected a readable file") from None
    return digest


def _model_files(model: str) -> list[Path]:
    from mirscan.trained_models import CARD_FILE, NETWORK_FILE, find_model

    folder = Path(find_model(model))
    return [folder / NETWORK_FILE, folder / CARD_FILE]


def _identify_model(model: str, inputs: dict) -> list[str]:
    return [f"{path.name} {_checksum(os.fspath(path), inputs)}" for path in _model_files(model)]


def _flag(name: str) -> str:
    return "mirscan's version" if name == "mirscan" else f"--{name.replace('_', '-')}"


def _shown(value) -> str:
    words = value if isinstance(value, list) else [value]
    return ", ".join(str(word)[:20] for word in words) or "none"
