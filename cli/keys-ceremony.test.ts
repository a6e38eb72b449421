import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ceremonyRequest, type CeremonyAnswer, type CeremonyRequest } from '@ngome/contracts'
import { newBoxKey, openBox, sealInBox } from '@ngome/runtime'
import { processMemory } from '@ngome/testkit'
import { CeremonyCommand } from './testing/ceremony.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
const share = 'abcdef-ghjkmn-pqrstv-wxyz01-234567-89abcd-efghjk-mnpqrs-tvwxyz-012345-6789ab-cdefgh'
const rootOnly = process.platform !== 'linux' || process.getuid?.() !== 0 ? 'reads /proc of other processes: needs Linux and root' : false

type Served = { readonly env: NodeJS.ProcessEnv; readonly entered: string[] }

/** The custodian's end of the ceremony, which answers as the test says. */
async function served(t: TestContext, answer: (request: CeremonyRequest) => CeremonyAnswer, phase: 'unmade' | 'collecting' = 'collecting'): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), 'ngome-ceremony-'))
  mkdirSync(join(folder, 'custodian'))
  const entered: string[] = []
  const key = newBoxKey()
  const server = createServer((socket) => {
    const say = (said: CeremonyAnswer): void => void socket.write(`${JSON.stringify(said)}\n`)
    say({ type: 'state', phase, have: 0, need: phase === 'unmade' ? 0 : 2, key: key.publicText })
    socket.on('error', () => undefined).on('data', (line) => {
      const request = ceremonyRequest.parse(JSON.parse(line.toString()))
      if (request.type === 'share') entered.push(Buffer.from(openBox(key, request.sealed) ?? []).toString())
      say(answer(request))
    })
  }).listen(join(folder, 'custodian', 'ceremony.sock'))
  await once(server, 'listening')
  t.after(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env
  return { env: { PATH, HOME, NODE_COMPILE_CACHE, NGOME_DATA: folder, NGOME_CONFIG: '', NGOME_ROOT_KEY: 'shares' }, entered }
}

const accepted: CeremonyAnswer = { type: 'accepted', phase: 'collecting', have: 1, need: 2 }

test('a share that is typed reaches the custodian with its slips corrected, and is never shown; what is too long is cut', async (t) => {
  const { env, entered } = await served(t, () => ({ type: 'refused', reason: 'malformed' }))
  const command = new CeremonyCommand(env)
  t.after(() => command.child.kill())
  for (const [at, typed] of ['junk\u0015abcx\u007fd', `${share}\r`, 'y'.repeat(1000)].entries()) {
    await command.until(/Next holder/, at + 1)
    command.type(typed.endsWith('\r') ? typed : `${typed}\n`)
    await command.until(/Refused: that is not a share as it was printed/, at + 1)
  }
  assert.deepEqual(entered, ['abcd', share, 'y'.repeat(256)])
  command.type('\u0003')
  assert.equal(await command.end(), 1)
  assert.match(command.screen, /the ceremony was left/)
  for (const text of ['junk', 'abcd', share, 'yyy']) assert.ok(!command.screen.includes(text))
})

test('on a terminal nothing that is typed is echoed', {
  skip: process.platform !== 'linux' || spawnSync('script', ['--version']).status !== 0 ? 'needs the program script of util-linux' : false,
}, async (t) => {
  const { env, entered } = await served(t, () => ({ type: 'unsealed' }))
  const child = spawn('script', ['-qec', `${process.execPath} --disable-warning=ExperimentalWarning ${main} keys ceremony`, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  let screen = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { screen += text })
  for (const from = performance.now(); !screen.includes('Next holder'); await sleep(20)) assert.ok(performance.now() - from < 20_000, screen)
  child.stdin.write(`${share}\r`)
  assert.equal((await once(child, 'exit'))[0], 0, screen)
  assert.deepEqual(entered, [share])
  assert.ok(!screen.includes(share.slice(0, 13)), screen)
  assert.match(screen, /\[2J.*has its root key/s)
})

test('after a share was taken it is not in the command\'s memory any more', { skip: rootOnly }, async (t) => {
  const { env } = await served(t, () => accepted)
  const command = new CeremonyCommand(env)
  t.after(() => command.child.kill('SIGKILL'))
  await command.until(/Next holder/)
  const found = (): boolean => [...processMemory(command.child.pid ?? 0)].some((chunk) => chunk.includes(share))
  command.type(share)
  // It must find what is there, or it would prove nothing: a share that was typed, before Enter.
  for (const from = performance.now(); !found(); await sleep(100)) assert.ok(performance.now() - from < 20_000, 'what was typed is not found')
  command.type('\n')
  await command.until(/1 of 2 shares are here/)
  assert.ok(!found())
})

test('a command that is ended in the middle of a share ends at once, and has sent nothing', async (t) => {
  const { env, entered } = await served(t, () => accepted)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
    const command = new CeremonyCommand(env)
    await command.until(/Next holder/)
    command.type(share)
    command.child.kill(signal)
    await once(command.child, 'exit')
  }
  assert.deepEqual(entered, [])
})

test('a share of a new set is shown to its holder alone, after Enter; then it is not in the command\'s memory', { skip: rootOnly }, async (t) => {
  let to = ''
  let number = 0
  const { env } = await served(t, (request) => {
    if (request.type === 'make') ({ to } = request)
    number++
    return number > 2 ? { type: 'made', set: '0123456789ab' } : { type: 'share', number, of: 2, sealed: sealInBox(to, Buffer.from(share)) }
  }, 'unmade')
  const command = new CeremonyCommand(env, '--init', '--shares', '2', '--threshold', '2')
  t.after(() => command.child.kill('SIGKILL'))
  await command.until(/Holder 1 of 2/)
  assert.ok(!command.screen.includes(share))
  command.type('\n')
  await command.until(/Write it down/)
  assert.ok(command.screen.includes(share))
  command.type('\n')
  await command.until(/Holder 2 of 2/)
  assert.ok(![...processMemory(command.child.pid ?? 0)].some((chunk) => chunk.includes(share)))
  command.type('\n\n')
  await command.until(/The set 0123456789ab is made/)
  assert.equal(await command.end(), 0)
})

test('what cannot be done is said: nobody who waits, nothing made yet, refused, a file for the screen, options that do not fit', async (t) => {
  const { env } = await served(t, () => ({ type: 'refused', reason: 'busy' }), 'unmade')
  const run = (given: NodeJS.ProcessEnv, args: readonly string[], stdout: 'pipe' | number = 'pipe'): { status: number | null; stderr: string } => {
    const { status, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'keys', 'ceremony', ...args], {
      env: given, encoding: 'utf8', stdio: ['ignore', stdout, 'pipe'], timeout: 20_000,
    })
    return { status, stderr }
  }
  const init = ['--init', '--shares', '3', '--threshold', '2']
  const table: readonly (readonly [claim: string, given: NodeJS.ProcessEnv, args: readonly string[], status: number, says: RegExp])[] = [
    ['nobody waits', { ...env, NGOME_DATA: join(tmpdir(), 'ngome-none') }, [], 1, /no custodian waits for shares here/],
    ['another root key', { ...env, NGOME_ROOT_KEY: 'file' }, [], 2, /NGOME_ROOT_KEY=shares/],
    ['more of them than there are', env, ['--init', '--shares', '2', '--threshold', '3'], 2, /K not above N/],
    ['a crowd', env, ['--init', '--shares', '17', '--threshold', '2'], 2, /of 2 to 16/],
    ['no number', env, ['--init', '--shares', 'three'], 2, /--init needs/],
    ['numbers without --init', env, ['--shares', '3'], 2, /belong to --init/],
    ['the first set, and a later one', env, [...init, '--rotate'], 2, /--rotate for every later one/],
    ['a later set of one', env, ['--rotate', '--shares', '1', '--threshold', '1'], 2, /--rotate needs/],
    ['a later set where nobody replaces any', env, ['--rotate'], 1, /with --rotate: it has no root key yet/],
    ['shares as JSON', env, [...init, '--json'], 2, /has no --json/],
  ]
  for (const [claim, given, args, status, says] of table) {
    const answer = run(given, args)
    assert.equal(answer.status, status, `${claim}: ${answer.stderr}`)
    assert.match(answer.stderr, says, claim)
  }
  const file = openSync(join(env['NGOME_DATA'] ?? '', 'shares.txt'), 'w')
  t.after(() => closeSync(file))
  const kept = run(env, init, file)
  assert.deepEqual([kept.status, /never written to a file/.test(kept.stderr)], [2, true], kept.stderr)
})

test('a custodian without a set, or with another ceremony under way, says so', async (t) => {
  const { env } = await served(t, () => ({ type: 'refused', reason: 'busy' }), 'unmade')
  for (const [args, says] of [[[], /has no shares yet/], [['--init', '--shares', '2', '--threshold', '2'], /another ceremony is under way/]] as const) {
    const command = new CeremonyCommand(env, ...args)
    assert.equal(await command.end(), 1)
    assert.match(command.screen, says)
  }
})
