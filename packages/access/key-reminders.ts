import type { ApiKeySettings } from './key-settings.ts'

/** When people are reminded of a key, as the operator's policy has it: by its age, and when nobody uses it. */
export type KeyReminders = { readonly ageMs: number; readonly unusedMs: number }

/**
 * By when a key is to be rolled, and whether anybody needs it: by policy, or sooner where the key says so. Of a key that nobody
 * used for as long as it was to live nobody needs a successor.
 * @param key `lastUsedAtMs`: `null` where nobody ever used it
 */
export function keyReminders(
  { createdAtMs, lastUsedAtMs, settings }: {
    readonly createdAtMs: number; readonly lastUsedAtMs: number | null; readonly settings: Pick<ApiKeySettings, 'rotateAfterS'> | undefined
  },
  { ageMs, unusedMs }: KeyReminders, nowMs: number,
): { readonly rotateByMs: number; readonly isRotationDue: boolean; readonly isUnused: boolean } {
  const ownMs = (settings?.rotateAfterS ?? Infinity) * 1_000
  const rotateByMs = createdAtMs + Math.min(ageMs, ownMs)
  return { rotateByMs, isRotationDue: rotateByMs <= nowMs, isUnused: (lastUsedAtMs ?? createdAtMs) + Math.min(unusedMs, ownMs) <= nowMs }
}
