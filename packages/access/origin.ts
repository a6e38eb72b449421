import { domainToUnicode } from 'node:url'
import type { World } from '@ngome/kernel'

declare const origin: unique symbol
/** Where a page comes from (RFC 6454 §6.2), in the one spelling that browsers send: scheme, host, port if not the scheme's. */
export type Origin = string & { readonly [origin]: true }

/** `https://`, a name of 253 characters (RFC 1035 §2.3.4) and a port. */
export const originLengthMax = 8 + 253 + 6

/** Labels of letters, digits and inner hyphens; at least two of them, the last no number: a name, never an address. */
const name = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const form = /^(https?):\/\/([a-z0-9.-]+)(?::[1-9][0-9]{0,4})?$/

/**
 * Reads an origin in its one spelling: what a browser sends is compared to the letter, so that no other is kept.
 * @param world plain HTTP is one in the test world only, and there of `localhost` only: a page that anybody on its way can
 * change is nobody's
 * @returns `undefined` for everything else: another scheme, `null`, a wildcard, an address, a path, a port that goes
 * without saying, a dot at the end, capitals, letters that are not in their ASCII form (RFC 3492)
 */
export function parseOrigin(text: string, world: World): Origin | undefined {
  const match = text.length > originLengthMax ? null : form.exec(text)
  if (match === null) return undefined
  const [, scheme = '', host = ''] = match
  const isLocal = world === 'test' && host === 'localhost'
  if (!isLocal && (scheme !== 'https' || !name.test(host))) return undefined
  // What does not decode stays as it is: a label that only pretends to be another alphabet's is nobody's name.
  if (domainToUnicode(host).includes('xn--')) return undefined
  // The platform's own reader has the last word, such as on ports.
  return URL.parse(text)?.origin === text ? text as Origin : undefined
}
