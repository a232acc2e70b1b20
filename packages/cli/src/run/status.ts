import { fetchStatus, type StatusReport } from '@cairn/observability'
import type { CommandHandler } from '../handlers.ts'
import { renderStatus } from '../output/status-table.ts'
import { parseStatusReport } from '../status-report.ts'

/** Prints the status of each daemon, in the order asked; the first that does not answer is the failure. */
export const runStatus: CommandHandler<'status'> = async ({ urls, timeoutMs }, io) => {
  const read = async (url: string): Promise<StatusReport> =>
    parseStatusReport(url, await fetchStatus(url, { timeoutMs, signal: io.signal }))
  const reports = await Promise.allSettled(urls.map(read))
  const failures = reports.filter((report) => report.status === 'rejected')
  urls.forEach((url, i) => {
    const report = reports[i]
    if (report?.status === 'fulfilled') io.say({ ...report.value, type: 'status', url }, renderStatus(url, report.value))
  })
  if (failures[0] !== undefined) throw failures[0].reason as unknown
}
