import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { test } from 'node:test'
import type { CustodianRequest, Purpose } from '@ngome/contracts'
import { Fault, systemRandom, type MerchantKeyId } from '@ngome/kernel'
import { CustodianRefusal, type CustodianClient } from '@ngome/runtime'
import { SharedOpenings, type GivenKey } from './shared-openings.ts'

const custodian = generateKeyPairSync('ed25519')

type Call = CustodianRequest<'/v1/open'> & { readonly challenge: string }
type Answer = (call: Call) => Promise<readonly string[]>

/** A custodian that tells what it was asked. */
function asking(answer: Answer = async ({ records }) => records.map(({ context }) => `key of ${context}`)): {
  readonly calls: Call[]
  readonly open: (context: string, purpose?: Purpose, dataKey?: string) => Promise<GivenKey>
} {
  const calls: Call[] = []
  const call = (async (_path: string, body: CustodianRequest<'/v1/open'>, options?: { readonly challenge?: string }) => {
    const asked = { ...body, challenge: options?.challenge ?? '' }
    calls.push(asked)
    return { keys: await answer(asked) }
  }) as CustodianClient['call']
  const openings = new SharedOpenings({ call }, custodian.publicKey, systemRandom)
  return { calls, open: (context, purpose = 'dispatch', dataKey = 'D') => openings.open({ purpose, dataKey, context, salt: `salt of ${context}` }) }
}

function refusal(reason: string, challenge: string): CustodianRefusal {
  const statement = JSON.stringify({ challenge, caller: 'dispatcher', operation: '/v1/open', reason, at: new Date(0).toISOString() })
  return new CustodianRefusal('refused', { refusal: { statement, signature: sign(null, Buffer.from(statement), custodian.privateKey).toString('base64url') } })
}

const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `r${at}`)
const given = (name: string): GivenKey => ({ kind: 'given', key: `key of ${name}` })

test('what is wanted in one turn goes in one call, each gets its own key, and a data key goes once', async () => {
  const { calls, open } = asking()
  const keys = await Promise.all([open('a'), open('b', 'dispatch', 'E'), open('c')])
  assert.deepEqual(keys, [given('a'), given('b'), given('c')])
  assert.equal(calls.length, 1)
  assert.deepEqual(calls[0]?.dataKeys, ['D', 'E'])
  assert.deepEqual(calls[0].records, [
    { dataKey: 0, context: 'a', salt: 'salt of a' }, { dataKey: 1, context: 'b', salt: 'salt of b' }, { dataKey: 0, context: 'c', salt: 'salt of c' },
  ])
})

test('keys of what clients sealed go to those who asked for them, beside others that did not', async () => {
  const bodies: CustodianRequest<'/v1/open'>[] = []
  const openings = new SharedOpenings({
    call: (async (_path: string, body: CustodianRequest<'/v1/open'>) => {
      bodies.push(body)
      return {
        keys: body.records.map(({ context }) => `key of ${context}`),
        innerKeys: body.records.flatMap(({ inner }) => inner === undefined ? [] : [`inner of ${inner.enc}`]),
      }
    }) as CustodianClient['call'],
  }, custodian.publicKey, systemRandom)
  const inner = (enc: string) => ({ inner: { merchantKey: 'mek_1' as MerchantKeyId, type: 'text' as const, enc } })
  const wanted = (context: string, more: object = {}) => openings.open({ purpose: 'forward', dataKey: 'D', context, salt: 's', ...more })
  const keys = await Promise.all([wanted('a'), wanted('b', inner('B')), wanted('c'), wanted('d', inner('D'))])
  assert.equal(bodies.length, 1)
  assert.deepEqual(keys, [given('a'), { ...given('b'), innerKey: 'inner of B' }, given('c'), { ...given('d'), innerKey: 'inner of D' }])
})

test('purposes never share a call', async () => {
  const { calls, open } = asking()
  await Promise.all([open('a'), open('b', 'forward'), open('c')])
  assert.deepEqual(calls.map(({ purpose, records }) => [purpose, records.length]), [['dispatch', 2], ['forward', 1]])
})

test('a call carries 64 records at most, two are under way at most, and the rest goes with the next', async () => {
  const releases: (() => void)[] = []
  const { calls, open } = asking(async ({ records }) => {
    await new Promise<void>((resolve) => releases.push(resolve))
    return records.map(({ context }) => `key of ${context}`)
  })
  const all = Promise.all(names(200).map((name) => open(name)))
  await nextTurn()
  await nextTurn()
  assert.deepEqual(calls.map(({ records }) => records.length), [64, 64])
  while (releases.length > 0) {
    for (const release of releases.splice(0)) release()
    await nextTurn()
    await nextTurn()
  }
  assert.deepEqual(await all, names(200).map(given))
  assert.deepEqual(calls.map(({ records }) => records.length), [64, 64, 64, 8])
})

test('a record that is refused is refused alone: the others of its call are opened', async () => {
  const { calls, open } = asking(async ({ records, challenge }) => {
    if (records.some(({ context }) => context === 'bad')) throw refusal('record_refused', challenge)
    return records.map(({ context }) => `key of ${context}`)
  })
  const keys = await Promise.all([open('a'), open('bad'), open('c')])
  assert.deepEqual(keys, [given('a'), { kind: 'refused', reason: 'record_refused' }, given('c')])
  assert.deepEqual(calls.map(({ records }) => records.length), [3, 1, 1, 1])
  assert.equal(new Set(calls.map(({ challenge }) => challenge)).size, 4)
})

test('nobody hears a refusal that was signed for the call of many, or for another challenge', async () => {
  let first = ''
  const { open } = asking(async ({ challenge }) => {
    first ||= challenge
    throw refusal('record_refused', first)
  })
  assert.deepEqual(await Promise.all([open('a'), open('b')]), [{ kind: 'refused', reason: 'unsigned' }, { kind: 'refused', reason: 'unsigned' }])
})

test('a custodian that is away, or answers other keys than asked, fails all of the call, and the next is made', async () => {
  let isAway = true
  const { open } = asking(async ({ records }) => {
    if (isAway) throw new Fault('custodian/unavailable', 'away')
    return records.slice(1).map(() => 'a key')
  })
  for (const one of [open('a'), open('b')]) await assert.rejects(one, { code: 'custodian/unavailable' })
  isAway = false
  for (const one of [open('a'), open('b')]) await assert.rejects(one, /other keys than asked/)
})
