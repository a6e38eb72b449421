import { createPayoutBatchSchema, type CreatePayoutBatch } from '@ngome/contracts'
import { parseMoney, type PayoutBatchId, type Tenant } from '@ngome/kernel'
import type { ProvenMerchantKey } from '@ngome/signatures'
import type { BatchTerms, BatchWord, SealedBatchOpening } from '@ngome/store'
import type { PaymentDispatcher } from '../dispatcher.ts'
import { proveKey, proveSignedRequest, refused, type Refused } from './prove-signed-request.ts'
import { readSealedWord } from './read-sealed-word.ts'

/** `key`: who opened it. */
export type OpeningProof =
  | { readonly kind: 'proven'; readonly word: BatchWord; readonly key: ProvenMerchantKey }
  | { readonly kind: 'later'; readonly reason: string }
  | Refused

/** It is flat. */
const bodyBounds = { depthMax: 1, nodesMax: 8 }
const otherBatch = 'another batch has its reference'

/**
 * Proves that a merchant opened this batch, with this reference, currency, count and total, by a key that stands now. It is opened once: from
 * then on what was counted is what the batch is. A reference names one batch for ever, so that a gateway which denies a batch and has its
 * rows signed for a second one pays nothing of one of both.
 * @throws Fault `custodian/unavailable`, `custodian/refused`, `store/unavailable`
 */
export async function proveOpening(dispatcher: PaymentDispatcher, tenant: Tenant, batch: PayoutBatchId, signal: AbortSignal): Promise<OpeningProof> {
  const { payments, clock } = dispatcher
  const counted = await payments.findBatchWord(tenant, batch)
  if (counted !== undefined) {
    const key = await proveKey(dispatcher, tenant, counted.signingKey)
    return typeof key === 'string' ? refused(`who opened its batch: ${key}`) : { kind: 'proven', word: counted, key }
  }
  const opening = await payments.loadBatchOpening(tenant, batch)
  if (opening === undefined) return refused('nobody signed to open its batch')
  const read = await open(dispatcher, tenant, opening, signal)
  if (read.kind !== 'opened') return read.kind === 'later' ? read : refused(read.reason)
  const { word, body, order } = read
  const proof = await proveSignedRequest(dispatcher, tenant, word, body, opening.createdAtMs)
  if (proof.kind === 'refused') return proof
  if (proof.idempotencyKey === undefined) return refused('its opening covers no idempotency key')
  if (proof.request.method !== 'POST' || proof.request.target !== '/v1/payout_batches') return refused('what opened its batch opens none')
  if (!isAsWritten(order, opening.written)) return refused('its batch was opened as something else')
  const claimed = await payments.claimBatchWord(tenant, { batch, ...opening.written, signingKey: proof.key.id, atMs: clock.nowMs() })
  if (claimed === undefined || claimed.reference !== opening.written.reference) return refused(otherBatch)
  return { kind: 'proven', word: claimed, key: proof.key }
}

async function open({ openSealed }: PaymentDispatcher, tenant: Tenant, { batch, sealed, dataKey }: SealedBatchOpening, signal: AbortSignal) {
  const opening = await openSealed('payout-batch', {
    dataKey: dataKey.sealed, blob: sealed,
    context: { tenant, table: 'payout_batch_openings', recordId: batch, dataClass: 'restricted', version: 1 },
  }, signal)
  if (opening.kind !== 'opened') return opening
  const read = readSealedWord(opening.plaintext, createPayoutBatchSchema, bodyBounds)
  opening.plaintext.fill(0)
  return read === undefined ? { kind: 'unopenable' as const, reason: 'what was sealed opens no batch' } : { kind: 'opened' as const, ...read }
}

function isAsWritten({ reference, currency, count, total }: CreatePayoutBatch, written: BatchTerms): boolean {
  return reference === written.reference && currency === written.currency && count === written.count
    && parseMoney(total, written.currency)?.amountMinor === written.totalMinor
}
