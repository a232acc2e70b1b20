import { installTools, type Tool, toolVersion } from '../tools.ts'
import type { Contender } from './contender.ts'

export interface Chosen<Candidate> {
  readonly contenders: readonly Candidate[]
  readonly versions: Readonly<Record<string, string>>
  /** What was left out and why, and how the others were set up. */
  readonly notes: readonly string[]
}

/** What may be left out. */
export type Candidate = Pick<Contender, 'name' | 'note' | 'tools'>

/** Those of `wanted` whose programs are here; with `install`, they are brought here first. */
export async function chooseContenders<C extends Candidate>(wanted: readonly C[], install: boolean): Promise<Chosen<C>> {
  const tools = [...new Set(wanted.flatMap(({ tools }) => tools))]
  if (install) await installTools(tools)
  const versions = new Map<Tool, string>()
  for (const tool of tools) {
    const version = toolVersion(tool)
    if (version !== undefined) versions.set(tool, version)
  }
  const missing = ({ tools }: Candidate): readonly Tool[] => tools.filter((tool) => !versions.has(tool))
  const contenders = wanted.filter((contender) => missing(contender).length === 0)
  const leftOut = wanted.filter((contender) => missing(contender).length > 0)
  return {
    contenders,
    versions: Object.fromEntries(versions),
    notes: [
      ...contenders.flatMap(({ note }) => note ?? []),
      ...leftOut.map((contender) => `left out: ${contender.name}: ${missing(contender).join(', ')} is not installed; --install brings it`),
    ],
  }
}
