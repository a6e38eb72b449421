import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { newId, systemClock, systemRandom } from '@ngome/kernel'
import { proveDestination, signDestination, type ForwardDestination } from './forward-destination.ts'

const from = { clock: systemClock, random: systemRandom }
const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const nowMs = systemClock.nowMs()
const destination: ForwardDestination = {
  id: newId('forwardDestination', from), tenant: { merchant: newId('merchant', from), world: 'test' }, url: 'https://bank.example/',
  methods: ['POST'], certificateSha256: null, authority: null, expiresAtMs: nowMs + 1_000,
}
const proof = signDestination(destination, privateKey)

test('a destination that the custodian signed is proven until its end', () => {
  assert.deepEqual(proveDestination(destination, proof, publicKey, nowMs), destination)
  assert.equal(proveDestination(destination, proof, publicKey, nowMs + 1_000), undefined)
})

const changes: readonly Partial<ForwardDestination>[] = [
  { id: newId('forwardDestination', from) }, { tenant: { merchant: newId('merchant', from), world: 'test' } },
  { tenant: { ...destination.tenant, world: 'live' } }, { url: 'https://evil.example/' }, { methods: ['POST', 'GET'] }, { methods: [] },
  { certificateSha256: new Uint8Array(32) }, { authority: 'x' }, { expiresAtMs: nowMs + 2_000 },
]
for (const change of changes) {
  test(`a row with another ${Object.keys(change).join()} is not`, () => {
    assert.equal(proveDestination({ ...destination, ...change }, proof, publicKey, nowMs), undefined)
  })
}

test('a signature of somebody else, or of another length, proves nothing', () => {
  assert.equal(proveDestination(destination, signDestination(destination, generateKeyPairSync('ed25519').privateKey), publicKey, nowMs), undefined)
  assert.equal(proveDestination(destination, new Uint8Array(), publicKey, nowMs), undefined)
})
