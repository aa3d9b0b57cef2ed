"""Results sorted into groups: a group holds what one pair of models made of the pictures in one tree.

The picture is the unit of all comparisons. It is identified by the hashes of its file and of picture.jpg, so two trees
of the same pictures are compared picture by picture.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePath
from typing import Any

from ..errors import SoundscapeError, did_you_mean
from ..results.collection import Entry, read_collection
from ..results.result import PICTURE

BY_HAND = "a given description"  # in place of the vision model, when a person wrote or edited the description
NO_PICTURE = "none:"


@dataclass(frozen=True)
class Sample:
    """One result, with the identity of its picture."""

    picture: str
    entry: Entry

    @property
    def name(self) -> str:
        return self.entry.name


@dataclass(frozen=True)
class Group:
    """The results of one vision and one audio model in one tree. `label` is unique in a study."""

    label: str
    root: Path
    vision: str
    audio: str
    samples: tuple[Sample, ...]

    @property
    def folder(self) -> str:
        return _folder_name(self.root)

    @property
    def pictures(self) -> set[str]:
        return {sample.picture for sample in self.samples}

    @property
    def options(self) -> set[str]:
        """The distinct options used to make the sounds, each as JSON."""
        return {json.dumps(sample.entry.manifest.get("options"), sort_keys=True) for sample in self.samples}

    def settings(self, key: str) -> list[Any]:
        """Return the distinct numbers in the manifests under `key`, such as "duration_s", sorted."""
        found = [sample.entry.manifest.get(key) for sample in self.samples]
        return sorted({value for value in found if isinstance(value, int | float)})


def read_groups(roots: Sequence[Path]) -> list[Group]:
    """Read trees of results into groups, in the order of the trees.

    Raises SoundscapeError when a folder does not exist or has no finished results.
    """
    trees = []
    for root in dict.fromkeys(root.resolve() for root in roots):
        if not root.is_dir():
            raise SoundscapeError(f"There is no folder {root.name}.")
        entries = list(read_collection(root))
        if not entries:
            raise SoundscapeError(f"{root.name} holds no finished results.")
        trees.append((root, entries))
    return _labelled(_sorted_in(trees))


def find_group(groups: Iterable[Group], name: str) -> Group:
    """Return the group with this label, number (1, 2, ...) or folder. Raises SoundscapeError that names the choices."""
    groups = list(groups)
    if name.isdecimal() and 1 <= int(name) <= len(groups):
        return groups[int(name) - 1]
    exact = [group for group in groups if group.label == name]
    among = exact or [g for g in groups if name.strip("/") in (g.folder, str(g.root)) or Path(name).resolve() == g.root]
    if len(among) == 1:
        return among[0]
    labels = [group.label for group in groups]
    if among:
        raise SoundscapeError(f"'{name}' fits more than one group. Choose one of: {', '.join(labels)}.")
    raise SoundscapeError(f"There is no group '{name}'.{did_you_mean(name, labels)}")


def common_pictures(a: Group, b: Group) -> list[str]:
    """Return the pictures that have a result in both groups, in the order of `a`."""
    return [picture for picture in dict.fromkeys(s.picture for s in a.samples) if picture in b.pictures]


def _sorted_in(trees: list[tuple[Path, list[Entry]]]) -> Iterator[tuple[Path, str, str, tuple[Sample, ...]]]:
    pictures = _pictures([entry for _, entries in trees for entry in entries])
    for root, entries in trees:
        by_models: dict[tuple[str, str], list[Sample]] = defaultdict(list)
        for entry in entries:
            models = (_models(entry.manifest.get("vision")) or BY_HAND, _models(entry.manifest.get("audio")) or "?")
            by_models[models].append(Sample(pictures[id(entry)], entry))
        for (vision, audio), samples in by_models.items():
            yield root, vision, audio, tuple(samples)


def _labelled(parts: Iterable[tuple[Path, str, str, tuple[Sample, ...]]]) -> list[Group]:
    """Give each group the shortest unique label: backends, else models, else with the folder."""
    parts = list(parts)
    folders = _short_names([root for root, *_ in parts])
    ways = [
        [f"{_backend(vision)} + {_backend(audio)}" for _, vision, audio, _ in parts],
        [f"{vision} + {audio}" for _, vision, audio, _ in parts],
        [f"{folders[root]}: {_backend(vision)} + {_backend(audio)}" for root, vision, audio, _ in parts],
        [f"{folders[root]}: {vision} + {audio}" for root, vision, audio, _ in parts],
    ]
    labels = [next((name for name, of in zip(names, ways) if of.count(name) == 1), names[-1]) for names in zip(*ways)]
    return [Group(label, *part) for label, part in zip(labels, parts)]


def _backend(models: str) -> str:
    return models.partition(" (")[0]


def _short_names(roots: list[Path]) -> dict[Path, str]:
    """Return the shortest unique name of each folder: as few of its last path parts as possible."""
    roots = list(dict.fromkeys(roots))
    for count in range(1, max(len(root.parts) for root in roots) + 1):
        names = {root: "/".join(root.parts[-count:]) for root in roots}
        if len(set(names.values())) == len(roots):
            break
    return names


def _models(card: Any) -> str:
    """Return "qwen2.5-vl (Qwen/Qwen2.5-VL-3B-Instruct)" for a model card; of a local model folder only its name."""
    if not isinstance(card, dict):
        return ""
    backend, model = str(card.get("backend") or ""), str(card.get("model") or "")
    model = PurePath(model).name if PurePath(model).is_absolute() else model
    return f"{backend} ({model})" if model and model != backend else backend


def _pictures(entries: list[Entry]) -> dict[int, str]:
    """Return the picture of each entry, by the entry's id(). Entries that share a hash have the same picture."""
    of_hash: dict[str, str] = {}
    for entry in entries:
        hashes = _hashes(entry)
        known = {of_hash[each] for each in hashes if each in of_hash}
        picture = min(known, default=hashes[0])
        if len(known) > 1:
            of_hash |= {each: picture for each, other in of_hash.items() if other in known}
        of_hash |= dict.fromkeys(hashes, picture)
    return {id(entry): of_hash[_hashes(entry)[0]] for entry in entries}


def _hashes(entry: Entry) -> list[str]:
    """Return the hashes of a result's picture; without a picture, a unique value."""
    manifest = entry.manifest
    files = manifest.get("files")
    found = [part.get("sha256") for part in (_part(files, PICTURE), _part(manifest, "input"))]
    return [each for each in found if isinstance(each, str)] or [
        f"{NO_PICTURE}{sha256(str(entry.folder).encode()).hexdigest()}"
    ]


def _part(data: Any, key: str) -> dict[str, Any]:
    """Return the object at `key`, an empty one when a damaged manifest has something else there."""
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def _folder_name(root: Path) -> str:
    return root.name or root.as_posix()
