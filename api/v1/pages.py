"""Pages of domains: what is on them, and what each panel shows now."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request, Response

from api.access.door import Viewer
from api.context import Context, Using
from api.pages import figures, lines, states, structure, subjects
from api.pages.asked import Asked
from api.pages.documents import DomainPage, PanelData, VitalsData
from api.pages.figures import Wanted
from api.v1 import new_router
from api.web.answers import NOT_MODIFIED, tagged
from api.web.filters import NAME, RegionFilter, below
from api.web.problems import Refusal, responses
from citybrain.access.model import Principal
from citybrain.catalogue.model import Domain
from citybrain.catalogue.pages import Curve, Map, Series, States, Table, Tiles
from citybrain.store.pools import Reader

router = new_router("pages")

DomainId = Annotated[str, Path(max_length=NAME, examples=["water"])]
PanelId = Annotated[str, Path(max_length=NAME, examples=["vitals"])]
Selected = Annotated[
    str | None, Query(alias="sel", max_length=NAME, description="A site, of which `series` and `curve` tell.")
]


@router.get("/domains/{id}/page", response_model=DomainPage, responses={**NOT_MODIFIED, **responses(404)})
async def domain_page(request: Request, context: Using, principal: Viewer, id: DomainId) -> Response:
    """What a domain's page is made of: titles, panels, units, and the limits of rules in force with their sources.

    It is what `domains/<id>/page.yaml` says; a domain without that file has a page of its metrics and sites.
    """
    domain = _domain(context, principal, id)
    async with context.readers.connection() as reader:
        known = await figures.limits(_asked(context, principal, reader, None), [id])
    page = structure.describe(domain, context.catalogue.pages[id], known[id])
    return tagged(request, page.model_dump_json().encode())


@router.get("/domains/{id}/page/panels/{panel}", response_model=PanelData, responses=responses(404))
async def page_panel(
    context: Using, principal: Viewer, id: DomainId, panel: PanelId, region: RegionFilter = None, sel: Selected = None
) -> PanelData:
    """What a panel shows now; `kind` says which of the documents it is."""
    domain = _domain(context, principal, id)
    known = context.catalogue.pages[id].panels.get(panel)
    if known is None:
        raise Refusal(404, f"The page of {id} has no panel {panel}.", f"{domain.title.zh}页面没有面板 {panel}。")
    async with context.readers.connection() as reader:
        asked = _asked(context, principal, reader, await below(reader, region))
        content = known.content
        if isinstance(content, Tiles):
            return await subjects.read(asked, domain, panel, "tiles", content.table())
        if isinstance(content, Table):
            return await subjects.read(asked, domain, panel, "table", content)
        if isinstance(content, Series):
            return await lines.read(asked, domain, panel, content, sel)
        if isinstance(content, Curve):
            return await lines.read_curve(asked, domain, panel, content, sel)
        if isinstance(content, States):
            return await states.read(asked, domain, panel, content)
        if isinstance(content, Map):
            return await states.read_map(asked, domain, panel, content)
        wanted = [Wanted(domain, figure) for figure in content]
        numbers = await figures.read(asked, wanted, await figures.limits(asked, [id]))
        return VitalsData(panel=panel, now=asked.now, figures=numbers)


def _domain(context: Context, principal: Principal, id: str) -> Domain:
    """A domain of the catalogue within the caller's scope.

    Raises:
        Refusal: 404, there is none.
    """
    domains = principal.scope.domains
    if id not in context.catalogue.domains or (domains is not None and id not in domains):
        raise Refusal(404, f"There is no page of a domain {id}.", f"没有领域 {id} 的页面。")
    return context.catalogue.domains[id]


def _asked(context: Context, principal: Principal, reader: Reader, within: list[str] | None) -> Asked:
    return Asked(reader, context.catalogue, principal.scope, within, context.clock(), context.settings.zone)
