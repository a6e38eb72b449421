import { setTimeout as sleep } from 'node:timers/promises'
import { parseApiKey } from '@ngome/access'
import type { ApiKeyId, Clock, Secret } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import type { Auditor } from '../at-rest/auditor.ts'
import { NotReached, type Probe } from '../probe.ts'
import { fails, holds, type Verdict } from '../verdict.ts'
import { ask } from '../wire/request.ts'

/** What the operator's commands do with keys that have a time to be rolled. */
export type KeyReminding = {
  /** As `ngome keys issue --rotate-after`; `null`: by policy alone. */
  readonly issueKeyToRoll: (rotateAfterS: number | null) => Promise<Secret<string>>
  /** What `ngome keys list` says of a key. */
  readonly listedKey: (key: Secret<string>) => Promise<{ readonly isRotationDue: boolean; readonly isUnused: boolean } | undefined>
}
type Target = KeyReminding & {
  readonly gateway: Endpoint; readonly authority: string; readonly auditor: Auditor; readonly clock: Clock
  /** How long all of it may take beside the keys' own periods, and how often is looked: a test is faster. */
  readonly pace?: { readonly idleS: number; readonly usedS: number; readonly withinMs: number; readonly lookEveryMs: number }
}

/** The key that is used has a period longer than it takes a gateway to tell of a use, which is five seconds. */
const ownPace = { idleS: 3, usedS: 15, withinMs: 30_000, lookEveryMs: 1_000 }
const expected = { idle: ['api_key.rotation_due', 'api_key.unused'], used: ['api_key.rotation_due'], fresh: [] }
type Which = keyof typeof expected
type Known = Readonly<Record<Which, { readonly key: Secret<string>; readonly id: ApiKeyId }>>

export const oldAndUnusedKeysAreToldOf: Probe<Target> = {
  id: 'old-and-unused-keys-are-told-of',
  source: import.meta.filename,
  does: 'Issues a key that wants to be rolled after three seconds and lies unused, one after fifteen seconds that is used all the time, and one without a period of its own. The platform must tell, by events, of the first that it is to be rolled and that nobody uses it, of the second that it is to be rolled, and of the third nothing; merchant and operator must see the same of each.',
  timeMsMax: 90_000,
  run: async (target) => {
    const { idleS, usedS, withinMs } = target.pace ?? ownPace
    const keys = { idle: await known(target, idleS), used: await known(target, usedS), fresh: await known(target, null) }
    const endsAtMs = target.clock.nowMs() + usedS * 1_000 + withinMs
    let told = await eventsOf(target, keys)
    while (JSON.stringify(told) !== JSON.stringify(expected)) {
      if (target.clock.nowMs() > endsAtMs) return wrong(told)
      const seen = await viewOf(target, keys, 'used')
      if (seen?.is_unused === true) return fails('a key that is used all the time is called unused')
      await sleep((target.pace ?? ownPace).lookEveryMs)
      told = await eventsOf(target, keys)
    }
    return await misseen(target, keys) ?? holds(`of keys with a period of ${idleS} and ${usedS} s was told what they are, of one without nothing; merchant and operator saw the same`)
  },
}

async function known(target: Target, rotateAfterS: number | null): Promise<Known[Which]> {
  const key = await target.issueKeyToRoll(rotateAfterS)
  const id = key.expose((text) => parseApiKey(text)?.id)
  if (id === undefined) throw new NotReached('no keys could be issued')
  return { key, id }
}

async function eventsOf({ auditor }: Target, keys: Known): Promise<Readonly<Record<Which, readonly string[]>>> {
  const rows = await auditor.query<{ key: string; type: string }>(
    `SELECT type, data->>'key' AS key FROM ngome.events WHERE type IN ('api_key.rotation_due', 'api_key.unused') AND data->>'key' = ANY($1) ORDER BY type`,
    [Object.values(keys).map(({ id }) => id)])
  const of = (which: Which): readonly string[] => rows.filter(({ key }) => key === keys[which].id).map(({ type }) => type)
  return { idle: of('idle'), used: of('used'), fresh: of('fresh') }
}

function wrong({ idle, used, fresh }: Readonly<Record<Which, readonly string[]>>): Verdict {
  if (fresh.length > 0) return fails('people are reminded of a key whose time has not come')
  if (used.includes('api_key.unused')) return fails('a key that is used all the time is told of as unused')
  if (!idle.includes('api_key.unused')) return fails('nobody is told of a key that nobody uses')
  if (![...idle, ...used].includes('api_key.rotation_due')) return fails('nobody is told of a key that is to be rolled')
  return fails(`the reminders of keys are not what they should be, once each: ${JSON.stringify({ idle, used })}`)
}

/** @returns what merchant or operator does not see as it is */
async function misseen(target: Target, keys: Known): Promise<Verdict | undefined> {
  for (const [which, isDue] of [['idle', true], ['used', true], ['fresh', false]] as const) {
    const listed = await target.listedKey(keys[which].key)
    const isUnused = which === 'idle'
    if (listed?.isRotationDue !== isDue || listed.isUnused !== isUnused) return fails(`the operator's list does not say of a key that is ${which} what it is`)
    const seen = await viewOf(target, keys, which)
    if (seen?.is_rotation_due !== isDue || seen.is_unused !== isUnused) return fails(`a merchant does not see of a key that is ${which} what it is`)
  }
  return undefined
}

/** What the merchant sees of one of its keys; asked with the one that is used. */
async function viewOf({ gateway, authority }: Target, { used, ...others }: Known, which: Which): Promise<{ readonly is_rotation_due?: unknown; readonly is_unused?: unknown } | undefined> {
  const answer = await ask(gateway, authority, { method: 'GET', path: `/v1/api_keys/${{ used, ...others }[which].id}`, apiKey: used.key })
  return answer.status === 200 ? JSON.parse(answer.text) as { is_rotation_due?: unknown; is_unused?: unknown } : undefined
}
