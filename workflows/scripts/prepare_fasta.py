"""Join FASTA files, packed or not, into one that a scan accepts: without empty, short, unwanted and repeated records.

Ensembl's BioMart writes "Sequence unavailable" where a transcript has no 3'UTR, and exports that overlap repeat records; both
would stop a scan. A name that comes back with another sequence is kept, so that the scan can refuse it.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mirscan.sequence.text import open_text

UNAVAILABLE = b"sequenceunavailable"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fasta", nargs="+", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--min-length", type=int, default=1, help="in nt")
    parser.add_argument("--drop", default="", help="regular expression on the header")
    arguments = parser.parse_args()
    try:
        counts = join_records(arguments.fasta, arguments.out, arguments.min_length, arguments.drop)
    except (OSError, ValueError, re.error) as error:
        sys.exit(f"prepare_fasta: {error}")
    if not counts["kept"]:
        sys.exit(f"prepare_fasta: none of {counts.total():,} records is left; loosen min_length and drop in the config")
    print(f"{arguments.out}: " + ", ".join(f"{count:,} {what}" for what, count in counts.items()))


def join_records(paths: list[Path], out: Path, min_length: int, drop: str) -> Counter:
    """Write the records that stay to `out`, and count records by what became of them."""
    counts, seen, unwanted = Counter(kept=0), {}, re.compile(drop) if drop else None
    with open(out, "wb") as target:
        for path in paths:
            for header, lines in read_records(path):
                reason = judge(header, b"".join(lines), seen, min_length, unwanted)
                counts[reason] += 1
                if reason == "kept":
                    target.writelines([b">", header, b"\n", *(line + b"\n" for line in lines)])
    return counts


def judge(header: bytes, sequence: bytes, seen: dict[bytes, int], min_length: int, unwanted: re.Pattern | None) -> str:
    """What becomes of a record: "kept", or why not."""
    if not sequence or sequence.replace(b" ", b"").lower() == UNAVAILABLE:
        return "without a sequence"
    if len(sequence) < min_length:
        return f"shorter than {min_length} nt"
    if unwanted is not None and unwanted.search(header.decode("utf-8", "replace")):
        return "dropped by header"
    name, content = header.split()[0], hash(sequence.upper())
    if seen.get(name) == content:
        return "repeated"
    seen[name] = content
    return "kept"


def read_records(path: Path) -> Iterator[tuple[bytes, list[bytes]]]:
    """Header without '>' and sequence lines of every record."""
    header, lines = None, []
    with open_text(path) as handle:
        for line in map(bytes.strip, handle):
            if line.startswith(b">"):
                if header is not None:
                    yield header, lines
                header, lines = line[1:].strip(), []
                if not header:
                    raise ValueError(f"{path}: a header without a name; expected '>name'")
            elif line and header is None:
                raise ValueError(f"{path}: {line[:30]!r} before the first header; expected FASTA")
            elif line:
                lines.append(line)
    if header is not None:
        yield header, lines


if __name__ == "__main__":
    main()
