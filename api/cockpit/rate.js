// Readings received per second, from the ledger's totals in successive answers.

const WINDOW_MS = 60_000;
const LEAST_MS = 5_000; // a shorter span says little

/** Remembers the totals of the last minute; `add` returns readings a second, or null until it is known. */
export class Rate {
  #points = [];

  add(ms, { received, since }) {
    // When the ledger's span moves on by an hour, its totals start from another place.
    if (this.#points.some((point) => point.since !== since)) this.#points = [];
    this.#points.push({ ms, received, since });
    this.#points = this.#points.filter((point) => ms - point.ms <= WINDOW_MS);
    const first = this.#points[0];
    return ms - first.ms < LEAST_MS ? null : ((received - first.received) * 1000) / (ms - first.ms);
  }
}
