import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultKeySettings } from '@ngome/access'
import { newId, systemClock, systemRandom } from '@ngome/kernel'
import type { ApiKeyListing } from '@ngome/store'
import { keyLines, keyView } from './key-view.ts'

const dayMs = 86_400_000
const nowMs = systemClock.nowMs()
const policy = { ageMs: 90 * dayMs, unusedMs: 30 * dayMs }
type Changes = { readonly ageDays?: number; readonly usedDaysAgo?: number | null; readonly rotateAfterS?: number | null; readonly expiresInDays?: number; readonly isRevoked?: boolean }
const rowOf = ({ ageDays = 0, usedDaysAgo = null, rotateAfterS = null, expiresInDays, isRevoked = false }: Changes): ApiKeyListing => ({
  id: newId('apiKey', { clock: systemClock, random: systemRandom }), hint: 'ngome_sk_test_', pepperVersion: 1,
  settings: { ...defaultKeySettings(), rotateAfterS, expiresAtMs: expiresInDays === undefined ? null : nowMs + expiresInDays * dayMs },
  createdAtMs: nowMs - ageDays * dayMs, revokedAtMs: isRevoked ? nowMs : null,
  lastUse: usedDaysAgo === null ? null : { atMs: nowMs - usedDaysAgo * dayMs, network: '192.0.2.0/24', agent: 'x' },
})

const cases: readonly (readonly [what: string, row: Changes, isRotationDue: boolean, isUnused: boolean])[] = [
  ['a new key', {}, false, false],
  ['one of 29 days that nobody used', { ageDays: 29 }, false, false],
  ['one of 30 days that nobody used', { ageDays: 30 }, false, true],
  ['one of 90 days that is used', { ageDays: 90, usedDaysAgo: 1 }, true, false],
  ['one of 89 days that is used', { ageDays: 89, usedDaysAgo: 1 }, false, false],
  ['one of 7 days that is to be rolled after seven', { ageDays: 7, usedDaysAgo: 1, rotateAfterS: 7 * 86_400 }, true, false],
  ['one of 7 days that is to be rolled after eight', { ageDays: 7, rotateAfterS: 8 * 86_400 }, false, false],
  ['one that was unused for all of its own time', { ageDays: 9, usedDaysAgo: 8, rotateAfterS: 8 * 86_400 }, true, true],
  ['one that wants to live longer than the policy lets it', { ageDays: 90, usedDaysAgo: 31, rotateAfterS: 700 * 86_400 }, true, true],
  ['an old one that was revoked', { ageDays: 400, isRevoked: true }, false, false],
  ['an old one that has ended', { ageDays: 400, expiresInDays: -1 }, false, false],
]
for (const [what, changes, isRotationDue, isUnused] of cases) {
  test(`the list says of ${what} whether it is to be rolled, and whether anybody uses it`, () => {
    const row = rowOf(changes)
    const view = keyView(row, policy, nowMs)
    assert.deepEqual([view.isRotationDue, view.isUnused], [isRotationDue, isUnused])
    const [line = ''] = keyLines(view, row)
    assert.deepEqual([line.includes('roll it: due since'), line.includes('unused: revoke it')], [isRotationDue, isUnused])
  })
}
