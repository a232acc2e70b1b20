import { readFileIfExists } from './durable-file.ts'

/**
 * Names this run of the machine (32 hex digits), or `undefined` where the system does not tell.
 * While it is the same, the page cache still holds whatever a killed process had written: nothing short of a reboot loses it.
 *
 * @see random(4), /proc/sys/kernel/random/boot_id
 */
export async function readBootId(): Promise<string | undefined> {
  const bytes = await readFileIfExists('/proc/sys/kernel/random/boot_id')
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1').trim().replaceAll('-', '')
}
