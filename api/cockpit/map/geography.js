// What lies where: sites, outlines of regions, lines of networks, tiles. Read once for all maps of this page.

import { all, get } from "../core/api.js";
import { names, numbers } from "./columns.js";
import { gcj02, wgs84 } from "./datum.js";

const WITHIN = [0.03, 0.97]; // quantiles: a town's extent leaves out the few sites far from it
const ROOM = 0.04; // of an extent, around it
const STEPS = 100_000; // of a position in a degree
const LEAST = 0.01; // degrees: the smallest extent, about a kilometre

let reading = null;
let naming = null;

/** All of it; the same for everyone who asks until `forget()`. */
export function geography() {
  reading ??= read().catch((error) => {
    forget();
    throw error;
  });
  return reading;
}

/** Sites were added or taken away: read anew when it is asked for next. */
export function forget() {
  reading = naming = null;
}

/**
 * What the sites are called, `{zh: [...], en: [...]}` in their order. They would double what a map begins with, so they
 * are read when a site is pointed at first.
 */
export function titles() {
  naming ??= get("/map/sites").then((found) => ({ zh: found.title_zh, en: found.title_en })).catch((error) => {
    naming = null;
    throw error;
  });
  return naming;
}

async function read() {
  const [document, outlines, networks, options, regions] = await Promise.all([
    get("/map/sites", { titles: false }), get("/map/regions"), get("/map/networks"), get("/map/options"), all("/regions"),
  ]);
  const place = options.tiles && options.crs === "gcj02" ? gcj02 : wgs84;
  const sites = { ...document, id: names(document.id) };
  const { west, south, east, north } = document.position;
  const norths = numbers(north);
  const positions = numbers(east).map((steps, index) => place([west + steps / STEPS, south + norths[index] / STEPS]));
  const parents = new Map(regions.map((region) => [region.id, region]));
  const towns = sites.regions.map((id) => townOf(id, parents));
  return {
    sites: { ...sites, positions, index: new Map(sites.id.map((id, index) => [id, index])) },
    outlines, networks, options, place,
    town: (region) => townOf(region, parents)?.id ?? null,
    towns: townsOf(sites, positions, towns),
    extent: whole(positions, outlines, place, parents, towns),
  };
}

/** The region of the level of counties that a region lies in; one above them is itself. */
function townOf(id, regions) {
  let found = regions.get(id);
  while (found && found.level === "street") found = regions.get(found.parent);
  return found ?? regions.get(id) ?? null;
}

/** Towns with sites: id, title, how many, extent, centre; by id. */
function townsOf(sites, positions, towns) {
  const members = new Map();
  sites.region.forEach((region, index) => {
    const town = towns[region];
    if (!town) return;
    if (!members.has(town.id)) members.set(town.id, { id: town.id, title: town.title, places: [] });
    members.get(town.id).places.push(positions[index]);
  });
  return [...members.values()].sort((a, b) => a.id.localeCompare(b.id)).map(({ id, title, places }) => {
    const extent = around(places, WITHIN);
    const centre = [(extent[0] + extent[2]) / 2, (extent[1] + extent[3]) / 2];
    return { id, title, count: places.length, extent, centre };
  });
}

/** West, south, east and north of all sites and the outlines of their cities; null: there are no sites. */
function whole(positions, outlines, place, regions, towns) {
  if (!positions.length) return null;
  const cityOf = (id) => regions.get(id)?.parent ?? id;
  const cities = new Set(towns.filter(Boolean).map(({ id }) => cityOf(id)));
  const theirs = outlines.features.filter(({ properties: { id } }) => cities.has(id) || cities.has(cityOf(id)));
  const corners = theirs.flatMap(({ geometry }) => geometry.coordinates.flat(2).map(place));
  return around([...corners, ...positions], [0, 1], 0);
}

/** The box that holds the places between two quantiles, with room around it. */
export function around(places, [first, last] = [0, 1], room = ROOM) {
  const span = (axis) => {
    const values = places.map((place) => place[axis]).sort((a, b) => a - b);
    const low = values[Math.floor(first * (values.length - 1))];
    const high = values[Math.ceil(last * (values.length - 1))];
    const more = Math.max((high - low) * room, (LEAST - (high - low)) / 2, 0);
    return [low - more, high + more];
  };
  const [[west, east], [south, north]] = [span(0), span(1)];
  return [west, south, east, north];
}
