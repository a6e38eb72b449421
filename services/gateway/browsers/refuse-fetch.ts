import { Fault } from '@ngome/kernel'
import { operationNames, operations, type Operation, type OperationName } from '../api/operations.ts'
import type { GatewayRequest } from '../http/gateway-request.ts'
import { headerGroups } from '../http/header-table.ts'

/** What a browser says of a request (W3C Fetch Metadata §2); no script can set or take away any of it. */
export type FetchMetadata = { readonly site?: string; readonly mode?: string; readonly dest?: string }

/** Those that browsers may visit: the documents for people. */
const pages: ReadonlySet<OperationName> = new Set(operationNames.filter((name) => {
  const { headerGroups: taken }: Operation = operations[name]
  return taken.includes('visit')
}))

/**
 * Refuses what a browser would do to us for another page, before anybody is asked who he is: visits and forms (`navigate`),
 * frames, images, scripts and whatever else is loaded without asking us first (`no-cors`). An API route takes only what a
 * script asks for by CORS; a page takes visits, and nothing that another site loads into itself.
 * @throws Fault `request/fetch_refused`
 */
export function refuseForeignFetch(request: GatewayRequest, operation: OperationName): void {
  // Programs send none of these, but for some that say `cors` of themselves, such as Node's own `fetch`.
  if ((request.headerBits & headerGroups.fetch) === 0) return
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest } = request.headers
  const seen = { site, mode, dest } as FetchMetadata
  if (pages.has(operation) ? mayVisit(seen) : mayCall(seen)) return
  throw new Fault('request/fetch_refused', `a browser asked with the mode ${String(mode)} for ${String(dest)}`)
}

/** Of an API route. */
export function mayCall({ mode = 'cors', dest = 'empty' }: FetchMetadata): boolean {
  return mode === 'cors' && dest === 'empty'
}

/** Of a page: by anybody's link as a page of its own, else only from where nobody foreign is. */
export function mayVisit({ site = 'none', mode, dest = 'empty' }: FetchMetadata): boolean {
  if (mode === 'navigate') return dest === 'document'
  return (site === 'none' || site === 'same-origin') && dest === 'empty'
}
