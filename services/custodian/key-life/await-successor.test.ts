import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { ceremonyAnswer, destructionCertificateSchema, signedDestructionCertificateSchema, type CeremonyAnswer } from '@ngome/contracts'
import { ManualClock, systemRandom, type Tenant } from '@ngome/kernel'
import { createLogger, newBoxKey, openBox, sealInBox } from '@ngome/runtime'
import { indexKeyLabel } from '../merchants/index-keys.ts'
import { openCustodian } from '../open-custodian.ts'
import { rotateRootKey } from './rotate-root-key.ts'
import { unwrapKey } from '../store/wrapped-keys.ts'
import { ceremonyIn, makeSet } from '../testing/shares.ts'
import { TestCustodian, testSettings } from '../testing/test-custodian.ts'
import { destruction } from '../testing/test-destruction.ts'
import { awaitSuccessor } from './await-successor.ts'
import { workOnKeys } from './work-on-keys.ts'

const startMs = 20_833 * 86_400_000 + 1_000
const logger = createLogger({ process: 'test', level: 'fatal', destination: { write: () => undefined } })
const startRefused = { code: 'custodian/start_refused' }
type Context = { after(fn: () => unknown): void }

/** One line to a ceremony's socket, and its answer. */
async function ask(path: string, request: (key: string) => object): Promise<CeremonyAnswer | undefined> {
  while (!existsSync(path)) await sleep(5)
  const socket = connect(path)
  try {
    for await (const line of socket.setEncoding('utf8')) {
      const answer = ceremonyAnswer.parse(JSON.parse(String(line)))
      if (answer.type !== 'state') return answer
      socket.write(`${JSON.stringify(request(answer.key))}\n`)
    }
  } catch {
    // It was there, and has just closed: the next one is asked.
    return ask(path, request)
  }
  return undefined
}

const enter = (path: string, share: string) => ask(path, (key) => ({ type: 'share', sealed: sealInBox(key, Buffer.from(share)) }))

/** Makes a set over the socket, as its command does. @returns the holders' shares */
async function make(path: string, shares: number, threshold: number): Promise<readonly string[]> {
  while (!existsSync(path)) await sleep(5)
  const [socket, key, texts] = [connect(path), newBoxKey(), [] as string[]]
  for await (const line of socket.setEncoding('utf8')) {
    const answer = ceremonyAnswer.parse(JSON.parse(String(line)))
    if (answer.type === 'made') break
    if (answer.type === 'share') texts.push(Buffer.from(openBox(key, answer.sealed) ?? []).toString())
    socket.write(`${JSON.stringify(answer.type === 'state' ? { type: 'make', shares, threshold, to: key.publicText } : { type: 'next' })}\n`)
  }
  return texts
}

/** Starts a custodian on a folder, whose holders bring these shares. */
async function start(folder: string, shares: readonly string[], clock: ManualClock) {
  const alarms: string[] = []
  const opening = openCustodian({
    folder, enrolmentKeyPath: join(folder, 'enrolment.key'), rootKey: { kind: 'shares' }, settings: testSettings, clock,
    random: systemRandom, alarm: ({ what }) => alarms.push(what),
  })
  const answers = (async () => {
    for (const share of shares) {
      const answer = await enter(join(folder, 'ceremony.sock'), share)
      if (answer?.type === 'refused') return answer.reason
    }
    return undefined
  })()
  return { custodian: await opening, alarms, refused: await answers }
}

type World = { folder: string; clock: ManualClock; shares: readonly string[]; test: TestCustodian; tenant: Tenant; other: Tenant; alarms: readonly string[] }

/** A running custodian with two merchants, whose root key is of two of three shares. */
async function world(t: Context): Promise<World> {
  const clock = new ManualClock(startMs)
  const folder = mkdtempSync(join(tmpdir(), 'ngome-successor-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'enrolment.key'), systemRandom.bytes(32), { mode: 0o600 })
  const shares = await makeSet(folder)
  const { custodian, alarms } = await start(folder, shares.slice(1), clock)
  const test = TestCustodian.around(custodian)
  return { folder, clock, shares, test, tenant: await test.tenant(), other: await test.tenant(), alarms }
}

const opens = async ({ test: { custodian } }: World, tenant: Tenant): Promise<void> => void await unwrapKey(custodian, indexKeyLabel(tenant))
const end = async ({ test }: World): Promise<void> => {
  const { root } = test.custodian
  test.close()
  await root.close()
}
const socketOf = ({ folder }: World): string => join(folder, 'successor.sock')

/** Runs a ceremony for a successor up to its begun rotation. @returns the new shares */
async function replaced(w: World): Promise<readonly string[]> {
  const before = w.test.custodian.root.describe().id
  const endCeremonies = awaitSuccessor(w.test.custodian, logger, 5)
  const made = await make(socketOf(w), 3, 2)
  assert.equal(w.test.custodian.root.describe().id, before)
  for (const share of made.slice(0, 2)) await enter(socketOf(w), share)
  while (w.test.custodian.root.describe().id === before) await sleep(5)
  await endCeremonies()
  return made
}

test('new shares are made beside the old ones, proven, and take their place; then the old ones are of nothing', async (t) => {
  const w = await world(t)
  await assert.rejects(rotateRootKey(w.test.custodian, { role: 'operator', serial: '01' }), /ceremony --rotate/)
  const made = await replaced(w)
  await opens(w, w.tenant)
  await workOnKeys(w.test.custodian)
  assert.equal(existsSync(join(w.folder, 'root-shares.next.json')), false)
  await opens(w, w.tenant)
  await end(w)
  const stale = ceremonyIn(w.folder)
  assert.deepEqual(await stale.ceremony.enter(Buffer.from(w.shares[0] ?? '')), { type: 'refused', reason: 'other_set' })
  stale.ceremony.end()
  const again = await start(w.folder, made.slice(1), w.clock)
  await unwrapKey(again.custodian, indexKeyLabel(w.tenant))
  await again.custodian.store.close()
})

test('a set that was not proven changes nothing: the start asks for the old one, and it can be proven later, or made anew', async (t) => {
  const w = await world(t)
  const endCeremonies = awaitSuccessor(w.test.custodian, logger, 5)
  const dropped = await make(socketOf(w), 2, 2)
  await enter(socketOf(w), dropped[0] ?? '')
  const made = await make(socketOf(w), 3, 2)
  assert.deepEqual(await enter(socketOf(w), dropped[1] ?? ''), { type: 'refused', reason: 'other_set' })
  assert.deepEqual(await enter(socketOf(w), w.shares[0] ?? ''), { type: 'refused', reason: 'other_set' })
  await endCeremonies()
  await end(w)
  const again = await start(w.folder, w.shares.slice(0, 2), w.clock)
  assert.equal(again.refused, undefined)
  const next: World = { ...w, test: TestCustodian.around(again.custodian) }
  const endAgain = awaitSuccessor(again.custodian, logger, 5)
  const before = again.custodian.root.describe().id
  for (const share of made.slice(1)) await enter(socketOf(w), share)
  while (again.custodian.root.describe().id === before) await sleep(5)
  await endAgain()
  await workOnKeys(again.custodian)
  await opens(next, w.tenant)
  await end(next)
})

test('what is in the socket\'s place is left there, and the ceremony is held when it is gone', async (t) => {
  const w = await world(t)
  writeFileSync(socketOf(w), '')
  const lines: string[] = []
  const telling = createLogger({ process: 'test', level: 'error', destination: { write: (line) => void lines.push(line) } })
  const endCeremonies = awaitSuccessor(w.test.custodian, telling, 5)
  while (lines.length === 0) await sleep(5)
  assert.match(lines[0] ?? '', /the ceremony failed/)
  rmSync(socketOf(w))
  assert.equal((await make(socketOf(w), 2, 2)).length, 2)
  await endCeremonies()
  await end(w)
})

test('killed amid the rotation: the new holders are asked first, then the old ones; neither alone goes on', async (t) => {
  const w = await world(t)
  const made = await replaced(w)
  await end(w)
  const again = await start(w.folder, [...made.slice(0, 2), ...w.shares.slice(0, 2)], w.clock)
  assert.equal(again.refused, undefined)
  await workOnKeys(again.custodian)
  assert.equal(await again.custodian.store.get(`SELECT 1 FROM rotations WHERE state = 'running'`), undefined)
  await unwrapKey(again.custodian, indexKeyLabel(w.tenant))
  await again.custodian.store.close()
  await again.custodian.root.close()
  const last = await start(w.folder, made.slice(1), w.clock)
  assert.equal(last.refused, undefined)
  await last.custodian.store.close()
})

test('a destruction that is due waits for the ceremony, says so, and is done with the successor\'s first transaction', async (t) => {
  const w = await world(t)
  const operator = await w.test.peer('operator')
  const ordered = await w.test.call(operator, '/v1/destroy-merchant-keys', await destruction(w.test, w.tenant))
  assert.equal(ordered.awaits, 'ceremony')
  await w.test.custodian.store.commits.run((transaction) => transaction.run('UPDATE destructions SET due_at_ms = 0'))
  for (let looks = 0; looks < 3; looks++) await workOnKeys(w.test.custodian)
  const listed = async () => (await w.test.call(operator, '/v1/destructions', {})).destructions[0]
  assert.deepEqual([(await listed())?.state, (await listed())?.awaits], ['waiting', 'ceremony'])
  assert.deepEqual(w.alarms, ['destruction_awaits_root'])
  await opens(w, w.tenant)
  const [old, fresh] = [`${w.folder}-old`, `${w.folder}-fresh`]
  t.after(() => { for (const folder of [old, fresh]) rmSync(folder, { recursive: true, force: true }) })
  const made = await replaced(w)
  assert.equal((await listed())?.state, 'deleted')
  await assert.rejects(opens(w, w.tenant), { code: 'custodian/key_unusable' })
  await workOnKeys(w.test.custodian)
  const { certificate } = signedDestructionCertificateSchema.parse(JSON.parse((await listed())?.certificate ?? ''))
  const said = destructionCertificateSchema.parse(JSON.parse(certificate))
  assert.deepEqual([said.root_kind, said.root_is_protected], ['shares', true])
  assert.match(said.meaning, /quorum of holders who kept their former shares, together with a backup .* still opens/)
  await opens(w, w.other)
  await end(w)
  cpSync(w.folder, fresh, { recursive: true })
  const restored = await start(fresh, made.slice(0, 2), w.clock)
  await unwrapKey(restored.custodian, indexKeyLabel(w.other))
  await restored.custodian.store.close()
})

test('a backup from before: the new shares are of another set; a quorum of the old ones opens it, as the certificate says', async (t) => {
  const w = await world(t)
  const old = `${w.folder}-old`
  t.after(() => rmSync(old, { recursive: true, force: true }))
  await end(w)
  cpSync(w.folder, old, { recursive: true })
  const live = await start(w.folder, w.shares.slice(0, 2), w.clock)
  const again: World = { ...w, test: TestCustodian.around(live.custodian) }
  const made = await replaced(again)
  await workOnKeys(live.custodian)
  await end(again)
  const { ceremony: over } = ceremonyIn(old)
  assert.deepEqual(await over.enter(Buffer.from(made[0] ?? '')), { type: 'refused', reason: 'other_set' })
  over.end()
  // With the new set's file in its place the store is not its root's.
  const mixed = `${w.folder}-mixed`
  t.after(() => rmSync(mixed, { recursive: true, force: true }))
  cpSync(old, mixed, { recursive: true })
  cpSync(join(w.folder, 'root-shares.json'), join(mixed, 'root-shares.json'))
  await assert.rejects(start(mixed, made.slice(0, 2), w.clock), startRefused)
  const opened = await start(old, w.shares.slice(0, 2), w.clock)
  await unwrapKey(opened.custodian, indexKeyLabel(w.tenant))
  await opened.custodian.store.close()
})
