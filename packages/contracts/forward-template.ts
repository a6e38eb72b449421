import { parseId, type FieldFault, type VaultTokenId } from '@ngome/kernel'
import { forwardTokensMax, type CreateForward } from './api/forwards.ts'

/** Text as it stands, or a token in its place. */
export type Piece = string | { readonly token: VaultTokenId }

const opens = '{{'
const closes = '}}'

/**
 * Finds the tokens of a text: `{{tok_…}}`, without spaces.
 * @returns the pieces, or `undefined` where `{{` begins anything else: a token that was misspelt is not sent as it is
 */
export function parsePieces(text: string): readonly Piece[] | undefined {
  const pieces: Piece[] = []
  let at = 0
  for (;;) {
    const start = text.indexOf(opens, at)
    if (start < 0) break
    const end = text.indexOf(closes, start)
    const token = end < 0 ? undefined : parseId('vaultToken', text.slice(start + opens.length, end))
    if (token === undefined) return undefined
    if (start > at) pieces.push(text.slice(at, start))
    pieces.push({ token })
    at = end + closes.length
  }
  if (at < text.length) pieces.push(text.slice(at))
  return pieces
}

/** The different tokens of a request, or the fields that are wrong, without what stands in them. */
export type ForwardTokens =
  | { readonly ok: true; readonly tokens: readonly VaultTokenId[] }
  | { readonly ok: false; readonly fields: readonly FieldFault[] }

/** Finds every token of a forward, wherever one may stand. */
export function forwardTokens({ url, headers = {}, json, form }: Pick<CreateForward, 'url' | 'headers' | 'json' | 'form'>): ForwardTokens {
  const places: readonly (readonly [string, readonly string[] | undefined])[] = [
    ['/url', [url]], ['/headers', Object.values(headers)], ['/json', textsOf(json)], ['/form', Object.values(form ?? {})],
  ]
  const found = new Set<VaultTokenId>()
  const fields: FieldFault[] = []
  for (const [pointer, texts] of places) {
    const pieces = texts?.map(parsePieces)
    if (pieces === undefined || pieces.includes(undefined)) {
      fields.push({ pointer, detail: 'A token is written {{tok_…}}, in a value and never in a name.' })
    } else {
      for (const piece of pieces.flat()) if (typeof piece === 'object') found.add(piece.token)
    }
  }
  if (fields.length === 0 && (found.size === 0 || found.size > forwardTokensMax)) {
    fields.push({ pointer: '', detail: `A forward holds 1 to ${forwardTokensMax} different tokens.` })
  }
  return fields.length > 0 ? { ok: false, fields } : { ok: true, tokens: [...found] }
}

/** @returns every string of a JSON value, or `undefined` where a member's name looks like a token */
function textsOf(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  if (Object.keys(value).some((name) => name.includes(opens))) return undefined
  const below = Object.values(value).map(textsOf)
  return below.includes(undefined) ? undefined : below.flat() as string[]
}
