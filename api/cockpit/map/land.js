// What lies beneath the sites: outlines of regions, lines of networks, and tiles where there are any.

import { canvas, geoJSON, latLng, tileLayer } from "../vendor/leaflet.js";
import { token } from "../shell/theme.js";

const NETWORKS_FROM = 10.5; // zoom: further out the lines of a town are one blot
const BEYOND = 0.3; // of the map's size, drawn around it, so that there is something to drag in

/** Layers beneath the sites of a map; `recolour()` when the theme has changed, `follow()` when the zoom has. */
export class Land {
  /** @param geography as geography.js reads it; `unit`: px of the layout in one of the screen */
  constructor(map, geography, { unit = 1 } = {}) {
    this._map = map;
    this._unit = unit;
    map.createPane("land").style.zIndex = 210;
    map.createPane("lines").style.zIndex = 220;
    const { tiles } = geography.options;
    if (tiles) tileLayer(tiles, { className: "tiles" }).addTo(map);
    this._bare = !tiles;
    this._regions = layer(geography.outlines, geography.place, "land").addTo(map);
    this._networks = layer(geography.networks, geography.place, "lines");
    this.recolour();
    this.follow();
  }

  recolour() {
    const fill = { fillColor: token("--land"), fillOpacity: this._bare ? 1 : 0 };
    this._regions.setStyle({ ...fill, color: token("--land-line"), weight: this._unit });
    this._networks.setStyle({ color: token("--pipe"), weight: 1.4 * this._unit, opacity: 1 });
  }

  /** Take the lines away before their map is: else Leaflet draws once more on a canvas that is gone. */
  remove() {
    this._regions.remove();
    this._networks.remove();
  }

  follow() {
    const near = this._map.getZoom() >= NETWORKS_FROM;
    if (near && !this._map.hasLayer(this._networks)) this._networks.addTo(this._map);
    if (!near) this._networks.remove();
  }
}

const layer = (features, place, pane) => geoJSON(features, {
  pane,
  renderer: canvas({ pane, padding: BEYOND }),
  interactive: false,
  coordsToLatLng: (position) => latLng(...place(position).slice(0, 2).reverse()),
});
