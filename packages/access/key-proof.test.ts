import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { newId, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import { isProvenApiKey, keyProofBytes, signApiKey, type KeptApiKey } from './key-proof.ts'

const from = { clock: systemClock, random: systemRandom }
const custodian = generateKeyPairSync('ed25519')
const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
const kept: KeptApiKey = { id: newId('apiKey', from), tenant, pepperVersion: 2, verifier: systemRandom.bytes(32) }
const proof = signApiKey(kept, custodian.privateKey)

test('a row that the custodian signed is proven, and the same row has the same proof', () => {
  assert.equal(isProvenApiKey(kept, proof, custodian.publicKey), true)
  assert.equal(proof.length, keyProofBytes)
  assert.deepEqual(signApiKey(kept, custodian.privateKey), proof)
})

const attacks: readonly (readonly [claim: string, row: Partial<KeptApiKey>, proof?: Uint8Array])[] = [
  ['a planted verifier', { verifier: systemRandom.bytes(32) }],
  ['a verifier with one bit changed', { verifier: kept.verifier.map((byte, at) => (at === 31 ? byte ^ 1 : byte)) }],
  ['a row copied to another id', { id: newId('apiKey', from) }],
  ['a row copied to another merchant', { tenant: { ...tenant, merchant: newId('merchant', from) } }],
  ['a row copied to the other world', { tenant: { ...tenant, world: 'live' } }],
  ['an older pepper than was signed', { pepperVersion: 1 }],
  ['a newer pepper than was signed', { pepperVersion: 3 }],
  ['a signature of somebody else', {}, signApiKey(kept, generateKeyPairSync('ed25519').privateKey)],
  ['another format', {}, Buffer.concat([Uint8Array.of(2), proof.subarray(1)])],
  ['no format', {}, proof.subarray(1)],
  ['more than a proof', {}, Buffer.concat([proof, Uint8Array.of(0)])],
  ['nothing', {}, new Uint8Array()],
  ['zeros', {}, new Uint8Array(keyProofBytes)],
]
for (const [claim, row, given = proof] of attacks) {
  test(`${claim} is not proven`, () => {
    assert.equal(isProvenApiKey({ ...kept, ...row }, given, custodian.publicKey), false)
  })
}
