// Just enough of a TypeScript lexer to tell code from comments, strings and regular expressions.
// Blanked parts become spaces and keep their line breaks, so offsets and line numbers stay true.
import { isBuiltin } from 'node:module'

/** `text` with the insides of comments, strings, templates and regular expressions blanked; `${}` parts of templates stay. */
export function codeOf(text: string): string {
  const out = text.split('') // by UTF-16 unit, as offsets count
  const blank = (from: number, to: number): void => {
    for (let at = from; at < Math.min(to, out.length); at++) if (out[at] !== '\n') out[at] = ' '
  }
  /** Depth of braces at which each open template resumes. */
  const templates: number[] = []
  let depth = 0
  let at = 0
  const template = (): void => {
    const start = at
    while (at < text.length && text[at] !== '`' && !(text[at] === '$' && text[at + 1] === '{')) at += text[at] === '\\' ? 2 : 1
    blank(start, at)
    if (text[at] === '$') {
      templates.push(depth)
      at += 2
    } else at++
  }
  while (at < text.length) {
    const char = text[at]!
    const pair = text.slice(at, at + 2)
    if (pair === '//' || pair === '/*' || (at === 0 && pair === '#!')) {
      const end = pair === '/*' ? text.indexOf('*/', at + 2) + 2 : text.indexOf('\n', at)
      const next = end <= 1 ? text.length : end
      blank(at, next)
      at = next
    } else if (char === "'" || char === '"') {
      const end = endOfQuoted(text, at + 1, char)
      blank(at + 1, end)
      at = end + 1
    } else if (char === '`') {
      at++
      template()
    } else if (char === '/' && startsRegExp(out, at)) {
      const end = endOfRegExp(text, at + 1)
      blank(at + 1, end)
      at = end + 1
    } else if (char === '}' && templates.at(-1) === depth) {
      templates.pop()
      at++
      template()
    } else {
      if (char === '{') depth++
      if (char === '}') depth--
      at++
    }
  }
  return out.join('')
}

/** What a module names in `import … from`, `export … from`, `import 'x'` and `import('x')`, in order. */
export interface Import {
  readonly specifier: string
  /** The names between the braces, as the other module calls them; empty for anything but `import { … }` and `export { … }`. */
  readonly names: readonly string[]
}

export function importsOf(text: string): Import[] {
  const code = codeOf(text)
  const statement = /(?:\b(?:import|export)\b(?<clause>[^;'"`()]*?)\bfrom\s*|\bimport\s*\(?\s*)(?<quote>['"])(?<inside>[\s]*)\k<quote>/dg
  return [...code.matchAll(statement)].map((match) => {
    const [start, end] = match.indices!.groups!['inside']!
    const braces = /\{([^}]*)\}/.exec(match.groups!['clause'] ?? '')?.[1] ?? ''
    const names = braces.split(',').map((name) =>
      name
        .trim()
        .replace(/^type\s+/, '')
        .replace(/\s+as\s.*$/, ''),
    )
    return { specifier: text.slice(start, end), names: names.filter((name) => name !== '') }
  })
}

/** The package that a bare specifier belongs to: `@a/b/c` is of `@a/b`. Undefined for relative ones and for Node's own modules. */
export function packageOf(specifier: string): string | undefined {
  if (/^[./#]/.test(specifier) || isBuiltin(specifier)) return undefined
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}

function endOfQuoted(text: string, from: number, quote: string): number {
  let at = from
  while (at < text.length && text[at] !== quote && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1
  return at
}

function endOfRegExp(text: string, from: number): number {
  let inClass = false
  let at = from
  for (; at < text.length && text[at] !== '\n'; at += text[at] === '\\' ? 2 : 1) {
    if (text[at] === '[') inClass = true
    else if (text[at] === ']') inClass = false
    else if (text[at] === '/' && !inClass) break
  }
  return at
}

/** A slash divides after a value (name, number, closing bracket) and opens a regular expression after anything else. */
function startsRegExp(out: readonly string[], slash: number): boolean {
  let at = slash - 1
  while (at >= 0 && /\s/.test(out[at]!)) at--
  if (at < 0 || !/[\w$)\]}'"`]/.test(out[at]!)) return true
  const before = out.slice(Math.max(0, at - 10), at + 1).join('')
  return /(?:^|[^\w$.])(?:return|typeof|case|in|of|do|else|void|delete|throw|new|await|yield)$/.test(before)
}
