import { allowedAddressesMax, apiKeySettingsSchema, scopes, type ApiKeySettingsJson, type KeyKind, type Scope } from '@ngome/contracts'
import { lengthPrefixed, parseCurrency, type ApiKeyId, type Currency } from '@ngome/kernel'
import { canonicalAddressRange } from './address-ranges.ts'

/** How much a key may move, and of what. Where an amount is capped, a currency without an entry is refused. */
export type ApiKeyCaps = {
  /** Minor units for one payment; empty: no such cap. */
  readonly amountMax: ReadonlyMap<Currency, bigint>
  /** Minor units for one UTC day; empty: no such cap. */
  readonly dayTotalMax: ReadonlyMap<Currency, bigint>
  /** Empty: every one. */
  readonly currencies: ReadonlySet<Currency>
  /** Empty: every one. */
  readonly networks: ReadonlySet<string>
  /**
   * Whose day's total its payments count towards, and whose its word is where a payout needs two people's: the first of the keys that it
   * was rolled from; `null`: its own.
   */
  readonly dayTotalOf: ApiKeyId | null
}

/** What a key may do; the custodian signs all of it. */
export type ApiKeySettings = {
  readonly kind: KeyKind
  readonly scopes: ReadonlySet<Scope>
  /** CIDR, canonical; empty: from anywhere. */
  readonly allowedAddresses: readonly string[]
  readonly caps: ApiKeyCaps
  /** From this moment on nobody knows the key. */
  readonly expiresAtMs: number | null
  /** After so long its people are reminded to roll it, where policy does not do so before; `null`: by policy alone. */
  readonly rotateAfterS: number | null
  /** Whether each of its requests must be signed as well. */
  readonly mustSign: boolean
  readonly name: string
}

/** All that a publishable key may be allowed: it seals, and reads nothing. */
export const publishableScopes: readonly Scope[] = ['vault:seal']
export const noCaps: ApiKeyCaps = { amountMax: new Map(), dayTotalMax: new Map(), currencies: new Set(), networks: new Set(), dayTotalOf: null }

/** What a key may do where nobody said anything: all that its kind can. */
export function defaultKeySettings(kind: KeyKind = 'secret'): ApiKeySettings {
  return {
    kind, scopes: new Set(kind === 'secret' ? scopes : publishableScopes), allowedAddresses: [], caps: noCaps,
    expiresAtMs: null, rotateAfterS: null, mustSign: false, name: '',
  }
}

/**
 * Reads settings as they crossed a boundary or lay in the database. Whatever could be written in two ways is taken in one.
 * @returns `undefined` where anything is not canonical, or is more than the kind may have
 */
export function parseKeySettings(given: unknown): ApiKeySettings | undefined {
  const parsed = apiKeySettingsSchema.safeParse(given)
  if (!parsed.success) return undefined
  const { kind, caps, name, mustSign, allowedAddresses, expiresAt, rotateAfterS } = parsed.data
  const settings: ApiKeySettings = {
    kind, mustSign, name, allowedAddresses,
    scopes: sharedScopes(parsed.data.scopes),
    caps: isUncapped(caps) ? noCaps : {
      amountMax: amountsOf(caps.amountMax), dayTotalMax: amountsOf(caps.dayTotalMax),
      currencies: new Set(caps.currencies as Currency[]), networks: new Set(caps.networks),
      dayTotalOf: caps.dayTotalOf ?? null,
    },
    expiresAtMs: expiresAt === null ? null : Date.parse(expiresAt),
    rotateAfterS: rotateAfterS ?? null,
  }
  return isAllowed(settings) && isSame(keySettingsJson(settings), given as ApiKeySettingsJson) ? settings : undefined
}

/** Writes settings in their one canonical form, whatever the order in which they were given. */
export function keySettingsJson(settings: ApiKeySettings): ApiKeySettingsJson {
  const { kind, scopes: allowed, allowedAddresses, caps, expiresAtMs, rotateAfterS, mustSign, name } = settings
  return {
    kind, mustSign, name,
    scopes: [...allowed].toSorted(),
    allowedAddresses: [...new Set(allowedAddresses)].toSorted(),
    caps: {
      amountMax: sortedAmounts(caps.amountMax), dayTotalMax: sortedAmounts(caps.dayTotalMax),
      currencies: [...caps.currencies].toSorted(), networks: [...caps.networks].toSorted(),
      ...caps.dayTotalOf === null ? {} : { dayTotalOf: caps.dayTotalOf },
    },
    expiresAt: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString(),
    ...rotateAfterS === null ? {} : { rotateAfterS },
  }
}

/** What of settings is signed: every field, framed, so that no two settings give the same bytes. */
export function keySettingsBytes(settings: ApiKeySettings): Uint8Array {
  const { kind, scopes: allowed, allowedAddresses, caps, expiresAt, rotateAfterS, mustSign, name } = keySettingsJson(settings)
  // Last, and only where there is one of them, so that keys from before there was either give the bytes that were signed then.
  const later = rotateAfterS === undefined && caps.dayTotalOf === undefined ? [] : [rotateAfterS ?? '', caps.dayTotalOf ?? '']
  return lengthPrefixed(
    kind, lengthPrefixed(...allowed), lengthPrefixed(...allowedAddresses),
    lengthPrefixed(...Object.entries(caps.amountMax).flat()), lengthPrefixed(...Object.entries(caps.dayTotalMax).flat()),
    lengthPrefixed(...caps.currencies), lengthPrefixed(...caps.networks),
    expiresAt ?? '', mustSign ? 1 : 0, name, ...later,
  )
}

/** For these it counts whose key it is, a roll later as well: nobody is the second person of his own payout. */
const decidingScopes: readonly Scope[] = ['payouts:write', 'payouts:approve']

/**
 * What the successor of a key may do: the same, and out of the same day's total, so that to roll a key gives nobody a second one, nor
 * makes him another person.
 */
export function successorSettings({ id, settings }: { readonly id: ApiKeyId; readonly settings: ApiKeySettings }): ApiKeySettings {
  const { caps } = settings
  const isNobodys = caps.dayTotalMax.size === 0 && !decidingScopes.some((scope) => settings.scopes.has(scope))
  return isNobodys ? settings : { ...settings, caps: { ...caps, dayTotalOf: caps.dayTotalOf ?? id } }
}

/** Names that one terminal line shows as they are. */
const printableName = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u

function isAllowed({ kind, scopes: allowed, allowedAddresses, caps, name }: ApiKeySettings): boolean {
  const currencies = [...caps.amountMax.keys(), ...caps.dayTotalMax.keys(), ...caps.currencies]
  return [...allowed].every((scope) => (kind === 'secret' ? scopes : publishableScopes).includes(scope))
    && allowedAddresses.length <= allowedAddressesMax && allowedAddresses.every((text) => canonicalAddressRange(text) === text)
    && currencies.every((currency) => parseCurrency(currency) === currency)
    && printableName.test(name)
}

function isUncapped({ amountMax, dayTotalMax, currencies, networks, dayTotalOf }: ApiKeySettingsJson['caps']): boolean {
  return currencies.length + networks.length + Object.keys(amountMax).length + Object.keys(dayTotalMax).length === 0 && dayTotalOf === undefined
}

function amountsOf(amounts: Readonly<Record<string, string>>): ReadonlyMap<Currency, bigint> {
  return new Map(Object.entries(amounts).map(([currency, minor]) => [currency as Currency, BigInt(minor)]))
}

function sortedAmounts(amounts: ReadonlyMap<Currency, bigint>): Record<string, string> {
  return Object.fromEntries([...amounts].map(([currency, minor]) => [currency, minor.toString()] as const).toSorted(byName))
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1
}

/** With what was given, not with what the schema made of it: that leaves `__proto__` out. Lists in their order; of records their entries: PostgreSQL's `jsonb` has an order of its own. */
function isSame(one: ApiKeySettingsJson, other: ApiKeySettingsJson): boolean {
  const text = ({ kind, scopes: allowed, allowedAddresses, caps, expiresAt, rotateAfterS, mustSign, name }: ApiKeySettingsJson): string => JSON.stringify([
    kind, allowed, allowedAddresses, Object.entries(caps.amountMax).toSorted(byName), Object.entries(caps.dayTotalMax).toSorted(byName),
    caps.currencies, caps.networks, caps.dayTotalOf, expiresAt, rotateAfterS, mustSign, name,
  ])
  return text(one) === text(other)
}

/** Most keys have the same scopes: one set for all of them is a kilobyte less for each row in a gateway's memory. */
const known = new Map<string, ReadonlySet<Scope>>()
const knownMax = 256

function sharedScopes(given: readonly string[]): ReadonlySet<Scope> {
  const name = given.join(' ')
  const shared = known.get(name)
  if (shared !== undefined) return shared
  const made: ReadonlySet<Scope> = new Set(given as Scope[])
  if (known.size < knownMax) known.set(name, made)
  return made
}
