import type { World } from '@ngome/kernel'
import { prefixRows } from './prefixes.ts'

/** What of a configured network decides which numbers are its own. */
export type RoutableNetwork = {
  readonly connector: string
  readonly world: World
  readonly callingCode: string
  /** How its numbers begin, calling code included, in place of the table; none: no number leads to it. */
  readonly prefixes?: readonly string[] | undefined
  /** Who may stand in for it. */
  readonly fallback: readonly string[]
}

export type Routing =
  | { readonly kind: 'found'; readonly network: string }
  /** Several have numbers that begin so. */
  | { readonly kind: 'ambiguous' }
  | { readonly kind: 'none' }

/**
 * The network whose number this is, by the longest prefix that anybody has of it. Those that only stand in for another of them are
 * not asked: whoever they stand in for is.
 * @param phone E.164, with the plus sign; anything else leads nowhere
 */
export function networkFor(phone: string, world: World, networks: Readonly<Record<string, RoutableNetwork>>): Routing {
  if (!phone.startsWith('+')) return { kind: 'none' }
  const digits = phone.slice(1)
  let longest = longestOf(digits, othersOf(digits))
  let found: string[] = []
  for (const [name, network] of Object.entries(networks)) {
    if (network.world !== world || !digits.startsWith(network.callingCode)) continue
    const length = longestOf(digits, network.prefixes ?? prefixesOf(network))
    if (length === 0 || length < longest) continue
    if (length > longest) found = []
    longest = length
    found.push(name)
  }
  const standIns = new Set(found.flatMap((name) => networks[name]?.fallback ?? []))
  const firsts = found.length > 1 ? found.filter((name) => !standIns.has(name)) : found
  const [network] = firsts
  if (network === undefined) return found.length === 0 ? { kind: 'none' } : { kind: 'ambiguous' }
  return firsts.length === 1 ? { kind: 'found', network } : { kind: 'ambiguous' }
}

function longestOf(digits: string, prefixes: readonly string[]): number {
  return prefixes.reduce((longest, prefix) => (prefix.length > longest && digits.startsWith(prefix) ? prefix.length : longest), 0)
}

function prefixesOf({ connector, callingCode, world }: RoutableNetwork): readonly string[] {
  const rows = prefixRows.filter((row) => row.operator === connector && row.callingCode === callingCode && (row.isTest !== true || world === 'test'))
  return rows.flatMap(({ national }) => national.map((one) => callingCode + one))
}

/** What of a longer prefix is nobody's whom we know, however the shorter one begins. */
function othersOf(digits: string): readonly string[] {
  return prefixRows.flatMap(({ operator, callingCode, national }) => (
    operator === 'other' && digits.startsWith(callingCode) ? national.map((one) => callingCode + one) : []
  ))
}
