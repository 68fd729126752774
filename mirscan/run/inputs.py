"""A run's own copies of its inputs, with checksums: what is planned stays what is scanned, wherever and whenever a part is processed."""

import hashlib
import io
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

import mirscan
from mirscan.accessibility.folding import vienna
from mirscan.cache_folder import temporary_folder
from mirscan.errors import InputError, ModelError
from mirscan.expression.isoform_weights import read_isoform_shares
from mirscan.genes.repression import Source, find_repression_model, read_repression_model
from mirscan.genes.site_features import CONSERVATION as CONSERVED
from mirscan.genes.site_features import LOG_ODDS
from mirscan.genome.conservation import BaseValues, read_base_values, values_of
from mirscan.genome.extract import CHR, cut_genome
from mirscan.genome.projection import project_transcriptome
from mirscan.genome.reference import find_assembly
from mirscan.keras_loading import check_backend
from mirscan.notices import Notices, counted
from mirscan.run.settings import ACCESSIBILITY, DUPLEX, ScanSettings
from mirscan.scoring.duplex_engine import duplex_card
from mirscan.search.filters import Regions, read_regions
from mirscan.seeds.rules import read_rules
from mirscan.seeds.table import SeedTable, compile_seed_table
from mirscan.sequence.alphabet import decode
from mirscan.sequence.coding import CodingRegions, read_coding
from mirscan.sequence.families import NO_CLASS, Family, find_family, group_families, read_families, read_family_classes
from mirscan.sequence.mirnas import MirnaSet, read_mirnas
from mirscan.sequence.transcriptome import (
    CODES_FILE,
    LONGEST_CIRCLE_WINDOW,
    RECORDS_FILE,
    Transcriptome,
    open_transcriptome,
    read_transcriptome,
)
from mirscan.store.names import INPUTS, TRANSCRIPTOME
from mirscan.store.protocol import Store
from mirscan.store.scratch import ScratchFolder
from mirscan.trained_models import CARD_FILE, NETWORK_FILE, check_files, find_model, read_card

MIRNAS = f"{INPUTS}/mirnas.fa"
REGIONS = f"{INPUTS}/regions.bed"
CONTIGS = f"{INPUTS}/contigs.tsv"
MODEL = f"{INPUTS}/model"
PREFILTER = f"{INPUTS}/prefilter"
CODING = f"{INPUTS}/coding.npy"
SHARES = f"{INPUTS}/isoform-shares.npy"
CLASSES = f"{INPUTS}/family-conservation.npy"
CONSERVATION = f"{INPUTS}/conservation.npy"
REPRESSION = f"{INPUTS}/repression.toml"
VIENNA = "ViennaRNA"
_FILE_SETTINGS = ("mirnas", "families", "gene_map", "regions", "cds", "isoform_weights", "conservation", "genome", "annotation")


@contextmanager
def spooled_pipes(settings: ScanSettings) -> Iterator[ScanSettings]:
    """The settings with a file in place of every pipe, as `<(zcat utr.fa.gz)` or `-` give: inputs are read more than once."""
    paths = {name: getattr(settings, name) for name in _FILE_SETTINGS}
    pipes = [path for path in (*paths.values(), *settings.transcripts) if path is not None and _is_pipe(path)]
    if pipes.count("-") + pipes.count("/dev/stdin") > 1:
        raise InputError("standard input (-) is given for several files; it can be read once, so give all but one as files")
    if not pipes:
        yield settings
        return
    with closing(ScratchFolder()) as scratch:
        copies = {path: os.fspath(_spool(path, scratch.path, number)) for number, path in enumerate(pipes)}
        paths = {name: copies.get(path, path) for name, path in paths.items()}
        try:
            yield replace(settings, transcripts=tuple(copies.get(path, path) for path in settings.transcripts), **paths)
        except InputError as error:
            raise InputError(_as_given(str(error), copies)) from None


def _as_given(message: str, copies: Mapping[str, str]) -> str:
    """A message with the names that the user gave, in place of those of their copies."""
    for path, copy in copies.items():
        message = message.replace(copy, "standard input" if path == "-" else path)
    return message


def _is_pipe(path: str) -> bool:
    return path == "-" or (Path(path).exists() and not Path(path).is_dir() and not Path(path).is_file())


def _spool(path: str, folder: Path, number: int) -> Path:
    source = "/dev/stdin" if path == "-" else path
    target = folder / f"{number}-{Path(source).name}"
    with open(source, "rb") as pipe, open(target, "wb") as copy:
        shutil.copyfileobj(pipe, copy)
    return target


def check_settings(settings: ScanSettings) -> None:
    """Raise what every part would meet: RunError for a Keras backend that is not installed and where there is no temporary directory,
    InputError for a ViennaRNA that is not installed, ModelError for a model that is not whole.
    """
    temporary_folder()
    read_repression_model(settings.gene_model)
    if ACCESSIBILITY in settings.features:
        vienna()
    if settings.has_model_folder:
        check_backend()
        check_files(find_model(settings.model))
        length = read_card(find_model(settings.model)).layout.length
        if settings.circular and length > LONGEST_CIRCLE_WINDOW:
            raise InputError(f"--circular: the windows of {settings.model} are {length} nt long; expected {LONGEST_CIRCLE_WINDOW} or fewer")
        if settings.prefilter and (first := prefilter_of(settings)) != DUPLEX:
            check_files(find_model(first))


def identify(settings: ScanSettings) -> tuple[dict, dict]:
    """(identity, inputs): all that decides the result, with files as SHA-256; and path and bytes behind each checksum.

    Raises InputError for a file that cannot be read and ModelError for an unknown model.
    """
    identity: dict = {"mirscan": mirscan.__version__}
    inputs: dict = {}
    for name, value in settings.to_dict().items():
        if (name in _FILE_SETTINGS and value is not None) or (name == "rename_contigs" and value not in (None, CHR)):
            value = _checksum(value, inputs)
        elif name == "transcripts":
            value = [_checksum(path, inputs) for path in value]
        elif name == "seeds":
            value = [_checksum(word, inputs) if is_rule_file(word) else word for word in value]
        elif name == "model" and settings.has_model_folder:
            value = _identify_model(value, inputs)
        elif name == "gene_model":
            value = _checksum(find_repression_model(value), inputs)
        elif name == "prefilter" and value:
            first = prefilter_of(settings)
            value = first if first == DUPLEX else _identify_model(first, inputs)
        identity[name] = value
    if settings.genome is not None and (assembly := find_assembly(settings.genome)) is not None:
        inputs[identity["genome"]]["assembly"] = assembly
    if ACCESSIBILITY in settings.features:
        identity[VIENNA] = vienna().__version__
    return identity, inputs


def is_rule_file(word: str) -> bool:
    """Whether a word of --seeds is a TOML file rather than the name of a rule or a group."""
    return word.endswith(".toml")


def store_inputs(settings: ScanSettings, mirnas: MirnaSet, families: Sequence[Family], store: Store, notices: Notices) -> Transcriptome:
    """Pack the transcripts and copy the small inputs into the run; return the packed transcripts."""
    records = (
        f">{name}\n{decode(codes[:length])}\n" for name, codes, length in zip(mirnas.names, mirnas.codes, mirnas.lengths, strict=True)
    )
    store.write(MIRNAS, "".join(records).encode())
    if settings.families is not None:
        _store_classes(settings, mirnas, families, store, notices)
    if settings.regions is not None:
        store.write(REGIONS, Path(settings.regions).read_bytes())
    for number, word in enumerate(settings.seeds):
        if is_rule_file(word):
            store.write(_rule_copy(number), Path(word).read_bytes())
    store.write(REPRESSION, find_repression_model(settings.gene_model).read_bytes())
    if settings.has_model_folder:
        _copy_model(settings.model, store, MODEL)
    if settings.prefilter and (first := prefilter_of(settings)) != DUPLEX:
        _copy_model(first, store, PREFILTER)
    transcriptome = _store_transcriptome(settings, store, notices)
    if settings.cds is not None:
        coding = read_coding(settings.cds, transcriptome, notices)
        _store_array(store, CODING, np.stack([coding.start, coding.end]))
    if settings.isoform_weights is not None:
        _store_array(store, SHARES, read_isoform_shares(settings.isoform_weights, transcriptome, notices))
    if settings.conservation is not None:
        projection, contigs = project_transcriptome(transcriptome), open_run_contigs(store)
        _store_array(store, CONSERVATION, read_base_values(settings.conservation, projection, contigs, notices))
    return transcriptome


def _store_classes(settings: ScanSettings, mirnas: MirnaSet, families: Sequence[Family], store: Store, notices: Notices) -> None:
    """How conserved the family of each miRNA (n,) is, where the table of families says so."""
    # With --by-family the table was read before, and what there is to notice said.
    known = read_family_classes(settings.families, Notices() if settings.by_family else notices)
    if not (known.by_name or settings.by_family):
        raise InputError(f"{settings.families}: has no column 'Family Conservation?' as TargetScan's; expected one, or --by-family")
    if known.by_name:
        members = [family.members for family in families] or [[name] for name in mirnas.names]
        seeds = (decode(codes) for codes in mirnas.codes[:, 1:8])
        classes = np.array([known.find(names, seed) for names, seed in zip(members, seeds, strict=True)], np.int8)
        lost = np.flatnonzero(classes == NO_CLASS)
        notices.add("miRNAs have no family conservation in the table", mirnas.names[lost[0]] if len(lost) else "", len(lost))
        _store_array(store, CLASSES, classes)


def _store_array(store: Store, name: str, array: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.save(buffer, array)
    store.write(name, buffer.getvalue())


def store_inputs_again(settings: ScanSettings, store: Store) -> None:
    """Make the run's copies anew."""
    # What there is to notice was said when the run was planned.
    silent = Notices()
    store_inputs(settings, *read_run_mirnas(settings, silent), store, silent)


def read_run_mirnas(settings: ScanSettings, notices: Notices) -> tuple[MirnaSet, tuple[Family, ...]]:
    """(miRNAs to scan for, the families they stand for), without families where each stands for itself."""
    mirnas = read_mirnas(settings.mirnas, settings.species, notices)
    if not settings.by_family:
        return mirnas, ()
    names = read_families(settings.families, notices) if settings.families else {}
    strange = [name for name in mirnas.names if names and not find_family(name, names)]
    if strange and len(strange) == len(mirnas):
        n_mirnas = counted(len(mirnas), "miRNA")
        raise InputError(f"{settings.families}: none of {n_mirnas} is in it; expected names such as {mirnas.names[0]} and their families")
    notices.add("miRNAs are not in the table of families", "".join(strange[:1]), len(strange))
    grouped, families = group_families(mirnas, names)
    notices.add(
        "miRNAs share nt 2-8 with one before and have no rows of their own; families.tsv lists them", count=len(mirnas) - len(grouped)
    )
    return grouped, families


def open_run_transcriptome(store: Store) -> Transcriptome:
    """The packed transcripts of a run."""
    return open_transcriptome(_fetch_folder(store, TRANSCRIPTOME, (CODES_FILE, RECORDS_FILE)))


def open_run_mirnas(store: Store) -> MirnaSet:
    """The miRNAs of a run, after the species filter."""
    return read_mirnas(store.local(MIRNAS), notices=Notices())


def open_run_regions(settings: ScanSettings, store: Store, transcriptome: Transcriptome) -> Regions | None:
    """Where to scan, from the run's copy of --regions; None for everywhere."""
    return read_regions(store.local(REGIONS), transcriptome, Notices()) if settings.regions else None


def open_run_coding(settings: ScanSettings, store: Store, transcriptome: Transcriptome) -> CodingRegions | None:
    """The coding sequences of a run's transcripts; None without --cds."""
    return CodingRegions(*np.load(store.local(CODING)), transcriptome.lengths) if settings.cds else None


def open_run_shares(settings: ScanSettings, store: Store) -> np.ndarray | None:
    """Share (n,) of each transcript in its gene's mRNAs, NaN for genes without weights; None without --isoform-weights."""
    return np.load(store.local(SHARES)) if settings.isoform_weights else None


def open_run_classes(store: Store) -> pa.Array | None:
    """How conserved the family of each miRNA of a run is (n,), null where not known; None where no table says so."""
    if not store.exists(CLASSES):
        return None
    classes = np.load(store.local(CLASSES))
    return pa.array(classes, mask=classes == NO_CLASS)


def open_run_conservation(settings: ScanSettings, store: Store, transcriptome: Transcriptome) -> BaseValues | None:
    """The conservation of the bases of a run's transcripts; None without --conservation."""
    return values_of(np.load(store.local(CONSERVATION), mmap_mode="r"), transcriptome.lengths) if settings.conservation else None


def open_run_repression(store: Store) -> str:
    """File with the run's copy of the repression model."""
    return os.fspath(store.local(REPRESSION))


def open_run_model(settings: ScanSettings, store: Store) -> str:
    """Folder with the run's copy of the model, or the word for a scorer that needs none."""
    return os.fspath(_fetch_folder(store, MODEL, (NETWORK_FILE, CARD_FILE))) if settings.has_model_folder else settings.model


def open_run_sources(settings: ScanSettings, identity: Mapping, store: Store) -> dict[str, Source]:
    """The files behind those features of the repression model that need one, by feature."""
    sources = {}
    if settings.is_scored:
        card = read_card(open_run_model(settings, store)) if settings.has_model_folder else duplex_card()
        sources[LOG_ODDS] = Source.of_scores(card)
    if settings.conservation:
        sources[CONSERVED] = Source(Path(settings.conservation).name, identity["conservation"])
    return sources


def open_run_prefilter(settings: ScanSettings, store: Store) -> str | None:
    """Folder with the run's copy of the prefilter, or the word for one that needs none; None without --prefilter."""
    if not settings.prefilter:
        return None
    is_model = store.exists(f"{PREFILTER}/{CARD_FILE}")
    return os.fspath(_fetch_folder(store, PREFILTER, (NETWORK_FILE, CARD_FILE))) if is_model else DUPLEX


def compile_run_table(settings: ScanSettings, mirnas: MirnaSet, store: Store | None = None) -> SeedTable:
    """The seed table of these settings; rule files are read from the run's copies, or without `store` from where the user has them."""
    seeds = list(settings.seeds)
    for number, word in enumerate(seeds):
        if store is not None and is_rule_file(word):
            seeds[number] = os.fspath(store.local(_rule_copy(number)))
    return compile_seed_table(read_rules(seeds), mirnas, all_types=settings.all_types)


def prefilter_of(settings: ScanSettings) -> str:
    """The first cheaper scorer that the model's card holds a threshold for."""
    card = read_card(find_model(settings.model))
    if not card.prefilter:
        raise ModelError(f"--prefilter: the card of model {settings.model!r} names no cheaper scorer; leave --prefilter out")
    return next(iter(card.prefilter))


def group_isoforms(transcriptome: Transcriptome) -> np.ndarray | None:
    """Order of transcripts (n,) in which each gene's isoforms follow each other, those that lie at the same place side by side; None where
    they do already.
    """
    codes = transcriptome.gene_codes
    if not transcriptome.places.null_count:
        # First by gene, then by place; 2^31 places fit beside 2^31 genes.
        codes = (codes.astype(np.int64) << 32) + transcriptome.places.dictionary_encode().indices.to_numpy()
    # Codes count genes in order of first appearance, and a stable sort keeps that order.
    return None if np.all(np.diff(codes) >= 0) else np.argsort(codes, kind="stable")


def read_targets(settings: ScanSettings) -> Transcriptome:
    """The transcripts that are given, or cut from a genome."""
    if settings.cut is not None:
        return cut_genome(settings.cut).transcriptome
    return read_transcriptome(list(settings.transcripts), settings.gene_map, header=settings.header, circular=settings.circular)


def open_run_contigs(store: Store) -> dict[str, int] | None:
    """Length of each contig in nt, where the transcripts were cut from a genome."""
    if not store.exists(CONTIGS):
        return None
    rows = (line.split("\t") for line in store.read(CONTIGS).decode().splitlines())
    return {name: int(length) for name, length in rows}


def _store_transcriptome(settings: ScanSettings, store: Store, notices: Notices) -> Transcriptome:
    folder = store.scratch("transcriptome")
    try:
        transcriptome = _pack_targets(settings, store, notices, folder)
        order = group_isoforms(transcriptome)
        packed = folder
        if order is not None:
            packed = folder / "grouped"
            transcriptome.take(order).save(packed)
        for name in (CODES_FILE, RECORDS_FILE):
            store.publish(packed / name, f"{TRANSCRIPTOME}/{name}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return open_run_transcriptome(store)


def _pack_targets(settings: ScanSettings, store: Store, notices: Notices, folder: Path) -> Transcriptome:
    if settings.cut is None:
        paths = list(settings.transcripts)
        return read_transcriptome(paths, settings.gene_map, folder, notices, settings.header, circular=settings.circular)
    cut = cut_genome(settings.cut, notices)
    store.write(CONTIGS, "".join(f"{name}\t{length}\n" for name, length in cut.contigs.items()).encode())
    cut.transcriptome.save(folder)
    return cut.transcriptome


def _fetch_folder(store: Store, folder: str, names: tuple[str, ...]) -> Path:
    paths = [store.local(f"{folder}/{name}") for name in names]
    return paths[0].parent


def _rule_copy(number: int) -> str:
    return f"{INPUTS}/rules-{number}.toml"


def _model_files(model: str) -> list[Path]:
    folder = Path(find_model(model))
    return [folder / NETWORK_FILE, folder / CARD_FILE]


def _identify_model(model: str, inputs: dict) -> list[str]:
    return [f"{path.name} {_checksum(path, inputs)}" for path in _model_files(model)]


def _copy_model(model: str, store: Store, target: str) -> None:
    for path in _model_files(model):
        store.write(f"{target}/{path.name}", path.read_bytes())


def _checksum(path: str | os.PathLike, inputs: dict) -> str:
    try:
        with open(path, "rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        inputs[digest] = {"path": os.fspath(path), "bytes": os.path.getsize(path)}
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}; expected a readable file") from None
    return digest
