import type { IncomingHttpHeaders } from 'node:http'

/**
 * Whether a browser says that a page of another site made it ask (W3C Fetch Metadata §2.3). Then what came of it is that
 * page's doing: whoever looks at the page has an address that he shares with a whole mobile network, and must not be banned
 * for it. A program can say so of itself and gets no more than cheap refusals; floods have other bounds.
 */
export function isForForeignPage({ 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  return site === 'cross-site' || site === 'same-site'
}
