import { systemClock } from '@ngome/kernel'
import type { Auditor } from '../at-rest/auditor.ts'
import type { KeyInventory, KeyRecords } from '../custodian/key-records.ts'
import { newestDataKeys } from '../custodian/sealed-under.ts'
import type { Probe } from '../probe.ts'
import { fails, holds, partial, type Verdict } from '../verdict.ts'

type Target = { readonly auditor: Auditor; readonly keyRecords: Pick<KeyRecords, 'inventory' | 'rotations'> }
type Key = KeyInventory['keys'][number]

/** What is due is done within a second; clocks of two machines, and a gateway that looks for new keys, get this long. */
const slackMs = 15 * 60_000
const hourMs = 3_600_000
/** A rotation works on keys, not on records: one that takes this long is stuck. */
const rotationMsMax = hourMs
const slowRotationMsMax: Readonly<Record<string, number>> = {
  // It works on rows: this is for some millions of them.
  index: 24 * hourMs,
  // Twice it waits for certificates of processes that do not run to come to their end, within a day each.
  authority: 49 * hourMs,
}
/** States of a key that another has followed. */
const followed: readonly Key['state'][] = ['decrypt-only', 'compromised', 'destroyed']

export const keysRotateByPolicy: Probe<Target> = {
  id: 'keys-rotate-by-policy',
  source: import.meta.filename,
  does: 'Reads every key\'s life from the custodian: none may be in use past its time, and no rotation may be stuck. Then reads from the database to which merchant key the newest data keys were sealed, and when: each within that key\'s time. What has no time of its own is named, and so is it where no key has come to its end yet.',
  run: async ({ auditor, keyRecords }) => {
    const [{ keys }, rotations, dataKeys] = await Promise.all([keyRecords.inventory(), keyRecords.rotations(), newestDataKeys(auditor)])
    const nowMs = systemClock.nowMs()
    const late = keys.find(({ state, nextRotationAt }) => state === 'active' && isPast(nextRotationAt, nowMs))
    if (late !== undefined) return fails(`${late.purpose}/${late.name} was to be replaced at ${late.nextRotationAt} and is in use`)
    // A secret's old version is kept for what hangs on it, until a time that the rotation says.
    const stuck = rotations.find(({ state, level, startedAt, endsAt }) => state === 'running'
      && Date.parse(endsAt ?? startedAt) + (slowRotationMsMax[level] ?? rotationMsMax) < nowMs)
    if (stuck !== undefined) return fails(`the rotation ${stuck.id} runs since ${stuck.startedAt}: ${stuck.done} of ${stuck.total} keys`)
    const merchantKeys = new Map(keys.filter(({ purpose }) => purpose === 'merchant').map((key) => [key.name, key]))
    for (const { id, merchantKeyId, createdAtMs } of dataKeys) {
      const problem = problemOfUse(merchantKeys.get(merchantKeyId), createdAtMs, nowMs)
      if (problem !== undefined) return fails(`the data key ${id} was sealed to ${merchantKeyId}, ${problem}`)
    }
    return judge(keys, rotations.filter(({ state }) => state === 'done').length, dataKeys.length)
  },
}

function judge(keys: readonly Key[], rotations: number, dataKeys: number): Verdict {
  const replaced = keys.filter(({ purpose, state }) => purpose === 'merchant' && followed.includes(state)).length
  const timed = keys.filter(({ state, nextRotationAt }) => state === 'active' && nextRotationAt !== null).length
  const seen = `${timed} keys in use within their time, ${replaced} merchant keys were followed by others, ${rotations} rotations ended, ${dataKeys} data keys sealed within their merchant keys' time`
  const timeless = new Set(keys.filter(({ state, nextRotationAt }) => state === 'active' && nextRotationAt === null).map(({ purpose }) => purpose))
  const missing = [
    ...timeless.size > 0 ? [`a time after which these are replaced: ${[...timeless].toSorted().join(', ')}`] : [],
    ...replaced === 0 ? ['a merchant key that has come to its end here'] : [],
  ]
  return missing.length === 0 ? holds(seen) : partial(`missing: ${missing.join('; ')}; ${seen}`)
}

/** @returns how a data key's time does not fit its merchant key's */
function problemOfUse(key: Key | undefined, atMs: number, nowMs: number): string | undefined {
  if (key === undefined) return 'which the custodian does not know'
  const at = new Date(atMs).toISOString()
  // When it became active says less: a gateway crosses a period while the custodian is away, which moves the key later.
  if (atMs + slackMs < Date.parse(key.createdAt)) return `before it was made, at ${at}`
  if (key.state === 'pending' && atMs + slackMs < nowMs) return `before its time, at ${at}`
  const ends = [key.decryptOnlyAt, key.compromisedAt, key.destroyedAt, key.nextRotationAt]
  return ends.some((end) => isPast(end, atMs)) ? `after its time, at ${at}` : undefined
}

function isPast(text: string | null, atMs: number): boolean {
  return text !== null && Date.parse(text) + slackMs < atMs
}
