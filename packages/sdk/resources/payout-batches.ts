import type { AddPayouts, ApprovePayoutBatch, BatchedPayout, CreatePayoutBatch } from '../api/requests.ts'
import type { PayoutBatch, PayoutBatchPart } from '../api/payout-answers.ts'
import { utf8 } from '../bytes.ts'
import type { CallOptions, Caller } from '../caller.ts'
import { assertAmount, assertId, assertPhone } from '../check-input.ts'
import { invalid } from '../errors.ts'

/** How far a batch has come: rows that were read of your source, and of them those that are accepted. */
export type BatchProgress = { readonly rowsRead: number; readonly rowsAccepted: number; readonly partsAccepted: number; readonly count: number }

export type SendOptions = {
  /** Names this batch for ever: the same rows in the same order under it go on where they stopped, and nothing is paid twice. */
  readonly idempotencyKey: string
  readonly onProgress?: ((progress: BatchProgress) => void) | undefined
  /** Parts under way at once: 2 where it is left out. */
  readonly concurrency?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** What a batch is, and the network of the rows that name none. */
export type BatchToSend = CreatePayoutBatch & { readonly network?: string | undefined }

const partRowsMax = 500
/** What the API takes of one part, less what stands around its rows. */
const rowsBytesMax = 59_700
const concurrencyMax = 8

/** Payouts by the hundred thousand. All of it has to be signed: give the client a `signingKey`. */
export class PayoutBatches {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** Opens a batch: how many payouts will come and what they come to. Its reference names it for ever. */
  async create(batch: CreatePayoutBatch, options?: CallOptions): Promise<PayoutBatch> {
    return this.#caller.call('createPayoutBatch', { body: batch }, options)
  }

  /** Adds a part, all of whose rows are accepted or none: a ValidationError names each that is wrong in `fields`, with its code. */
  async add(id: string, part: AddPayouts, options?: CallOptions): Promise<PayoutBatchPart> {
    assertId(id, 'pbt')
    return this.#caller.call('addPayouts', { params: { id }, body: part }, options)
  }

  async get(id: string, options?: CallOptions): Promise<PayoutBatch> {
    assertId(id, 'pbt')
    return this.#caller.call('getPayoutBatch', { params: { id } }, options)
  }

  /** Stops what was not sent, some thousand rows at a call: again while the batch is `cancelling`. */
  async cancel(id: string, options?: CallOptions): Promise<PayoutBatch> {
    assertId(id, 'pbt')
    return this.#caller.call('cancelPayoutBatch', { params: { id } }, options)
  }

  /**
   * Approves a whole batch that is `awaiting_approval`, by what you saw of it: with another API key and another `signingKey` than those that opened it
   * or sent a part of it. Again is the same.
   */
  async approve(id: string, seen: ApprovePayoutBatch, options?: CallOptions): Promise<PayoutBatch> {
    assertId(id, 'pbt')
    return this.#caller.call('approvePayoutBatch', { params: { id }, body: seen }, options)
  }

  /** Refuses a whole batch that is `awaiting_approval`, whose payouts fail then. Again is the same. */
  async refuse(id: string, options?: CallOptions): Promise<PayoutBatch> {
    assertId(id, 'pbt')
    return this.#caller.call('refusePayoutBatch', { params: { id } }, options)
  }

  /**
   * Sends a whole batch. Rows are read as they are needed and forgotten as they are accepted, so that memory does not grow with their number.
   * After a crash, or an error that time mends, call it again with the same key and the same rows in the same order.
   * @returns the batch, as it stands when its last row was accepted
   */
  async send(batch: BatchToSend, rows: AsyncIterable<BatchedPayout> | Iterable<BatchedPayout>, options: SendOptions): Promise<PayoutBatch> {
    const { idempotencyKey, signal, onProgress, concurrency = 2 } = options
    if (!(concurrency >= 1 && concurrency <= concurrencyMax)) throw invalid('concurrency', `from 1 to ${concurrencyMax}`)
    const { network, ...declared } = batch
    const { id } = await this.create(declared, { idempotencyKey, signal })
    const under = new Set<Promise<void>>()
    let [rowsRead, rowsAccepted, partsAccepted] = [0, 0, 0]
    let failure: { readonly error: unknown } | undefined
    const sendPart = async (part: number, payouts: readonly BatchedPayout[]): Promise<void> => {
      const body = { part, batch_reference: batch.reference, currency: batch.currency, ...network === undefined ? {} : { network }, payouts }
      try {
        await this.add(id, body, { idempotencyKey: `${idempotencyKey}:${part}`, signal })
        rowsAccepted += payouts.length
        partsAccepted++
        onProgress?.({ rowsRead, rowsAccepted, partsAccepted, count: batch.count })
      } catch (error) {
        failure ??= { error }
      }
    }
    let part = 0
    try {
      for await (const payouts of partsOf(rows)) {
        rowsRead += payouts.length
        const sending: Promise<void> = sendPart(++part, payouts).finally(() => under.delete(sending))
        under.add(sending)
        if (under.size >= concurrency) await Promise.race(under)
        // What is wrong with one part is told before more are sent.
        if (failure !== undefined) break
      }
    } finally {
      // Also where the rows broke off: nothing is under way when the caller hears of it.
      await Promise.all(under)
    }
    if (failure !== undefined) throw failure.error
    return this.get(id, { signal })
  }
}

/** The same rows in the same order are always the same parts: that is what lets a batch go on after a crash. */
async function* partsOf(rows: AsyncIterable<BatchedPayout> | Iterable<BatchedPayout>): AsyncGenerator<readonly BatchedPayout[]> {
  let part: BatchedPayout[] = []
  let bytes = 0
  for await (const row of rows) {
    assertAmount(row.amount)
    assertPhone(row.payee.phone, '/payee/phone')
    const more = utf8(JSON.stringify(row)).length + 1
    if (part.length === partRowsMax || part.length > 0 && bytes + more > rowsBytesMax) {
      yield part
      part = []
      bytes = 0
    }
    part.push(row)
    bytes += more
  }
  if (part.length > 0) yield part
}
