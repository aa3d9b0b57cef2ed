"""Score finished results: CLAP compares the sound with the words, CLIP or SigLIP the words with the picture.

    python -m pipeline score results/

PE-AV compares the sound with the picture directly. Its weights are large, so it is used only on request.

The cosine similarity of two embeddings means little by itself: it varies between models and between scenes. So each
result's own text is ranked among the texts of other results ("shuffled pairs") by the same model. 100 % means that no
other text fits better; 50 % is chance. When there are few other results, reference texts are added. PE-AV reads no
texts here: a result's sound is ranked among the sounds of the other results, and a single result has no rank.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import SoundscapeError
from ..files import write_file
from ..results.collection import COHERENCE, Entry, read_collection
from ..settings import read_settings
from .embeddings import (
    EMBEDDINGS,
    REFERENCES,
    UNREADABLE,
    Arrays,
    Correspondence,
    Hearing,
    Sight,
    Space,
    is_here,
    key_of,
    read_arrays,
    reference_texts,
    stems_of,
    words_of,
    write_arrays,
)
from .glossary import meanings_of

MEANINGS = {name: each.meaning for name, each in meanings_of("coherence").items()}

FEWEST_OTHERS = 20  # other results; up to this many, reference texts are added
MOST_OTHERS = 500  # texts in a ranking; drawn with the result's name as the seed, so that a rerun gives the same ranks
AT_ONCE = 8  # results whose sounds are in memory together
SOUND_SCORE = "picture_sound_score"
EQUAL = 1e-6  # smaller differences of cosines count as ties

_log = logging.getLogger(__name__)

Vectors = npt.NDArray[np.float32]  # one unit embedding, or one per row

OnProgress = Callable[[str, int, int], None]  # (stage, done, total): "download" in MB, a model's name in results


@dataclass(frozen=True)
class Scored:
    """What a run did: results scored, results that needed a model, and what could not be done."""

    results: int
    computed: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rank:
    """Cosine of the own text, its rank (1 is best, ties share one), and the percentage of the others it beats."""

    score: float
    rank: float
    percentile: float
    others: int


def availability() -> dict[str, str]:
    """Return why a model cannot run here and what to do; "" if it can. Downloads nothing.

    The names are "clap", "clip" and, if PE_AV_MODEL is set, "pe_av".
    """
    return {space.name: _reason(space, download=False) for space in _spaces() if space.is_wanted}


def score_collection(
    root: Path, on_progress: OnProgress | None = None, *, download: bool = False, pe_av: bool = False
) -> Scored:
    """Score all results below `root` against each other, and write coherence.json into each folder.

    Embeddings of unchanged results come from the cache; ranks are always computed anew. Weights are downloaded only
    with `download`. PE-AV is used with `pe_av` or if PE_AV_MODEL is set; its earlier scores are kept in any case.
    Raises SoundscapeError when there is no result, or when no model can run.
    """
    entries = list(read_collection(root))
    if not entries:
        raise SoundscapeError(f"There is no finished result in {root.name or root}.")
    run = _Run(root, entries, download, on_progress or (lambda stage, done, total: None))
    models: dict[str, dict[str, str]] = {}
    reports: dict[str, dict[str, dict[str, Any]]] = {}
    for space in _spaces(pe_av=pe_av):
        found = run.directions(space)
        if found is not None:
            models[space.name] = {"name": space.weights.name, "revision": space.weights.mark}
            reports[space.name] = _WAYS[space.name](entries, found, run.references(space)) if found else {}
    if not reports:
        raise SoundscapeError("The results cannot be scored.\n" + "\n".join(run.warnings))
    for entry in entries:
        mine = [name for name in reports if entry.name in reports[name]]
        report: dict[str, Any] = {"models": {name: models[name] for name in mine}}
        for name in mine:
            report |= reports[name][entry.name]
        path = entry.folder / COHERENCE
        if mine or path.is_file():  # overwrite scores of an earlier sound
            _write_if_changed(path, report)
    return Scored(len(entries), len(run.computed), tuple(run.warnings))


def score_result(folder: Path, on_progress: OnProgress | None = None, *, download: bool = False) -> dict[str, Any]:
    """Score one result against the reference texts and return its coherence.json. Raises as `score_collection`."""
    score_collection(folder, on_progress, download=download)
    report: dict[str, Any] = json.loads((folder / COHERENCE).read_text(encoding="utf-8"))
    return report


def rank_among(own: float, others: Sequence[float] | Vectors) -> Rank:
    """Rank a score among the others. Ties count half, as if they were broken by lot."""
    others = np.asarray(others, dtype=float)
    equal = int(np.count_nonzero(np.abs(others - own) <= EQUAL))
    higher = int(np.count_nonzero(others > own + EQUAL))
    n = others.size
    percentile = 100.0 * (n - higher - equal / 2) / n if n else 50.0
    return Rank(round(float(own), 4), 1 + higher + equal / 2, round(percentile, 1), n)


# Embeddings ----------------------------------------------------------------------------------------------------------


def _spaces(*, pe_av: bool = False) -> tuple[Space, ...]:
    settings = read_settings()
    return Hearing(settings), Sight(settings), Correspondence(settings, is_wanted=pe_av)


def _reason(space: Space, download: bool) -> str:
    """Return why a model cannot be used, "" if it can. Without `download` its weights must be on this machine."""
    reason: str = space.model.reason
    if reason or download or is_here(space.weights):
        return reason
    return (
        f"{space.weights.name} is not on this machine. Run again with --download to fetch {space.download_gb:.1f} GB, "
        f"or set {space.name.upper()}_MODEL to a folder."
    )


class _Run:
    """The embeddings of one tree: read from the cache, or computed and cached at once."""

    def __init__(self, root: Path, entries: Sequence[Entry], download: bool, progress: OnProgress) -> None:
        self._root, self._entries, self._download, self._progress = root, entries, download, progress
        self.computed: set[str] = set()
        self.warnings: list[str] = []

    def directions(self, space: Space) -> dict[str, Arrays] | None:
        """Return the embeddings of each result by name; None when none are cached and the model cannot be used."""
        found: dict[str, Arrays] = {}
        missing = []
        for entry in self._entries:
            content = space.content(entry)
            if content is None:
                continue
            key = key_of(space, content)
            arrays = read_arrays(entry.folder / EMBEDDINGS, space.name, key)
            if arrays is None:
                missing.append((entry, key))
            else:
                found[entry.name] = arrays
        if not space.is_wanted:
            return self._in_order(found) or None
        lacks_references = self._needs_references(space) and self._kept_references(space) is None
        if missing or lacks_references:
            reason = _reason(space, self._download)
            if reason:
                self.warnings.append(f"{space.name.upper().replace('_', '-')} was skipped: {reason}")
                if not found or lacks_references:
                    return None
                missing = []
            else:
                space.model.fetch(lambda done, total: self._progress("download", done, total))
        total = len(found) + len(missing)
        for first in range(0, len(missing), AT_ONCE):
            self._progress(space.name, len(found), total)
            found |= self._computed(space, missing[first : first + AT_ONCE])
        self._progress(space.name, total, total)
        return self._in_order(found)

    def references(self, space: Space) -> Arrays:
        """Return the embeddings of the reference texts, an empty dict when none are needed."""
        if not self._needs_references(space):
            return {}
        kept = self._kept_references(space)
        if kept is None:
            arrays = {name: space.model.text_features(texts) for name, texts in reference_texts().items()}
            kept = write_arrays(self._root / REFERENCES, space.name, key_of(space, reference_texts()), arrays)
        return kept

    def _in_order(self, found: dict[str, Arrays]) -> dict[str, Arrays]:
        return {entry.name: found[entry.name] for entry in self._entries if entry.name in found}

    def _needs_references(self, space: Space) -> bool:
        return space.reads_texts and len(self._entries) <= FEWEST_OTHERS

    def _kept_references(self, space: Space) -> Arrays | None:
        return read_arrays(self._root / REFERENCES, space.name, key_of(space, reference_texts()))

    def _computed(self, space: Space, keyed: Sequence[tuple[Entry, str]]) -> dict[str, Arrays]:
        try:
            made = space.embed([entry for entry, _ in keyed])
        except UNREADABLE as error:
            if len(keyed) == 1:
                self.warnings.append(f"{keyed[0][0].name} was skipped: its picture or one of its sounds is damaged.")
                _log.info("%s: %r", keyed[0][0].name, error)
                return {}
            return {name: arrays for each in keyed for name, arrays in self._computed(space, [each]).items()}
        found = {}
        for (entry, key), arrays in zip(keyed, made):
            found[entry.name] = write_arrays(entry.folder / EMBEDDINGS, space.name, key, arrays)
            self.computed.add(entry.name)
        return found


# Ranks ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pool:
    """Embeddings of all texts (or sounds) of one kind, one per row; and those of reference texts, when needed."""

    rows: Vectors
    references: Vectors | None

    def rank(self, place: int, direction: Vectors, seed: str) -> Rank:
        """Rank row `place` among the others, for the sound or picture with the embedding `direction`."""
        count = len(self.rows)
        if count - 1 > MOST_OTHERS:
            generator = np.random.default_rng(list(hashlib.sha256(seed.encode("utf-8", "surrogatepass")).digest()))
            chosen = generator.choice(count - 1, MOST_OTHERS, replace=False)
            others = self.rows[chosen + (chosen >= place)]
        else:
            others = np.delete(self.rows, place, axis=0)
        scores = others @ direction
        if self.references is not None:
            scores = np.concatenate([scores, self.references @ direction])
        return rank_among(float(self.rows[place] @ direction), scores)


def _heard(entries: Sequence[Entry], found: dict[str, Arrays], references: Arrays) -> dict[str, dict[str, Any]]:
    """Rank each mix's scene among the other scenes, and each stem's words among those of all other sources.

    Sources of the same picture are included: CLAP should tell the birds from the river.
    """
    scenes = _Pool(np.stack([each["scene"] for each in found.values()]), references.get("scenes"))
    words = _Pool(np.concatenate([each["words"] for each in found.values()]), references.get("sounds"))
    reports, first = {}, 0
    for place, entry in enumerate(each for each in entries if each.name in found):
        own, stems = found[entry.name], []
        for number, (path, source) in enumerate(stems_of(entry)):
            rank = words.rank(first + number, own["stems"][number], f"{entry.name}/{path.name}")
            stems.append({"file": path.name, "source": source.name, "text": words_of(source)} | asdict(rank))
        first += len(own["words"])
        report = _named("mix_text", scenes.rank(place, own["mix"], entry.name))
        if stems:
            report["stems_text_score"] = round(fmean(stem["score"] for stem in stems), 4)
            report["stems_text_percentile"] = round(fmean(stem["percentile"] for stem in stems), 1)
        reports[entry.name] = report | {"stems": stems}
    return reports


def _seen(entries: Sequence[Entry], found: dict[str, Arrays], references: Arrays) -> dict[str, dict[str, Any]]:
    """Rank each picture's scene among the other scenes."""
    scenes = _Pool(np.stack([each["scene"] for each in found.values()]), references.get("scenes"))
    there = [entry for entry in entries if entry.name in found]
    return {
        entry.name: _named("picture_text", scenes.rank(place, found[entry.name]["picture"], entry.name))
        for place, entry in enumerate(there)
    }


def _seen_and_heard(entries: Sequence[Entry], found: dict[str, Arrays], _: Arrays) -> dict[str, dict[str, Any]]:
    """Rank each mix among the other mixes, for the same picture. A single result gets its score without a rank."""
    mixes = _Pool(np.stack([each["mix"] for each in found.values()]), None)
    reports = {}
    for place, entry in enumerate(each for each in entries if each.name in found):
        report = _named("picture_sound", mixes.rank(place, found[entry.name]["picture"], entry.name))
        reports[entry.name] = report if len(found) > 1 else {SOUND_SCORE: report[SOUND_SCORE]}
    return reports


_WAYS = {"clap": _heard, "clip": _seen, "pe_av": _seen_and_heard}


def _named(name: str, rank: Rank) -> dict[str, Any]:
    return {f"{name}_{field}": value for field, value in asdict(rank).items()}


def _write_if_changed(path: Path, report: dict[str, Any]) -> None:
    data = json.dumps(report, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if not path.is_file() or path.read_bytes() != data:
        write_file(path, data)
