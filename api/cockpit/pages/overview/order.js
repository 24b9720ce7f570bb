// The order of the queue: it stands still while somebody points at it or reads in it. Pure.

/** What is shown, and what has changed meanwhile. */
export class Order {
  constructor() {
    this.shown = []; // alerts in the order of the screen
    this.changes = 0; // alerts that came or went since it stands still
    this._held = false;
    this._fresh = [];
  }

  /** Take the alerts as they stand, in the order that they should have. */
  take(alerts) {
    this._fresh = alerts;
    if (!this._held) {
      this.apply();
      return;
    }
    const now = new Map(alerts.map((alert) => [alert.id, alert]));
    const before = new Set(this.shown.map((alert) => alert.id));
    const come = alerts.filter((alert) => !before.has(alert.id)).length;
    this.shown = this.shown.map((alert) => now.get(alert.id) ?? { ...alert, gone: true });
    this.changes = come + this.shown.filter((alert) => alert.gone).length;
  }

  /** Show the order that it should have. */
  apply() {
    this.shown = this._fresh;
    this.changes = 0;
  }

  /** Stand still, or no longer. */
  hold(held) {
    this._held = held;
    if (!held) this.apply();
  }
}
