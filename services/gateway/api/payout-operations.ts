import { createPayoutSchema, idSchema, payoutBodyBytesMax, payoutPageSchema, payoutSchema } from '@ngome/contracts'
import { z } from 'zod'
import { pageQuerySchema } from '../payments/page-query.ts'
import { acting, authenticated, reading, withBody, writing, type Operation } from './operation.ts'

const params = { schema: z.strictObject({ id: idSchema('payout') }), otherwise: 'payouts/unknown' } as const

/** What takes a merchant's money out. */
export const payoutOperations = {
  createPayout: {
    method: 'POST',
    path: '/v1/payouts',
    summary: 'Pay out',
    description: 'Must be signed, always: your signature is kept with the payout and proven again before anything is sent. The amount and its fee are reserved at once; the outcome comes by webhook (docs/payouts.md).',
    credentials: 'api-key',
    scope: 'payouts:write',
    cost: 5,
    urgency: 'vital',
    headerGroups: writing,
    body: { kind: 'json', schema: createPayoutSchema },
    bodyBytesMax: payoutBodyBytesMax,
    needsIdempotencyKey: true,
    success: { status: 201, description: 'The payout was accepted and will be sent to its network.', schema: payoutSchema },
    faults: [...authenticated, ...withBody, ...acting, 'networks/in_maintenance', 'access/cap_exceeded', 'payments/insufficient_funds'],
  },
  getPayout: {
    method: 'GET',
    path: '/v1/payouts/:id',
    summary: 'Read a payout',
    description: 'The payout as it stands now, with the payee masked.',
    credentials: 'api-key',
    scope: 'payouts:read',
    cost: 1,
    urgency: 'ordinary',
    headerGroups: reading,
    params,
    success: { status: 200, description: 'The payout.', schema: payoutSchema },
    faults: [...authenticated, 'payouts/unknown'],
  },
  cancelPayout: {
    method: 'POST',
    path: '/v1/payouts/:id/cancel',
    summary: 'Cancel a payout',
    description: 'Must be signed, as it was to be ordered. Only while nothing was sent for it. What was sent, or has ended, is refused and stays as it is. Repeating it says the same. What was reserved is available again; the day\'s total of the key that ordered it stays (docs/payouts.md).',
    credentials: 'api-key',
    scope: 'payouts:write',
    cost: 5,
    urgency: 'ordinary',
    headerGroups: writing,
    params,
    success: { status: 200, description: 'The payout, cancelled.', schema: payoutSchema },
    faults: [...authenticated, 'request/invalid', 'payouts/unknown', 'payments/not_cancellable'],
  },
  listPayouts: {
    method: 'GET',
    path: '/v1/payouts',
    summary: 'List payouts',
    description: 'Newest first; what is searched for must hold together. A cursor continues where its page ended and is good only for the same merchant and search.',
    credentials: 'api-key',
    scope: 'payouts:read',
    cost: 3,
    urgency: 'deferrable',
    headerGroups: reading,
    query: pageQuerySchema,
    success: { status: 200, description: 'A page of payouts.', schema: payoutPageSchema },
    faults: [...authenticated, 'request/invalid'],
  },
} as const satisfies Record<string, Operation>
