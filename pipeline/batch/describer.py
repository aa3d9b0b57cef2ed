"""The first stage: a description for each picture, which is kept until the picture or the model changes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from PIL import Image

from .. import backends
from ..backends.vision.instruction import TEMPLATE
from ..describe import describe_batch
from ..errors import Cancelled, SoundscapeError
from ..files import MAX_MEDIA_BYTES, sha256_of
from ..job import OnProgress, made_by, steps_of
from ..picture import MAX_FILE_BYTES, load_picture
from ..results.result import BEFORE, SOUNDSCAPE, holds, write_soundscape
from ..soundscape import Soundscape
from . import storage
from .inputs import DOCUMENTS, is_same_file, missing_description, read_document, seed_from
from .record import Record, digest
from .stage import PICTURES_TOGETHER, Plan, Row, Stage, attempt
from .storage import Place

_Described = tuple[Soundscape | Exception, float]  # with the seconds that it took


class Describer(Stage):
    """Writes soundscape.json into each result folder, unless the one there is of this picture and this model.

    An edited description is kept until the picture changes or another model is chosen.
    """

    name = "describe"

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._vision = ""
        if not plan.skip_vlm:
            self._vision, self._model = backends.load_vision(plan.vision)
            self._card = made_by(self._vision)
            self._key_parts = [self._vision, self._card["model"], self._card["revision"], _instruction(self._vision)]
            if self._vision not in backends.EMBEDDED:
                self.together = PICTURES_TOGETHER

    def work(self, rows: list[Row], on_progress: OnProgress) -> list[Row]:
        prepared = [attempt(row, "picture", partial(self._prepare, row)) for row in rows]
        new = [each.content for each in prepared if isinstance(each, _New)]
        pictures = [content for content in new if isinstance(content, Image.Image)]
        described = iter(self._describe(pictures, on_progress))
        done = []
        for row, each in zip(rows, prepared):
            if isinstance(each, _New):
                found, seconds = (each.content, 0.0) if isinstance(each.content, Soundscape) else next(described)
                each = attempt(row, "describe", partial(self._save, row, each.record, found, seconds))
            done.append(each)
        return done

    def _prepare(self, row: Row) -> "Row | _New":
        """Return the row if its description is up to date, else the content for a new one."""
        path, document = storage.place(row["picture"]), self.folder(row) / SOUNDSCAPE
        finished = row | {"soundscape": str(document)}
        if is_same_file(path, document):
            return finished
        is_picture = path.suffix.lower() not in DOCUMENTS
        if is_picture and self.plan.skip_vlm:
            if not document.is_file():
                raise missing_description(row)
            return finished
        with storage.local_copy(path, MAX_FILE_BYTES if is_picture else MAX_MEDIA_BYTES) as local:
            sha256 = sha256_of(local)
            record = Record(digest("description", sha256, self._key_parts if is_picture else ""), sha256)
            before = Record.read(self.plan.out, row["name"])
            if not self.plan.again and before and document.is_file() and self._is_valid(before, record, document):
                return finished | {"unchanged": True} if self.plan.skip_audio else finished
            if is_picture:
                return _New(replace(record, vision=self._card), load_picture(local))
            soundscape, seed = read_document(local)
            # Not from the content: after an edit of one source, the others keep their sounds.
            seed = seed_from(digest(row["source"])) if seed is None else seed
            return _New(replace(record, seed=seed), soundscape)

    def _is_valid(self, before: Record, now: Record, document: Place) -> bool:
        """Return whether the description is of this input and model. If it was edited, another revision is accepted."""
        if before.key == now.key:
            return True
        is_same = before.sha256 == now.sha256 and (before.vision or {}).get("backend") == self._vision
        return is_same and _is_edited(storage.read_bytes(document), before)

    def _describe(self, pictures: list[Image.Image], on_progress: OnProgress) -> list[_Described]:
        """Return for each picture the description, or the error, and the seconds that it took."""
        if not pictures:
            return []
        self.load(self._model, on_progress)
        start = time.perf_counter()
        on_progress("describe", 0, len(pictures))
        try:
            steps = steps_of("describe", on_progress)
            outcomes: Sequence[Soundscape | Exception] = describe_batch(pictures, self._vision, on_step=steps)
        except Cancelled:
            raise
        except Exception as error:
            if len(pictures) > 1:  # find the one that fails; the others must not fail with it
                return [found for picture in pictures for found in self._describe([picture], on_progress)]
            outcomes = [error]
        seconds = round((time.perf_counter() - start) / len(pictures), 3)
        return [(outcome, seconds) for outcome in outcomes]

    def _save(self, row: Row, record: Record, found: Soundscape | Exception, seconds: float) -> Row:
        if isinstance(found, Exception):
            raise found
        folder = self.folder(row)
        document = folder / SOUNDSCAPE
        earlier = storage.read_bytes(document) if document.is_file() else found.to_json().encode()
        with storage.working_folder(folder) as local:
            write_soundscape(local, found)
        record = replace(record, soundscape=digest(found.to_json()), seconds=seconds)
        record.write(self.plan.out, row["name"])  # last, because the record marks the description as finished
        done = row | {"soundscape": str(document)}
        return done if holds(earlier, found) else done | {"earlier_soundscape": str(folder / BEFORE)}


@dataclass(frozen=True)
class _New:
    """The content for a new description: the picture, or the soundscape that was read from a file."""

    record: Record
    content: Image.Image | Soundscape


def _is_edited(document: bytes, record: Record) -> bool:
    """Return whether the user has edited the description, perhaps into an invalid one."""
    try:
        return not record.is_of(Soundscape.from_json(document))
    except SoundscapeError:
        return True


def _instruction(vision: str) -> str:
    """Return the prompt of a real model, which users may edit. The tagger has none."""
    return "" if vision in backends.EMBEDDED else TEMPLATE.read_text(encoding="utf-8", errors="replace")
