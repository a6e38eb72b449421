import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { formatReport, type BenchOptions, type BenchReport } from './harness.ts'

/** Files of this folder that are not benchmarks. */
const notBenches = new Set(['harness.ts', 'main.ts'])

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !notBenches.has(file))
  .map((file) => file.slice(0, -'.ts'.length))

const { values, positionals } = parseArgs({ options: { json: { type: 'boolean', default: false }, rows: { type: 'string' } }, allowPositionals: true })
const [name] = positionals
const rows = values.rows === undefined ? undefined : Number(values.rows)
if (name === undefined || positionals.length !== 1 || !names.includes(name) || rows !== undefined && !(Number.isSafeInteger(rows) && rows > 0)) {
  process.stderr.write(`Usage: npm run bench -- NAME [--json] [--rows N], where NAME is one of: ${names.join(', ')}\n`)
  process.exitCode = 2
} else {
  const { bench } = await import(`./${name}.ts`) as { bench: (options: BenchOptions) => Promise<BenchReport> }
  process.stdout.write(`${formatReport(await bench({ rows }), values.json ? 'json' : 'table')}\n`)
}
