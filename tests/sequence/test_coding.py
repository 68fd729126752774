import numpy as np
import pytest

from mirscan.errors import InputError
from mirscan.notices import Notices
from mirscan.sequence.coding import CODING, FIVE_UTR, REGIONS, THREE_UTR, coding_of_regions, read_coding
from mirscan.sequence.transcriptome import read_transcriptome, transcriptome_from_sequences

TRANSCRIPTS = transcriptome_from_sequences(["NM_1", "NM_2.3", "NM_3"], ["A" * 100, "C" * 50, "G" * 20])


def write(tmp_path, text: str):
    path = tmp_path / "cds.tsv"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "transcript\tcds_start\tcds_end\nNM_1\t10\t40\nNM_2\t0\t50\n",
        "refseq\tsymbol\tcds_start0\tcds_end\nNM_1.7\tA\t10\t40\nNM_2\tB\t0\t50\n",
        "track name=cds\nNM_1\t10\t40\tx\t0\t+\nNM_2.3\t0\t50\ty\t0\t+\n",
        "name,start,end\nNM_1,10,40\n\nNM_2.3,0,50\nOTHER,5,6\n",
    ],
)
def test_read_coding__reads_headings_and_bed(tmp_path, text):
    notices = Notices()
    coding = read_coding(write(tmp_path, text), TRANSCRIPTS, notices)
    assert coding.start.tolist() == [10, 0, 0]
    assert coding.end.tolist() == [40, 50, 0]
    strange = ["1 coding sequence is of no transcript that is scanned (OTHER)"] if "OTHER" in text else []
    assert [str(notice) for notice in notices] == [*strange, "1 transcript has no coding sequence and counts as 3'UTR (NM_3)"]


def test_read_coding__isoforms_of_a_plant_are_not_versions(tmp_path):
    transcripts = transcriptome_from_sequences(["AT1G01010.1", "AT1G01010.2", "track1"], ["A" * 100] * 3)
    coding = read_coding(write(tmp_path, "AT1G01010.2\t5\t8\nAT1G01010.1\t1\t4\nAT1G01010.3\t7\t9\ntrack1\t2\t5\n"), transcripts, Notices())
    assert (coding.start.tolist(), coding.end.tolist()) == ([1, 5, 2], [4, 8, 5])


def test_regions_of__follow_the_first_base(tmp_path):
    coding = read_coding(write(tmp_path, "NM_1\t10\t40\n"), TRANSCRIPTS, Notices())
    places = np.array([0, 9, 10, 39, 40, 99])
    assert coding.regions_of(np.zeros(6, int), places).tolist() == [FIVE_UTR, FIVE_UTR, CODING, CODING, THREE_UTR, THREE_UTR]
    assert coding.regions_of(np.array([2]), np.array([0])).tolist() == [THREE_UTR]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("NM_1\t10\t140\n", r"line 1: coding sequence 10 to 140 of 'NM_1'; expected a part of its 100 nt"),
        ("NM_1\t40\t40\n", "line 1: coding sequence 40 to 40"),
        ("NM_1\t1\t4\nNM_1.2\t1\t4\n", "line 2: a second coding sequence of 'NM_1.2'"),
        ("NM_1\t1\t4\nNM_2\tx\t4\n", "line 2: found .*; expected transcript, start and end of its coding"),
        ("gene\tlength\nA\t4\n", "headings gene, length; expected transcript, cds_start and cds_end"),
        ('NM_1\t"1\t4\nNM_2\t1\t4\n', "line 1: found .*expected a quote to be closed on its line"),
        ("other\t1\t4\n", "none of the 3 transcripts is in it"),
    ],
)
def test_read_coding__bad_lines_are_one_sentence(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_coding(write(tmp_path, text), TRANSCRIPTS, Notices())


def test_coding_of_regions__cut_regions_are_what_they_are_named(tmp_path):
    fasta = tmp_path / "cut.fa"
    places = {"5utr": "10-20", "cds": "20-50", "3utr": "50-90"}
    records = [f">t:{region} place=chr1:{place}(+) region={region}\nACGTACGT\n" for region, place in places.items()]
    fasta.write_text("".join([*records, ">u:cds place=chr1:0-4(+) region=cds\nACGT\n"]))
    coding = coding_of_regions(read_transcriptome(fasta))
    assert coding.mrna_length.tolist() == [24, 24, 24, 4]
    regions = coding.regions_of(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 7, 0, 7, 0, 7]))
    assert [REGIONS[region] for region in regions] == ["5utr", "5utr", "cds", "cds", "3utr", "3utr"]
    assert coding_of_regions(transcriptome_from_sequences(["t"], ["ACGT"])) is None
