import pytest

from mirscan.errors import InputError
from mirscan.scoring import processor


def _set_flags(monkeypatch, *flags):
    monkeypatch.setattr(processor, "processor_flags", lambda: frozenset(flags))
    monkeypatch.setattr(processor, "processor_name", lambda: "Test CPU")


def test_choose_precision__auto_follows_the_processor(monkeypatch):
    _set_flags(monkeypatch, "avx512f", "avx512_bf16")
    assert processor.choose_precision("auto", has_gpu=False) == "bfloat16"
    assert processor.bfloat16_unit() == "avx512_bf16"
    _set_flags(monkeypatch, "avx2")
    assert processor.choose_precision("auto", has_gpu=False) == "float32"
    assert processor.choose_precision("auto", has_gpu=True) == "bfloat16"


def test_choose_precision__amx_is_named_before_avx512(monkeypatch):
    _set_flags(monkeypatch, "avx512_bf16", "amx_bf16")
    assert processor.bfloat16_unit() == "amx_bf16"


def test_choose_precision__bfloat16_without_a_unit_is_refused_with_the_way_out(monkeypatch):
    _set_flags(monkeypatch, "avx2")
    with pytest.raises(InputError, match="Test CPU has neither amx_bf16 nor avx512_bf16; use --precision float32"):
        processor.choose_precision("bfloat16", has_gpu=False)


def test_choose_precision__float32_is_always_there(monkeypatch):
    _set_flags(monkeypatch, "avx512_bf16")
    assert processor.choose_precision("float32", has_gpu=True) == "float32"


def test_choose_precision__unknown_word_lists_the_known_ones():
    with pytest.raises(InputError, match="precision 'float16': unknown; expected one of auto, float32, bfloat16"):
        processor.choose_precision("float16", has_gpu=False)
