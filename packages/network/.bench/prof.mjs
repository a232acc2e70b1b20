import fs from 'node:fs'
const dir = process.argv[2]
for (const f of fs.readdirSync(dir)) {
  const p = JSON.parse(fs.readFileSync(dir + '/' + f))
  const self = new Map()
  const byId = new Map(p.nodes.map((n) => [n.id, n]))
  let tot = 0
  p.samples.forEach((id, i) => {
    const n = byId.get(id)
    const k = `${n.callFrame.functionName || '(anon)'} ${n.callFrame.url.split('/').slice(-4).join('/')}:${n.callFrame.lineNumber + 1}`
    const d = p.timeDeltas[i]
    self.set(k, (self.get(k) ?? 0) + d)
    tot += d
  })
  const idle = [...self].filter(([k]) => k.startsWith('(idle)') || k.startsWith('(program)')).reduce((s, [, v]) => s + v, 0)
  console.log(f, 'busy', ((tot - idle) / 1e6).toFixed(2), 's')
  for (const [k, v] of [...self].sort((a, b) => b[1] - a[1]).slice(0, 22)) console.log(((100 * v) / (tot - idle)).toFixed(1).padStart(6), k)
}
