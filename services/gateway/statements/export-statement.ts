import { statementCamt, statementCsv, writeStatement } from '@ngome/payments'
import type { Answer } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import { readPart, type StatementPorts } from './read-part.ts'
import { exportedEntriesMax, statementPeriod } from './statement-query.ts'

const forms = { 'csv': statementCsv, 'camt.053': statementCamt } as const

/**
 * Answers a part of the statement of closed days as a file; where there is another, a link names it (RFC 8288).
 * @throws Fault `statements/not_closed`, `request/invalid`, `store/unavailable`
 */
export async function exportStatement(ports: StatementPorts, { caller: { tenant }, query, path }: Call<'exportStatement'>): Promise<Answer> {
  const { format = 'csv' } = query
  const form = forms[format]
  const { part, entries, nextCursor } = await readPart(ports, tenant, statementPeriod(query), query.cursor, exportedEntriesMax)
  const { currency, from, to, number } = part
  const name = `statement-${currency}-${from}-${to}${number === 1 && part.isLast ? '' : `-${number}`}.${form.extension}`
  const headers = ['content-disposition', `attachment; filename="${name}"`]
  if (nextCursor !== null) {
    headers.push('link', `<${path}?${new URLSearchParams({ currency, from, to, format, cursor: nextCursor }).toString()}>; rel="next"`)
  }
  return { status: 200, contentType: form.contentType, body: (await Array.fromAsync(writeStatement(form, part, [entries]))).join(''), headers }
}
