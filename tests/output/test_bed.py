import gzip

import pyarrow as pa
import pysam
import pytest

from mirscan.output import bed
from mirscan.output.bed import write_bed
from mirscan.tables import SITES

ROWS = [
    ("tx1", "gA", "miR-1", 0, 8, "8mer", 0.9996, 0, 30),
    ("tx1", "gA", "miR-2", 5, 12, "7mer-m8", 0.5, 0, 40),
    ("tx1", "gA", "miR-1", 5, 12, "7mer-A1", 0.25, 0, 40),
    ("tx2", "gB", "miR-2", 1_000_000, 1_000_006, "6mer", 0.0004, 999_970, 1_000_020),
    ("tx2", "gB", "miR-2", 2_000_000, 2_000_007, "seed-bulge", 1.0, 1_999_970, 2_000_020),
]
LINES = [
    "tx1\t0\t8\tmiR-1\t1000\t+\t0\t7\t128,0,128",
    "tx1\t5\t12\tmiR-2\t500\t+\t5\t12\t255,0,0",
    "tx1\t5\t12\tmiR-1\t250\t+\t5\t11\t0,0,255",
    "tx2\t1000000\t1000006\tmiR-2\t0\t+\t1000000\t1000006\t128,128,128",
    "tx2\t2000000\t2000007\tmiR-2\t1000\t+\t2000000\t2000007\t0,128,0",
]


def make_sites(rows) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [[] for _ in SITES.names]
    arrays = [
        pa.array(column, field.type)
        if not pa.types.is_dictionary(field.type)
        else pa.array(column, pa.string()).dictionary_encode().cast(field.type)
        for column, field in zip((list(column) for column in columns), SITES.schema(), strict=True)
    ]
    return pa.table(arrays, schema=SITES.schema())


def test_bed__plain_text_has_nine_columns_score_and_colour(tmp_path):
    write_bed(make_sites(ROWS), tmp_path / "sites.bed")
    assert (tmp_path / "sites.bed").read_text().splitlines() == LINES


def test_bed__bgzip_is_read_by_gzip_and_tabix(tmp_path):
    path = write_bed(make_sites(ROWS), tmp_path / "sites.bed.gz")
    assert gzip.decompress(path.read_bytes()).decode().splitlines() == LINES
    with pysam.TabixFile(str(path)) as tabix:
        assert list(tabix.contigs) == ["tx1", "tx2"]
        assert list(tabix.fetch("tx2", 1_000_005, 1_000_010)) == LINES[3:4]


def test_bed__no_score_is_zero(tmp_path):
    rows = [(*row[:6], None, None, None) for row in ROWS]
    write_bed(make_sites(rows), tmp_path / "sites.bed")
    assert [line.split("\t")[4] for line in (tmp_path / "sites.bed").read_text().splitlines()] == ["0"] * 5


def test_bed__no_sites_make_an_empty_indexed_file(tmp_path):
    path = write_bed(make_sites([]), tmp_path / "sites.bed.gz")
    assert gzip.decompress(path.read_bytes()) == b""
    with pysam.TabixFile(str(path)) as tabix:
        assert list(tabix.contigs) == []


@pytest.mark.parametrize("name", ["#tx", "@tx", "track1", "browser", "a<script>b", "../../x", "q\"uo'te", "päper", "x" * 255])
def test_bed__odd_names_stay_one_field_of_one_line(tmp_path, name):
    path = write_bed(make_sites([(name, name, name, 3, 9, "6mer", None, None, None)]), tmp_path / "sites.bed.gz")
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    assert len(lines) == 1
    assert lines[0].split("\t")[1:4] == ["3", "9", name]
    with pysam.TabixFile(str(path)) as tabix:
        assert len(tabix.contigs) == 1


def test_bed__chunks_do_not_show(tmp_path, monkeypatch):
    rows = [("tx", "g", f"miR-{i % 7}", i, i + 6 + i % 3, ("6mer", "7mer-m8", "8mer")[i % 3], i / 1000, 0, 50) for i in range(1000)]
    write_bed(make_sites(rows), tmp_path / "whole.bed.gz")
    monkeypatch.setattr(bed, "CHUNK_ROWS", 7)
    write_bed(make_sites(rows), tmp_path / "cut.bed.gz")
    assert (tmp_path / "whole.bed.gz").read_bytes() == (tmp_path / "cut.bed.gz").read_bytes()


def test_bed__positions_past_512_mb_get_a_csi_index(tmp_path):
    path = write_bed(make_sites([("chr", "g", "miR-1", 600_000_000, 600_000_008, "8mer", 0.5, 0, 9)]), tmp_path / "sites.bed.gz")
    assert path.with_name("sites.bed.gz.csi").exists()
    with pysam.TabixFile(str(path), index=f"{path}.csi") as tabix:
        assert len(list(tabix.fetch("chr", 600_000_000, 600_000_001))) == 1


def test_bed__an_error_removes_the_unfinished_file(tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bed, "write_index", fail)
    with pytest.raises(OSError, match="No space left"):
        write_bed(make_sites(ROWS), tmp_path / "sites.bed.gz")
    assert list(tmp_path.iterdir()) == []
