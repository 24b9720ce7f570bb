// The map of the city: regions with badges, then towns, then streets; sites by how they are.

import { everySecond } from "../core/clock.js";
import { nothing, render } from "../core/lit.js";
import { on, store } from "../core/store.js";
import { control, map as leaflet } from "../vendor/leaflet.js";
import { place } from "./badges.js";
import { follow } from "./follow.js";
import { forget, geography, titles } from "./geography.js";
import { Land } from "./land.js";
import { Sites } from "./layer.js";
import { over } from "./over.js";

const TOWN = 10.5; // zoom from which a town is more than a badge
const STREET = 15; // zoom from which sites stand apart: a click on a count goes there first
const ZOOMS = { minZoom: 4, maxZoom: 18, zoomSnap: 0.25, zoomDelta: 0.5, wheelPxPerZoomLevel: 90 };
const OWN = { zoomControl: false, attributionControl: false, fadeAnimation: false }; // the page has its own, or none
const STILL = ["dragging", "scrollWheelZoom", "doubleClickZoom", "boxZoom", "keyboard", "touchZoom"];
const EDGE = 6; // px: towns and badges keep so far from the edge of the map, and from what lies over it
const DEGREE_M = 111_320; // m in a degree of latitude

export class CityMap {
  /**
   * @param element that the map fills
   * @param options
   *   interactive: it can be moved
   *   choose: called with the id of a town, or null for the whole city; without it there is nothing to choose
   *   open: called with the id of a site that was clicked
   *   badges, signs: whether towns have badges, and there is a legend
   *   unit: px of the layout in one of the screen; the wall's are larger
   */
  constructor(element, options = {}) {
    this._options = { interactive: true, choose: null, open: null, badges: true, signs: true, unit: 1, ...options };
    this._shown = { town: null, site: null }; // what was asked for last
    this._ringed = null; // id of a site
    this._tip = null; // what the pointer is at: {site, count, x, y}
    this._titles = null; // of sites, once one was pointed at
    this._element = element;
    element.classList.add("city-map");
    this._ground = element.appendChild(document.createElement("div"));
    this._ground.className = "ground";
    this._over = element.appendChild(document.createElement("div"));
    this._over.className = "map-over";
    const changed = () => (this._changed = true);
    const size = new ResizeObserver(() => this._resize());
    size.observe(element);
    const dress = new MutationObserver(() => this._dress());
    dress.observe(document.documentElement, { attributeFilter: ["data-theme", "lang"] });
    this._ends = [
      on("alert", changed), on("alerts", changed), everySecond(() => this._changed && this._draw()),
      () => size.disconnect(), () => dress.disconnect(),
    ];
    this._begin();
  }

  /** Show a town, or null: the whole city. */
  focus(town, { animate = true } = {}) {
    this._shown = { town, site: null };
    this._show(animate);
    this._draw();
  }

  /** Show what lies within so many metres of a site, and mark it. */
  near(site, metres = 600) {
    this._shown = { town: null, site, metres };
    this._show(false);
    this.ring(site);
  }

  /** Mark a site, or null: none. The map does not move. */
  ring(site) {
    this._ringed = site;
    if (!this._sites) return;
    const ringed = this._geography.sites.index.get(site) ?? null;
    if (ringed === this._sites.ringed) return;
    this._sites.ringed = ringed;
    this._sites.draw();
  }

  /** Show how the sites are: a byte for each, see states.js. */
  setStates(states) {
    this._sites.states = states;
    this._sites.draw();
  }

  /** End it. */
  close() {
    this._closed = true;
    this._clear();
    for (const end of this._ends) end();
    render(nothing, this._over);
  }

  async _begin() {
    try {
      this._geography = await geography();
    } catch {
      this._failed = true;
      this._draw();
      return;
    }
    if (this._closed) return;
    this._draw();
    const { interactive, badges, signs, unit } = this._options;
    const still = interactive ? {} : Object.fromEntries(STILL.map((name) => [name, false]));
    this._map = leaflet(this._ground, { ...ZOOMS, ...OWN, ...still });
    if (signs) control.scale({ imperial: false, position: "bottomright", maxWidth: 80 }).addTo(this._map);
    this._show(false);
    this._land = new Land(this._map, this._geography, { unit });
    const { positions } = this._geography.sites;
    this._sites = new Sites(positions, new Uint8Array(positions.length), { unit, figuresFrom: badges ? TOWN : 0 });
    this._sites.addTo(this._map);
    this.ring(this._ringed);
    this._listen();
    this._unfollow = follow(this._geography.sites, (states) => this.setStates(states), () => this._again());
    this._draw();
  }

  _listen() {
    this._map.on("zoomend", () => this._land.follow());
    this._map.on("zoomstart movestart", () => this._element.classList.add("moving"));
    this._map.on("moveend", () => {
      this._element.classList.remove("moving");
      this._draw();
    });
    this._map.on("mousemove", (event) => this._point(event.containerPoint));
    this._map.on("mouseout", () => this._point(null));
    this._map.on("click", (event) => this._open(event));
  }

  _clear() {
    this._unfollow?.();
    this._land?.remove();
    this._map?.remove();
    this._map = this._sites = this._land = null;
  }

  /** There are other sites than those that were read. */
  _again() {
    forget();
    this._titles = null;
    this._clear();
    this._begin();
  }

  /** Bring what was asked for into sight, once there is a map with a size. */
  _show(animate) {
    const extent = this._map && this._element.clientWidth ? this._extent() : null;
    if (!extent) return;
    const [west, south, east, north] = extent;
    const { top, bottom } = this._free();
    this._map.fitBounds([[south, west], [north, east]], {
      animate, paddingTopLeft: [EDGE, top], paddingBottomRight: [EDGE, bottom],
    });
  }

  _extent() {
    const { town, site, metres } = this._shown;
    const { sites, towns, extent } = this._geography;
    const position = sites.positions[sites.index.get(site)];
    if (!position) return towns.find(({ id }) => id === town)?.extent ?? extent;
    const high = metres / DEGREE_M;
    const wide = high / Math.cos((position[1] * Math.PI) / 180);
    return [position[0] - wide, position[1] - high, position[0] + wide, position[1] + high];
  }

  /** How much of the map's height is taken above and below, px. */
  _free() {
    const taken = (part) => {
      const height = this._over.querySelector(part)?.offsetHeight;
      return height ? height + 2 * EDGE : EDGE;
    };
    return { top: taken(".choice"), bottom: taken(".foot-line") };
  }

  _resize() {
    if (!this._map) return;
    this._map.invalidateSize({ animate: false });
    this._show(false);
  }

  /** The theme or the language is another. */
  _dress() {
    this._land?.recolour();
    this._sites?.draw();
    this._draw();
  }

  _point(point) {
    const found = point && this._sites.at(point);
    this._tip = found ? { ...found, x: point.x, y: point.y } : null;
    this._ground.classList.toggle("pointing", Boolean(found && this._options.open));
    if (found && !this._titles) this._readTitles();
    this._draw();
  }

  async _readTitles() {
    this._titles = await titles().catch(() => null); // until the next time its id stands for it
    this._draw();
  }

  _open({ containerPoint, latlng }) {
    const found = this._sites.at(containerPoint);
    if (!found) return;
    if (found.count > 1 && this._map.getZoom() < STREET) this._map.setView(latlng, this._map.getZoom() + 2);
    else this._options.open?.(this._geography.sites.id[found.site]);
  }

  /** How many open alerts each town has, by severity. */
  _counts() {
    const counts = new Map(this._geography.towns.map(({ id }) => [id, { 1: 0, 2: 0, 3: 0, 4: 0 }]));
    for (const alert of store.alerts.values()) {
      const found = counts.get(this._geography.town(alert.region));
      if (found) found[alert.severity] += 1;
    }
    return counts;
  }

  /** Draw what lies over the map: choice, badges, legend, what the pointer is at. */
  _draw() {
    this._changed = false;
    if (this._closed) return;
    const placed = this._map?._loaded;
    const badges = placed && this._options.badges && this._map.getZoom() < TOWN;
    const zoom = placed && ((by) => this._map.setZoom(this._map.getZoom() + by));
    render(over({
      ...this._options, failed: this._failed, town: this._shown.town, geography: this._geography, tip: this._tip, zoom, titles: this._titles,
      states: this._sites?.states, counts: badges ? this._counts() : null,
    }), this._over);
    if (badges) this._place();
  }

  _place() {
    const { clientWidth, clientHeight } = this._element;
    const anchors = this._geography.towns.map(({ centre }) => this._map.latLngToContainerPoint([centre[1], centre[0]]));
    const { top, bottom } = this._free();
    const room = { top, left: EDGE, right: clientWidth - EDGE, bottom: clientHeight - bottom };
    place([...this._over.querySelectorAll(".badge")], anchors, this._over.querySelector(".leads"), room);
  }
}
