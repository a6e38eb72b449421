import {
  createCipheriv, createDecipheriv, createHmac, createSecretKey, diffieHellman, generateKeyPairSync, randomBytes,
  randomFillSync, type KeyObject,
} from 'node:crypto'
import {
  deriveRecordKey, encodeRecordContext, generateMerchantKeyPair, makeDataKey, openRecord, openSealedDataKey, parseBlob,
  sealRecord, signStatement, suiteNames, verifyStatement, type DataKey, type RecordContext, type SuiteName,
} from '@ngome/envelope'
import { newId, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { formatReport, interleave, rateCase, type BenchCase, type BenchReport } from './harness.ts'

const recordBytes = 200
/** Data keys of one measurement: a second or so. */
const dataKeysMax = 500
const from = { clock: systemClock, random: systemRandom }

/**
 * Sealing and opening of a small record with a warm data key, against the same primitives called bare: one HMAC-SHA-512
 * over as many bytes, under a key object, and one AES-256-GCM of the same plaintext under a ready key.
 */
export async function bench(): Promise<BenchReport> {
  const { dataKey, context } = await warmDataKey()
  const plaintext = randomBytes(recordBytes)
  const blob = sealRecord(dataKey, context, plaintext, systemRandom)
  const salt = parseBlob(blob)?.salt
  if (salt === undefined) throw new Error('a blob that does not parse')
  const raw = rawPrimitives(Buffer.concat([encodeRecordContext(context, dataKey.suite), salt]), plaintext)

  const perSecond = interleave({
    seal: () => sealRecord(dataKey, context, plaintext, systemRandom),
    rawSeal: () => { raw.hmac(); raw.freshNonce(); raw.encrypt() },
    rawSealReady: () => { raw.hmac(); raw.encrypt() },
    open: () => openWarm(dataKey, context, blob),
    rawOpen: () => { raw.hmac(); raw.decrypt() },
    cipher: () => { raw.encrypt(); raw.decrypt() },
  })
  const both = (one: number, other: number): number => 1 / (1 / one + 1 / other)
  const sealAndOpen = both(perSecond.seal, perSecond.open)
  const { seal, open, rawSeal, rawSealReady, rawOpen, cipher } = perSecond
  return {
    bench: 'envelope',
    cases: [
      rateCase('seal and open', 'op/s', sealAndOpen, both(rawSeal, rawOpen)),
      rateCase('seal', 'op/s', seal, rawSeal),
      rateCase('open', 'op/s', open, rawOpen),
      rateCase('seal and open, baseline without its nonce', 'op/s', sealAndOpen, both(rawSealReady, rawOpen)),
      rateCase('seal and open, against the cipher alone', 'op/s', sealAndOpen, cipher),
      ...await dataKeyCases(),
    ],
    notes: [
      `A record of ${recordBytes} bytes. The baseline: one HMAC-SHA-512 over as many bytes as ours, one AES-256-GCM; to encrypt,`,
      'a fresh random nonce of 12 bytes, without which no AES-256-GCM may be used (ours: a fresh salt of 32). It encodes no',
      'context, checks nothing, compares nothing, covers no header and joins no blob. The fourth line leaves out even the nonce.',
      'Ours: encode the context, draw the salt, derive, encrypt, build the blob; parse, encode, derive, compare, decrypt.',
      'A data key, in each suite: make (HPKE and a signature, read back) and open (signature checked, HPKE), beside ECDH P-256 of',
      'node:crypto: one key agreement with a fresh key pair to make, one with a key at hand to open.',
      'Most of the time of both goes to setting up an HMAC and a cipher context in OpenSSL, not to hashing or encrypting.',
    ],
  }
}

function openWarm(dataKey: DataKey, context: RecordContext, blob: Uint8Array): Uint8Array {
  const parts = parseBlob(blob)
  if (parts === undefined) throw new Error('a blob that does not parse')
  return openRecord(new Secret(deriveRecordKey(dataKey.key, encodeRecordContext(context, dataKey.suite), parts.salt)), blob)
}

function rawPrimitives(message: Uint8Array, plaintext: Uint8Array): Readonly<Record<'hmac' | 'freshNonce' | 'encrypt' | 'decrypt', () => unknown>> {
  const hmacKey = createSecretKey(randomBytes(32))
  const key = randomBytes(32)
  const nonce = randomBytes(12)
  const sealNonce = randomBytes(12)
  const options = { authTagLength: 16 }
  const cipher = createCipheriv('aes-256-gcm', key, nonce, options)
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  const tag = cipher.getAuthTag()
  return {
    hmac: () => createHmac('sha512', hmacKey).update(message).digest(),
    freshNonce: () => randomFillSync(sealNonce),
    encrypt: () => {
      const one = createCipheriv('aes-256-gcm', key, sealNonce, options)
      return [one.update(plaintext), one.final(), one.getAuthTag()]
    },
    decrypt: () => {
      const one = createDecipheriv('aes-256-gcm', key, nonce, options)
      one.setAuthTag(tag)
      return [one.update(ciphertext), one.final()]
    },
  }
}

/** How often a second `work`, one at a time, is done. */
async function perSecondOf(work: () => Promise<unknown>): Promise<number> {
  for (let count = 0; count < 50; count++) await work()
  const startedAtMs = performance.now()
  for (let count = 0; count < dataKeysMax; count++) await work()
  return dataKeysMax * 1_000 / (performance.now() - startedAtMs)
}

/** Making and opening data keys in each suite; records are the same in all of them. */
async function dataKeyCases(): Promise<readonly BenchCase[]> {
  const cases: BenchCase[] = []
  const fixed = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const agree = (privateKey: KeyObject) => diffieHellman({ privateKey, publicKey: fixed.publicKey })
  const bareMake = await perSecondOf(async () => agree(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey))
  const bareOpen = await perSecondOf(async () => agree(fixed.privateKey))
  for (const suite of suiteNames) {
    const { make, open } = await dataKeyWork(suite)
    cases.push(rateCase(`make a data key, ${suite}`, 'op/s', await perSecondOf(make), bareMake))
    cases.push(rateCase(`open a data key, ${suite}`, 'op/s', await perSecondOf(open), bareOpen))
  }
  return cases
}

async function dataKeyWork(suite: SuiteName): Promise<Readonly<Record<'make' | 'open', () => Promise<unknown>>>> {
  const { statement, signer, signerPublicKey, privateKey } = await newMerchantKey(suite)
  const make = () => makeDataKey({ statement, signer, ...from })
  const { sealed } = await make()
  return { make, open: () => openSealedDataKey({ sealed, suite, privateKey, signerPublicKey }) }
}

async function newMerchantKey(suite: SuiteName) {
  const custodian = generateKeyPairSync('ed25519')
  const gateway = generateKeyPairSync('ed25519')
  const { publicKey, privateKey } = await generateMerchantKeyPair(suite)
  const tenant = { merchant: newId('merchant', from), world: 'test' } as const
  const nowMs = systemClock.nowMs()
  const statement = verifyStatement(signStatement({
    keyId: newId('merchantKey', from), tenant, retention: 'payment', period: 0, suite, publicKey,
    notBeforeMs: nowMs, notAfterMs: nowMs + 3_600_000,
  }, custodian.privateKey), custodian.publicKey)
  const signer = { id: newId('signer', from), privateKey: gateway.privateKey }
  return { tenant, statement, signer, signerPublicKey: gateway.publicKey, privateKey }
}

async function warmDataKey(): Promise<{ dataKey: DataKey; context: RecordContext }> {
  const { tenant, statement, signer } = await newMerchantKey('hybrid')
  const dataKey = await makeDataKey({ statement, signer, ...from })
  const recordId = newId('payment', from)
  return { dataKey, context: { tenant, table: 'payments', recordId, dataClass: 'restricted', version: 1 } }
}

if (import.meta.main) {
  const form = process.argv.includes('--json') ? 'json' : 'table'
  process.stdout.write(`${formatReport(await bench(), form)}\n`)
}
