import { z } from 'zod'
import { UsageError } from './errors.ts'
import type { FlagField } from './field.ts'
import { readInputFile } from './input-file.ts'
import { nearest } from './nearest.ts'

const value = z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number()]))])
const configuration = z.record(z.string(), value)

type Value = z.infer<typeof value>

/**
 * The flags that a configuration file gives, as texts by flag name. The file is one JSON object: its keys are long flag
 * names without dashes, its values strings or numbers, true or false for a switch, a list for a flag that repeats.
 *
 * @throws {UsageError} naming the file, the key and what is accepted
 */
export function readConfigFile(path: string, flags: readonly FlagField<unknown>[]): ReadonlyMap<string, readonly string[]> {
  const given = new Map<string, readonly string[]>()
  for (const [key, value] of Object.entries(parse(path))) {
    const flag = flags.find(({ long }) => long === key)
    if (flag === undefined) throw unknownKey(path, key, flags)
    given.set(key, texts(path, flag, value))
  }
  return given
}

function parse(path: string): Readonly<Record<string, Value>> {
  const content = readInputFile(path, '--config')
  let json: unknown
  try {
    json = JSON.parse(content.toString('utf8'))
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${(error as Error).message}`, undefined, { cause: error })
  }
  const result = configuration.safeParse(json)
  if (result.success) return result.data
  const key = result.error.issues[0]?.path[0]
  const where = key === undefined ? path : `"${String(key)}" in ${path}`
  throw new UsageError(
    key === undefined ? `${where} must be a JSON object of flags` : `${where} must be a text, a number, true, false or a list of texts`,
  )
}

function texts(path: string, flag: FlagField<unknown>, value: Value): readonly string[] {
  const refuse = (accepted: string): never => {
    throw new UsageError(`"${flag.long}" in ${path} must be ${accepted}, not ${JSON.stringify(value)}`)
  }
  if (flag.placeholder === undefined) return typeof value === 'boolean' ? (value ? ['true'] : []) : refuse('true or false')
  if (typeof value === 'boolean') return refuse('a text or a number')
  if (!Array.isArray(value)) return [String(value)]
  return flag.repeatable ? value.map(String) : refuse('one value and not a list')
}

function unknownKey(path: string, key: string, flags: readonly FlagField<unknown>[]): UsageError {
  const names = flags.map(({ long }) => long)
  const close = nearest(key.replace(/^--/, ''), names)
  return new UsageError(
    `"${key}" in ${path} is not a flag of this command`,
    close === undefined ? `it has ${names.toSorted().join(', ')}` : `did you mean "${close}"?`,
  )
}
