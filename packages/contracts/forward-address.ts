import type { World } from '@ngome/kernel'
import { parsePieces, type Piece } from './forward-template.ts'

/** Longer than any base address that people type. */
export const forwardPrefixLengthMax = 512

/** What a merchant adds to an allowed address, taken apart once; whoever fills it in uses these parts. */
export type ForwardSuffix = {
  readonly segments: readonly (readonly Piece[])[]
  /** `null` where there is no question mark. */
  readonly query: readonly { readonly name: string; readonly value: readonly Piece[] }[] | null
}

/**
 * Reads an address that the operator allows: everything below it may be called.
 * @returns its one spelling, or `undefined` where it is not one that ends in a slash and says nothing else. Plain HTTP
 * is one in the test world only, and the egress guard takes it only where the host is allowed by name.
 */
export function parseForwardPrefix(text: string, world: World): string | undefined {
  const url = text.length > forwardPrefixLengthMax ? null : URL.parse(text)
  if (url === null || (url.protocol !== 'https:' && !(url.protocol === 'http:' && world === 'test'))) return undefined
  const { username, password, search, hash, hostname, pathname, href } = url
  if (username !== '' || password !== '' || search !== '' || hash !== '' || /[?#@]/.test(href)) return undefined
  if (hostname === '' || hostname.endsWith('.')) return undefined
  return /^\/(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*\/)*$/.test(pathname) ? href : undefined
}

/** RFC 3986 §3.3, without what a server might take for a separator, for a dot or for one more layer of encoding. */
const segmentText = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%(?!2[ef]|5c|25|0|1|7f)[0-9a-f]{2})*$/i
const queryText = /^(?:[A-Za-z0-9._~!$'()*,;:@/?+-]|%(?!0|1|7f)[0-9a-f]{2})*$/i

/**
 * Holds an address against an allowed one. It begins with it to the letter, so that no other spelling of a host is ever
 * looked at, and what follows cannot climb out: no dot segments, no empty ones, no encoded separators.
 * @returns what follows, or `undefined`: not below
 */
export function suffixBelow(prefix: string, url: string): ForwardSuffix | undefined {
  if (!prefix.endsWith('/') || !url.startsWith(prefix)) return undefined
  const suffix = url.slice(prefix.length)
  const mark = suffix.indexOf('?')
  const segments = (mark < 0 ? suffix : suffix.slice(0, mark)).split('/').map((segment) => piecesOf(segment, segmentText))
  if (!segments.every((segment, at) => segment !== undefined && isSegment(segment, at === segments.length - 1))) return undefined
  const query = mark < 0 ? null : parseQuery(suffix.slice(mark + 1))
  return query === undefined ? undefined : { segments: segments as Piece[][], query }
}

function parseQuery(text: string): ForwardSuffix['query'] | undefined {
  const pairs = (text === '' ? [] : text.split('&')).map((pair) => {
    const at = pair.indexOf('=')
    const name = at < 0 ? pair : pair.slice(0, at)
    return { name, value: piecesOf(at < 0 ? '' : pair.slice(at + 1), queryText) }
  })
  const isWhole = pairs.every(({ name, value }) => name !== '' && queryText.test(name) && value !== undefined)
  return isWhole ? pairs as NonNullable<ForwardSuffix['query']> : undefined
}

function piecesOf(text: string, allowed: RegExp): readonly Piece[] | undefined {
  const pieces = parsePieces(text)
  return pieces?.every((piece) => typeof piece !== 'string' || allowed.test(piece)) === true ? pieces : undefined
}

/** Empty only at the end, which is a trailing slash or the prefix itself. */
function isSegment(pieces: readonly Piece[], isLast: boolean): boolean {
  const [only] = pieces
  if (only === undefined) return isLast
  return pieces.length > 1 || (only !== '.' && only !== '..')
}
