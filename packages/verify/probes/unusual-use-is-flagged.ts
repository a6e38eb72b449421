import { setTimeout as sleep } from 'node:timers/promises'
import { parseApiKey } from '@ngome/access'
import { newId, type Clock, type Random, type Secret } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import type { Auditor } from '../at-rest/auditor.ts'
import { NotReached, type Probe } from '../probe.ts'
import { fails, holds } from '../verdict.ts'
import { awaitAlert } from '../usage/await-alert.ts'
import { ask } from '../wire/request.ts'
import type { KeyIssuer } from './api-keys-are-unguessable.ts'

type Target = KeyIssuer & {
  readonly gateway: Endpoint; readonly authority: string; readonly auditor: Auditor; readonly random: Random; readonly clock: Clock
  /** How long an alert may take; the platform's own pace is five seconds. */
  readonly alertMsMax?: number
}

/** More than nobody mistypes, and few enough that no limit is met. */
const guesses = 30
const alertMsMax = 30_000

export const unusualUseIsFlagged: Probe<Target> = {
  id: 'unusual-use-is-flagged',
  source: import.meta.filename,
  does: 'Asks with a key of its own for thirty payments that do not exist, as one who guesses ids, and waits until its merchant has an alert about that key, and the platform an event.',
  timeMsMax: 90_000,
  run: async (target) => {
    const { gateway, authority, auditor } = target
    // The guessing key may be suspended for it, as the operator's policy says: another one reads.
    const [guessing, reading] = await target.issueKeys(2)
    const id = guessing?.expose((text) => parseApiKey(text)?.id)
    if (guessing === undefined || reading === undefined || id === undefined) throw new NotReached('no keys could be issued')
    await guess(target, guessing)
    const startedAtMs = target.clock.nowMs()
    const alert = await awaitAlert({ gateway, authority, apiKey: reading }, { key: id, kind: 'enumeration' }, target.alertMsMax ?? alertMsMax)
    if (alert === undefined) return fails(`${guesses} guessed ids raised no alert within ${(target.alertMsMax ?? alertMsMax) / 1_000} s`)
    const events = await auditor.query<{ n: string }>(
      `SELECT count(*) AS n FROM ngome.events WHERE type IN ('api_key.anomaly', 'api_key.misuse') AND data->>'key' = '${id}'`)
    if (Number(events[0]?.n ?? 0) === 0) return fails('an alert without its event: nobody of ours was told')
    return holds(`${guesses} guessed ids were an alert after ${((target.clock.nowMs() - startedAtMs) / 1_000).toFixed(1)} s: ${alert.reason}`)
  },
}

async function guess({ gateway, authority, clock, random }: Target, apiKey: Secret<string>): Promise<void> {
  for (let count = 0; count < guesses; count++) {
    const { status } = await ask(gateway, authority, { method: 'GET', path: `/v1/payments/${newId('payment', { clock, random })}`, apiKey })
    // Suspended while it guesses: then it was seen, and the alert says so.
    if (status === 403) return
    if (status === 429) await sleep(1_000)
  }
}
