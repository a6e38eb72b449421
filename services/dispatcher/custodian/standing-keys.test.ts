import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, ManualClock, newId, systemRandom, type Tenant } from '@ngome/kernel'
import type { CustodianClient } from '@ngome/runtime'
import { believedMs, merchantKeyStates, type MerchantKeyState } from './standing-keys.ts'

const clock = new ManualClock(1_780_000_000_000)
const from = { clock, random: systemRandom }
const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
const [key, other] = [newId('merchantSigningKey', from), newId('merchantSigningKey', from)]

function states() {
  const said = { state: 'stands' as MerchantKeyState, isAway: false, asked: [] as string[] }
  const call = ((path: string, { world, key: id }: { readonly world: string; readonly key: string }) => {
    assert.equal(path, '/v1/merchant-signing-key-state')
    said.asked.push(`${world}/${id}`)
    return said.isAway ? Promise.reject(new Fault('custodian/unavailable', 'away')) : Promise.resolve({ state: said.state })
  }) as unknown as CustodianClient['call']
  return { said, stateOf: merchantKeyStates({ custodian: { call }, clock }) }
}

test('a key that was revoked at the custodian is used for a minute at most', async () => {
  const { said, stateOf } = states()
  assert.equal(await stateOf(tenant, key), 'stands')
  said.state = 'revoked'
  clock.advance(believedMs - 1)
  assert.equal(await stateOf(tenant, key), 'stands')
  assert.equal(said.asked.length, 1)
  clock.advance(1)
  assert.equal(await stateOf(tenant, key), 'revoked')
})

test('a clock that is set back believes nothing for longer', async () => {
  const { said, stateOf } = states()
  await stateOf(tenant, key)
  said.state = 'revoked'
  clock.advance(-3_600_000)
  assert.equal(await stateOf(tenant, key), 'revoked')
})

test('of a custodian that is away nothing is believed past the minute, and nothing is made up', async () => {
  const { said, stateOf } = states()
  await stateOf(tenant, key)
  said.isAway = true
  assert.equal(await stateOf(tenant, key), 'stands')
  clock.advance(believedMs)
  await assert.rejects(stateOf(tenant, key), { code: 'custodian/unavailable' })
  await assert.rejects(stateOf(tenant, other), { code: 'custodian/unavailable' })
})

test('each key of each merchant and world is asked for by itself, and memory has its bound', async () => {
  const { said, stateOf } = states()
  await stateOf(tenant, key)
  await stateOf({ ...tenant, world: 'live' }, key)
  await stateOf({ merchant: newId('merchant', from), world: 'test' }, key)
  await stateOf(tenant, other)
  assert.equal(said.asked.length, 4)
  for (let at = 0; at < 10_000; at++) await stateOf(tenant, `msk_${at}` as typeof key)
  await stateOf(tenant, `msk_9999` as typeof key)
  assert.equal(said.asked.length, 10_004)
  await stateOf(tenant, key)
  assert.equal(said.asked.length, 10_005, 'the oldest were forgotten')
})
