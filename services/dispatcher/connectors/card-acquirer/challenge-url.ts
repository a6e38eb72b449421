/** What a browser's address line and an event have room for. */
const lengthMax = 1_024
/** RFC 3986 §2: what an address is made of, and nothing that a reader would take for an end of it. */
const characters = /^https?:\/\/[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=%-]+$/

/**
 * Whether a payer may be sent there: to a page of one of these origins, in the one spelling that every reader takes for it. What only
 * looks like one (a user before the name, another port, a name that goes on) is none.
 */
export function isChallengeUrl(text: string, origins: readonly string[]): boolean {
  if (text.length > lengthMax || !characters.test(text)) return false
  const url = URL.parse(text)
  return url !== null && url.href === text && url.username === '' && url.password === '' && origins.includes(url.origin)
}
