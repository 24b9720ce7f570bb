// GCJ-02, the coordinates of Chinese web maps: positions are WGS-84, and shifted only to be drawn on such tiles.
// Its authority never published the algorithm; this is what open implementations agree on (confidence B), as in
// citybrain/catalogue/gcj02.py.

const { PI, abs, cos, sin, sqrt } = Math;
const SEMI_MAJOR = 6_378_245; // m, of the ellipsoid of Krasovsky 1940
const ECCENTRICITY_SQUARED = 0.00669342162296594323; // of the same
const ORIGIN = [105, 35]; // degrees; the shift is a sum of waves over the distance from here
const BOX = [72.004, 0.8293, 137.8347, 55.8271]; // west, south, east, north in degrees: where it applies

const fast = (x) => ((20 * sin(6 * PI * x) + 20 * sin(2 * PI * x)) * 2) / 3;
const slow = (x, third, fourth) =>
  ((20 * sin(PI * x) + 40 * sin((PI / 3) * x) + third * sin((PI / 12) * x) + fourth * sin((PI / 30) * x)) * 2) / 3;

/** The place in GCJ-02, [longitude, latitude] in degrees, of one in WGS-84. */
export function gcj02([longitude, latitude]) {
  const [west, south, east, north] = BOX;
  if (longitude <= west || longitude >= east || latitude <= south || latitude >= north) return [longitude, latitude];
  const [x, y] = [longitude - ORIGIN[0], latitude - ORIGIN[1]];
  const both = 0.1 * x * y + fast(x);
  const eastward = 300 + x + 2 * y + 0.1 * x * x + 0.1 * sqrt(abs(x)) + both + slow(x, 150, 300); // m
  const northward = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.2 * sqrt(abs(x)) + both + slow(y, 160, 320); // m
  const bend = 1 - ECCENTRICITY_SQUARED * sin((latitude * PI) / 180) ** 2;
  const meridian = ((SEMI_MAJOR * (1 - ECCENTRICITY_SQUARED)) / bend ** 1.5) * (PI / 180); // m in a degree of latitude
  const parallel = (SEMI_MAJOR / sqrt(bend)) * cos((latitude * PI) / 180) * (PI / 180); // m in a degree of longitude
  return [longitude + eastward / parallel, latitude + northward / meridian];
}

/** A place as it is. */
export const wgs84 = (place) => place;
