import { keyReminders, keySettingsJson, type KeyReminders } from '@ngome/access'
import { formatMoney } from '@ngome/kernel'
import type { Config } from '@ngome/runtime'
import type { ApiKeyListing } from '@ngome/store'

const dayMs = 86_400_000
const iso = (ms: number | null | undefined): string | null => (ms === null || ms === undefined ? null : new Date(ms).toISOString())

/** By when the operator's policy wants people to be reminded of a key. */
export function remindersOf({ keys: { policy } }: Pick<Config, 'keys'>): KeyReminders {
  return { ageMs: policy.apiKeyAgeS * 1_000, unusedMs: policy.apiKeyUnusedS * 1_000 }
}

/** A key as it is shown: never more of its text than people recognise it by. */
export function keyView({ id, hint, pepperVersion, settings, createdAtMs, revokedAtMs, lastUse }: ApiKeyListing, policy: KeyReminders, nowMs: number) {
  const state = revokedAtMs !== null ? 'revoked' as const : settings === undefined ? 'unreadable' as const
    : settings.expiresAtMs !== null && settings.expiresAtMs <= nowMs ? 'ended' as const : 'valid' as const
  const { rotateByMs, isRotationDue, isUnused } = keyReminders({ createdAtMs, lastUsedAtMs: lastUse?.atMs ?? null, settings }, policy, nowMs)
  return {
    key: id, hint, state, pepperVersion,
    settings: settings === undefined ? null : keySettingsJson(settings),
    createdAt: iso(createdAtMs), ageDays: Math.floor((nowMs - createdAtMs) / dayMs),
    revokedAt: iso(revokedAtMs), worksUntil: iso(settings?.expiresAtMs),
    lastUsedAt: iso(lastUse?.atMs), lastNetwork: lastUse?.network ?? null, lastAgent: lastUse?.agent ?? null,
    rotateBy: iso(rotateByMs), isRotationDue: state === 'valid' && isRotationDue, isUnused: state === 'valid' && isUnused,
  }
}
export type KeyView = ReturnType<typeof keyView>

/** A line for each key, and one below it with what limits it. */
export function keyLines(view: KeyView, { settings }: Pick<ApiKeyListing, 'settings'>): readonly string[] {
  const used = view.lastUsedAt === null ? 'never used' : `used ${view.lastUsedAt} from ${view.lastNetwork ?? ''} by ${view.lastAgent ?? ''}`
  const first = [
    view.key, view.createdAt, `${view.ageDays} days`, view.state, `pepper ${view.pepperVersion}`, view.hint, used,
    ...view.isRotationDue ? [`roll it: due since ${view.rotateBy ?? ''}`] : [], ...view.isUnused ? ['unused: revoke it where nobody needs it'] : [],
  ].join('  ')
  if (settings === undefined) return [first]
  const { kind, scopes, allowedAddresses, caps, rotateAfterS, mustSign, name } = settings
  const amounts = (what: string, map: typeof caps.amountMax): readonly string[] =>
    [...map].map(([currency, amountMinor]) => `${what} ${formatMoney({ currency, amountMinor })} ${currency}`)
  const limits = [
    ...name === '' ? [] : [`"${name}"`], kind, [...scopes].join(','),
    ...allowedAddresses.length === 0 ? [] : [`from ${allowedAddresses.join(',')}`],
    ...amounts('at once', caps.amountMax), ...amounts('a day', caps.dayTotalMax),
    ...caps.currencies.size === 0 ? [] : [[...caps.currencies].join(',')], ...caps.networks.size === 0 ? [] : [[...caps.networks].join(',')],
    ...mustSign ? ['signs'] : [], ...rotateAfterS === null ? [] : [`to roll after ${rotateAfterS} s`],
    ...caps.dayTotalOf === null ? [] : [`${caps.dayTotalMax.size === 0 ? 'successor of' : 'day\'s total shared with'} ${caps.dayTotalOf}`], ...view.worksUntil === null ? [] : [`until ${view.worksUntil}`],
  ]
  return [first, `    ${limits.join('  ')}`]
}
