import type { RequestFilter } from '@ngome/store'
import type { z } from 'zod'
import type { requestExportQuerySchema } from './queries.ts'

/** Which requests a query asks for. */
export function requestFilter(query: z.output<typeof requestExportQuerySchema>): RequestFilter {
  const ms = (text: string | undefined): number | null => (text === undefined ? null : Date.parse(text))
  return {
    apiKey: query.key ?? null, status: query.status ?? null, operation: query.operation ?? null,
    fromMs: ms(query.from), toMs: ms(query.to),
  }
}
