import { networksSchema } from '@ngome/contracts'
import { authenticated, reading, type Operation } from './operation.ts'

/** What merchants learn of payment networks. */
export const networkOperations = {
  listNetworks: {
    method: 'GET',
    path: '/v1/networks',
    summary: 'List payment networks',
    description: 'The networks of your world: currency, country, which ways money goes, and whether they work now or are closed (docs/networks.md).',
    credentials: 'api-key',
    scope: 'payments:read',
    cost: 1,
    urgency: 'ordinary',
    headerGroups: reading,
    success: { status: 200, description: 'The networks.', schema: networksSchema },
    faults: authenticated,
  },
} as const satisfies Readonly<Record<string, Operation>>
