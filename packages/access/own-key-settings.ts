import { createApiKeySchema, type CreateApiKey, type Scope } from '@ngome/contracts'
import { parseCurrency, parseMoney, type Currency } from '@ngome/kernel'
import { canonicalAddressRange } from './address-ranges.ts'
import { keySettingsJson, parseKeySettings, type ApiKeyCaps, type ApiKeySettings } from './key-settings.ts'

/** How far a merchant may go with keys of its own. */
export type OwnKeyPolicy = {
  readonly scopes: readonly Scope[]
  /** Of a key that is made; what it ends by where the merchant says nothing. */
  readonly lifeMsMax: number
}

export type OwnKeyReading =
  | { readonly kind: 'settings'; readonly settings: ApiKeySettings }
  /** `field` is a JSON pointer into the request. */
  | { readonly kind: 'scope_refused' | 'invalid'; readonly field: string; readonly detail: string }

/**
 * What a key may do that a merchant asks for: gateway and custodian read the same bytes by this, each for itself.
 * @param request parsed JSON, of anybody
 * @returns settings within the policy, or the first thing that is wrong
 */
export function readOwnKeyRequest(request: unknown, policy: OwnKeyPolicy, nowMs: number): OwnKeyReading {
  const parsed = createApiKeySchema.safeParse(request)
  if (!parsed.success) return invalid(`/${parsed.error.issues[0]?.path.join('/') ?? ''}`, 'This is not what the reference says.')
  const { kind, name, scopes, allowed_addresses: allowed, must_sign: mustSign, expires_at: expiresAt, rotate_after: rotateAfterS } = parsed.data
  const beyond = scopes.findIndex((scope) => !policy.scopes.includes(scope))
  if (beyond >= 0) return { kind: 'scope_refused', field: `/scopes/${beyond}`, detail: 'A merchant may not give a key this scope.' }
  const latestMs = nowMs + policy.lifeMsMax
  const expiresAtMs = expiresAt === undefined ? latestMs : Date.parse(expiresAt)
  if (expiresAtMs <= nowMs) return invalid('/expires_at', 'This is over.')
  if (expiresAtMs > latestMs) return invalid('/expires_at', `This is later than ${new Date(latestMs).toISOString()}, which is as long as a key may live.`)
  const caps = readCaps(parsed.data.caps)
  if ('field' in caps) return caps
  const ranges = allowed.map(canonicalAddressRange)
  const noRange = ranges.indexOf(undefined)
  if (noRange >= 0) return invalid(`/allowed_addresses/${noRange}`, 'This is no address or range, such as 192.0.2.7 or 2001:db8::/32.')
  const settings = parseKeySettings(keySettingsJson({
    kind, name, mustSign, scopes: new Set(scopes), allowedAddresses: ranges.filter((range) => range !== undefined), caps, expiresAtMs,
    rotateAfterS: rotateAfterS ?? null,
  }))
  if (settings !== undefined) return { kind: 'settings', settings }
  return kind === 'publishable' && scopes.some((scope) => scope !== 'vault:seal')
    ? invalid('/scopes', 'A publishable key can only have vault:seal.') : invalid('/name', 'A name is one line that can be printed.')
}

function invalid(field: string, detail: string): OwnKeyReading & { readonly field: string } {
  return { kind: 'invalid', field, detail }
}

function readCaps(given: CreateApiKey['caps']): ApiKeyCaps | ReturnType<typeof invalid> {
  const read = (name: 'amount_max' | 'day_total_max'): ReadonlyMap<Currency, bigint> | string => {
    const amounts = new Map<Currency, bigint>()
    for (const [code, text] of Object.entries(given[name])) {
      const currency = parseCurrency(code)
      const money = currency === undefined ? undefined : parseMoney(text, currency)
      if (money === undefined) return `/caps/${name}/${code}`
      amounts.set(money.currency, money.amountMinor)
    }
    return amounts
  }
  const [amountMax, dayTotalMax] = [read('amount_max'), read('day_total_max')]
  if (typeof amountMax === 'string') return invalid(amountMax, 'This is no amount of a currency that we know.')
  if (typeof dayTotalMax === 'string') return invalid(dayTotalMax, 'This is no amount of a currency that we know.')
  const currencies = given.currencies.map(parseCurrency)
  const unknown = currencies.indexOf(undefined)
  if (unknown >= 0) return invalid(`/caps/currencies/${unknown}`, 'This is no currency that we know.')
  return { amountMax, dayTotalMax, currencies: new Set(currencies.filter((one) => one !== undefined)), networks: new Set(given.networks), dayTotalOf: null }
}
