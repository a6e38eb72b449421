import type { LoggedRequest } from '@ngome/contracts'
import type { LoggedRequestRow } from '@ngome/store'

const microsecondsPerMs = 1_000

/** A line of the request log, as its merchant sees it. */
export function requestView(row: LoggedRequestRow): LoggedRequest {
  return {
    id: row.id, object: 'request', at: new Date(row.atMs).toISOString(), key: row.apiKey, operation: row.operation,
    status: row.status, fault: row.fault, latency_ms: row.latencyUs / microsecondsPerMs, address: row.address,
    country: row.country, agent: row.agent,
  }
}
