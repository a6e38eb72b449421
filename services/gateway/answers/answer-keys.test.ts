import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { answerKeyLifeMs } from '@ngome/contracts'
import { Fault, ManualClock } from '@ngome/kernel'
import { createLogger, signAnswerKey, type CustodianClient } from '@ngome/runtime'
import { answerKeyAttacks, stateAnswerKeyRaw } from '@ngome/testkit'
import { AnswerKeys } from './answer-keys.ts'

const custodian = generateKeyPairSync('ed25519')
const silent = createLogger({ process: 'gateway', level: 'fatal', destination: { write: () => undefined } })

function world(answer?: (key: string, nowMs: number) => string | Promise<string>) {
  const clock = new ManualClock(1_800_000_000_000)
  const asked: string[] = []
  const states = answer ?? ((key: string, nowMs: number) => signAnswerKey({
    key, issued_at: new Date(nowMs).toISOString(), expires_at: new Date(nowMs + answerKeyLifeMs).toISOString(),
  }, custodian.privateKey))
  const call = async (_path: string, { key }: { readonly key: string }) => {
    asked.push(key)
    return { statement: await states(key, clock.nowMs()) }
  }
  const client = { call } as unknown as Pick<CustodianClient, 'call'>
  return { clock, asked, keys: new AnswerKeys({ custodian: client, statementKey: custodian.publicKey, clock, logger: silent }) }
}

test('a key counts once it is stated, for as long as its statement does', async () => {
  const { keys, clock, asked } = world()
  assert.throws(() => keys.current, { code: 'custodian/unavailable' })
  await keys.fetch()
  assert.deepEqual([keys.current.id], asked)
  clock.advance(answerKeyLifeMs - 1)
  assert.equal(keys.current.id, asked[0])
  clock.advance(1)
  assert.throws(() => keys.current, { code: 'custodian/unavailable' })
})

test('each process has a key of its own, and renews the statement of the same one', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const [one, other] = [world(), world()]
  await one.keys.fetch()
  await other.keys.fetch()
  assert.notEqual(one.keys.current.id, other.keys.current.id)
  const first = one.keys.current
  const stop = one.keys.keepRenewing()
  one.clock.advance(answerKeyLifeMs / 4)
  t.mock.timers.tick(answerKeyLifeMs / 4)
  await new Promise(setImmediate)
  assert.deepEqual([one.asked.length, one.keys.current.id], [2, first.id])
  assert.notEqual(one.keys.current.statement, first.statement)
  stop()
  t.mock.timers.tick(answerKeyLifeMs)
  assert.equal(one.asked.length, 2)
})

test('a custodian that is away is asked again, and the statement at hand used meanwhile', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let isAway = false
  const { keys, asked } = world((key, nowMs) => {
    if (isAway) throw new Fault('custodian/unavailable', 'the test wants it so')
    return stateAnswerKeyRaw({ key, fromMs: nowMs, untilMs: nowMs + answerKeyLifeMs, signer: custodian.privateKey })
  })
  await keys.fetch()
  const stop = keys.keepRenewing()
  isAway = true
  t.mock.timers.tick(answerKeyLifeMs / 4)
  await new Promise(setImmediate)
  assert.equal(keys.current.id, asked[0])
  isAway = false
  t.mock.timers.tick(30_000)
  await new Promise(setImmediate)
  assert.equal(asked.length, 3)
  stop()
})

for (const [what, attack] of Object.entries(answerKeyAttacks)) {
  if (what === 'a statement that has not begun') continue
  test(`is not used: ${what}`, async () => {
    const { keys } = world((key, nowMs) => attack({ key, fromMs: nowMs, untilMs: nowMs + answerKeyLifeMs, signer: custodian.privateKey }, nowMs))
    await assert.rejects(keys.fetch(), { code: 'custodian/unavailable' })
    assert.throws(() => keys.current, { code: 'custodian/unavailable' })
  })
}
test('is not used: the statement of another key', async () => {
  const { keys } = world((_, nowMs) => stateAnswerKeyRaw({
    key: 'A'.repeat(43), fromMs: nowMs, untilMs: nowMs + answerKeyLifeMs, signer: custodian.privateKey,
  }))
  await assert.rejects(keys.fetch(), { code: 'custodian/unavailable' })
})
