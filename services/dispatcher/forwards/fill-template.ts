import { isHeaderValue, parsePieces, suffixBelow, type Piece, type SealedForward } from '@ngome/contracts'
import type { Secret, VaultTokenId } from '@ngome/kernel'
import type { Outgoing } from '../egress/transmit.ts'

/** The values of the tokens of one template, by token. */
export type TokenValues = ReadonlyMap<VaultTokenId, Secret<string>>
export type FilledForward = Pick<Outgoing, 'method' | 'headers' | 'body'> & { readonly path: string }

/** Eight values of 4 KiB, each percent-encoded threefold, and a template around them. */
const bodyBytesMax = 131_072
const pathLengthMax = 8_192

/** Thrown inside this file alone: a value that cannot stand in its place. */
class Unfit extends Error {}

/**
 * Puts values in the place of tokens, each as its place demands, so that no value says more than itself: in JSON it
 * stays one string, in a form one value, in a path one segment, in a header one line.
 * @param prefix the allowed address
 * @returns `undefined` where a value cannot stand in its place, or the template is not below the address
 */
export function fillTemplate(prefix: string, template: SealedForward, values: TokenValues): FilledForward | undefined {
  const valueOf = (token: VaultTokenId): string => {
    const value = values.get(token)
    if (value === undefined) throw new Unfit()
    return value.expose((text) => text)
  }
  const fill = (pieces: readonly Piece[] | undefined, encode: (text: string) => string): string => {
    if (pieces === undefined) throw new Unfit()
    return pieces.map((piece) => typeof piece === 'string' ? piece : encode(valueOf(piece.token))).join('')
  }
  try {
    const path = fillPath(prefix, template.url, fill)
    const headers: Record<string, string> = {}
    for (const [name, text] of Object.entries(template.headers)) headers[name] = headerValue(fill(parsePieces(text), same))
    const [mediaType, text] = fillBody(template, fill)
    const body = Buffer.from(text, 'utf8')
    if (body.length > bodyBytesMax || path.length > pathLengthMax) return undefined
    const own = { 'accept-encoding': 'identity', ...(mediaType === undefined ? {} : { 'content-type': mediaType }) }
    return { method: template.method, path, headers: { 'user-agent': 'Ngome', ...headers, ...own }, body }
  } catch (error) {
    if (error instanceof Unfit || error instanceof URIError) return undefined
    throw error
  }
}

type Fill = (pieces: readonly Piece[] | undefined, encode: (text: string) => string) => string

function fillPath(prefix: string, url: string, fill: Fill): string {
  const suffix = suffixBelow(prefix, url)
  if (suffix === undefined) throw new Unfit()
  const segments = suffix.segments.map((pieces) => {
    const segment = fill(pieces, pathValue)
    if (pieces.length > 0 && /^(?:|\.|\.\.)$/.test(segment)) throw new Unfit()
    return segment
  })
  const query = suffix.query?.map(({ name, value }) => `${name}=${fill(value, encodeURIComponent)}`)
  return `${new URL(prefix).pathname}${segments.join('/')}${query === undefined ? '' : `?${query.join('&')}`}`
}

/** Servers disagree about what an encoded slash or dot is: a value that has one does not go into a path. */
function pathValue(text: string): string {
  // eslint-disable-next-line no-control-regex
  if (/[/\\%\u0000-\u001f\u007f]|^\.{1,2}$/.test(text)) throw new Unfit()
  return encodeURIComponent(text)
}

function headerValue(text: string): string {
  if (!isHeaderValue(text)) throw new Unfit()
  return text
}

function fillBody({ json, form }: SealedForward, fill: Fill): readonly [string | undefined, string] {
  if (json !== null) return ['application/json', JSON.stringify(fillJson(json, fill))]
  if (form === null) return [undefined, '']
  const pairs = Object.entries(form).map(([name, text]) =>
    `${encodeURIComponent(name)}=${encodeFormText(parsePieces(text), fill)}`)
  return ['application/x-www-form-urlencoded', pairs.join('&')]
}

/** All of a form's value is data, the template's own text as well. */
function encodeFormText(pieces: readonly Piece[] | undefined, fill: Fill): string {
  return encodeURIComponent(fill(pieces, same))
}

function fillJson(value: unknown, fill: Fill): unknown {
  if (typeof value === 'string') return fill(parsePieces(value), same)
  if (Array.isArray(value)) return value.map((one) => fillJson(one, fill))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, fillJson(one, fill)]))
}

function same(text: string): string {
  return text
}
