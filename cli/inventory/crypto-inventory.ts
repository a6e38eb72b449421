import type { CustodianResponse, KeyState } from '@ngome/contracts'
import { algorithms, type Algorithm } from './algorithms.ts'

type Inventory = CustodianResponse<'/v1/key-inventory'>
type Key = Inventory['keys'][number]

const dayMs = 86_400_000

/** Our states in the words of CycloneDX, which are those of NIST SP 800-57 part 1 §7. */
const states: Readonly<Record<KeyState, string>> = {
  'pending': 'pre-activation', 'active': 'active', 'decrypt-only': 'deactivated', 'compromised': 'compromised', 'destroyed': 'destroyed',
}

type Material = { readonly type: 'private-key' | 'secret-key'; readonly bits: number; readonly algorithm: string; readonly use: string }

/** What a key of each purpose is; a purpose that is not here is a secret that HMAC takes. */
const materials: Readonly<Record<string, Material>> = {
  root: { type: 'secret-key', bits: 256, algorithm: 'algorithm/aes-256-gcm', use: 'wraps every key of the custodian' },
  merchant: { type: 'private-key', bits: 256, algorithm: 'algorithm/mlkem768-x25519', use: 'opens the data keys of one merchant, period and retention class' },
  index: { type: 'secret-key', bits: 256, algorithm: 'algorithm/hmac-sha-256', use: 'the custodian\'s half of one merchant\'s blind indexes' },
  statement: { type: 'private-key', bits: 256, algorithm: 'algorithm/ed25519', use: 'signs what the custodian says' },
  authority: { type: 'private-key', bits: 256, algorithm: 'algorithm/ecdsa-p256', use: 'signs the certificates of the processes' },
}
/** A merchant key of the FIPS suite. */
const fipsMerchantKey: Material = {
  type: 'private-key', bits: 256, algorithm: 'algorithm/dhkem-p256', use: 'opens the data keys of one merchant, period and retention class',
}
const secret: Material = { type: 'secret-key', bits: 256, algorithm: 'algorithm/hmac-sha-256', use: 'a secret of the processes or the store' }

/**
 * The cryptographic inventory as a CycloneDX 1.6 bill of materials (ECMA-424): algorithms, keys and the protocol between
 * the processes. No key is in it.
 */
export function cryptoInventory({ root, keys, nowMs }: Inventory & { readonly nowMs: number }) {
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      timestamp: new Date(nowMs).toISOString(),
      component: { 'type': 'application', 'bom-ref': 'ngome', 'name': 'ngome' },
    },
    components: [
      ...algorithms.map(algorithmComponent),
      protocolComponent,
      ...keys.map((key) => keyComponent(key, root, nowMs)),
    ],
  }
}

function algorithmComponent(algorithm: Algorithm) {
  const { ref, name, usedFor, exception, primitive, parameterSetIdentifier, curve, mode } = algorithm
  return {
    'type': 'cryptographic-asset',
    'bom-ref': ref,
    name,
    'cryptoProperties': {
      assetType: 'algorithm',
      algorithmProperties: {
        primitive, parameterSetIdentifier,
        ...(curve === undefined ? {} : { curve }),
        ...(mode === undefined ? {} : { mode }),
        executionEnvironment: 'software-plain-ram',
        cryptoFunctions: [...algorithm.cryptoFunctions],
        nistQuantumSecurityLevel: algorithm.nistQuantumSecurityLevel,
      },
    },
    'properties': properties({ 'used-for': usedFor, exception }),
  }
}

const protocolComponent = {
  'type': 'cryptographic-asset',
  'bom-ref': 'protocol/tls-1.3',
  'name': 'TLS 1.3',
  'cryptoProperties': { assetType: 'protocol', protocolProperties: { type: 'tls', version: '1.3' } },
  'properties': properties({ 'used-for': 'the public API, and between the processes with certificates on both sides' }),
}

function keyComponent(key: Key, root: Inventory['root'], nowMs: number) {
  const { type, bits, algorithm, use } = key.suite === 'fips' ? fipsMerchantKey : materials[key.purpose] ?? secret
  const isPresentRoot = key.purpose === 'root' && key.name === root.id
  const ends = key.destroyedAt ?? key.compromisedAt ?? key.decryptOnlyAt
  return {
    'type': 'cryptographic-asset',
    'bom-ref': `key/${key.purpose}/${key.name}`,
    'name': `${key.purpose} ${key.name}`,
    'cryptoProperties': {
      assetType: 'related-crypto-material',
      relatedCryptoMaterialProperties: {
        type,
        id: key.name,
        state: states[key.state],
        algorithmRef: algorithm,
        creationDate: key.createdAt,
        ...(key.activeAt === null ? {} : { activationDate: key.activeAt }),
        ...(ends === null ? {} : { updateDate: ends }),
        ...(key.nextRotationAt === null ? {} : { expirationDate: key.nextRotationAt }),
        size: bits,
        ...(key.purpose === 'root'
          ? {}
          : { securedBy: { mechanism: root.isProtected ? 'HSM' : 'Software', algorithmRef: 'algorithm/aes-256-gcm' } }),
      },
    },
    'properties': properties({
      'used-for': use,
      'age-days': String(Math.floor((nowMs - Date.parse(key.createdAt)) / dayMs)),
      'next-rotation': key.nextRotationAt ?? undefined,
      'tenant': key.tenant ?? undefined,
      'root': isPresentRoot ? root.name : undefined,
      'exception': isPresentRoot && !root.isProtected
        ? 'an unprotected file: a copy of the disk is a copy of every key; for the test world only'
        : undefined,
    }),
  }
}

function properties(values: Readonly<Record<string, string | undefined>>): readonly { readonly name: string; readonly value: string }[] {
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [{ name: `ngome:${name}`, value }]))
}
