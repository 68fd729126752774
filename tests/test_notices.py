"""Messages speak of one thing in the singular: every counted noun of an f-string goes through `counted` or a Notice."""

import ast
import re
from pathlib import Path

import mirscan
from mirscan.notices import Notice, counted

# What runs and pairs are made of, with a word before it or none.
NOUNS = re.compile(
    r" (?:[a-z]+ )?(?:sites|transcripts|genes|miRNAs|pairs|parts|rows|records|windows|bases|candidates|positives|negatives|experiments"
    r"|targets|duplicates|shuffles|samples|files)\b(?!/)"
)
NOT_COUNTED = re.compile(r" (?:of|to|negatives a positive)\b")
# "1 of 1 transcripts" is right.
PART_OF = re.compile(r"(?:^| )of (?:the |its )?$")


def numbers_before_nouns(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.JoinedStr):
            continue
        for before, number, text in zip([None, *node.values], node.values, node.values[1:], strict=False):
            is_count = isinstance(number, ast.FormattedValue) and isinstance(text, ast.Constant) and ":," in ast.unparse(number)
            is_part = isinstance(before, ast.Constant) and PART_OF.search(before.value)
            if is_count and not is_part and NOUNS.match(text.value) and not NOT_COUNTED.match(text.value):
                yield f"{path}:{node.lineno}: {ast.unparse(number)}{text.value[:30]!r}"


def test_counts__never_read_as_one_sites():
    package = Path(mirscan.__file__).parent
    assert [found for path in package.rglob("*.py") if path.name != "notices.py" for found in numbers_before_nouns(path)] == []


def test_counts__of_one_and_of_many():
    assert (counted(0, "site"), counted(1, "site"), counted(1_234, "site")) == ("0 sites", "1 site", "1,234 sites")
    assert str(Notice("pairs carry both labels; they count as they stand", 1, "")) == "1 pair carries both labels; it counts as it stands"
    assert str(Notice("bootstrap samples have no value and are left out of its interval", 1, "")).startswith(
        "1 bootstrap sample has no value and is"
    )
