/** What an address line and an event have room for. */
export const pageLengthMax = 1_024
/** RFC 3986 §2: what an address is made of; spaces, quotes and backslashes read differently to different readers. */
const characters = /^https?:\/\/[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=%-]+$/

/**
 * Whether somebody may be sent there: to a page of one of these origins, in the one spelling that every reader takes for it. Origins
 * are held to the letter. What only looks like one (a user before the name, another port or scheme, a name that goes on) is none.
 */
export function isPageOf(text: string, origins: Iterable<string>): boolean {
  if (text.length > pageLengthMax || !characters.test(text)) return false
  const url = URL.parse(text)
  return url?.href === text && url.username === '' && url.password === '' && url.hash === '' && new Set(origins).has(url.origin)
}
