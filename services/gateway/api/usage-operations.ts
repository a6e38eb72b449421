import { alertPageSchema, requestPageSchema, usageSchema } from '@ngome/contracts'
import { loggedRequestsMax } from '@ngome/store'
import { alertQuerySchema, requestExportQuerySchema, requestQuerySchema, usageQuerySchema } from '../usage/queries.ts'
import { authenticated, reading, type Operation } from './operation.ts'

/** What a merchant sees of the use of its keys. */
export const usageOperations = {
  listUsage: {
    method: 'GET',
    path: '/v1/usage',
    summary: 'How your keys are used',
    description: 'For each key and minute or hour: requests, refusals, our failures, times, where they came from and with what, and the payments that came of them. A second or two behind.',
    credentials: 'api-key',
    scope: 'usage:read',
    cost: 10,
    urgency: 'deferrable',
    headerGroups: reading,
    query: usageQuerySchema,
    success: { status: 200, description: 'The counts, the earliest first.', schema: usageSchema },
    faults: [...authenticated, 'request/invalid'],
  },
  listRequests: {
    method: 'GET',
    path: '/v1/requests',
    summary: 'List your requests',
    description: 'Your own request log, newest first: which key asked for what, from where, and what came of it; also who named a key of yours and did not prove it. Bodies, paths and headers are not kept, but for a part of the agent.',
    credentials: 'api-key',
    scope: 'usage:read',
    cost: 5,
    urgency: 'deferrable',
    headerGroups: reading,
    query: requestQuerySchema,
    success: { status: 200, description: 'A page of requests.', schema: requestPageSchema },
    faults: [...authenticated, 'request/invalid'],
  },
  exportRequests: {
    method: 'GET',
    path: '/v1/requests/export',
    summary: 'Export your requests',
    description: `The same as CSV, at most ${loggedRequestsMax} rows, the newest first. Text that a spreadsheet would run has an apostrophe in front.`,
    credentials: 'api-key',
    scope: 'usage:read',
    cost: 50,
    urgency: 'deferrable',
    headerGroups: reading,
    query: requestExportQuerySchema,
    success: { status: 200, description: 'The rows.', contentType: 'text/csv; charset=utf-8' },
    faults: [...authenticated, 'request/invalid'],
  },
  listAlerts: {
    method: 'GET',
    path: '/v1/alerts',
    summary: 'List alerts about your keys',
    description: 'What was unusual about the use of your keys, and failed attempts to use them: how sure we are, why, and what was done. Newest first.',
    credentials: 'api-key',
    scope: 'usage:read',
    cost: 2,
    urgency: 'ordinary',
    headerGroups: reading,
    query: alertQuerySchema,
    success: { status: 200, description: 'A page of alerts.', schema: alertPageSchema },
    faults: [...authenticated, 'request/invalid'],
  },
} as const satisfies Record<string, Operation>
