/** A region of the emulated world. */
export interface Region {
  readonly name: string
  /** Degrees. */
  readonly latitude: number
  readonly longitude: number
}

export const REGIONS: readonly Region[] = [
  { name: 'Frankfurt', latitude: 50.11, longitude: 8.68 },
  { name: 'Virginia', latitude: 39.04, longitude: -77.49 },
  { name: 'São Paulo', latitude: -23.55, longitude: -46.63 },
  { name: 'Singapore', latitude: 1.35, longitude: 103.82 },
  { name: 'Tokyo', latitude: 35.68, longitude: 139.69 },
]

/** Between two sites of one region. */
const NEAR_MS = 1
const EARTH_RADIUS_KM = 6371
/** Fibre between places more than 1,200 km apart is this much longer than the way through the air. @see ITU-T Y.1541 appendix III */
const ROUTE_FACTOR = 1.25
/** Of light in fibre. @see ITU-T G.114 annex A */
const MS_PER_KM = 0.005

/** How long a byte takes from one region to the other. */
export function oneWayMs(from: Region, to: Region): number {
  if (from === to) return NEAR_MS
  const [a, b] = [radians(from.latitude), radians(to.latitude)]
  const turn = radians(to.longitude - from.longitude)
  const cosine = Math.sin(a) * Math.sin(b) + Math.cos(a) * Math.cos(b) * Math.cos(turn)
  return Math.round(Math.acos(cosine) * EARTH_RADIUS_KM * ROUTE_FACTOR * MS_PER_KM)
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180
}
