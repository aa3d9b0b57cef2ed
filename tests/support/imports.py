"""The imports of a tree of Python files, found without running them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Import:
    """One module imports another: at its top, in a function, or only for types."""

    importer: str
    imported: str


def imports_in(root: Path, *tops: str) -> list[Import]:
    """Return all imports between the modules of `tops`, which are packages or single files in the folder `root`."""
    files = [path for top in tops for path in (root / f"{top}.py", *(root / top).rglob("*.py")) if path.is_file()]
    modules = {_name(path.relative_to(root)): path for path in files}
    found = set()
    for module, path in modules.items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for imported in _targets(node, module, path.stem == "__init__"):
                while imported and imported not in modules:  # a name in a module, or a module of a library
                    imported = imported.rpartition(".")[0]
                if imported and imported != module:
                    found.add(Import(module, imported))
    return sorted(found, key=lambda each: (each.importer, each.imported))


def cycle_in(imports: list[Import]) -> list[str]:
    """Return the modules of one import cycle, in order; empty if there is none."""
    following: dict[str, set[str]] = {}
    for each in imports:
        following.setdefault(each.importer, set()).add(each.imported)
    finished: set[str] = set()

    def walk(module: str, path: list[str]) -> list[str]:
        if module in path:
            return path[path.index(module) :]
        for each in sorted(following.get(module, set()) - finished):
            if cycle := walk(each, [*path, module]):
                return cycle
        finished.add(module)
        return []

    return next((cycle for module in sorted(following) if (cycle := walk(module, []))), [])


def against_order(imports: list[Import], layers: list[tuple[str, ...]]) -> list[str]:
    """Return the imports that are not from a lower layer, as "a -> b", and the modules without a layer, as "a -> ?".

    Layers are listed from top to bottom. Each holds units: modules, or packages with all their modules. A module
    belongs to the unit with the longest name that fits; a top package stands only for its __init__. Within a unit, all
    imports are allowed.
    """
    heights = {unit: -number for number, units in enumerate(layers) for unit in units}

    def unit_of(module: str) -> str:
        fitting = [unit for unit in heights if module == unit or ("." in unit and module.startswith(f"{unit}."))]
        return max(fitting, key=len, default="")

    wrong = []
    for each in imports:
        above, below = unit_of(each.importer), unit_of(each.imported)
        if not above or not below:
            wrong += [f"{module} -> ?" for module in (each.importer, each.imported) if not unit_of(module)]
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
