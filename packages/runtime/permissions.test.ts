import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'

const root = join(import.meta.dirname, '..', '..')
const dataDir = mkdtempSync(join(tmpdir(), 'ngome-runtime-'))
after(() => rmSync(dataDir, { recursive: true }))
writeFileSync(join(dataDir, 'ngome.json'), '{"log":{"level":"error"}}')

/** Runs a script as the launcher starts a process: it may read the program and nothing else. */
function run(script: string, ...flags: readonly string[]): string {
  const imports = `import { createLogger, createMetrics, loadConfig, newCertificateRequest } from ${JSON.stringify(join(root, 'packages/runtime/mod.ts'))}\n`
  return execFileSync(process.execPath, [
    '--permission', '--allow-net', `--allow-fs-read=${root}`, ...flags, '--no-experimental-sqlite', '--no-warnings',
    '--input-type=module', '-e', imports + script,
  ], { cwd: root, encoding: 'utf8', env: { PATH: process.env['PATH'] } }).trim()
}

describe('under the permission model', () => {
  const load = (env: Record<string, string>) => `
    try { console.log(loadConfig(${JSON.stringify({ NGOME_DATA: dataDir, ...env })}).log.level) }
    catch (error) { console.log(error.code, error.message) }`

  test('a process that may not look for its configuration says so, and runs on no defaults', () => {
    assert.match(run(load({})), /^config\/invalid this process may not look for .*: set NGOME_CONFIG/)
    assert.match(run(load({ NGOME_CONFIG: join(dataDir, 'ngome.json') })), /^config\/invalid .* cannot be read/)
  })

  test('a process reads the configuration that it was given, or none', () => {
    const path = join(dataDir, 'ngome.json')
    assert.equal(run(load({ NGOME_CONFIG: path }), `--allow-fs-read=${path}`), 'error')
    assert.equal(run(load({ NGOME_CONFIG: '' })), 'info')
  })

  test('logs, metrics and key pairs need nothing more', () => {
    const out = run(`
      createLogger({ process: 'gateway', level: 'info' }).info('up')
      console.log(await createMetrics({ process: 'gateway' }).metrics())
      console.log((await newCertificateRequest('gateway')).csr)`)
    assert.match(out, /"msg":"up"/)
    assert.match(out, /process_uptime_seconds\{process="gateway"\}/)
    assert.match(out, /BEGIN CERTIFICATE REQUEST/)
  })
})
