import gzip
import subprocess
from pathlib import Path

import pysam
import pytest

from mirscan.output import bgzip
from mirscan.output.bgzip import BgzipFile


def test_bgzip__is_gzip_to_gzip_and_blocks_to_htslib(tmp_path):
    text = b"".join(b"tx%d\t%d\n" % (i, i * i) for i in range(50_000))
    path = tmp_path / "x.tsv.gz"
    file = BgzipFile(path)
    for first in range(0, len(text), 77_777):
        file.write(text[first : first + 77_777])
    file.close()
    assert gzip.decompress(path.read_bytes()) == text
    assert subprocess.run(["gzip", "-t", path]).returncode == 0
    with pysam.BGZFile(str(path)) as blocks:
        assert blocks.read(len(text) + 1) == text
    # The empty block that ends every whole BGZF file (SAM specification, 4.1.2).
    assert path.read_bytes().endswith(bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000"))


def test_bgzip__a_full_disk_is_told_as_such(tmp_path, monkeypatch):
    monkeypatch.setattr(bgzip, "LITTLE_SPACE", 1 << 62)

    class FullDisk:
        def write(self, text=b""):
            raise OSError("Error writing to BGZFile object")

        close = write

    file = BgzipFile(Path(tmp_path / "x.gz"))
    file.close()
    file._file = FullDisk()
    for fails in (lambda: file.write(b"x"), file.close):
        with pytest.raises(OSError, match="No space left") as error:
            fails()
        assert error.value.errno == 28
