import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/**
 * Runs `script` (beside this file) with `args` and kills it with SIGKILL as soon as it has printed `linesCount` lines.
 * Resolves, when it is dead, to every line that came out of it; fewer mean that it ended by itself.
 */
export async function killAfter(linesCount: number, script: string, ...args: readonly string[]): Promise<readonly string[]> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = new Promise((resolve) => child.once('close', resolve))
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (lines.length === linesCount) child.kill('SIGKILL')
  }
  await exited
  return lines
}
