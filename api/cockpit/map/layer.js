// All sites on one canvas: normal ones are texture, abnormal ones are figures. 20,000 are drawn in 10 to 30 ms.

import { DomUtil, Layer } from "../vendor/leaflet.js";
import { gather } from "./crowd.js";
import { figure, palette } from "./figures.js";
import { CLEARED, NO_DATA, SEVERITY, SILENCED, STALE, UNJUDGED } from "./states.js";

const TILE = 256; // px: the world's width at zoom 0
const MARGIN = 0.2; // of the map's size, drawn around it, so that there is something to drag in
const TOWN = 10.5; // zoom from which there are figures; further out the badges count them
const CELL = 22; // px: figures nearer than this become one, with a count
const FIGURE = 6.5; // px: half the width of a figure
const NEAR = 14; // px: a pointer so near to a figure means it
const NEAR_DOT = 7; // px: likewise of a dot
const DOTS = [[9, 0.7], [11, 1], [13, 1.2], [14, 1.5], [15, 2.4], [Infinity, 3.4]]; // below a zoom: half a dot, px

const radius = (zoom) => DOTS.find(([below]) => zoom < below)[1];

/** Degrees of WGS-84 as px at zoom 0, in the projection of web maps (EPSG:3857). */
function project([longitude, latitude]) {
  const sine = Math.sin((latitude * Math.PI) / 180);
  return [((longitude + 180) / 360) * TILE, (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * TILE];
}

export class Sites extends Layer {
  /**
   * @param positions [longitude, latitude] of each site
   * @param states a byte for each, see states.js
   * @param options {unit: px of the layout in one of the screen, figuresFrom: zoom}
   */
  constructor(positions, states, { unit = 1, figuresFrom = TOWN } = {}) {
    super();
    this.states = states;
    this.ringed = null; // place of the site that a ring marks
    this._unit = unit;
    this._figuresFrom = figuresFrom;
    this._x = new Float64Array(positions.length);
    this._y = new Float64Array(positions.length);
    positions.forEach((position, index) => ([this._x[index], this._y[index]] = project(position)));
    this._figures = []; // those drawn: {x, y, site, severity, count}, px within the map
  }

  onAdd(map) {
    this._canvas = DomUtil.create("canvas", "leaflet-zoom-animated", map.getPane("overlayPane"));
    this._canvas.setAttribute("aria-hidden", "true");
    map.on("moveend viewreset resize", this.draw, this);
    if (map.options.zoomAnimation) map.on("zoomanim", this._follow, this);
    this.draw();
    return this;
  }

  onRemove(map) {
    map.off("moveend viewreset resize", this.draw, this).off("zoomanim", this._follow, this);
    this._canvas.remove();
    return this;
  }

  /** While the map zooms, the picture of before is stretched. */
  _follow({ zoom, center }) {
    const scale = this._map.getZoomScale(zoom, this._zoom);
    DomUtil.setTransform(this._canvas, this._map._latLngToNewLayerPoint(this._corner, zoom, center), scale);
  }

  /** Draw all. */
  draw() {
    const map = this._map;
    if (!map) return;
    this._zoom = map.getZoom();
    this._colours = palette();
    const context = this._clear(map.getSize());
    const seen = this._seen();
    this._dots(context, seen.normal);
    this._crosses(context, seen.stale);
    this._figures = this._zoom >= this._figuresFrom ? gather(seen.abnormal, CELL * this._unit) : [];
    for (const one of [...this._figures].reverse()) this._figure(context, one);
    if (this.ringed !== null) this._ring(context, this.ringed);
  }

  /** A canvas as large as the map with its margin, at its place, with nothing on it. */
  _clear(size) {
    const [width, height] = [size.x, size.y].map((side) => Math.ceil(side * (1 + 2 * MARGIN)));
    const corner = this._map.containerPointToLayerPoint(size.multiplyBy(-MARGIN)).round();
    this._corner = this._map.layerPointToLatLng(corner);
    this._origin = this._map.getPixelOrigin().add(corner);
    this._offset = this._map.containerPointToLayerPoint([0, 0]).subtract(corner);
    DomUtil.setTransform(this._canvas, corner, 1);
    const ratio = devicePixelRatio || 1;
    if (this._canvas.width !== width * ratio || this._canvas.height !== height * ratio) {
      Object.assign(this._canvas, { width: width * ratio, height: height * ratio });
      Object.assign(this._canvas.style, { width: `${width}px`, height: `${height}px` });
    }
    this._size = { width, height };
    const context = this._canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    return context;
  }

  /** Where a site lies on the canvas, px. */
  _at(site) {
    const scale = 2 ** this._zoom;
    return [this._x[site] * scale - this._origin.x, this._y[site] * scale - this._origin.y];
  }

  /** The sites on the canvas by how they are drawn. */
  _seen() {
    const normal = [], stale = [], abnormal = [];
    const { width, height } = this._size;
    const far = CELL * this._unit;
    const near = this._zoom >= TOWN; // further out a cross is as large as a dozen dots
    for (let site = 0; site < this._x.length; site++) {
      const [x, y] = this._at(site);
      if (x < -far || y < -far || x > width + far || y > height + far) continue;
      const state = this.states[site];
      if (state & SEVERITY) abnormal.push({ x, y, site, state, severity: state & SEVERITY, count: 1 });
      else if (near && state & (STALE | NO_DATA)) stale.push(x, y);
      else normal.push(x, y);
    }
    return { normal, stale, abnormal };
  }

  /** Grey points; two rectangles make one that looks round, much faster than a circle. */
  _dots(context, places) {
    const r = radius(this._zoom) * this._unit;
    const short = 0.55 * r;
    context.fillStyle = this._colours.norm;
    context.globalAlpha = 0.62;
    for (let at = 0; at < places.length; at += 2) {
      const [x, y] = [places[at], places[at + 1]];
      if (r > 1.1) {
        context.fillRect(x - r, y - short, 2 * r, 2 * short);
        context.fillRect(x - short, y - r, 2 * short, 2 * r);
      } else context.fillRect(x - r, y - r, 2 * r, 2 * r);
    }
    context.globalAlpha = 1;
  }

  /** Sites without data. */
  _crosses(context, places) {
    const r = (radius(this._zoom) + 0.9) * this._unit;
    context.strokeStyle = this._colours.stale;
    context.lineWidth = this._unit;
    context.beginPath();
    for (let at = 0; at < places.length; at += 2) {
      const [x, y] = [places[at], places[at + 1]];
      context.moveTo(x - r, y - r);
      context.lineTo(x + r, y + r);
      context.moveTo(x + r, y - r);
      context.lineTo(x - r, y + r);
    }
    context.stroke();
  }

  _figure(context, { x, y, state, severity, count }) {
    const muted = Boolean(state & SILENCED);
    const ring = severity === 1 && Boolean(state & UNJUDGED) && !muted;
    const size = FIGURE * this._unit;
    const r = figure(context, this._colours, { x, y, severity, size, hollow: state & CLEARED, muted, ring });
    if (count > 1) this._count(context, x + r + 2 * this._unit, y, String(count));
  }

  _count(context, x, y, text) {
    context.font = `600 ${12 * this._unit}px ${this._colours.font}`;
    context.textBaseline = "middle";
    context.lineWidth = 3 * this._unit;
    context.strokeStyle = this._colours.ground;
    context.strokeText(text, x + 2 * this._unit, y);
    context.fillStyle = this._colours.text;
    context.fillText(text, x + 2 * this._unit, y);
  }

  _ring(context, site) {
    const [x, y] = this._at(site);
    context.beginPath();
    context.arc(x, y, 15 * this._unit, 0, 2 * Math.PI);
    context.lineWidth = 2 * this._unit;
    context.strokeStyle = this._colours.accent;
    context.stroke();
  }

  /** The site at a point of the map (px), its figure's count with it; null: there is none. */
  at(point) {
    const { x, y } = point.add(this._offset);
    const reach = (found, limit) => (found && found.distance <= limit * this._unit ? found : null);
    const figures = this._figures.map((one) => ({ ...one, distance: Math.hypot(one.x - x, one.y - y) }));
    return reach(nearest(figures), NEAR) ?? (this._zoom >= TOWN ? reach(this._nearestSite(x, y), NEAR_DOT) : null);
  }

  _nearestSite(x, y) {
    let found = null;
    for (let site = 0; site < this._x.length; site++) {
      const [siteX, siteY] = this._at(site);
      const distance = Math.abs(siteX - x) + Math.abs(siteY - y);
      if (!found || distance < found.distance) found = { site, count: 1, distance };
    }
    return found;
  }
}

const nearest = (found) => found.reduce((best, one) => (best && best.distance <= one.distance ? best : one), null);
