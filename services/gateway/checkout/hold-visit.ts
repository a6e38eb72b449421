import type { IncomingHttpHeaders } from 'node:http'
import { Fault } from '@ngome/kernel'
import { mayVisit } from '../browsers/refuse-fetch.ts'

/**
 * Refuses what a browser would do to a page for another site: show it in a frame, read where things stand with it, send its form.
 * There is no cookie, so that nobody acts by what a browser remembers; this keeps other sites from acting by a link that they know.
 * A browser that sends none of these headers is held by the link alone.
 * @throws Fault `request/fetch_refused`
 */
export function holdVisit(
  ownOrigin: string, page: 'show' | 'state' | 'ask',
  { origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest }: IncomingHttpHeaders,
): void {
  const metadata = {
    ...typeof site === 'string' ? { site } : {}, ...typeof mode === 'string' ? { mode } : {}, ...typeof dest === 'string' ? { dest } : {},
  }
  const isOwn = site === undefined || site === 'same-origin'
  const isAllowed = page === 'show' ? mayVisit(metadata) : page === 'state'
    ? isOwn && (dest === undefined || dest === 'empty')
    : isOwn && (mode === undefined || mode === 'navigate') && (dest === undefined || dest === 'document')
  // A page that says `no-referrer` sends its own forms with the origin `null` (Fetch §3.2); then what is said of the site counts.
  const isOriginOwn = origin === undefined || origin === ownOrigin || origin === 'null'
  if (!isAllowed || !isOriginOwn) throw new Fault('request/fetch_refused', `a browser asked for ${page} from ${String(site)}`)
}
