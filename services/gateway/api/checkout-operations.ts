import { checkoutSessionSchema, createCheckoutSessionSchema, createdCheckoutSessionSchema, idSchema } from '@ngome/contracts'
import { z } from 'zod'
import { bodyBytesMax } from '../http/limits.ts'
import { acting, authenticated, reading, withBody, writing, type Operation } from './operation.ts'

const params = { schema: z.strictObject({ id: idSchema('checkoutSession') }), otherwise: 'checkout/unknown' } as const

/** Payment links; the page that they lead to is no operation, and has an origin of its own (`checkout/`). */
export const checkoutOperations = {
  createCheckoutSession: {
    method: 'POST',
    path: '/v1/checkout_sessions',
    summary: 'Make a payment link',
    description: 'A page where a payer picks the network, enters the phone number and approves on the phone. At most one payment of it succeeds. The link is in this answer, once: a repeated request gets `null` in its place.',
    credentials: 'api-key',
    scope: 'checkout:write',
    cost: 5,
    urgency: 'vital',
    headerGroups: writing,
    body: { kind: 'json', schema: createCheckoutSessionSchema },
    bodyBytesMax,
    needsIdempotencyKey: true,
    success: { status: 201, description: 'The session with its link.', schema: createdCheckoutSessionSchema },
    faults: [...authenticated, ...withBody, ...acting, 'access/cap_exceeded', 'checkout/not_offered'],
  },
  getCheckoutSession: {
    method: 'GET',
    path: '/v1/checkout_sessions/:id',
    summary: 'Read a checkout session',
    description: 'Where things stand with it, and the payment of its last try.',
    credentials: 'api-key',
    scope: 'checkout:read',
    cost: 1,
    urgency: 'ordinary',
    headerGroups: reading,
    params,
    success: { status: 200, description: 'The session, without its link.', schema: checkoutSessionSchema },
    faults: [...authenticated, 'checkout/unknown'],
  },
  cancelCheckoutSession: {
    method: 'POST',
    path: '/v1/checkout_sessions/:id/cancel',
    summary: 'Cancel a checkout session',
    description: 'Its link asks nobody any more. One that was paid, or that a payer was just asked for, is refused and stays as it is. Repeating it says the same.',
    credentials: 'api-key',
    scope: 'checkout:write',
    cost: 5,
    urgency: 'ordinary',
    headerGroups: writing,
    params,
    success: { status: 200, description: 'The session as it is now.', schema: checkoutSessionSchema },
    faults: [...authenticated, 'checkout/unknown', 'checkout/not_open'],
  },
} as const satisfies Record<string, Operation>
