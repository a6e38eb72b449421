import { approvePayoutBatchSchema, type ApprovePayoutBatch } from '@ngome/contracts'
import { equalsInConstantTime, parseMoney, parseStrictJson, type MerchantSigningKeyId, type Tenant } from '@ngome/kernel'
import { batchDigestKey, partDigest, partsDigest } from '@ngome/payments'
import type { ProvenMerchantKey } from '@ngome/signatures'
import type { BatchApproval, BatchWord } from '@ngome/store'
import type { PaymentDispatcher } from '../dispatcher.ts'
import type { SignedOrder } from './is-order-of.ts'
import type { OpenedPart } from './open-part.ts'
import { isSameKey, marginMs } from './prove-approval.ts'
import { proveKey, proveSignedRequest, refused, type Refused } from './prove-signed-request.ts'

/** `key`: whose approval it is. */
export type BatchApprovalProof = { readonly kind: 'proven'; readonly key: ProvenMerchantKey } | Refused

/** What a batch is, as its merchant signed it, and the keys that signed to open it and for the part. */
export type PartOrderers = { readonly word: BatchWord; readonly openedBy: ProvenMerchantKey; readonly orderedBy: ProvenMerchantKey }

/** It is flat. */
const bodyBounds = { depthMax: 1, nodesMax: 8 }

/** What a second person is proven to have signed of a batch: these parts, by number. */
type Approved = { readonly kind: 'proven'; readonly signingKey: MerchantSigningKeyId; readonly createdAtMs: number; readonly digests: ReadonlyMap<number, Uint8Array> }

/** What was signed stays what was signed; whose key it was is proven each time. Kept for as long as who works off a part needs it. */
const keptMs = 60_000
const keptMax = 16
type Kept = { readonly approved: Approved; readonly untilMs: number }
/** By who opens: a process has one. */
const keptApprovals = new WeakMap<PaymentDispatcher['openSealed'], Map<string, Kept>>()

/**
 * Proves that a second person approved this part with its whole batch: a request that names the batch in its path and says what it is and
 * all of its parts, signed by another key than those that opened the batch and signed the part, which the custodian stated for the merchant and which stands
 * now. The list of parts is the gateway's word, held against what was signed; the part against its place in that list. Who holds the gateway can write
 * an approval or a list, and cannot sign either.
 * @returns why not, for the operator's log
 * @throws Fault `custodian/unavailable`, `custodian/refused`, `store/unavailable`
 */
export async function proveBatchApproval(
  dispatcher: PaymentDispatcher, tenant: Tenant, part: OpenedPart, { word, openedBy, orderedBy }: PartOrderers,
): Promise<BatchApprovalProof> {
  const approved = await findApproved(dispatcher, tenant, word)
  if (approved.kind === 'refused') return approved
  const key = await proveKey(dispatcher, tenant, approved.signingKey)
  if (typeof key === 'string') return refused(`who approved its batch: ${key}`)
  if (isSameKey(key, openedBy) || isSameKey(key, orderedBy)) return refused('who ordered it approved its batch')
  if (approved.createdAtMs < part.createdAtMs - marginMs) return refused('its batch was approved before it came')
  if (approved.createdAtMs > part.createdAtMs + dispatcher.approvals.expiresAfterMs + marginMs) return refused('its batch was approved too late')
  const listed = approved.digests.get(part.number)
  const digest = partDigest(batchDigestKey(dispatcher.callbacks.secret, tenant, word.batch), part.number, part.body)
  return listed !== undefined && equalsInConstantTime(digest, listed) ? { kind: 'proven', key } : refused('its part is none of those that were approved')
}

async function findApproved(dispatcher: PaymentDispatcher, tenant: Tenant, word: BatchWord): Promise<Approved | Refused> {
  const { openSealed, payments, clock } = dispatcher
  const kept = keptApprovals.get(openSealed) ?? new Map<string, Kept>()
  keptApprovals.set(openSealed, kept)
  const [name, nowMs] = [`${tenant.merchant}:${tenant.world}:${word.batch}`, clock.nowMs()]
  for (const [each, { untilMs }] of kept) if (untilMs <= nowMs) kept.delete(each)
  const found = kept.get(name)
  if (found !== undefined) return found.approved
  const approved = await readApproved(dispatcher, tenant, word, await payments.findBatchApproval(tenant, word.batch))
  if (approved.kind === 'proven') kept.set(name, { approved, untilMs: nowMs + keptMs })
  for (const oldest of kept.keys()) {
    if (kept.size <= keptMax) break
    kept.delete(oldest)
  }
  return approved
}

async function readApproved(dispatcher: PaymentDispatcher, tenant: Tenant, word: BatchWord, { answer, parts }: BatchApproval): Promise<Approved | Refused> {
  if (answer?.decision !== 'approved') return refused('no second person approved its batch')
  const { signingKey, atMs, proof: { body, ...signed } } = answer
  const proof = await proveSignedRequest(dispatcher, tenant, { key: signingKey, ...signed }, Buffer.from(body, 'utf8'), atMs)
  if (proof.kind === 'refused') return proof
  const seen = approvalIn(word, proof.request)
  if (seen === undefined) return refused('what was signed approves something else')
  const digests = new Map(parts.map(({ number, digest }) => [number, digest]))
  const listed = partsDigest(batchDigestKey(dispatcher.callbacks.secret, tenant, word.batch), parts)
  if (digests.size !== parts.length || !equalsInConstantTime(listed, Buffer.from(seen.parts_digest, 'hex'))) return refused('other parts were approved')
  return { kind: 'proven', signingKey, createdAtMs: proof.createdAtMs, digests }
}

/** What was seen, where a signed request approves exactly this batch. */
function approvalIn({ batch, reference, currency, count, totalMinor }: BatchWord, { method, target, body }: SignedOrder): ApprovePayoutBatch | undefined {
  const json = parseStrictJson(body, bodyBounds)
  if (!json.ok || method !== 'POST' || target !== `/v1/payout_batches/${batch}/approve`) return undefined
  const { data } = approvePayoutBatchSchema.safeParse(json.value)
  return data?.reference === reference && data.currency === currency && data.count === count
    && parseMoney(data.total, currency)?.amountMinor === totalMinor ? data : undefined
}
