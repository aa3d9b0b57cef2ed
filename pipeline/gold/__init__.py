"""A benchmark for descriptions: labelled pictures, and scores of how well a vision model names their sounds.

    python -m pipeline gold FOLDER [--vision NAME | --results RESULTS] [--csv FILE]

FOLDER holds pictures and a gold.json, which lists what can be heard in each picture:

    {"format": 1,
     "about": "any text",
     "pictures": {
       "harbour.jpg": {
         "gold": [
           {"any_of": ["lapping water", "waves"], "box": [0.0, 0.53, 1.0, 1.0], "weight": 2},
           "gulls"],
         "possible": ["wind", "ship horn"],
         "forbidden": ["traffic", {"any_of": ["dog", "barking"]}]}}}

    pictures    keys are paths in FOLDER, with "/"; the file ending may be left out
    gold        must be named: it is visible and makes sound, or it is essential to the place
    possible    may be named: neither rewarded nor penalised
    forbidden   would be absurd there
    any_of      names of equal value; an entry that is a plain string has that one name
    box         bounding box x0, y0, x1, y1 in shares of width and height, 0 to 1; optional
    weight      weight of a gold entry in the weighted recall, above 0; 1 by default

At least one of the three lists must hold an entry. An older format, labels.json, is read too ({"harbour":
{"acceptable": [...], "absurd": [...], "boxes": {"gull": [...]}}}): acceptable means possible, absurd means forbidden.
It does not say what must be heard, so it yields neither precision nor recall.

How a source is matched (`matching.py`): a name fits a source when each of its words is among the words of the source's
name, material and action. Words are compared by their stems (dripping, drips). A word of four letters or more also
matches as one half of a longer word (gull in seagulls). Words after a preposition other than "of" say where the sound
is, not what it is ("rain on a roof" is rain). Such words of a name may match anywhere in the source.

How a description is judged (`scoring.py`): muted sources are ignored. A source is

    forbidden   when a forbidden name fits it, unless a gold or possible name with as many words fits too
    gold        when it is matched with a gold entry: one source per entry, as many matches as possible
    repeat      when it fits a gold entry matched with another source, by a name with more words than any possible name
                that fits
    possible    when a possible name fits it
    unlisted    otherwise

The measures are

    precision               gold / (gold + forbidden + unlisted)
    recall                  matched gold entries / all gold entries; weighted: the same with weights
    F1                      2 gold / (2 gold + forbidden + unlisted + missed gold entries)
    first acceptable        share of descriptions whose first source is gold, repeat or possible
    sources acceptable      share of sources that are gold, repeat or possible
    forbidden sources       share of sources that are forbidden
    with a forbidden one    share of descriptions with at least one forbidden source
    has a box               of the entries that have a box and were found, the share whose source has one too; a gold
                            entry is found when it is matched, a possible entry when it fits a source
    box within 0.15         of the same entries, the share whose source's box has its centre within this distance
    centre distance         distance of the centres of both boxes, in shares of the picture's width and height
    overlap                 intersection over union of both boxes

A picture without gold entries has neither precision nor recall. A picture without a description counts as one in which
nothing was heard. Micro pools the sources of all pictures; macro is the mean of the figures of each picture. Both come
with a 95 % interval over pictures (`intervals.py`). The last table gives the share of acceptable sources by confidence;
it rises if the confidences are honest.
"""

from .labels import Entry, Labels, read_labels
from .scoring import Verdict, judge

__all__ = ["Entry", "Labels", "Verdict", "judge", "read_labels"]
