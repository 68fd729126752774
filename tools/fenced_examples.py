"""Examples of docstrings as code: an extension of griffe, which reads the docstrings for mkdocstrings."""

from itertools import groupby

import griffe


class FencedExamples(griffe.Extension):
    """Puts fences around `>>>` and what it prints."""

    def on_object(self, *, obj: griffe.Object, **kwargs) -> None:
        if obj.docstring is not None:
            obj.docstring.value = fence_examples(obj.docstring.value)


def fence_examples(text: str) -> str:
    """Paragraphs that begin with >>> as fenced code.

    >>> fence_examples("What it does.\\n\\n>>> 1 + 1\\n2")
    'What it does.\\n\\n```pycon\\n>>> 1 + 1\\n2\\n```'
    """
    paragraphs = ("\n".join(lines) for is_blank, lines in groupby(text.splitlines(), lambda line: not line.strip()) if not is_blank)
    return "\n\n".join(f"```pycon\n{part}\n```" if part.startswith(">>>") else part for part in paragraphs)
