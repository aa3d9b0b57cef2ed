"""The first stage: a description for every picture, kept while picture and model stay what they are."""

import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PIL import Image

from .. import backends
from ..backends.vision.instruction import TEMPLATE
from ..describe import describe_batch
from ..errors import Cancelled, SoundscapeError
from ..files import check_file, sha256_of
from ..job import OnProgress, made_by
from ..picture import MAX_FILE_BYTES, load_picture
from ..results.result import BEFORE, SOUNDSCAPE, says, write_soundscape
from ..soundscape import Soundscape
from . import storage
from .inputs import DOCUMENTS, is_at, not_described, read_document, seed_from, soundscape_of
from .record import Record, digest
from .stage import PICTURES_TOGETHER, Plan, Row, Stage, told


class Describer(Stage):
    """Puts a soundscape.json into the folder of each result, unless the one there is of this picture and this model.

    What a person has edited in it stays, until the picture changes or another model is asked for.
    """

    name = "describe"

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._vision = ""
        if not plan.skip_vlm:
            self._vision, self._model = backends.load_vision(plan.vision)
            self._card = made_by(self._vision)
            self._ground = [self._vision, self._card["model"], self._card["revision"], _instruction(self._vision)]
            if self._vision not in backends.EMBEDDED:
                self.together = PICTURES_TOGETHER

    def work(self, rows: list[Row], on_progress: OnProgress) -> list[Row]:
        prepared = [told(row, "picture", partial(self._prepared, row)) for row in rows]
        pictures = [each.picture for each in prepared if isinstance(each, _New) and each.picture]
        looked = iter(self._look(pictures, on_progress))
        done = []
        for row, each in zip(rows, prepared):
            if isinstance(each, _New):
                found, seconds = next(looked) if each.picture else (each.soundscape, 0.0)
                each = told(row, "describe", partial(self._written, row, each.record, found, seconds))
            done.append(each)
        return done

    def _prepared(self, row: Row) -> "Row | _New":
        """Return the row when its description is there, else what is needed to write it."""
        path, document = storage.place(row["picture"]), self.folder(row) / SOUNDSCAPE
        finished = row | {"soundscape": str(document)}
        if is_at(path, document):
            return finished
        is_picture = path.suffix.lower() not in DOCUMENTS
        if is_picture and self.plan.skip_vlm:
            if not document.is_file():
                raise not_described(row)
            return finished
        with storage.local_copy(path) as local:
            check_file(local, MAX_FILE_BYTES if is_picture else None)  # before all of it is read
            sha256 = sha256_of(local)
            record = Record(digest("description", sha256, self._ground if is_picture else ""), sha256)
            before = Record.read(self.plan.out, row["name"])
            if not self.plan.again and before and document.is_file() and self._stays(before, record, document):
                return finished | {"unchanged": True} if self.plan.skip_audio else finished
            if is_picture:
                return _New(replace(record, vision=self._card), picture=load_picture(local))
            soundscape, seed = read_document(local)
            # Not from its content: editing one source is to leave the sounds of the others.
            seed = seed_from(digest(row["source"])) if seed is None else seed
            return _New(replace(record, seed=seed), soundscape=soundscape)

    def _stays(self, before: Record, now: Record, document: Path) -> bool:
        """True when the description is that of this input and model; an edited one outlives another revision of it."""
        if before.key == now.key:
            return True
        is_same = before.sha256 == now.sha256 and (before.vision or {}).get("backend") == self._vision
        return is_same and _is_edited(storage.read_bytes(document), before)

    def _look(self, pictures: list[Image.Image], on_progress: OnProgress) -> list[tuple[Soundscape | Exception, float]]:
        """Return what each picture is described as, or why not, and the seconds it took."""
        if not pictures:
            return []
        self.load(self._model)
        start = time.perf_counter()
        on_progress("describe", 0, len(pictures))
        try:
            outcomes = describe_batch(pictures, self._vision, on_step=partial(on_progress, "describe"))
        except Cancelled:
            raise
        except Exception as error:
            if len(pictures) > 1:  # one of them must not cost the others
                return [found for picture in pictures for found in self._look([picture], on_progress)]
            outcomes = [error]
        seconds = round((time.perf_counter() - start) / len(pictures), 3)
        return [(outcome, seconds) for outcome in outcomes]

    def _written(self, row: Row, record: Record, found: Soundscape | Exception, seconds: float) -> Row:
        if isinstance(found, Exception):
            raise found
        folder = self.folder(row)
        document = folder / SOUNDSCAPE
        earlier = storage.read_bytes(document) if document.is_file() else found.to_json().encode()
        with storage.working_folder(folder) as local:
            write_soundscape(local, found)
        record = replace(record, soundscape=digest(found.to_json()), seconds=seconds)
        record.write(self.plan.out, row["name"])  # last: without it the description is not finished
        done = row | {"soundscape": str(document)}
        return done if says(earlier, found) else done | {"earlier_soundscape": str(folder / BEFORE)}


@dataclass(frozen=True)
class _New:
    """A description that is to be written: of a picture, or as it was read from a file."""

    record: Record
    picture: Image.Image | None = None
    soundscape: Soundscape | None = None


def _is_edited(document: bytes, record: Record) -> bool:
    """True when a person has changed the description since, be it into one that cannot be read."""
    try:
        return not record.is_of(soundscape_of(document, SOUNDSCAPE))
    except SoundscapeError:
        return True


def _instruction(vision: str) -> str:
    """Return what a real model is asked, which anyone may edit; the tagger is asked nothing."""
    return "" if vision in backends.EMBEDDED else TEMPLATE.read_text(encoding="utf-8", errors="replace")
