/** A table as the report keeps it: cells are text already, and all rows are as long as `columns`. */
export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** For a terminal. */
export function renderText(table: Table): string {
  const { title, columns, rows } = table
  const figures = figureColumns(table)
  const widths = columns.map((_, column) => Math.max(...[columns, ...rows].map((line) => line[column]!.length)))
  const lines = [columns, ...rows].map((line) => alignCells(line, widths, figures).join('  ').trimEnd())
  return [title, '', ...lines].join('\n')
}

/** For a README: what `oxfmt` would make of it. */
export function renderMarkdown(table: Table): string {
  const { title, columns, rows } = table
  const figures = figureColumns(table)
  const escaped = [columns, ...rows].map((line) => line.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = columns.map((_, column) => Math.max(3, ...escaped.map((line) => line[column]!.length)))
  const [head, ...body] = escaped.map((line) => `| ${alignCells(line, widths, figures).join(' | ')} |`)
  const rule = `| ${widths.map((width, column) => (figures[column] === true ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))).join(' | ')} |`
  return [`**${title}**`, '', head, rule, ...body].join('\n')
}

/** `digits` decimals; a dash for what was not measured. */
export function cell(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? '–' : value.toFixed(digits)
}

export function mebibytes(bytes: number | undefined, digits = 0): string {
  return cell(bytes === undefined ? undefined : bytes / 1024 ** 2, digits)
}

/** Text to the left, figures to the right. */
function alignCells(line: readonly string[], widths: readonly number[], figures: readonly boolean[]): string[] {
  return line.map((text, column) => (figures[column] === true ? text.padStart(widths[column]!) : text.padEnd(widths[column]!)))
}

/** Which columns hold figures only. */
function figureColumns({ columns, rows }: Table): boolean[] {
  return columns.map(
    (_, column) => rows.every((row) => /^(?:[≤–]|-?\d+(?:\.\d+)?(?: |$)|$)/.test(row[column]!)) && rows.some((row) => row[column] !== ''),
  )
}
