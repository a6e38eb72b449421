import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyStates } from '@ngome/contracts'
import { z } from 'zod'
import { cryptoInventory } from './crypto-inventory.ts'

/** The rules of CycloneDX 1.6 (bom-1.6.schema.json) for what we write, copied by hand: required fields and enumerations. */
const property = z.strictObject({ name: z.string(), value: z.string() })
const algorithmProperties = z.strictObject({
  primitive: z.enum([
    'drbg', 'mac', 'block-cipher', 'stream-cipher', 'signature', 'hash', 'pke', 'xof', 'kdf', 'key-agree', 'kem', 'ae', 'combiner',
    'other', 'unknown',
  ]),
  parameterSetIdentifier: z.string(),
  curve: z.string().optional(),
  executionEnvironment: z.enum(['software-plain-ram', 'software-encrypted-ram', 'software-tee', 'hardware', 'other', 'unknown']),
  mode: z.enum(['cbc', 'ecb', 'ccm', 'gcm', 'cfb', 'ofb', 'ctr', 'other', 'unknown']).optional(),
  cryptoFunctions: z.array(z.enum([
    'generate', 'keygen', 'encrypt', 'decrypt', 'digest', 'tag', 'keyderive', 'sign', 'verify', 'encapsulate', 'decapsulate', 'other',
    'unknown',
  ])).min(1),
  nistQuantumSecurityLevel: z.int().min(0).max(6),
})
const relatedCryptoMaterialProperties = z.strictObject({
  type: z.enum(['private-key', 'public-key', 'secret-key', 'key', 'credential', 'password', 'token', 'other', 'unknown']),
  id: z.string(),
  state: z.enum(['pre-activation', 'active', 'suspended', 'deactivated', 'compromised', 'destroyed']),
  algorithmRef: z.string(),
  creationDate: z.iso.datetime(),
  activationDate: z.iso.datetime().optional(),
  updateDate: z.iso.datetime().optional(),
  expirationDate: z.iso.datetime().optional(),
  size: z.int(),
  securedBy: z.strictObject({ mechanism: z.string(), algorithmRef: z.string() }).optional(),
})
const component = z.strictObject({
  'type': z.literal('cryptographic-asset'),
  'bom-ref': z.string().min(1),
  'name': z.string().min(1),
  'cryptoProperties': z.discriminatedUnion('assetType', [
    z.strictObject({ assetType: z.literal('algorithm'), algorithmProperties }),
    z.strictObject({ assetType: z.literal('related-crypto-material'), relatedCryptoMaterialProperties }),
    z.strictObject({
      assetType: z.literal('protocol'),
      protocolProperties: z.strictObject({ type: z.enum(['tls', 'ssh', 'ipsec', 'ike', 'sstp', 'wpa', 'other', 'unknown']), version: z.string() }),
    }),
  ]),
  'properties': z.array(property),
})
const bom = z.strictObject({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.literal('1.6'),
  version: z.int().min(1),
  metadata: z.strictObject({
    timestamp: z.iso.datetime(),
    component: z.strictObject({ 'type': z.literal('application'), 'bom-ref': z.string(), 'name': z.string() }),
  }),
  components: z.array(component),
})

const at = '2026-11-01T00:00:00.000Z'
const purposes = ['root', 'authority', 'statement', 'row-tag', 'merchant', 'index', 'secret'] as const
const inventory = (isProtected: boolean) => cryptoInventory({
  root: { id: 'root-active', name: 'software-unprotected', isProtected, ageSMax: 1 },
  keys: purposes.flatMap((purpose) => keyStates.map((state) => ({
    purpose, name: `${purpose}-${state}`, state, createdAt: at,
    tenant: purpose === 'merchant' ? 'mer_x/test' : null, suite: purpose !== 'merchant' ? null : state === 'active' ? 'fips' : 'hybrid',
    activeAt: state === 'pending' ? null : at, decryptOnlyAt: state === 'decrypt-only' ? at : null,
    compromisedAt: state === 'compromised' ? at : null, destroyedAt: state === 'destroyed' ? at : null,
    nextRotationAt: purpose === 'root' && state === 'active' ? '2027-11-01T00:00:00.000Z' : null,
  }))),
  nowMs: Date.parse(at) + 10 * 86_400_000,
})

test('is a CycloneDX 1.6 inventory of algorithms, keys and protocols, every reference of which is in it', () => {
  const parsed = bom.parse(inventory(false))
  const refs = new Set(parsed.components.map((one) => one['bom-ref']))
  assert.equal(refs.size, parsed.components.length)
  const used = parsed.components.flatMap(({ cryptoProperties: of }) => (of.assetType === 'related-crypto-material'
    ? [of.relatedCryptoMaterialProperties.algorithmRef, of.relatedCryptoMaterialProperties.securedBy?.algorithmRef ?? 'algorithm/aes-256-gcm']
    : []))
  assert.ok(used.length > 0)
  for (const ref of used) assert.ok(refs.has(ref), ref)
  assert.equal(parsed.components.filter(({ cryptoProperties }) => cryptoProperties.assetType === 'related-crypto-material').length, 35)
})

test('says how old a key is, when it is replaced, and what we would wish otherwise', () => {
  const propertyOf = (isProtected: boolean, ref: string, name: string) => bom.parse(inventory(isProtected)).components
    .find((one) => one['bom-ref'] === ref)?.properties.find((one) => one.name === name)?.value
  const root = 'key/root/root-active'
  assert.equal(propertyOf(false, root, 'ngome:age-days'), '10')
  assert.equal(propertyOf(false, root, 'ngome:next-rotation'), '2027-11-01T00:00:00.000Z')
  assert.match(propertyOf(false, root, 'ngome:exception') ?? '', /unprotected file/)
  assert.equal(propertyOf(true, root, 'ngome:exception'), undefined)
  assert.match(propertyOf(false, 'algorithm/ed25519', 'ngome:exception') ?? '', /not post-quantum/)
})

test('a rule of the format that is broken is seen', () => {
  const whole = inventory(false)
  assert.throws(() => bom.parse({ ...whole, specVersion: '1.5' }))
  assert.throws(() => bom.parse({ ...whole, components: [{ ...whole.components[0], type: 'library' }] }))
})
