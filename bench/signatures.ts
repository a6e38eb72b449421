import { constants, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'
import { newId, systemClock, systemRandom, toBase64Url, type Tenant } from '@ngome/kernel'
import { signAnswerKey } from '@ngome/runtime'
import { askForSignature, contentDigest, proveMerchantKey, readSignature, signMerchantKey, signRequest, type MerchantKey, type ProvenMerchantKey } from '@ngome/signatures'
import { signatureVerifier } from '../services/gateway/access/verify-signature.ts'
import { answerSigner } from '../services/gateway/answers/sign-answers.ts'
import { jsonType, type Answer } from '../services/gateway/http/answer.ts'
import { headerGroups } from '../services/gateway/http/header-table.ts'
import { median, rateCase, type BenchCase, type BenchReport } from './harness.ts'

const from = { clock: systemClock, random: systemRandom }
const rounds = 40
const batch = 200
/** As many requests under way as the gateway checks at the same time. */
const atOnce = 2
const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
const body = Buffer.from('{"amount":"5.00","currency":"EUR","network":"mtn-sandbox","payer":{"phone":"+46733123499"},"reference":"order-42"}')

/** The check of a signed request, key in memory, beside the bare verification of its signature. */
export async function bench(): Promise<BenchReport> {
  const cases: BenchCase[] = []
  for (const [name, pair] of [['RSA-3072', generateKeyPairSync('rsa', { modulusLength: 3_072 })], ['Ed25519', generateKeyPairSync('ed25519')]] as const) {
    const key = proven(pair.publicKey)
    const { check, base, signature } = signed(key, pair.privateKey)
    const rsa = { key: pair.publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }
    const [hash, input] = name === 'RSA-3072' ? ['sha512', rsa] as const : [null, { key: pair.publicKey }] as const
    const raw = (): Promise<void> => new Promise((resolve, reject) => {
      verify(hash, base, input, signature, (error, isRight) => isRight ? resolve() : reject(error ?? new Error('not right')))
    })
    const onLoop = (): Promise<void> => verify(hash, base, input, signature) ? Promise.resolve() : Promise.reject(new Error('not right'))
    const [ours, threads, loop] = await inTurns([check, raw, onLoop])
    cases.push(rateCase(`${name}: signed request checked, beside verify on threads`, '1/s', ours, threads))
    cases.push(rateCase(`${name}: signed request checked, beside verify on the event loop`, '1/s', ours, loop))
  }
  const { answer, bare } = signedAnswer()
  const [ours, raw] = await inTurns([answer, bare])
  cases.push(rateCase('Ed25519: answer signed, beside sign of the same bytes', '1/s', ours, raw))
  return { bench: 'signatures', cases, notes }
}

const notes = [
  'Ours: header fields parsed and held against their canonical form, digest of the body, components, parameters, signature base, key',
  'from memory, verification on a thread of libuv\'s, two at a time; the nonce is spent with the effect and not in here. Baseline: node:crypto\'s',
  'verify of the same bytes, by callback with as many under way (the bar), and synchronously, which holds the event loop for as long.',
  'An answer: what was asked for read and held against the request, digest of the body, signature base, signature and headers; beside',
  'node:crypto\'s sign of the same bytes. An answer that nobody asked to have signed pays one look at a bit.',
]

function proven(publicKey: KeyObject): ProvenMerchantKey {
  const custodian = generateKeyPairSync('ed25519')
  const row: MerchantKey = {
    id: newId('merchantSigningKey', from), tenant, algorithm: publicKey.asymmetricKeyType === 'rsa' ? 'rsa-pss-sha512' : 'ed25519',
    spki: publicKey.export({ format: 'der', type: 'spki' }), uses: ['sign'], expiresAtMs: systemClock.nowMs() + 600_000,
  }
  const key = proveMerchantKey(row, signMerchantKey(row, custodian.privateKey), custodian.publicKey, systemClock.nowMs())
  if (key === undefined) throw new TypeError('what was signed a moment ago is proven')
  return key
}

type Check = ReturnType<typeof signatureVerifier>

function signed(key: ProvenMerchantKey, privateKey: KeyObject) {
  const line = { method: 'POST', target: '/v1/payments', host: 'api.ngome.example' }
  const made = signRequest({ ...line, body, idempotencyKey: 'order-42' }, { keyId: key.id, privateKey, ...from })
  const headers: Readonly<Record<string, string>> = { ...made, host: line.host, 'idempotency-key': 'order-42', 'content-type': 'application/json' }
  const reading = readSignature({ ...line, field: (name) => headers[name] }, systemClock.nowMs())
  if (!reading.ok) throw new TypeError(reading.reason)
  const guard = signatureVerifier({
    keys: { find: () => Promise.resolve(key) }, hasSigningKey: () => Promise.resolve(true), clock: systemClock,
    // Nothing in here reads or writes: the nonce is the effect's, and nothing is refused.
    database: undefined as never, logger: undefined as never,
  })
  const call = { requestId: newId('request', from), bytes: body, idempotencyKey: 'order-42' } as unknown as Parameters<Check>[0]
  const request = { method: line.method, url: line.target, headers, caller: { tenant } } as unknown as Parameters<Check>[1]
  const check = async (): Promise<void> => guard(call, request, 'createPayment')
  return { check, base: reading.stated.base, signature: reading.stated.signature }
}

/** An answer as the gateway signs it, with its request, and the bare signature of the bytes that it covers. */
function signedAnswer() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const statement = signAnswerKey({
    key: publicKey.export({ format: 'jwk' }).x ?? '', issued_at: new Date().toISOString(), expires_at: new Date().toISOString(),
  }, generateKeyPairSync('ed25519').privateKey)
  const key = { id: publicKey.export({ format: 'jwk' }).x ?? '', privateKey, statement }
  const headers: Record<string, string> = { host: 'api.ngome.example', 'idempotency-key': 'order-42', 'content-digest': contentDigest(body) }
  headers['accept-signature'] = askForSignature((name) => headers[name], toBase64Url(systemRandom.bytes(18)))
  const guard = answerSigner({ keys: { current: key }, clock: systemClock })
  const request = { method: 'POST', url: '/v1/payments', headers, headerBits: headerGroups.signature, signAnswer: null } as unknown as Parameters<typeof guard>[1]
  const made: Answer = { status: 201, contentType: jsonType, body: body.toString() }
  const answer = async (): Promise<void> => {
    await guard(undefined as never, request, 'createPayment')
    if (request.signAnswer?.(made).headers?.length !== 8) throw new Error('not signed')
  }
  // As many bytes as the signature base of this answer has.
  const base = systemRandom.bytes(975)
  const bare = async (): Promise<void> => void sign(null, base, privateKey)
  return { answer, bare }
}

/** Runs sides in turns; each side's median operations a second. */
async function inTurns<S extends readonly (() => Promise<void>)[]>(sides: readonly [...S]): Promise<{ readonly [I in keyof S]: number }> {
  const perSecond = sides.map((): number[] => [])
  for (let round = -4; round < rounds; round++) {
    for (const [at, side] of sides.entries()) {
      const startNs = process.hrtime.bigint()
      await Promise.all(Array.from({ length: atOnce }, async () => {
        for (let count = 0; count < batch / atOnce; count++) await side()
      }))
      if (round >= 0) perSecond[at]?.push(batch * 1e9 / Number(process.hrtime.bigint() - startNs))
    }
  }
  return perSecond.map(median) as { readonly [I in keyof S]: number }
}
