import type { Transmission } from '../egress/transmit.ts'
import type { TokenCache } from './token-cache.ts'

/**
 * Sends a call with a token. A 401 means that it ran out, before anybody looked at the rest, and is worth one more try with
 * a new one.
 * @param send makes the call with this `Authorization`
 */
export async function sendWithToken(
  tokens: TokenCache, send: (authorization: string) => Promise<Transmission>,
): Promise<Transmission> {
  for (let isLast = false; ; isLast = true) {
    const token = await tokens.get()
    if (token === undefined) return { kind: 'unreached', reason: 'no token' }
    const transmission = await send(token.expose((text) => `Bearer ${text}`))
    if (transmission.kind !== 'answered' || transmission.status !== 401) return transmission
    tokens.forget(token)
    if (isLast) return transmission
  }
}

/** What a token may be made of, since it goes into a header (RFC 6750 §2.1). */
export const tokenPattern = /^[A-Za-z0-9._~+/-]+=*$/
