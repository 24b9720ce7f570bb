"""Packages import one another in one direction, as docs/architecture.md says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from citybrain.settings import PROJECT

# What modules of a package may import of others: a package, or of it one module.
USES: dict[str, set[str]] = {
    "citybrain": set(),
    "rules": {"citybrain"},
    "ingest": {"citybrain", "rules.host"},
    "api": {"citybrain", "rules", "ingest.quarantine", "deploy.local.addresses"},
    "simulators": {"citybrain"},
    "deploy": {"citybrain", "rules", "ingest.orphans"},
}
# What commands may import besides: they run parts, and ask where their servers are.
COMMANDS: dict[str, set[str]] = {
    "citybrain/cli.py": {"api.server", "deploy", "ingest", "rules", "simulators"},
    "citybrain/access/commands.py": {"deploy.local.addresses"},
    "citybrain/devices/commands.py": {"deploy.local.addresses"},
    "rules/commands.py": {"deploy.local.addresses"},
    "rules/alerts/commands.py": {"deploy.local.addresses"},
    "simulators/commands.py": {"deploy.local"},
    "simulators/replay.py": {"deploy.local.addresses"},
}


def modules(package: str) -> list[str]:
    """The files of a package, by their paths in the project."""
    return sorted(path.relative_to(PROJECT).as_posix() for path in (PROJECT / package).rglob("*.py"))


@cache
def foreign(module: str) -> frozenset[str]:
    """What a module, or a function in it, imports of the project's other packages: `ingest.orphans`."""
    tree = ast.parse(Path(PROJECT, module).read_text(encoding="utf-8"))
    return frozenset(
        name for name in imported(tree) if name.partition(".")[0] in USES.keys() - {module.partition("/")[0]}
    )


def imported(tree: ast.Module) -> Iterator[str]:
    """Every name that is imported, with its module; relative imports stay in their package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def lies_in(name: str, allowed: str) -> bool:
    return f"{name}.".startswith(f"{allowed}.")


@pytest.mark.parametrize("package", USES)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    for module in modules(package):
        allowed = USES[package] | COMMANDS.get(module, set())
        beyond = [name for name in foreign(module) if not any(lies_in(name, one) for one in allowed)]
        assert not beyond, f"{module} imports {', '.join(sorted(beyond))}"


def test_nothing_is_allowed_that_nobody_needs() -> None:
    for package, allowed in USES.items():
        needed = {name for module in modules(package) if module not in COMMANDS for name in foreign(module)}
        assert {one for one in allowed if any(lies_in(name, one) for name in needed)} == allowed, package
    for module, allowed in COMMANDS.items():
        assert {one for one in allowed if any(lies_in(name, one) for name in foreign(module))} == allowed, module


def test_every_package_has_its_layer() -> None:
    packages = {path.parent.name for path in PROJECT.glob("*/__init__.py")}
    assert packages - {"bench"} == USES.keys()
