import {
  canonicalAddressRange, defaultKeySettings, keySettingsJson, parseKeySettings, scopes, type ApiKeyCaps, type ApiKeySettings, type Scope,
} from '@ngome/access'
import { keyKinds, rotateAfterSMax } from '@ngome/contracts'
import { parseCurrency, parseMoney, type Currency } from '@ngome/kernel'
import { Misuse, type Given, type Option } from '../command.ts'
import { parseDuration } from './parse-duration.ts'

/** Longer than anybody plans for a key: then it is not an end but a habit. */
const expiryDaysMax = 1_830
const daySeconds = 86_400

/** How a command is told what a key may do. */
export const keySettingsOptions: Readonly<Record<string, Option>> = {
  'kind': { type: 'string', value: 'KIND', about: 'secret, for servers, or publishable, for pages: such a key can only seal' },
  'scope': { type: 'string', value: 'LIST', about: `of ${scopes.join(',')}; all that the kind can where it is left out` },
  'allow': { type: 'string', value: 'LIST', about: 'addresses and ranges (CIDR) that it may be used from; anywhere where it is left out' },
  'cap': {
    type: 'string', value: 'LIST',
    about: 'of amount:UGX:500000 (at once), day:UGX:5000000 (of a UTC day), currency:UGX, network:mtn-ug; where amounts are capped, a currency without one is refused',
  },
  'expires': { type: 'string', value: 'TIME', about: 'after so long, such as 90d, nobody knows it; never where it is left out' },
  'rotate-after': { type: 'string', value: 'TIME', about: 'after so long, such as 30d, its people are told to roll it; by keys.policy.apiKeyAgeS where that is sooner or this is left out' },
  'must-sign': { type: 'boolean', about: 'each of its requests must be signed as well' },
  'name': { type: 'string', value: 'NAME', about: 'what people call it' },
}

/** @throws Misuse */
export function keySettingsOf(options: Given['options'], nowMs: number): ApiKeySettings {
  const text = (name: string): string | undefined => (typeof options[name] === 'string' ? options[name] : undefined)
  const kind = keyKinds.find((one) => one === (text('kind') ?? 'secret'))
  if (kind === undefined) throw new Misuse(`--kind is ${keyKinds.join(' or ')}`)
  const [scope, expires, rotateAfter] = [text('scope'), text('expires'), text('rotate-after')]
  const settings: ApiKeySettings = {
    ...defaultKeySettings(kind),
    ...(scope === undefined ? {} : { scopes: scopesOf(scope) }),
    allowedAddresses: listOf(text('allow')).map(rangeOf),
    caps: capsOf(text('cap')),
    expiresAtMs: expires === undefined ? null : nowMs + parseDuration('expires', expires, expiryDaysMax),
    rotateAfterS: rotateAfter === undefined ? null : parseDuration('rotate-after', rotateAfter, rotateAfterSMax / daySeconds) / 1_000,
    mustSign: options['must-sign'] === true,
    name: text('name') ?? '',
  }
  const canonical = parseKeySettings(keySettingsJson(settings))
  if (canonical === undefined) throw new Misuse('a publishable key can have vault:seal only, a list has an end, and a name is one short line')
  return canonical
}

function listOf(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(',')
}

function scopesOf(text: string): ReadonlySet<Scope> {
  return new Set(listOf(text).map((one) => {
    const scope = scopes.find((known) => known === one)
    if (scope === undefined) throw new Misuse(`--scope is a list of ${scopes.join(',')}`)
    return scope
  }))
}

function rangeOf(text: string): string {
  const range = canonicalAddressRange(text)
  if (range === undefined) throw new Misuse(`--allow is a list such as 192.0.2.7,198.51.100.0/24,2001:db8::/32; "${text}" is no address`)
  return range
}

function capsOf(text: string | undefined): ApiKeyCaps {
  const [amountMax, dayTotalMax] = [new Map<Currency, bigint>(), new Map<Currency, bigint>()]
  const [currencies, networks] = [new Set<Currency>(), new Set<string>()]
  for (const one of listOf(text)) {
    const [what = '', value = '', amount, ...more] = one.split(':')
    const currency = parseCurrency(value)
    const money = amount === undefined || currency === undefined ? undefined : parseMoney(amount, currency)
    if (more.length === 0 && money !== undefined && what === 'amount') amountMax.set(money.currency, money.amountMinor)
    else if (more.length === 0 && money !== undefined && what === 'day') dayTotalMax.set(money.currency, money.amountMinor)
    else if (amount === undefined && currency !== undefined && what === 'currency') currencies.add(currency)
    else if (amount === undefined && what === 'network' && /^[a-z][a-z0-9-]{0,31}$/.test(value)) networks.add(value)
    else throw new Misuse(`--cap is a list of amount:UGX:500000, day:UGX:5000000, currency:UGX and network:mtn-ug; "${one}" is none of them`)
  }
  return { amountMax, dayTotalMax, currencies, networks, dayTotalOf: null }
}
