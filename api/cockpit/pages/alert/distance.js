// How far places are from each other.

import { number } from "../../core/format.js";

const EARTH_M = 6_371_000; // mean radius

/** Metres between two places, on a sphere (haversine). */
export function distance(a, b) {
  const [from, to] = [a.latitude, b.latitude].map((degrees) => (degrees * Math.PI) / 180);
  const turn = ((b.longitude - a.longitude) * Math.PI) / 180;
  const half = Math.sin((to - from) / 2) ** 2 + Math.cos(from) * Math.cos(to) * Math.sin(turn / 2) ** 2;
  return 2 * EARTH_M * Math.asin(Math.sqrt(half));
}

/** A distance in words: 420 m, 1.2 km. */
export const far = (metres) => (metres < 1000 ? `${number(metres)} m` : `${number(metres / 1000, 1)} km`);
