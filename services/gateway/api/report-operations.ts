import { statementSchema } from '@ngome/contracts'
import { exportedEntriesMax, statementExportQuerySchema, statementQuerySchema } from '../statements/statement-query.ts'
import { authenticated, reading, type Operation } from './operation.ts'

/** What a merchant's books say. */
export const reportOperations = {
  getStatement: {
    method: 'GET',
    path: '/v1/statements',
    summary: 'Read a statement',
    description: 'What your account held before and after closed days, and what moved in between, in the order in which it was posted. A day closes a minute or two after its midnight, in the operator\u2019s time zone, and never changes then (docs/statements.md).',
    credentials: 'api-key',
    scope: 'statements:read',
    cost: 5,
    urgency: 'deferrable',
    headerGroups: reading,
    query: statementQuerySchema,
    success: { status: 200, description: 'A page of the statement.', schema: statementSchema },
    faults: [...authenticated, 'request/invalid', 'statements/not_closed'],
  },
  exportStatement: {
    method: 'GET',
    path: '/v1/statements/export',
    summary: 'Export a statement',
    description: `The same as a file: CSV, or with \`format=camt.053\` ISO 20022 camt.053.001.08 (application/xml). At most ${exportedEntriesMax} entries; where there are more, the header \`Link\` names the next part (rel="next"). Text that a spreadsheet would run has an apostrophe in front.`,
    credentials: 'api-key',
    scope: 'statements:read',
    cost: 50,
    urgency: 'deferrable',
    headerGroups: reading,
    query: statementExportQuerySchema,
    success: { status: 200, description: 'The file.', contentType: 'text/csv; charset=utf-8' },
    faults: [...authenticated, 'request/invalid', 'statements/not_closed'],
  },
} as const satisfies Record<string, Operation>
