import gzip
import itertools
import os
import typing
from pathlib import Path

import numpy as np
import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mirscan.errors import InputError
from mirscan.genome.annotation import find_annotation_assembly, read_annotation
from mirscan.genome.extract import cut_genome
from mirscan.genome.projection import project_transcriptome
from mirscan.genome.reference import find_assembly, open_genome
from mirscan.genome.regions import ISOFORMS, REGIONS, choose_isoforms, region_ranges
from mirscan.genome.settings import REGION_NAMES, IsoformsWord, RegionSettings
from mirscan.notices import Notices
from mirscan.sequence.alphabet import decode
from mirscan.sequence.fasta import read_fasta
from tests.genome.conftest import COMPLEMENT, make_world

EXAMPLES, DATA = Path(__file__).parents[2] / "examples", Path(__file__).parents[1] / "data"


def sequences(transcriptome) -> dict[str, str]:
    rows = zip(transcriptome.names.to_pylist(), transcriptome.begin, transcriptome.end, strict=True)
    return {name: decode(transcriptome.codes[begin:end]) for name, begin, end in rows}


def extract(genome, annotation, **asked):
    return cut_genome(RegionSettings(genome, annotation, **asked), Notices()).transcriptome


def test_settings__names_are_those_of_the_tables():
    assert set(REGION_NAMES) == set(REGIONS)
    assert set(typing.get_args(typing.get_args(IsoformsWord)[0])) == set(ISOFORMS)


def test_extract__fly_utrs_equal_the_published_ones():
    # All 3'UTRs of vagarwal87/TargetScanTools (MIT), cut here to the genes of the example; 6 of the 72 are spliced.
    found = extract(EXAMPLES / "fly.fa.gz", EXAMPLES / "fly.gtf.gz")
    published = {record.header: decode(np.frombuffer(record.codes, np.uint8)) for record in read_fasta(DATA / "fly_utr3.fa.gz")}
    by_gene = dict(zip(found.genes.to_pylist(), sequences(found).values(), strict=True))
    assert by_gene == published
    assert sum(place.count(",") > 0 for place in found.places.to_pylist()) == 5


@given(seed=st.integers(0, 10**6))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_extract__utrs_equal_those_cut_base_by_base(seed, tmp_path):
    world = make_world(seed)
    expected = {gene.name: gene.splice(world.contigs, gene.utr3) for gene in world.genes if gene.utr3}
    paths = world.write(tmp_path)
    if not expected:
        with pytest.raises(InputError, match="no transcript in it has a 3utr"):
            extract(*paths)
        return
    assert sequences(extract(*paths)) == expected


@given(seed=st.integers(0, 10**6))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_projection__bases_under_the_blocks_equal_those_of_the_transcript(seed, tmp_path):
    """The property: for random spliced transcripts on both strands any interval is found again on the genome."""
    world = make_world(seed, n_exons=40, length=600)
    found = extract(*world.write(tmp_path), region=["transcript"])
    projection, texts = project_transcriptome(found), sequences(found)
    rng = np.random.default_rng(seed)
    transcript = rng.integers(0, len(found), 300)
    start = (rng.random(300) * found.lengths[transcript]).astype(np.int64)
    end = start + 1 + (rng.random(300) * np.minimum(found.lengths[transcript] - start, 12)).astype(np.int64)
    places = projection.project(transcript, start, end)
    n_spliced = 0
    for row in range(300):
        own = slice(places.blocks.first[row], places.blocks.first[row + 1])
        pairs = list(zip(places.blocks.start[own], places.blocks.end[own], strict=True))
        text = "".join(world.contigs[projection.contigs[places.contig[row]]][first:last] for first, last in pairs)
        text = text.translate(COMPLEMENT)[::-1] if projection.is_reverse[transcript[row]] else text
        assert text == texts[found.names[int(transcript[row])].as_py()][start[row] : end[row]]
        assert (places.start[row], places.end[row]) == (pairs[0][0], pairs[-1][1])
        # Blocks that touch would be one.
        assert all(one[1] < other[0] for one, other in itertools.pairwise(pairs))
        n_spliced += len(pairs) > 1
    assert n_spliced > 5


def test_regions__equal_what_pyranges_subtracts(tmp_path, world):
    import pyranges

    genome, annotation = world.write(tmp_path)
    rows = pyranges.read_gtf(str(annotation))
    found = extract(genome, annotation, region=["5utr", "3utr"])
    places = dict(zip(found.names.to_pylist(), found.places.to_pylist(), strict=True))
    n = 0
    for gene in world.genes:
        own = rows[rows.transcript_id == gene.name]
        coding = own[own.Feature == "CDS"].df
        span = pyranges.from_dict({"Chromosome": [gene.contig], "Start": [coding.Start.min()], "End": [coding.End.max()]})
        left = own[own.Feature == "exon"].subtract(span).df
        pairs = [] if left.empty else sorted(zip(left.Start, left.End, strict=True))
        ours = [places.get(f"{gene.name}:{region}") for region in ("5utr", "3utr")]
        assert sorted(pair for place in ours if place for pair in parse(place)) == pairs
        n += len(pairs)
    assert n > 10


def parse(place: str) -> list[tuple[int, int]]:
    return [tuple(map(int, block.split("-"))) for block in place[:-3].rsplit(":", 1)[1].split(",")]


def test_region_ranges__are_the_blocks_of_the_places(tmp_path, world):
    genome, annotation = world.write(tmp_path)
    found = extract(genome, annotation)
    table = region_ranges(read_annotation(annotation, use_cache=False)).df
    ranges = {name: sorted(zip(own.Start, own.End, strict=True)) for name, own in table.groupby("transcript")}
    assert ranges == {name: parse(place) for name, place in zip(found.names.to_pylist(), found.places.to_pylist(), strict=True)}
    strands = {name: place[-2] for name, place in zip(found.names.to_pylist(), found.places.to_pylist(), strict=True)}
    assert dict(zip(table.transcript, table.Strand, strict=True)) == strands


def test_extract__several_regions_are_told_apart(tmp_path, world):
    found = extract(*world.write(tmp_path), region=["3utr", "cds"])
    assert set(found.regions.to_pylist()) == {"3utr", "cds"}
    assert all(name.endswith(f":{region}") for name, region in zip(found.names.to_pylist(), found.regions.to_pylist(), strict=True))
    assert sequences(extract(*world.write(tmp_path)))["T1"] == sequences(found)["T1:3utr"]


def test_extract__contigs_with_another_prefix(tmp_path, world):
    genome, annotation = world.write(tmp_path)
    expected = sequences(extract(genome, annotation))
    renamed = tmp_path / "renamed.gtf"
    renamed.write_text("".join(line.removeprefix("chr") for line in annotation.read_text().splitlines(keepends=True)))
    with pytest.raises(
        InputError, match=r"line \d+: contig '(2|10)' is not in .*genome.fa, which has 'chr(2|10)': give --rename-contigs chr"
    ):
        extract(genome, renamed)
    assert sequences(extract(genome, renamed, rename_contigs="chr")) == expected
    (tmp_path / "names.tsv").write_text("# annotation\tgenome\n2\tchr2\n10\tchr10\n")
    assert sequences(extract(genome, renamed, rename_contigs=str(tmp_path / "names.tsv"))) == expected
    (tmp_path / "names.tsv").write_text("2 chr2 x\n")
    with pytest.raises(InputError, match=r"names.tsv, line 1: 3 words"):
        extract(genome, renamed, rename_contigs=str(tmp_path / "names.tsv"))


def test_extract__what_the_genome_cannot_hold(tmp_path, world):
    genome, annotation = world.write(tmp_path)
    good = sequences(extract(genome, annotation))
    row = 'chr2\tx\texon\t3900\t4001\t.\t+\t.\tgene_id "g"; transcript_id "late";\n'
    annotation.write_text(annotation.read_text() + row + row.replace("chr2", "chr3").replace("late", "lost").replace("4001", "3950"))
    with pytest.raises(InputError, match=r"line \d+: 'late' ends at 4,001 of chr2, which has 4,000 nt in .*genome.fa"):
        extract(genome, annotation)
    notices = Notices()
    kept = cut_genome(RegionSettings(genome, annotation, skip_bad=True), notices).transcriptome
    assert sequences(kept) == good
    assert [notice.count for notice in notices] == [1, 1]
    lines = annotation.read_text().replace("chr2\t", "A\t").replace("chr10\t", "B\t").replace("1\tx", "C\tx")
    annotation.write_text(lines)
    with pytest.raises(InputError, match=r"contig '[ABC]' is not in"):
        extract(genome, annotation, skip_bad=True)


@pytest.mark.parametrize("kind", ["plain", "indexed", "bgzip", "bgzip indexed", "gzip"])
def test_genome__of_any_compression_has_the_same_bases(tmp_path, world, kind):
    path, _ = world.write(tmp_path)
    if kind.startswith("bgzip"):
        pysam.tabix_compress(str(path), f"{path}.gz")
        path = Path(f"{path}.gz")
    if kind.endswith("indexed"):
        pysam.faidx(str(path))
    if kind == "gzip":
        Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path = Path(f"{path}.gz")
    with open_genome(path) as genome:
        assert {contig: decode(genome.codes(contig)) for contig in genome.lengths} == world.contigs
        assert genome.lengths == dict.fromkeys(("chr2", "chr10", "1"), 4000)


def test_genome__an_index_that_is_there_is_not_written_again(tmp_path, world):
    path, _ = world.write(tmp_path)
    pysam.faidx(str(path))
    index = Path(f"{path}.fai")
    os.utime(index, ns=(2 * 10**18, 2 * 10**18))
    with open_genome(path) as genome:
        genome.codes("chr2")
    assert index.stat().st_mtime_ns == 2 * 10**18


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "does not begin with '>'"),
        ("ACGT\n", "does not begin with '>'"),
        (">chr2\nACGT\nACG\nACGTA\n", "cannot be indexed"),
        (">chr2\nACGT\n>chr2\nACG\n", "expected every contig once"),
        (">chr2\nACJT\n", "letter 'J' at chr2:3"),
    ],
)
def test_genome__bad_files_are_one_line(tmp_path, text, message):
    (tmp_path / "genome.fa").write_text(text)
    with pytest.raises(InputError) as error, open_genome(tmp_path / "genome.fa") as genome:
        genome.codes("chr2")
    assert message in str(error.value) and "\n" not in str(error.value)
    assert str(error.value).startswith(f"{tmp_path}/genome.fa")


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("garbage\n", "cannot be indexed"),
        ("", "names no contig; delete genome.fa.fai"),
        ("chr2\t99999\t17\t50\t51\n", "chr2 has .* nt, by its index 99,999; delete genome.fa.fai"),
    ],
)
def test_genome__an_index_of_another_file_is_one_line(tmp_path, world, index, message):
    path, _ = world.write(tmp_path)
    Path(f"{path}.fai").write_text(index)
    os.utime(f"{path}.fai", (2e9, 2e9))
    with pytest.raises(InputError, match=message), open_genome(path) as genome:
        genome.codes("chr2")


def test_genome__damaged_bgzip_and_its_index_are_one_line(tmp_path, world):
    path, _ = world.write(tmp_path)
    pysam.tabix_compress(str(path), f"{path}.gz")
    whole = Path(f"{path}.gz").read_bytes()
    Path(f"{path}.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"genome.fa.gz: cannot be indexed") as error, open_genome(f"{path}.gz"):
        pass
    assert "\n" not in str(error.value)
    Path(f"{path}.gz").write_bytes(whole)
    for ending in (".fai", ".gzi"):
        Path(f"{path}.gz{ending}").write_text("x")
        os.utime(f"{path}.gz{ending}", (2e9, 2e9))
    with pytest.raises(InputError, match=r"genome.fa.gz: cannot be indexed.*delete it"), open_genome(f"{path}.gz"):
        pass


def test_genome__absent():
    with pytest.raises(InputError, match=r"absent.fa: no such file"), open_genome("absent.fa"):
        pass


TAGS = {
    "a": "",
    "b": 'tag "basic"; tag "appris_principal_1";',
    "c": 'tag "MANE_Select";',
    "d": 'tag "MANE_Plus_Clinical"; tag "MANE_Select";',
}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("all", "a b c d e f"), ("longest", "b f"), ("principal", "c d e f"), ("representative", "d e")],
)
def test_isoforms__rules(tmp_path, rule, expected):
    # (gene, coding length, 3'UTR length)
    isoforms = {"a": ("G", 30, 20), "b": ("G", 30, 50), "c": ("G", 12, 50), "d": ("G", 15, 10), "e": ("H", 40, 5), "f": ("H", 20, 9)}
    lines = []
    for name, (gene, coding, utr) in isoforms.items():
        attributes = f'gene_id "{gene}"; transcript_id "{name}"; {TAGS.get(name, "")}'
        for kind, end in (("exon", coding + utr), ("CDS", coding)):
            lines.append(f"chr1\tx\t{kind}\t1\t{end}\t.\t+\t.\t{attributes}\n")
    (tmp_path / "genes.gtf").write_text("".join(lines))
    annotation, notices = read_annotation(tmp_path / "genes.gtf", use_cache=False), Notices()
    lengths = REGIONS["3utr"](annotation).lengths
    kept = choose_isoforms(annotation, lengths, rule, notices)
    assert [annotation.names[int(row)].as_py() for row in kept] == expected.split()
    assert all(ISOFORMS[rule][0] in notice.what for notice in notices)
    assert len(list(notices)) == (rule != "all")


@pytest.mark.parametrize(
    ("header", "assembly"),
    [
        ("1 dna:chromosome chromosome:GRCh38:1:1:248956422:1 REF", "GRCh38"),
        ("NC_000001.11 Homo sapiens chromosome 1, GRCh38.p14 Primary Assembly", "GRCh38.p14"),
        ("chr1", None),
    ],
)
def test_genome__assembly_of_the_first_header(tmp_path, header, assembly):
    (tmp_path / "genome.fa.gz").write_bytes(gzip.compress(f">{header}\nACGT\n".encode()))
    assert find_assembly(tmp_path / "genome.fa.gz") == assembly


def test_open_genome__uneven_lines_are_one_line(tmp_path):
    for text in (">a\nACGT\nAC\nACGT\n", ">a\nAC\nACG\n>b\nGGG\nGTACGT\nACG\n\n>b\nGGG\n"):
        (tmp_path / "x.fa").write_text(text)
        with (
            pytest.raises(InputError, match=r"x.fa: cannot be indexed .*expected FASTA with lines of one length"),
            open_genome(tmp_path / "x.fa"),
        ):
            pass


def test_open_genome__bytes_that_are_no_text(tmp_path):
    (tmp_path / "x.fa").write_bytes(b">a \xe9\nACGT\n")
    with pytest.raises(InputError, match=r"x.fa: byte 0xE9 is not UTF-8; expected FASTA"), open_genome(tmp_path / "x.fa"):
        pass


@pytest.mark.parametrize("end", ["\r", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_open_genome__line_ends_and_marks_of_other_systems(tmp_path, end, mark):
    (tmp_path / "plain.fa").write_text(">a x\nACGTAC\nGGN\n>b\nTTTTAA\n")
    (tmp_path / "other.fa").write_bytes(mark + end.join([">a x", "ACGTAC", "GGN", ">b", "TTTTAA", ""]).encode())
    with open_genome(tmp_path / "plain.fa") as plain, open_genome(tmp_path / "other.fa") as other:
        assert other.lengths == plain.lengths == {"a": 9, "b": 6}
        assert all((other.codes(contig) == plain.codes(contig)).all() for contig in "ab")


@pytest.mark.parametrize(
    ("comment", "assembly"),
    [
        ("#!genome-build GRCm39.p2\n#!genome-version GRCm39\n", "GRCm39"),
        ("##gff-version 3\n#!gff-spec-version 1.21\n#!genome-build GRCm39.p2\n", "GRCm39.p2"),
        ("##description: evidence-based annotation of the human genome (GRCm39), version 44 (Ensembl 110)\n", "GRCm39"),
        ("#!genome-version GRCh37\n", "GRCh37"),
        ("# by hand\n", None),
    ],
)
def test_extract__assemblies_that_differ_are_said(tmp_path, world, comment, assembly):
    genome, annotation = world.write(tmp_path)
    annotation.write_text(comment + annotation.read_text())
    genome.write_text(genome.read_text().replace(">chr2 ", ">chr2 dna:chromosome chromosome:GRCm39:2:1:4000:1 REF ", 1))
    assert find_annotation_assembly(annotation) == assembly
    notices = Notices()
    cut_genome(RegionSettings(genome, annotation), notices)
    said = [str(notice) for notice in notices if "lifted" in str(notice)]
    expected = "1 annotation is of GRCh37, while the genome is GRCm39, according to the first lines of both; nothing was lifted"
    assert said == ([f"{expected} ({annotation})"] if assembly == "GRCh37" else [])
