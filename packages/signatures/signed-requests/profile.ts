import type { InnerList, Item } from '../structured-fields/values.ts'

/** How Ngome uses RFC 9421; docs/signed-requests.md is the same in words. */
export const signatureLabel = 'ngome'
export const signatureTag = 'ngome-v1'
/** How far `created` may lie from the gateway's clock, both ways. */
export const signatureToleranceS = 300
/** base64url: 22 characters hold 132 bits, which nobody guesses and chance does not repeat. */
export const noncePattern = /^[A-Za-z0-9_-]{22,64}$/
/** The headers of a signed request, in lower case. */
export const signatureHeaders = ['signature-input', 'signature', 'content-digest'] as const

/**
 * What a signature covers, in this order: always the first four, and of the other two those that the request has. Not the
 * scheme, which a proxy that ends TLS changes; not `authorization`, so that who signs (a key store, a signing service) need
 * not see the API key: the signature counts only beside an API key of the same merchant and world.
 */
const always = ['@method', '@authority', '@path', '@query'] as const
const wherePresent = ['content-digest', 'idempotency-key'] as const

export function coveredComponents(field: (name: string) => string | undefined): readonly string[] {
  return [...always, ...wherePresent.filter((name) => field(name) !== undefined)]
}

/** `Signature-Input`'s member for these components and parameters. */
export function signatureInput(
  covered: readonly string[], { createdS, nonce, keyId }: { createdS: number; nonce: string; keyId: string },
): InnerList {
  const plain = new Map()
  return {
    items: covered.map((name): Item => ({ value: { type: 'string', value: name }, parameters: plain })),
    parameters: new Map([
      ['created', { type: 'integer', value: createdS }],
      ['nonce', { type: 'string', value: nonce }],
      ['keyid', { type: 'string', value: keyId }],
      ['tag', { type: 'string', value: signatureTag }],
    ]),
  }
}
