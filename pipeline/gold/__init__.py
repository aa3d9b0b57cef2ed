"""A benchmark of descriptions: pictures, what is to be heard in them, and how well a vision model finds it.

    python -m pipeline gold FOLDER [--vision NAME | --results RESULTS] [--csv FILE]

FOLDER holds pictures and a gold.json that says of each what is heard there:

    {"format": 1,
     "about": "any text",
     "pictures": {
       "harbour.jpg": {
         "gold": [
           {"any_of": ["lapping water", "waves"], "box": [0.0, 0.53, 1.0, 1.0], "weight": 2},
           "gulls"],
         "possible": ["wind", "ship horn"],
         "forbidden": ["traffic", {"any_of": ["dog", "barking"]}]}}}

    pictures    by their path in FOLDER, with "/"; the ending may be left out
    gold        what must be named: it is seen and sounds, or nobody would think of the place without it
    possible    what may be named: neither rewarded nor punished
    forbidden   what would be absurd there
    any_of      names that are as good as one another; an entry that is only a text has that one name
    box         where it is: x0, y0, x1, y1 in shares of width and height, 0 to 1; may be left out
    weight      how much a gold entry counts in the weighted recall, above 0; 1 when left out

Any of the three lists may be left out or empty, though not all of them. A folder with a labels.json of the older form
({"harbour": {"acceptable": [...], "absurd": [...], "boxes": {"gull": [...]}}}) is read too: acceptable is possible,
absurd is forbidden. Such labels say what may be heard and not what must be, so they yield neither precision nor recall.

How a source is matched (`matching.py`): a name stands for a source when each of its words is among the words of the
source's name, material and action. Words are compared by their stems (dripping, drips), and a word of four letters or
more is also found as one half of a longer one (gull in seagulls). What follows a preposition is where something
sounds, not what ("rain on a roof" is rain), but for "of". Of a name, such words may be found anywhere in the source.

How a description is judged (`scoring.py`): sources that are muted are left out. A source is

    forbidden   when a forbidden name stands for it, unless a gold or possible name of as many words does too
    gold        when it is matched with a gold entry, one source to one entry, as many as can be
    repeat      when it could be matched with a gold entry that another source has taken, by a name of more words than
                any possible one
    possible    when a possible name stands for it
    unlisted    otherwise

and from these come

    precision               gold / (gold + forbidden + unlisted)
    recall                  gold entries that are matched / all gold entries; weighted: the same by weight
    F1                      2 gold / (2 gold + forbidden + unlisted + gold entries that are missed)
    first acceptable        share of descriptions whose first source is gold, repeat or possible
    sources acceptable      share of sources that are gold, repeat or possible
    forbidden sources       share of sources that are forbidden
    with a forbidden one    share of descriptions with at least one forbidden source
    has a box               share of found entries with a box whose source has one; an entry is found when it is
                            matched, or, when it is a possible one, when it stands for a source
    box within 0.15         share of found entries with a box whose source's box has its centre that near
    centre distance         between the centres of both boxes, in shares of the picture's width and height
    overlap                 intersection over union of both boxes

A picture without gold entries has neither precision nor recall; one without a description counts as one in which
nothing was heard. Micro pools the sources of all pictures; macro is the mean of the pictures' own figures. Each comes
with an interval of 95 % over pictures (`intervals.py`). The last table says how often sources of each confidence are
acceptable; honest confidences rise with it.
"""

from .labels import Entry, Labels, read_labels
from .scoring import Verdict, judge

__all__ = ["Entry", "Labels", "Verdict", "judge", "read_labels"]
