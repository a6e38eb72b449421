import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { lengthPrefixed, newId, systemClock, systemRandom, type Currency, type Tenant } from '@ngome/kernel'
import { defaultKeySettings, noCaps, type ApiKeyCaps, type ApiKeySettings } from './key-settings.ts'
import { isProvenApiKey, keyProofBytes, signApiKey, type KeptApiKey } from './key-proof.ts'
import { scopes, type Scope } from '@ngome/contracts'

const from = { clock: systemClock, random: systemRandom }
const custodian = generateKeyPairSync('ed25519')
const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
const caps: ApiKeyCaps = {
  amountMax: new Map([['UGX', 500_000n]]), dayTotalMax: new Map([['UGX', 5_000_000n]]),
  currencies: new Set<Currency>(['UGX']), networks: new Set(['mtn-ug']), dayTotalOf: newId('apiKey', from),
}
const settings: ApiKeySettings = {
  kind: 'secret', scopes: new Set<Scope>(['payments:write']), allowedAddresses: ['192.0.2.0/24'], caps,
  expiresAtMs: 1_800_000_000_000, rotateAfterS: 2_592_000, mustSign: true, name: 'shop',
}
const kept: KeptApiKey = { id: newId('apiKey', from), tenant, pepperVersion: 2, verifier: systemRandom.bytes(32), settings }
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
  ['another format', {}, Buffer.concat([Uint8Array.of(3), proof.subarray(1)])],
  ['a proof that is passed for one from before settings', {}, Buffer.concat([Uint8Array.of(1), proof.subarray(1)])],
  ['another kind', { settings: { ...settings, kind: 'publishable' } }],
  ['a scope more', { settings: { ...settings, scopes: new Set<Scope>(['payments:read', 'payments:write']) } }],
  ['all scopes', { settings: { ...settings, scopes: defaultKeySettings().scopes } }],
  ['an address more', { settings: { ...settings, allowedAddresses: ['192.0.2.0/24', '198.51.100.0/24'] } }],
  ['a wider range', { settings: { ...settings, allowedAddresses: ['192.0.0.0/16'] } }],
  ['no addresses', { settings: { ...settings, allowedAddresses: [] } }],
  ['a later end', { settings: { ...settings, expiresAtMs: 1_800_000_000_001 } }],
  ['no end', { settings: { ...settings, expiresAtMs: null } }],
  ['a longer period', { settings: { ...settings, rotateAfterS: 2_592_001 } }],
  ['no period of its own', { settings: { ...settings, rotateAfterS: null } }],
  ['a day\'s total of its own', { settings: { ...settings, caps: { ...caps, dayTotalOf: null } } }],
  ['the day\'s total of another key', { settings: { ...settings, caps: { ...caps, dayTotalOf: newId('apiKey', from) } } }],
  ['no demand of signatures', { settings: { ...settings, mustSign: false } }],
  ['another name', { settings: { ...settings, name: 'shop 2' } }],
  ['a higher amount', { settings: { ...settings, caps: { ...caps, amountMax: new Map([['UGX', 500_001n]]) } } }],
  ['the amount for another currency', { settings: { ...settings, caps: { ...caps, amountMax: new Map([['KES', 500_000n]]) } } }],
  ['a higher day total', { settings: { ...settings, caps: { ...caps, dayTotalMax: new Map([['UGX', 9_000_000n]]) } } }],
  ['an amount as a day total', { settings: { ...settings, caps: { ...caps, amountMax: caps.dayTotalMax, dayTotalMax: caps.amountMax } } }],
  ['a currency more', { settings: { ...settings, caps: { ...caps, currencies: new Set<Currency>(['KES', 'UGX']) } } }],
  ['another network', { settings: { ...settings, caps: { ...caps, networks: new Set(['airtel-ug']) } } }],
  ['no caps', { settings: { ...settings, caps: noCaps } }],
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

test('a proof from before settings is one of a key that may do all, and of no other', () => {
  const { id, pepperVersion, verifier } = kept
  const statement = lengthPrefixed('ngome/kept-api-key/v1', id, tenant.merchant, tenant.world, pepperVersion, verifier)
  const old = Buffer.concat([Uint8Array.of(1), sign(null, statement, custodian.privateKey)])
  const all = { ...defaultKeySettings(), scopes: new Set(scopes.filter((scope) => /^(?:forwards|keys|payments|usage|vault|webhooks):/.test(scope))) }
  assert.equal(isProvenApiKey({ ...kept, settings: all }, old, custodian.publicKey), true)
  for (const other of [settings, defaultKeySettings(), { ...all, name: 'x' }, { ...all, mustSign: true }, { ...all, expiresAtMs: 1 }, { ...all, caps }]) {
    assert.equal(isProvenApiKey({ ...kept, settings: other }, old, custodian.publicKey), false)
  }
})
