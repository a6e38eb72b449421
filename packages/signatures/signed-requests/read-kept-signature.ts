import { readSignature, type SignatureReading } from './read-signature.ts'
import { signatureLabel } from './profile.ts'

/** A signature that was kept with the bytes that it is over, in place of the request that it came with. */
export type KeptSignature = { readonly base: Uint8Array; readonly signature: Uint8Array }

/** What a base says of its request. */
export type SignedParts = {
  readonly method: string
  /** Origin form, with its query where that has anything. */
  readonly target: string
  readonly contentDigest: string | undefined
  readonly idempotencyKey: string | undefined
}

export type KeptReading = (SignatureReading & { readonly ok: false }) | (SignatureReading & { readonly ok: true; readonly parts: SignedParts })

const linePattern = /^"([@a-z-]{1,32})": ([\x20-\xff]*)$/
/** `@signature-params` and the six components that the profile has. */
const linesMax = 7

/**
 * Reads the base of a signature as our profile has it (docs/signed-requests.md), by taking it apart, reading the request that it is
 * of as if it came, and holding the base that this one has against the one that was kept: nothing that the profile refuses passes,
 * and no second spelling.
 * @param atMs what `created` must be of: when the request came
 */
export function readKeptSignature({ base, signature }: KeptSignature, atMs: number): KeptReading {
  const lines = Buffer.from(base).toString('latin1').split('\n')
  const parts = new Map<string, string>()
  for (const line of lines) {
    const [, name, value] = linePattern.exec(line) ?? []
    if (name === undefined || value === undefined || parts.has(name) || parts.size === linesMax) return { ok: false, reason: 'no line of a base' }
    parts.set(name, value)
  }
  const query = parts.get('@query') ?? ''
  const target = `${parts.get('@path') ?? ''}${query === '?' ? '' : query}`
  const method = parts.get('@method') ?? ''
  const fields = new Map([
    ['signature-input', `${signatureLabel}=${parts.get('@signature-params') ?? ''}`],
    ['signature', `${signatureLabel}=:${Buffer.from(signature).toString('base64')}:`],
  ])
  for (const name of ['content-digest', 'idempotency-key']) {
    const value = parts.get(name)
    if (value !== undefined) fields.set(name, value)
  }
  const reading = readSignature({ method, target, host: parts.get('@authority') ?? '', field: (name) => fields.get(name) }, atMs)
  if (!reading.ok) return reading
  if (!Buffer.from(reading.stated.base).equals(base)) return { ok: false, reason: 'the base is another' }
  return { ...reading, parts: { method, target, contentDigest: fields.get('content-digest'), idempotencyKey: fields.get('idempotency-key') } }
}
