import { printable } from './format.ts'

export interface Column {
  readonly title: string
  /** Numbers are easier to compare aligned to the right. */
  readonly align?: 'left' | 'right'
}

/** Rows under their titles, two spaces between columns, no space at the end of a line. Cells may come from a peer. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => columns.map((_, i) => printable(row[i] ?? '')))]
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => (row[i] ?? '').length)))
  return cells.map((row) => renderRow(columns, row, widths)).join('\n')
}

function renderRow(columns: readonly Column[], row: readonly string[], widths: readonly number[]): string {
  const padded = columns.map(({ align }, i) =>
    align === 'right' ? (row[i] ?? '').padStart(widths[i] ?? 0) : (row[i] ?? '').padEnd(widths[i] ?? 0),
  )
  return padded.join('  ').trimEnd()
}
