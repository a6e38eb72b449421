import { createRefundSchema, idSchema, payoutBodyBytesMax, refundPageSchema, refundSchema } from '@ngome/contracts'
import { z } from 'zod'
import { refundQuerySchema } from '../payments/page-query.ts'
import { acting, authenticated, reading, withBody, writing, type Operation } from './operation.ts'

/** What gives a payer's money back. */
export const refundOperations = {
  createRefund: {
    method: 'POST',
    path: '/v1/payments/:id/refunds',
    summary: 'Refund a payment',
    description: 'All that came or a part of it, to who paid, by the network that it came by. Must be signed, always: your signature is kept with the refund and proven again before anything is sent. The amount and its fee are reserved at once; the outcome comes by webhook (docs/payouts.md).',
    credentials: 'api-key',
    scope: 'refunds:write',
    cost: 5,
    urgency: 'vital',
    headerGroups: writing,
    params: { schema: z.strictObject({ id: idSchema('payment') }), otherwise: 'payments/unknown' },
    body: { kind: 'json', schema: createRefundSchema },
    bodyBytesMax: payoutBodyBytesMax,
    needsIdempotencyKey: true,
    success: { status: 201, description: 'The refund was accepted and will be sent to its network.', schema: refundSchema },
    faults: [
      ...authenticated, ...withBody, ...acting, 'access/cap_exceeded', 'payments/unknown', 'payments/insufficient_funds', 'payments/not_refundable',
      'payments/refund_exceeds', 'networks/in_maintenance',
    ],
  },
  getRefund: {
    method: 'GET',
    path: '/v1/refunds/:id',
    summary: 'Read a refund',
    description: 'The refund as it stands now.',
    credentials: 'api-key',
    scope: 'refunds:read',
    cost: 1,
    urgency: 'ordinary',
    headerGroups: reading,
    params: { schema: z.strictObject({ id: idSchema('refund') }), otherwise: 'refunds/unknown' },
    success: { status: 200, description: 'The refund.', schema: refundSchema },
    faults: [...authenticated, 'refunds/unknown'],
  },
  listRefunds: {
    method: 'GET',
    path: '/v1/refunds',
    summary: 'List refunds',
    description: 'Newest first. A cursor continues where its page ended and is good only for the same merchant and filter.',
    credentials: 'api-key',
    scope: 'refunds:read',
    cost: 3,
    urgency: 'deferrable',
    headerGroups: reading,
    query: refundQuerySchema,
    success: { status: 200, description: 'A page of refunds.', schema: refundPageSchema },
    faults: [...authenticated, 'request/invalid'],
  },
} as const satisfies Record<string, Operation>
