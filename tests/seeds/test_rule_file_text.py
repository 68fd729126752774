"""A rule file may come from any editor."""

import pytest

from mirscan.seeds.rule_files import read_rule_file


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_rule_file__mark_and_line_ends(tmp_path, end):
    path = tmp_path / "rules.toml"
    path.write_bytes(b"\xef\xbb\xbf" + end.join([b"[mine]", b'paired = "2-8"', b""]))
    assert [rule.name for rule in read_rule_file(path)] == ["mine"]


def test_rule_file__dashes_of_typeset_papers(tmp_path):
    (tmp_path / "rules.toml").write_text('[mine]\npaired = "2\u20138"\n', encoding="utf-8")
    (tmp_path / "plain.toml").write_text('[mine]\npaired = "2-8"\n')
    assert read_rule_file(tmp_path / "rules.toml") == read_rule_file(tmp_path / "plain.toml")
