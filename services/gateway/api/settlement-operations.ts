import { idSchema, settlementPageSchema, settlementSchema } from '@ngome/contracts'
import { z } from 'zod'
import { settlementQuerySchema } from '../statements/settlement-query.ts'
import { authenticated, reading, type Operation } from './operation.ts'

/** What is paid to a merchant's bank. */
export const settlementOperations = {
  getSettlement: {
    method: 'GET',
    path: '/v1/settlements/:id',
    summary: 'Read a settlement',
    description: 'What was taken out of your available balance to be paid to your bank, and whether the bank paid it (docs/settlements.md).',
    credentials: 'api-key',
    scope: 'statements:read',
    cost: 1,
    urgency: 'ordinary',
    headerGroups: reading,
    params: { schema: z.strictObject({ id: idSchema('settlement') }), otherwise: 'settlements/unknown' },
    success: { status: 200, description: 'The settlement.', schema: settlementSchema },
    faults: [...authenticated, 'settlements/unknown'],
  },
  listSettlements: {
    method: 'GET',
    path: '/v1/settlements',
    summary: 'List settlements',
    description: 'Newest first. A cursor continues where its page ended and is good only for the same merchant and filter. What a settlement consists of is in the statement of its day and those before (docs/settlements.md).',
    credentials: 'api-key',
    scope: 'statements:read',
    cost: 3,
    urgency: 'deferrable',
    headerGroups: reading,
    query: settlementQuerySchema,
    success: { status: 200, description: 'A page of settlements.', schema: settlementPageSchema },
    faults: [...authenticated, 'request/invalid'],
  },
} as const satisfies Record<string, Operation>
