"""Signals that may end an mRNA early: mRNAs that are cut behind one lack the sites that follow.

Half of human genes have isoforms that end at a signal within the 3'UTR (Tian et al. 2005, doi:10.1093/nar/gki158). Which of them a cell
makes no sequence tells; so each signal before a site makes it less sure.
"""

from dataclasses import dataclass

import numpy as np

from mirscan.jit import helper, njit
from mirscan.sequence.alphabet import N, encode
from mirscan.sequence.transcriptome import Transcriptome

# The signal, its common variant, and those that each end a few mRNAs in a hundred (Beaudoing et al. 2000, doi:10.1101/gr.10.7.1001). By how
# much less than the first they count was found by leaving studies out; .3 to 1 and .1 to .3 do as well.
SIGNALS = {"AATAAA": 1.0, "ATTAAA": 0.5} | dict.fromkeys(
    ("AGTAAA", "TATAAA", "CATAAA", "GATAAA", "AATATA", "AATACA", "AATAGA", "ACTAAA"), 0.2
)
_WORD = 6


@dataclass(frozen=True)
class Signals:
    """The signals of transcript t are `places[first[t] : first[t + 1]]`, where they begin, ascending; `before` (k + 1,): what all before
    one count together.
    """

    first: np.ndarray
    places: np.ndarray
    before: np.ndarray

    def between(self, transcript: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """What the signals that begin from `start` to before `end` of transcripts (n,) count together, (n,) float64.

        Rows in order of transcript and place cost least.
        """
        return _count_between(self.first, self.places, self.before, transcript, start, end, np.empty(len(transcript)))


def find_signals(transcriptome: Transcriptome) -> Signals:
    """The signals of `SIGNALS` on transcripts."""
    weights = np.zeros(4**_WORD)
    weights[[encode(word) @ 4 ** np.arange(_WORD - 1, -1, -1) for word in SIGNALS]] = list(SIGNALS.values())
    walked = transcriptome.codes, transcriptome.begin, transcriptome.end, weights
    first = np.empty(len(transcriptome) + 1, np.int64)
    n = _walk(*walked, first, np.empty(0, np.int32), np.empty(0))
    places, counted = np.empty(n, np.int32), np.empty(n)
    _walk(*walked, first, places, counted)
    return Signals(first, places, np.append(0.0, np.cumsum(counted)))


@njit
def _walk(codes, begin, end, weights, first, places, counted):
    """Number of words with a weight; where there is room their places and weights are written, and `first` those of each transcript."""
    n = 0
    for transcript in range(len(begin)):
        first[transcript] = n
        word, length = 0, 0
        for place in range(begin[transcript], end[transcript]):
            code = codes[place]
            length = 0 if code == N else length + 1
            word = (word * 4 + code) % 4**_WORD if code != N else 0
            if length >= _WORD and weights[word] > 0:
                if n < len(places):
                    places[n] = place - begin[transcript] - (_WORD - 1)
                    counted[n] = weights[word]
                n += 1
    first[len(begin)] = n
    return n


@njit
def _count_between(first, places, before, transcript, start, end, out):
    for row in range(len(transcript)):
        number = transcript[row]
        if row == 0 or number != transcript[row - 1]:
            low = high = first[number]
        low = _seek(places, first[number], first[number + 1], low, start[row])
        high = _seek(places, first[number], first[number + 1], high, max(start[row], end[row]))
        out[row] = before[high] - before[low]
    return out


@helper
def _seek(places, first, last, at, place):
    """First of places[first:last] that is not before `place`, looked for from `at` on."""
    while at > first and places[at - 1] >= place:
        at -= 1
    while at < last and places[at] < place:
        at += 1
    return at
