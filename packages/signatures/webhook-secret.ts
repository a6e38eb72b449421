import { Secret, type Random } from '@ngome/kernel'

/** Standard Webhooks, "Signature scheme": a secret is 24 to 64 random bytes, written as `whsec_` and base64. */
const prefix = 'whsec_'
const secretBytes = 32
const secretBytesMin = 24
const secretBytesMax = 64

/** Makes the text of a webhook secret, as the merchant is shown it once. */
export function newWebhookSecret(random: Random): Secret<string> {
  return new Secret(prefix + Buffer.from(random.bytes(secretBytes)).toString('base64'))
}

/** @returns the key inside, or `undefined` where the text is not a webhook secret in its one canonical form. */
export function parseWebhookSecret(text: Secret<string>): Secret<Uint8Array> | undefined {
  return text.expose((value) => {
    if (!value.startsWith(prefix)) return undefined
    const encoded = value.slice(prefix.length)
    const key = Buffer.from(encoded, 'base64')
    // Node skips characters that it does not know; only a round trip proves that nothing was skipped.
    if (key.toString('base64') !== encoded) return undefined
    return key.length < secretBytesMin || key.length > secretBytesMax ? undefined : new Secret<Uint8Array>(key)
  })
}
