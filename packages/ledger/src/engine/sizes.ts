import type { EngineState } from './state.ts'

/** How many things an engine has in each of its collections, by name: none may grow with the height, and whoever adds one is counted too. */
export function sizesOf(state: EngineState): Readonly<Record<string, number>> {
  const sizes: Record<string, number> = {}
  for (const [name, value] of [...Object.entries(state), ...prefixed('pool', state.pool)]) {
    if (value instanceof Map || value instanceof Set) sizes[name] = value.size
    else if (Array.isArray(value)) sizes[name] = value.length
  }
  return sizes
}

function prefixed(prefix: string, value: object): readonly [string, unknown][] {
  return Object.entries(value).map(([name, each]) => [`${prefix}.${name}`, each])
}
