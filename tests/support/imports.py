"""The imports of a tree of Python files, read without running any."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Import:
    """One module imports another: at its top, in a function, or for types alone."""

    importer: str
    imported: str


def imports_in(root: Path, *tops: str) -> list[Import]:
    """Return every import between the modules of `tops`, which are packages or single files of the folder `root`."""
    files = [path for top in tops for path in (root / f"{top}.py", *(root / top).rglob("*.py")) if path.is_file()]
    modules = {_name(path.relative_to(root)): path for path in files}
    found = set()
    for module, path in modules.items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for imported in _targets(node, module, path.stem == "__init__"):
                while imported and imported not in modules:  # a name in a module, or a module of somebody else
                    imported = imported.rpartition(".")[0]
                if imported and imported != module:
                    found.add(Import(module, imported))
    return sorted(found, key=lambda each: (each.importer, each.imported))


def circle_in(imports: list[Import]) -> list[str]:
    """Return the modules of one circle in the order in which they import each other; empty where there is none."""
    following: dict[str, set[str]] = {}
    for each in imports:
        following.setdefault(each.importer, set()).add(each.imported)
    finished: set[str] = set()

    def walk(module: str, path: list[str]) -> list[str]:
        if module in path:
            return path[path.index(module) :]
        for each in sorted(following.get(module, set()) - finished):
            if circle := walk(each, [*path, module]):
                return circle
        finished.add(module)
        return []

    return next((circle for module in sorted(following) if (circle := walk(module, []))), [])


def against_order(imports: list[Import], floors: list[tuple[str, ...]]) -> list[str]:
    """Return the imports that do not lead down, as "a -> b", and the modules that stand on no floor, as "a -> ?".

    Floors are named from the top down, each with its rooms: modules, or packages with all that is in them. The
    longest name that fits a module is its room; a top package stands for its __init__ alone. Within a room everything
    may import everything.
    """
    heights = {room: -number for number, rooms in enumerate(floors) for room in rooms}

    def room_of(module: str) -> str:
        fitting = [room for room in heights if module == room or ("." in room and module.startswith(f"{room}."))]
        return max(fitting, key=len, default="")

    wrong = []
    for each in imports:
        above, below = room_of(each.importer), room_of(each.imported)
        if not above or not below:
            wrong += [f"{module} -> ?" for module in (each.importer, each.imported) if not room_of(module)]
        elif above != below and heights[above] <= heights[below]:
            wrong.append(f"{each.importer} -> {each.imported}")
    return sorted(set(wrong))


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _targets(node: ast.AST, module: str, is_package: bool) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if not isinstance(node, ast.ImportFrom):
        return
    base = node.module or ""
    if node.level:
        above = module.split(".")
        above = above[: len(above) - node.level + is_package]
        base = ".".join([*above, *filter(None, [base])])
    yield from (f"{base}.{alias.name}" for alias in node.names)
