"""What programs and administrators read: JSON answers, JSON lines of a log, exit codes, completion, no colour, the self-check."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import mirscan.doctor
from mirscan.cli.command_tree import iter_commands
from mirscan.cli.completion import WORDS
from mirscan.cli.main import app

EXAMPLES = Path(__file__).parents[2] / "examples"
SCAN = ("scan", "--mirnas", EXAMPLES / "mirnas.fa", "--utrs", EXAMPLES / "utrs.fa.gz", "--model", "none", "--quiet")


@pytest.fixture(autouse=True)
def _restored_logger():
    logger = logging.getLogger("mirscan")
    before, level = list(logger.handlers), logger.level
    yield
    for handler in set(logger.handlers) - set(before):
        handler.close()
        logger.removeHandler(handler)
    logger.setLevel(level)


def run(*words):
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def command(*words, **variables) -> subprocess.CompletedProcess:
    environment = {**os.environ, **variables}
    return subprocess.run([sys.executable, "-m", "mirscan", *map(str, words)], capture_output=True, text=True, env=environment)


def test_status_and_models__as_json(tmp_path):
    assert run(*SCAN, "--out", tmp_path / "out").exit_code == 0
    state = json.loads(run("status", tmp_path / "out", "--json").stdout)
    assert (state["is_finished"], state["n_sites"], state["failures"]) == (True, 3447, {})
    cards = {card["name"]: card for card in json.loads(run("models", "list", "--json").stdout)}
    assert cards["base"]["layout"]["length"] == 50 and cards["base"]["parameters"] > 0


def test_evaluate__as_json_alone_on_standard_output(write_pairs, tmp_path):
    result = run("evaluate", write_pairs(n=60), "--model", "duplex", "--folds", 10, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer == json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert "written: " in result.stderr


def test_log_file__holds_one_object_a_line(tmp_path):
    log = tmp_path / "mirscan.log"
    assert run("--log-file", log, "--log-level", "debug", *SCAN, "--out", tmp_path / "out", "--part-rows", 1000).exit_code == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["message"] for line in lines if line["level"] == "info"] == ["started", "planned"]
    assert lines[1]["parts"] == 3 and max(line.get("parts_done", 0) for line in lines) == 3
    assert all(line["time"].endswith("Z") and line["logger"].startswith("mirscan") for line in lines)


def test_log_file__of_a_process_ends_with_its_exit_code(tmp_path):
    ended = command("--log-file", tmp_path / "log", "status", tmp_path / "nothing")
    assert ended.returncode == 1 and ended.stderr.count("\n") == 1
    first, error, last = (json.loads(line) for line in (tmp_path / "log").read_text().splitlines())
    assert first["arguments"][-2:] == ["status", str(tmp_path / "nothing")]
    assert (error["level"], last["exit_code"]) == ("error", 1) and "not a run" in error["message"]


def test_log_file__of_an_earlier_command_is_closed(tmp_path):
    assert run("--log-file", tmp_path / "first", "models", "list").exit_code == 0
    (earlier,) = logging.getLogger("mirscan").handlers
    assert run("--log-file", tmp_path / "second", "models", "list").exit_code == 0
    assert earlier.stream is None


def test_log_level__alone_goes_to_standard_error(tmp_path):
    result = run("--log-level", "info", *SCAN, "--out", tmp_path / "out")
    assert "mirscan: INFO: planned" in result.stderr and "INFO" not in result.stdout


def test_log_file__that_cannot_be_written_is_one_line(tmp_path):
    result = run("--log-file", tmp_path / "no" / "log", "models", "list")
    assert result.exit_code == 1 and result.stderr.count("\n") == 1 and "--log-file" in result.stderr


def test_exit_codes():
    assert command("models", "list").returncode == 0
    assert command("models", "show", "nothing").returncode == 1
    assert command("scan", "--nonsense").returncode == 2


def test_no_color__is_respected_where_colour_is_forced(write_pairs):
    words = ("evaluate", write_pairs(n=60), "--model", "duplex", "--folds", 5)
    coloured = command(*words, FORCE_COLOR="1", NO_COLOR="1")
    assert coloured.returncode == 0
    assert not any(f"\x1b[{code}" in coloured.stdout for code in range(30, 50))


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("sta", ["status"]),
        ("models ch", ["check"]),
        ("scan --see", ["--seeds"]),
        ("scan --seeds e", ["extended"]),
        ("scan --seeds 8mer,offset-", ["8mer,offset-7mer", "8mer,offset-6mer", "8mer,offset-9-mer-m7"]),
        ("scan --gene-method n", ["noisy-or"]),
        ("scan --features end", ["end_distance"]),
        ("scan --model b", ["base", "base-pretrained"]),
        ("scan --gene-model r", ["repression"]),
        ("train --architecture resnet_m", ["resnet_medium"]),
        ("train --loss f", ["focal"]),
        ("query out --format j", ["json"]),
        ("query out --type 8mer-", ["8mer-GU"]),
        ("explain d", ["duplex"]),
        ("negatives --kind sh", ["shuffled"]),
        ("export out --format igv", ["igv"]),
        # Nothing of its own, so that the shell offers files.
        ("scan --mirnas m", []),
    ],
)
def test_completion__offers(typed, offered):
    # As the installed script does: the variable bears its name.
    code = "import sys; sys.argv = ['mirscan']; from mirscan.cli.main import main; main()"
    asked = {"_MIRSCAN_COMPLETE": "complete_bash", "COMP_WORDS": f"mirscan {typed}", "COMP_CWORD": str(len(typed.split()))}
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **asked})
    assert completed.stdout.split() == offered


def test_completion__loads_nothing_heavy():
    code = "import sys; from mirscan.cli.completion import WORDS; [list(words.read()) for words in WORDS.values()]; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numba", "tensorflow", "keras", "duckdb", "pandas"} & set(loaded)


def test_completion__words_belong_to_an_option():
    names = {parameter.name for _, command, _ in iter_commands() for parameter in command.params}
    assert set(WORDS) - names == {"card"}


def test_doctor__checks_this_installation(monkeypatch):
    result = run("doctor", "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 0 and [check["passed"] for check in answer["checks"]] == [True] * 3
    assert {"mirscan", "python", "numpy", "processor", "memory", "gpu", "cache"} <= set(answer["machine"])


def test_doctor__names_what_fails(monkeypatch):
    for module in (mirscan.doctor, mirscan.run.first_run):
        monkeypatch.setattr(module, "MIRNA", "CCCCCCCCCCCCCCCCCCCCCC")
    result = run("doctor")
    assert result.exit_code == 1
    failed = [line for line in result.stdout.splitlines() if line.startswith("FAILED")]
    assert len(failed) == 2 and "expected [(17, 25, '8mer')]" in failed[0]
