import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock, Secret } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import type { Probe } from '../probe.ts'
import { fails, holds } from '../verdict.ts'
import { ask } from '../wire/request.ts'
import type { KeyIssuer } from './api-keys-are-unguessable.ts'

/** What the operator's commands do with a key. */
export type KeyRoller = KeyIssuer & {
  /** As `ngome keys roll`: the key works on for the overlap. */
  readonly rollKey: (key: Secret<string>, overlapMs: number) => Promise<{ readonly successor: Secret<string>; readonly endsAtMs: number }>
  /** As `ngome keys revoke`. */
  readonly revokeKey: (key: Secret<string>) => Promise<void>
}
type Target = KeyRoller & { readonly gateway: Endpoint; readonly authority: string; readonly clock: Clock }

const overlapMs = 5_000
/** The lease, within which every gateway must know, and the time of one question more. */
const revokedWithinMs = 2_500

export const apiKeysRollAndEnd: Probe<Target> = {
  id: 'api-keys-roll-and-end',
  source: import.meta.filename,
  does: 'Issues a key and rolls it with an overlap of five seconds: both keys must work until then, and from then on the successor alone. Then it revokes the successor, which must be refused within two and a half seconds.',
  timeMsMax: 60_000,
  run: async (target) => {
    const { issueKeys, rollKey, revokeKey, gateway, authority, clock } = target
    const [old] = await issueKeys(1)
    if (old === undefined) return fails('the operator could not issue a key')
    const statusOf = async (key: Secret<string>): Promise<number> =>
      (await ask(gateway, authority, { method: 'GET', path: '/v1/payments', apiKey: key })).status
    if (await statusOf(old) !== 200) return fails('a new key does not work')
    const { successor, endsAtMs } = await rollKey(old, overlapMs)
    const within = [await statusOf(old), await statusOf(successor)]
    if (clock.nowMs() < endsAtMs && within[0] !== 200) return fails(`a key that was rolled is answered ${within[0]} before its end`)
    if (within[1] !== 200) return fails(`the successor of a key is answered ${within[1]}`)
    await sleep(Math.max(0, endsAtMs - clock.nowMs()))
    if (await statusOf(old) !== 401) return fails('a key that was rolled works past its end')
    if (await statusOf(successor) !== 200) return fails('the successor ended with the key that it replaced')
    await revokeKey(successor)
    const revokedAtMs = clock.nowMs()
    while (await statusOf(successor) !== 401) {
      if (clock.nowMs() - revokedAtMs > revokedWithinMs) return fails(`a key that was revoked works after ${revokedWithinMs} ms`)
    }
    return holds(`a key ended with its overlap of ${overlapMs} ms, its successor worked on and was refused ${clock.nowMs() - revokedAtMs} ms after it was revoked`)
  },
}
