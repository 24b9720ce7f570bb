// How each site is: one byte each, as the API tells it, and as alerts change it. Pure.

/** Bits of a byte; those of `GET /map/states`. */
export const SEVERITY = 7;
export const UNJUDGED = 8;
export const CLEARED = 16;
export const STALE = 32;
export const NO_DATA = 64;
export const SILENCED = 128;

/** The byte of an open alert. */
export const stateOf = (alert) =>
  alert.severity | (alert.handling === "new" ? UNJUDGED : 0) | (alert.raised ? 0 : CLEARED) |
  (alert.shelved_until || alert.maintained_until ? SILENCED : 0);

/** How much it takes: what is silenced comes last; of one severity first what holds, then what nobody has judged. */
const order = (state) =>
  (state & SILENCED ? 1000 : 0) + (state & SEVERITY) * 100 + (state & CLEARED ? 10 : 0) + (state & UNJUDGED ? 0 : 1);

export class States {
  /**
   * @param document of `GET /map/states`
   * @param index the place of each site by its id
   */
  constructor(document, index) {
    this.event = document.event;
    this.bytes = Uint8Array.from(atob(document.states), (character) => character.charCodeAt(0));
    this._index = index;
    this._alerts = new Map(); // by site: the bytes of its alerts by their id
    document.alerts.id.forEach((id, at) => this._at(document.alerts.site[at]).set(id, document.alerts.state[at]));
  }

  /** Take up an alert as it stands now; whether a site looks different by it. */
  take(alert) {
    const site = this._index.get(alert.site ?? alert.subject);
    if (site === undefined) return false;
    const alerts = this._at(site);
    if (alert.open) alerts.set(alert.id, stateOf(alert));
    else alerts.delete(alert.id);
    const worst = [...alerts.values()].sort((a, b) => order(a) - order(b))[0] ?? 0;
    const state = (this.bytes[site] & (STALE | NO_DATA)) | worst;
    const changed = state !== this.bytes[site];
    this.bytes[site] = state;
    return changed;
  }

  _at(site) {
    if (!this._alerts.has(site)) this._alerts.set(site, new Map());
    return this._alerts.get(site);
  }
}
