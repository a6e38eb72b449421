import { createHash, randomBytes } from 'node:crypto'

/** A request as its bytes will be; headers by their names in lower case. */
export type SignedRequest = {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** How a request is signed: each part may be wrong. */
export type SigningOptions = {
  readonly sign: (base: Uint8Array) => Uint8Array
  readonly keyId: string
  readonly createdS: number
  /** As they stand in `Signature-Input`, quotes and parameters included. */
  readonly components?: readonly string[]
  /** As they stand behind the components, the first semicolon included. */
  readonly parameters?: string
  readonly label?: string
}

export const digestOf = (body: string, hash: 'sha-256' | 'sha-512' = 'sha-256'): string =>
  `${hash}=:${createHash(hash.replace('-', '')).update(body).digest('base64')}:`

export const newNonce = (): string => randomBytes(18).toString('base64url')

/** What docs/signed-requests.md says is covered. */
export const defaultComponents = (request: Pick<SignedRequest, 'headers'>): readonly string[] => [
  '"@method"', '"@authority"', '"@path"', '"@query"',
  ...['content-digest', 'idempotency-key'].filter((name) => name in request.headers).map((name) => `"${name}"`),
]

export const defaultParameters = ({ createdS, keyId }: Pick<SigningOptions, 'createdS' | 'keyId'>, nonce = newNonce()): string =>
  `;created=${createdS};nonce="${nonce}";keyid="${keyId}";tag="ngome-v1"`

/**
 * Signs a request by putting texts together, as an implementer would who has only the document: none of the code that the
 * gateway checks with.
 */
export function signRaw(request: SignedRequest, options: SigningOptions): SignedRequest {
  const components = options.components ?? defaultComponents(request)
  const input = `(${components.join(' ')})${options.parameters ?? defaultParameters(options)}`
  const lines = components.map((component) => `${component}: ${valueOf(request, component)}\n`)
  const base = Buffer.from(`${lines.join('')}"@signature-params": ${input}`, 'latin1')
  const label = options.label ?? 'ngome'
  const signature = `${label}=:${Buffer.from(options.sign(base)).toString('base64')}:`
  return { ...request, headers: { ...request.headers, 'signature-input': `${label}=${input}`, signature } }
}

function valueOf({ method, target, host, headers }: SignedRequest, component: string): string {
  const name = /^"([^"]*)"/.exec(component)?.[1] ?? ''
  const [path = '', query = ''] = target.split('?', 2)
  switch (name) {
    case '@method': return method
    case '@authority': return host.toLowerCase()
    case '@path': return path
    case '@query': return `?${query}`
    default: return headers[name] ?? ''
  }
}
