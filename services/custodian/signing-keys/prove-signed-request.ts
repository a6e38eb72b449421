import type { JsonValue, MerchantSigningKeyId, Tenant } from '@ngome/kernel'
import { equalsInConstantTime, parseBase64Url, parseStrictJson } from '@ngome/kernel'
import { isContentDigest, isSignedBy, proveMerchantKey, readSignature, type ProvenMerchantKey } from '@ngome/signatures'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import { Refusal } from '../calls/refusal.ts'
import type { Custodian } from '../custodian.ts'
import { tenantName } from '../merchants/tenants.ts'
import { findSigningKey, statementDigest } from './signing-key-records.ts'

type OwnKeyRequest = ParsedRequest<'/v1/own-api-key'>

/** Settings with all that they can have are some 300 nodes, three deep. */
const bodyBounds = { depthMax: 4, nodesMax: 1_000 }

/** A request that its merchant signed, a moment ago and with a key that counts. Whether it came before nobody has asked yet. */
export type ProvenRequest = {
  readonly method: string
  readonly target: string
  readonly body: JsonValue
  readonly signedBy: MerchantSigningKeyId
  readonly nonce: string
  readonly createdMs: number
}

/**
 * Holds a request against its merchant's signature, as the gateway did and without asking it: the key is the one that this
 * custodian stated for this tenant, and is not revoked here; the bytes that were signed are put together anew.
 * @throws Refusal `custodian/refused`
 */
export async function proveSignedRequest(
  custodian: Pick<Custodian, 'clock' | 'statementKey' | 'store'>, tenant: Tenant, { signed, signingKey }: Pick<OwnKeyRequest, 'signed' | 'signingKey'>,
): Promise<ProvenRequest> {
  const subject = `${tenantName(tenant)}/${signingKey.id}`
  const key = await proveKey(custodian, tenant, signingKey, subject)
  const refuse = (why: string): Refusal => new Refusal('merchant_signature_refused', `${subject}: ${why}`)
  const bytes = parseBase64Url(signed.body)
  if (bytes === undefined || !isContentDigest(signed.contentDigest, bytes)) throw refuse('content-digest')
  const fields = new Map([
    ['content-digest', signed.contentDigest], ['idempotency-key', signed.idempotencyKey],
    ['signature-input', signed.signatureInput], ['signature', signed.signature],
  ])
  const { method, target, host } = signed
  const reading = readSignature({ method, target, host, field: (name) => fields.get(name) }, custodian.clock.nowMs())
  if (!reading.ok) throw refuse(reading.reason)
  const { keyId, nonce, createdS } = reading.stated
  if (keyId !== key.id) throw refuse('it names another key')
  if (!await isSignedBy(key, reading.stated)) throw refuse('it is not this key\'s')
  const json = parseStrictJson(bytes, bodyBounds)
  if (!json.ok) throw refuse('the body is not strict JSON')
  return { method, target, body: json.value, signedBy: keyId, nonce, createdMs: createdS * 1_000 }
}

async function proveKey(
  { clock, statementKey, store }: Pick<Custodian, 'clock' | 'statementKey' | 'store'>, tenant: Tenant,
  { id, algorithm, uses, expires, ...shown }: OwnKeyRequest['signingKey'], subject: string,
): Promise<ProvenMerchantKey> {
  const [spki, proof] = [parseBase64Url(shown.spki), parseBase64Url(shown.proof)]
  const record = await findSigningKey(store, id)
  if (spki === undefined || proof === undefined || record === undefined || !equalsInConstantTime(record.sha256, statementDigest(proof))) {
    throw new Refusal('signing_key_unknown', subject)
  }
  if (record.isRevoked) throw new Refusal('signing_key_revoked', subject)
  // The statement names its tenant: another's does not verify.
  const row = { id, tenant, algorithm, spki, uses, expiresAtMs: Date.parse(expires) }
  const key = proveMerchantKey(row, proof, statementKey.publicKey, clock.nowMs())
  if (key === undefined) throw new Refusal('signing_key_unknown', subject)
  return key
}
