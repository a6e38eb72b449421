import { addPayoutsSchema, createPayoutBatchSchema, idSchema, openingBodyBytesMax, partBodyBytesMax, partRowsMax, payoutBatchPartSchema, payoutBatchSchema } from '@ngome/contracts'
import { z } from 'zod'
import { partNodesMax } from '../http/limits.ts'
import { acting, authenticated, reading, withBody, writing, type Operation } from './operation.ts'

const params = { schema: z.strictObject({ id: idSchema('payoutBatch') }), otherwise: 'payout_batches/unknown' } as const

/** Payouts by the hundred thousand. */
export const payoutBatchOperations = {
  createPayoutBatch: {
    method: 'POST',
    path: '/v1/payout_batches',
    summary: 'Open a batch of payouts',
    description: 'Says how many payouts will come and what they come to. Must be signed, and your signature is kept. A reference names one batch for ever. Nothing is reserved or sent by it (docs/payout-batches.md).',
    credentials: 'api-key',
    scope: 'payouts:write',
    cost: 5,
    urgency: 'ordinary',
    headerGroups: writing,
    body: { kind: 'json', schema: createPayoutBatchSchema },
    bodyBytesMax: openingBodyBytesMax,
    needsIdempotencyKey: true,
    success: { status: 201, description: 'The batch, which takes parts now.', schema: payoutBatchSchema },
    faults: [...authenticated, ...withBody, ...acting, 'payout_batches/already_opened', 'payout_batches/needs_approval'],
  },
  addPayouts: {
    method: 'POST',
    path: '/v1/payout_batches/:id/payouts',
    summary: 'Add payouts to a batch',
    description: `A part of up to ${partRowsMax} rows and ${partBodyBytesMax} bytes, all of which are accepted in one transaction, or none: each row that is wrong is named with its code. Must be signed, always: your signature is kept with the part and every row is proven by it again before it is sent. Amounts and fees are reserved at once.`,
    credentials: 'api-key',
    scope: 'payouts:write',
    cost: 100,
    urgency: 'ordinary',
    headerGroups: writing,
    params,
    body: { kind: 'json', schema: addPayoutsSchema, nodesMax: partNodesMax },
    bodyBytesMax: partBodyBytesMax,
    needsIdempotencyKey: true,
    success: { status: 201, description: 'The part: all of its payouts were accepted and will be sent.', schema: payoutBatchPartSchema },
    faults: [
      ...authenticated, ...withBody, ...acting, 'networks/in_maintenance', 'access/cap_exceeded', 'payments/insufficient_funds', 'payout_batches/unknown',
      'payout_batches/closed', 'payout_batches/part_taken', 'payout_batches/reference_taken', 'payout_batches/exceeds_declared', 'payout_batches/needs_approval',
    ],
  },
  getPayoutBatch: {
    method: 'GET',
    path: '/v1/payout_batches/:id',
    summary: 'Read a batch of payouts',
    description: 'What was declared, what was accepted, and how its payouts stand now. `GET /v1/payouts?batch=…` lists them.',
    credentials: 'api-key',
    scope: 'payouts:read',
    cost: 10,
    urgency: 'deferrable',
    headerGroups: reading,
    params,
    success: { status: 200, description: 'The batch.', schema: payoutBatchSchema },
    faults: [...authenticated, 'payout_batches/unknown'],
  },
  cancelPayoutBatch: {
    method: 'POST',
    path: '/v1/payout_batches/:id/cancel',
    summary: 'Cancel a batch of payouts',
    description: 'Must be signed. The batch takes no part from now on, and what was not sent is cancelled, some seconds\' worth of rows at a call: repeat it while the batch is `cancelling`. What was sent stays as it is.',
    credentials: 'api-key',
    scope: 'payouts:write',
    cost: 50,
    urgency: 'ordinary',
    headerGroups: writing,
    params,
    success: { status: 200, description: 'The batch, as far as it is cancelled.', schema: payoutBatchSchema },
    faults: [...authenticated, 'request/invalid', 'payout_batches/unknown'],
  },
} as const satisfies Record<string, Operation>
