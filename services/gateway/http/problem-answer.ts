import { Fault, publicFault, type FaultCode, type FieldFault, type RequestId } from '@ngome/kernel'
import { problemType, type Answer } from './answer.ts'

/** How long a client waits before it tries again; a database that fails over is back within a few of these. */
const retryAfterS = 1

/** A problem document (RFC 9457): what the fault table lets the outside know, and the request's id. */
export function problemAnswer(
  code: FaultCode, requestId: RequestId, fields: readonly FieldFault[] = [], headers: readonly string[] = [],
): Answer {
  const row = publicFault(code)
  const document = {
    type: `/reference#${code.replaceAll('/', '-')}`,
    title: row.public,
    status: row.status,
    code,
    request_id: requestId,
    ...(fields.length === 0 ? {} : { errors: fields }),
  }
  return {
    status: row.status,
    contentType: problemType,
    body: JSON.stringify(document),
    headers: [...headers, ...(byStatus[row.status] ?? [])],
  }
}

const byStatus: Readonly<Record<number, readonly string[]>> = {
  401: ['www-authenticate', 'Bearer realm="ngome"'],
  503: ['retry-after', String(retryAfterS)],
}

/** What goes out for anything that was thrown: a fault's row, or for a bug the one row that says nothing. */
export function problemOf(error: unknown, requestId: RequestId): Answer {
  return error instanceof Fault
    ? problemAnswer(error.code, requestId, error.fields)
    : problemAnswer('gateway/internal', requestId)
}
