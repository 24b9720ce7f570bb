"""`citybrain boards`: the boards of a Grafana."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from citybrain.settings import PROJECT, Settings, settings

if TYPE_CHECKING:
    from deploy.boards.model import Bundle

boards = typer.Typer(help="Grafana's boards.", no_args_is_help=True)

console = Console()


@boards.command()
def build(
    out: Annotated[Path, typer.Option(help="Folder that gets the files.")] = PROJECT / "deploy" / "grafana",
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say what is not as it would be built.")
    ] = False,
) -> None:
    """Write boards and provisioning files, made of catalogue and rules."""
    from deploy.boards import build as files

    built = built_of(settings())
    if check:
        if stale := files.stale(out, built):
            names = "\n".join(f"  {path}" for path in stale)
            sys.exit(f"{out} is not what would be built; run `citybrain boards build`:\n{names}")
        console.print("Up to date.")
        return
    changed = files.write(out, built)
    console.print(f"{len(built.boards)} boards in {out}, {len(changed)} files changed.", soft_wrap=True)


@boards.command()
def push(
    *,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show how Grafana differs and change nothing; exit with 1 where it does.")
    ] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Also remove what is ours and no longer built.")] = False,
    secrets: Annotated[
        bool, typer.Option("--secrets", help="Also send the secrets again that Grafana has and does not tell.")
    ] = False,
    language: Annotated[Literal["zh", "en", "both"], typer.Option(help="Of which language the boards are.")] = "both",
) -> None:
    """Bring a running Grafana to what is built: data sources, folders, boards, contact point; again changes nothing."""
    from deploy.boards import push as pushing
    from deploy.boards.addresses import grafana
    from deploy.boards.grafana import Grafana

    chosen = settings()
    there = Grafana(*grafana(chosen))
    planned, found = pushing.plan(there, built_of(chosen), chosen, languages=language, prune=prune, secrets=secrets)
    if not diff:
        pushing.check(there, planned, found)
    for line in pushing.drift(there, planned) if diff else pushing.apply(there, planned):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if not diff:
        console.print(pushing.total(planned), highlight=False)
        for line in pushing.unreached(there, planned):
            console.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)
    elif any(step.action != "leave" for step in planned):
        sys.exit(f"{there.url} is not what is built; `citybrain boards push` changes that.")
    else:
        console.print("No difference.")


def built_of(chosen: Settings) -> Bundle:
    """What the catalogue and the rules of these settings give today."""
    from citybrain.catalogue.load import load
    from deploy.boards.build import bundle
    from rules.grammar.load import load as load_rules
    from rules.plans.load import indicators
    from rules.plans.load import load as load_plans

    catalogue = load(chosen.catalogue_dir)
    units = {id: one.unit for id, one in indicators(load_plans(chosen.catalogue_dir, catalogue)).items()}
    rules = load_rules(chosen.catalogue_dir, catalogue, units).rules.rules.values()
    return bundle(catalogue, rules, chosen.time_zone, datetime.now(chosen.zone).date())
