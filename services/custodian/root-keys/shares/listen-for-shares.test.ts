import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { ceremonyAnswer, ceremonyLineBytesMax, type CeremonyAnswer, type CeremonyRequest } from '@ngome/contracts'
import { systemRandom } from '@ngome/kernel'
import { newBoxKey, openBox, sealInBox } from '@ngome/runtime'
import { makeSet, ownFolder } from '../../testing/shares.ts'
import type { RootKey } from '../root-key.ts'
import { Ceremony } from './ceremony.ts'
import { listenForShares } from './listen-for-shares.ts'
import { openSharesRoot } from './open-shares-root.ts'

/** The command's end of the socket. */
class Caller {
  readonly socket: Socket
  #rest = ''
  #isClosed = false
  readonly #answers: CeremonyAnswer[] = []

  constructor(path: string) {
    this.socket = connect(path)
    this.socket.setEncoding('utf8').on('data', (text: string) => {
      this.#rest += text
      for (let end = this.#rest.indexOf('\n'); end >= 0; end = this.#rest.indexOf('\n')) {
        this.#answers.push(ceremonyAnswer.parse(JSON.parse(this.#rest.slice(0, end))))
        this.#rest = this.#rest.slice(end + 1)
      }
    }).on('error', () => undefined).on('close', () => { this.#isClosed = true })
  }

  /** The next answer, or `undefined` where the connection ended. */
  async next(): Promise<CeremonyAnswer | undefined> {
    while (this.#answers.length === 0 && !this.#isClosed) await sleep(5)
    return this.#answers.shift()
  }

  async ask(request: CeremonyRequest): Promise<CeremonyAnswer | undefined> {
    this.socket.write(`${JSON.stringify(request)}\n`)
    return this.next()
  }

  /** Enters a share with the key of the opening state. */
  async enter(share: string): Promise<CeremonyAnswer | undefined> {
    const state = await this.next()
    if (state?.type !== 'state') return state
    return this.ask({ type: 'share', sealed: sealInBox(state.key, Buffer.from(share)) })
  }
}

type Place = {
  readonly folder: string
  readonly path: string
  readonly root: Promise<RootKey>
  readonly failures: unknown[]
  caller(): Caller
}

async function waiting(t: TestContext, { folder = ownFolder(t), isFirstRun = true } = {}): Promise<Place> {
  const over = new AbortController()
  const failures: unknown[] = []
  const path = join(folder, 'ceremony.sock')
  const root = openSharesRoot({
    folder, isFirstRun, activeRoot: undefined, needsFormer: async () => false, random: systemRandom,
    waiting: { signal: over.signal, progress: () => undefined, refused: () => undefined, failed: (failure) => void failures.push(failure) },
  }).then((opened) => opened.root)
  root.catch(() => undefined)
  const callers: Caller[] = []
  t.after(async () => {
    for (const { socket } of callers) socket.destroy()
    over.abort()
    await root.catch(() => undefined)
  })
  while (!existsSync(path)) await sleep(5)
  await sleep(20)
  return {
    folder, path, root, failures,
    caller: () => {
      const caller = new Caller(path)
      callers.push(caller)
      return caller
    },
  }
}

async function enterOne(place: Place, share: string): Promise<CeremonyAnswer | undefined> {
  const caller = place.caller()
  const answer = await caller.enter(share)
  caller.socket.destroy()
  return answer
}

test('a set is made over the socket, and its quorum brings the root key; the socket is gone after that', async (t) => {
  const place = await waiting(t)
  const maker = place.caller()
  assert.equal((await maker.next())?.type, 'state')
  const key = newBoxKey()
  const texts: string[] = []
  let answer = await maker.ask({ type: 'make', shares: 3, threshold: 2, to: key.publicText })
  for (; answer?.type === 'share'; answer = await maker.ask({ type: 'next' })) {
    assert.deepEqual([answer.number, answer.of], [texts.length + 1, 3])
    texts.push(Buffer.from(openBox(key, answer.sealed) ?? []).toString())
  }
  assert.equal(answer?.type, 'made')
  assert.deepEqual(await enterOne(place, texts[2] ?? ''), { type: 'accepted', phase: 'collecting', have: 1, need: 2 })
  assert.deepEqual(await enterOne(place, texts[0] ?? ''), { type: 'unsealed' })
  const root = await place.root
  assert.deepEqual({ ...root.describe(), id: '' }, { name: 'software-shares', isProtected: true, id: '' })
  assert.deepEqual(await root.attemptExport(), { isRefused: true, by: 'software-shares' })
  assert.equal(existsSync(place.path), false)
  await root.close()
})

test('two ceremonies at once: both bring shares of the one quorum; of two makers the second is refused', async (t) => {
  const folder = ownFolder(t)
  const [one = '', two = ''] = await makeSet(folder)
  const place = await waiting(t, { folder, isFirstRun: false })
  const answers = await Promise.all([enterOne(place, one), enterOne(place, two)])
  assert.deepEqual(answers.map((answer) => answer?.type ?? '').toSorted(), ['accepted', 'unsealed'])
  await (await place.root).close()

  const fresh = await waiting(t)
  const [first, second] = [fresh.caller(), fresh.caller()]
  await Promise.all([first.next(), second.next()])
  const make = { type: 'make', shares: 2, threshold: 2, to: newBoxKey().publicText } as const
  assert.equal((await first.ask(make))?.type, 'share')
  assert.deepEqual(await second.ask(make), { type: 'refused', reason: 'busy' })
  assert.deepEqual(await second.ask({ type: 'next' }), { type: 'refused', reason: 'not_understood' })
  first.socket.destroy()
  await sleep(50)
  assert.equal((await second.ask(make))?.type, 'share')
})

test('attacks on the socket: what is not understood is refused and ends the connection; the ceremony goes on', async (t) => {
  const folder = ownFolder(t)
  const [one = '', two = ''] = await makeSet(folder)
  const place = await waiting(t, { folder, isFirstRun: false })
  const key = newBoxKey().publicText
  const table: readonly (readonly [claim: string, line: string])[] = [
    ['not JSON', 'hello'],
    ['bytes that are no text', '\u00ff\u0000'],
    ['another request', '{"type":"unseal"}'],
    ['a field too many', '{"type":"next","more":1}'],
    ['a share in clear', JSON.stringify({ type: 'share', text: one })],
    ['a set of one share', JSON.stringify({ type: 'make', shares: 1, threshold: 1, to: key })],
    ['a set of a thousand', JSON.stringify({ type: 'make', shares: 1000, threshold: 2, to: key })],
    ['a key that is none', JSON.stringify({ type: 'make', shares: 2, threshold: 2, to: '!' })],
  ]
  for (const [claim, line] of table) {
    const caller = place.caller()
    await caller.next()
    caller.socket.write(`${line}\n`)
    assert.deepEqual(await caller.next(), { type: 'refused', reason: 'not_understood' }, claim)
    assert.equal(await caller.next(), undefined, claim)
  }
  const replayed = place.caller()
  await replayed.next()
  assert.deepEqual(await replayed.ask({ type: 'share', sealed: sealInBox(newBoxKey().publicText, Buffer.from(one)) }), { type: 'refused', reason: 'not_understood' }, 'a share sealed for another conversation')
  assert.deepEqual(await replayed.ask({ type: 'make', shares: 2, threshold: 3, to: key }), { type: 'refused', reason: 'not_understood' }, 'more of them than there are')
  assert.deepEqual(await replayed.ask({ type: 'make', shares: 3, threshold: 2, to: key }), { type: 'refused', reason: 'already_made' })
  await enterOne(place, one)
  assert.deepEqual(await enterOne(place, two), { type: 'unsealed' })
})

test('a line without end is cut off, and so is one that is too long', async (t) => {
  const place = await waiting(t)
  for (const sent of ['x'.repeat(ceremonyLineBytesMax), `${'x'.repeat(ceremonyLineBytesMax)}\n`, 'x'.repeat(1_000_000)]) {
    const caller = place.caller()
    await caller.next()
    caller.socket.write(sent)
    assert.equal(await caller.next(), undefined)
  }
})

test('a flood of connections is bounded, and leaves room again when it goes', async (t) => {
  const folder = ownFolder(t)
  const [one = ''] = await makeSet(folder)
  const place = await waiting(t, { folder, isFirstRun: false })
  const flood = Array.from({ length: 60 }, () => place.caller())
  const taken = (await Promise.all(flood.map((caller) => caller.next()))).filter((answer) => answer !== undefined)
  assert.equal(taken.length, 8)
  for (const { socket } of flood) socket.destroy()
  await sleep(50)
  assert.equal((await enterOne(place, one))?.type, 'accepted')
})

test('a connection that says nothing is cut off after ten seconds', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const folder = ownFolder(t)
  const ceremony = new Ceremony({
    folder, set: undefined, random: systemRandom, lifeMs: 1, watch: { progress: () => undefined, refused: () => undefined },
  })
  const path = join(folder, 'ceremony.sock')
  const close = await listenForShares(path, ceremony, () => undefined)
  const socket = connect(path)
  await once(socket, 'data')
  t.mock.timers.tick(10_000)
  await once(socket, 'close')
  const deaf = connect({ path, allowHalfOpen: true })
  await once(deaf, 'data')
  const closed = close()
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  t.mock.timers.tick(1_000)
  await closed
  deaf.destroy()
})

test('the socket is the custodian\'s own: mode 0600, and another user cannot connect even where the folder is open', {
  skip: process.getuid?.() !== 0 || spawnSync('setpriv', ['--version']).status !== 0 ? 'needs root and setpriv, to be somebody else' : false,
}, async (t) => {
  const place = await waiting(t)
  assert.equal(statSync(place.path).mode & 0o777, 0o600)
  chmodSync(place.folder, 0o755)
  const attempt = `require('node:net').connect(${JSON.stringify(place.path)}).on('connect', () => process.exit(0)).on('error', ({ code }) => { process.stdout.write(code); process.exit(3) })`
  const { status, stdout } = spawnSync('setpriv', ['--reuid=54321', '--regid=54321', '--clear-groups', process.execPath, '-e', attempt], { encoding: 'utf8', cwd: '/' })
  assert.deepEqual([status, stdout], [3, 'EACCES'])
})

test('a socket that a killed custodian left is replaced; anything else in its place, or a path too long, refuses the start', async (t) => {
  const folder = ownFolder(t)
  const path = join(folder, 'ceremony.sock')
  const left = spawnSync(process.execPath, ['-e', `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`])
  assert.equal(left.signal, 'SIGKILL')
  assert.ok(existsSync(path))
  const place = await waiting(t, { folder })
  assert.equal((await place.caller().next())?.type, 'state')

  const other = ownFolder(t)
  writeFileSync(join(other, 'ceremony.sock'), '')
  await assert.rejects(openSharesRoot({ folder: other, isFirstRun: true, random: systemRandom }), { code: 'custodian/start_refused' })
  const long = join(ownFolder(t), 'x'.repeat(120))
  mkdirSync(long)
  await assert.rejects(openSharesRoot({ folder: long, isFirstRun: true, random: systemRandom }), { code: 'custodian/start_refused' })
})

test('a set that cannot be kept is not made, and the custodian says that it failed', async (t) => {
  const place = await waiting(t)
  const maker = place.caller()
  await maker.next()
  await maker.ask({ type: 'make', shares: 2, threshold: 2, to: newBoxKey().publicText })
  await maker.ask({ type: 'next' })
  rmSync(place.folder, { recursive: true })
  assert.deepEqual(await maker.ask({ type: 'next' }), { type: 'refused', reason: 'failed' })
  assert.equal(place.failures.length, 1)
  mkdirSync(place.folder)
})

test('another root\'s store, or its file, is not taken over: that is a rotation of the root', async (t) => {
  await assert.rejects(openSharesRoot({ folder: ownFolder(t), isFirstRun: false, random: systemRandom }), /rotation of the root/)
  const folder = ownFolder(t)
  writeFileSync(join(folder, 'root.key'), new Uint8Array(32), { mode: 0o600 })
  await assert.rejects(openSharesRoot({ folder, isFirstRun: true, random: systemRandom }), /rotation of the root/)
})

test('who gives up waiting wipes what was entered, and has no root key', async (t) => {
  const folder = ownFolder(t)
  const [one = ''] = await makeSet(folder)
  const over = new AbortController()
  const states: number[] = []
  const root = openSharesRoot({
    folder, isFirstRun: false, random: systemRandom,
    waiting: { signal: over.signal, progress: ({ have }) => void states.push(have), refused: () => undefined, failed: () => undefined },
  })
  const path = join(folder, 'ceremony.sock')
  while (!existsSync(path)) await sleep(5)
  await sleep(20)
  const caller = new Caller(path)
  assert.equal((await caller.enter(one))?.type, 'accepted')
  over.abort()
  await assert.rejects(root, { code: 'custodian/unavailable' })
  assert.deepEqual(states, [0, 1])
  assert.equal(existsSync(path), false)
  await assert.rejects(openSharesRoot({
    folder, isFirstRun: false, random: systemRandom,
    waiting: { signal: over.signal, progress: () => undefined, refused: () => undefined, failed: () => undefined },
  }), { code: 'custodian/unavailable' })
})
