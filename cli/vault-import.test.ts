import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { newApiKey } from '@ngome/access'
import { newId, systemClock, systemRandom } from '@ngome/kernel'
import { newCertificateRequest } from '@ngome/runtime'
import { TestAuthority } from '@ngome/testkit'

const from = { clock: systemClock, random: systemRandom }
const folder = mkdtempSync(join(tmpdir(), 'ngome-import-'))
const file = join(folder, 'cards.ndjson')
const results = `${file}.results`
const keyFile = join(folder, 'key')

/** A gateway as far as an import sees one: it keeps a batch once for each idempotency key. */
class VaultStandIn {
  readonly kept = new Map<string, { readonly body: string; readonly answer: string }>()
  /** What to do with the next requests before they are answered; then nothing. */
  readonly faults: ('503' | 'reset' | 'reset after keeping' | '401')[] = []
  onKept: () => void = () => undefined
  #server: Server | undefined

  async start(): Promise<number> {
    const authority = await TestAuthority.create()
    const { csr, privateKey } = await newCertificateRequest('gateway')
    writeFileSync(join(folder, 'ca.pem'), authority.pem)
    this.#server = createServer({ cert: await authority.issue(csr, 'gateway'), key: privateKey.expose((key) => key) }, (request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (text: string) => { body += text }).on('end', () => {
        const fault = this.faults.shift()
        if (fault === 'reset') return void request.socket.destroy()
        if (fault === '503' || fault === '401') {
          const problem = { type: 'urn:ngome:fault:access/unauthenticated', title: 'No.', status: Number(fault), code: 'access/unauthenticated', request_id: 'req_1' }
          return void response.writeHead(Number(fault), { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem))
        }
        const answer = this.#keep(String(request.headers['idempotency-key']), body)
        if (fault === 'reset after keeping') request.socket.destroy()
        else response.writeHead(200).end(answer)
        this.onKept()
      })
    })
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  #keep(key: string, body: string): string {
    const known = this.kept.get(key)
    if (known !== undefined) {
      assert.equal(known.body, body, 'one key, one body')
      return known.answer
    }
    const { tokens } = JSON.parse(body) as { tokens: { value?: string }[] }
    const answer = JSON.stringify({ object: 'vault_batch', results: tokens.map(({ value }) => value === 'bad'
      ? { id: null, error: { pointer: '/value', detail: 'This is not valid.' } } : { id: newId('vaultToken', from), error: null }) })
    this.kept.set(key, { body, answer })
    return answer
  }

  get values(): readonly string[] {
    return [...this.kept.values()].flatMap(({ body }) => (JSON.parse(body) as { tokens: { value: string }[] }).tokens.map(({ value }) => value))
  }

  stop(): void {
    this.#server?.closeAllConnections()
    this.#server?.close()
  }
}

let vault = new VaultStandIn()
let port = 0
before(() => newApiKey({ world: 'test', ...from }).text.expose((text) => writeFileSync(keyFile, `${text}\n`)))
beforeEach(async () => {
  vault.stop()
  vault = new VaultStandIn()
  port = await vault.start()
  rmSync(results, { force: true })
})
after(() => {
  vault.stop()
  rmSync(folder, { recursive: true })
})

function start(...args: readonly string[]) {
  return spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'vault', 'import', file, '--key', keyFile, ...args], {
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'], NGOME_DATA: folder, NGOME_CONFIG: '', NGOME_GATEWAY__PORT: String(port) },
  })
}

async function run(...args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = start(...args)
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (bytes: Buffer) => { stdout += bytes.toString() })
  child.stderr.on('data', (bytes: Buffer) => { stderr += bytes.toString() })
  const [code] = await once(child, 'close') as [number | null]
  return { code, stdout, stderr }
}

const lines = (count: number): string => Array.from({ length: count }, (_, at) => `${JSON.stringify({ type: 'text', value: `v${at}` })}\n`).join('')
const written = (): { line: number; id: string | null; error: unknown }[] =>
  readFileSync(results, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { line: number; id: string | null; error: unknown })

test('each line gets its token or its refusal, and no value is written or shown', async () => {
  writeFileSync(file, `${JSON.stringify({ type: 'text', value: 'secret-1' })}\nnot JSON secret-2\n${JSON.stringify({ type: 'text', value: 'bad' })}\n[]\n${JSON.stringify({ type: 'text', value: 'secret-3' })}`)
  const { code, stdout, stderr } = await run('--json')
  assert.equal(code, 1, stderr)
  assert.deepEqual(JSON.parse(stdout), { lines: 5, kept: 2, refused: 3 })
  assert.deepEqual(written().map(({ line, id }) => [line, id !== null]), [[1, true], [2, false], [3, false], [4, false], [5, true]])
  for (const text of [stdout, stderr, readFileSync(results, 'utf8')]) assert.doesNotMatch(text, /secret/)
})

test('an import that is killed again and again keeps each value once', async () => {
  const count = 3_000
  writeFileSync(file, lines(count))
  let kills = 0
  for (let turn = 0; turn < 12; turn++) {
    const child = start()
    // At another moment each time: right after a batch was kept, or a little later, while its results are written.
    const afterMs = systemRandom.bytes(1)[0] ?? 0
    vault.onKept = () => void setTimeout(() => child.kill('SIGKILL'), afterMs / 50)
    const [code] = await once(child, 'close') as [number | null]
    if (code === 0) break
    kills++
  }
  vault.onKept = () => undefined
  assert.ok(kills >= 2, `${kills} kills`)
  const { code, stderr } = await run()
  assert.equal(code, 0, stderr)
  assert.equal(vault.values.length, count)
  assert.equal(new Set(vault.values).size, count)
  const rows = written()
  assert.deepEqual(rows.map(({ line }) => line), Array.from({ length: count }, (_, at) => at + 1))
  assert.equal(new Set(rows.map(({ id }) => id)).size, count)
})

test('answers that are lost, and a gateway that is away, double nothing', async () => {
  writeFileSync(file, lines(1_200))
  vault.faults.push('reset', '503', 'reset after keeping')
  const { code, stderr } = await run()
  assert.equal(code, 0, stderr)
  assert.deepEqual([vault.values.length, written().length], [1_200, 1_200])
})

test('results that were cut off in the middle of a line are made whole', async () => {
  writeFileSync(file, lines(700))
  assert.equal((await run()).code, 0)
  const whole = readFileSync(results, 'utf8')
  for (const at of [1, Math.floor(whole.length / 2), whole.length - 1]) {
    writeFileSync(results, whole.slice(0, at))
    assert.equal((await run()).code, 0)
    assert.ok(readFileSync(results, 'utf8') === whole, `cut at ${at}`)
  }
  assert.equal(vault.values.length, 700)
})

test('the same lines again in one file are values of their own', async () => {
  writeFileSync(file, lines(500) + lines(500))
  assert.equal((await run()).code, 0)
  assert.equal(vault.values.length, 1_000)
})

test('a key tells nothing of the lines that it stands for', async () => {
  const only = JSON.stringify({ type: 'card_number', value: '4242424242424242' })
  writeFileSync(file, only)
  assert.equal((await run()).code, 0)
  const [key = ''] = vault.kept.keys()
  assert.match(key, /^import-[A-Za-z0-9_-]{43}$/)
  for (const text of [only, `${only}\n`, '4242424242424242']) assert.notEqual(key.slice(7), createHash('sha256').update(text).digest('base64url'))
})

test('a refusal of the whole, a file without a key and a line without an end are told, and nothing is written', async () => {
  writeFileSync(file, lines(1))
  vault.faults.push('401')
  const refused = await run()
  assert.deepEqual([refused.code, /access\/unauthenticated/.test(refused.stderr)], [1, true], refused.stderr)
  writeFileSync(keyFile, 'nothing')
  assert.equal((await run()).code, 2)
  newApiKey({ world: 'test', ...from }).text.expose((text) => writeFileSync(keyFile, text))
  appendFileSync(file, 'x'.repeat(100_000))
  const long = await run()
  assert.deepEqual([long.code, /line 2 is longer/.test(long.stderr)], [1, true], long.stderr)
  assert.equal(existsSync(results) && readFileSync(results, 'utf8') !== '', false)
})
