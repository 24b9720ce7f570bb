// Which of the wall's pages is shown, and when the next one comes. Pure.

export const OVERVIEW = "overview";

export class Rotation {
  /**
   * @param pages names, in their order; the first is shown first
   * @param every ms that each stays
   */
  constructor(pages, every) {
    this.page = pages[0];
    this.next = null; // ms, when the next page comes; null: none does
    this._pages = pages;
    this._every = every;
  }

  /**
   * The page to show at `now` (ms).
   * @param options held: a red alert waits to be judged, which the overview shows until somebody has; lost: nothing is
   *   heard, so that the picture stays as it is
   */
  at(now, { held, lost }) {
    if (held) this.page = OVERVIEW;
    if (held || lost || this._pages.length < 2) this.next = null;
    else if (this.next === null) this.next = now + this._every;
    else if (now >= this.next) {
      this.page = this._pages[(this._pages.indexOf(this.page) + 1) % this._pages.length];
      this.next = now + this._every;
    }
    return this.page;
  }
}
