import { toBase64, utf8, type Bytes } from './bytes.ts'
import { digestOf } from './content-digest.ts'
import type { Runtime } from './runtime.ts'
import type { SigningKey } from './signing-key.ts'

export type SignedParts = {
  readonly method: string
  readonly url: string
  readonly body: Bytes | undefined
  readonly idempotencyKey: string | undefined
}

const label = 'ngome'
const tag = 'ngome-v1'

/**
 * The headers of a signed request (RFC 9421, docs/signed-requests.md): a new nonce and time at each call, so that each
 * attempt has a signature of its own.
 */
export async function signRequest(
  key: SigningKey, { method, url, body, idempotencyKey }: SignedParts, runtime: Pick<Runtime, 'nowMs' | 'uuid'>,
): Promise<Readonly<Record<string, string>>> {
  const digest = body === undefined ? undefined : await digestOf(body)
  const { host, pathname, search } = new URL(url)
  // A query that is not there is a question mark alone (RFC 9421 §2.2.7).
  const covered: (readonly [component: string, value: string])[] = [
    ['@method', method], ['@authority', host], ['@path', pathname], ['@query', search === '' ? '?' : search],
  ]
  if (digest !== undefined) covered.push(['content-digest', digest])
  if (idempotencyKey !== undefined) covered.push(['idempotency-key', idempotencyKey])
  const createdS = Math.floor(runtime.nowMs() / 1_000)
  const parameters = `(${covered.map(([component]) => `"${component}"`).join(' ')})` +
    `;created=${createdS};nonce="${runtime.uuid()}";keyid="${key.keyId}";tag="${tag}"`
  // RFC 9421 §2.5.
  const base = [...covered, ['@signature-params', parameters] as const].map(([component, value]) => `"${component}": ${value}`).join('\n')
  const signature = await key.sign(utf8(base))
  return {
    ...(digest === undefined ? {} : { 'content-digest': digest }),
    'signature-input': `${label}=${parameters}`,
    signature: `${label}=:${toBase64(signature)}:`,
  }
}
