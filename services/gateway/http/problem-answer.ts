import type { Fault, RequestId } from '@ngome/kernel'
import { problemMediaType, problemOf } from '@ngome/runtime'
import { helpOf } from '../api/help-of.ts'
import type { Answer } from './answer.ts'

/** How long a client waits before it tries again; a database that fails over is back within a few of these. */
const retryAfterS = 1

/**
 * The problem document (RFC 9457) of a fault, with the headers that go with its status.
 * @param headers names, in lower case, and values in turn; what they say is not said again
 */
export function problemAnswer(fault: Fault, requestId: RequestId, headers: readonly string[] = []): Answer {
  return {
    status: fault.row.status,
    contentType: problemMediaType,
    body: JSON.stringify({ ...problemOf(fault, requestId), help: helpOf(fault.code) }),
    headers: [...headers, ...ofStatus(fault, headers)],
  }
}

function ofStatus({ row: { status }, retryAfterS: knownS }: Fault, headers: readonly string[]): readonly string[] {
  const own = knownS === undefined ? byStatus[status] ?? [] : ['retry-after', String(knownS)]
  return own[0] !== undefined && headers.includes(own[0]) ? [] : own
}

const byStatus: Readonly<Record<number, readonly string[]>> = {
  401: ['www-authenticate', 'Bearer realm="ngome"'],
  503: ['retry-after', String(retryAfterS)],
}
