import { setTimeout as sleep } from 'node:timers/promises'
import { alertPageSchema, type AlertView } from '@ngome/contracts'
import type { Secret } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import { NotReached } from '../probe.ts'
import { ask } from '../wire/request.ts'

const lookEveryMs = 1_000

export type Reader = { readonly gateway: Endpoint; readonly authority: string; readonly apiKey: Secret<string> }

/** Asks as a merchant until there is an alert of a kind about a key. @returns `undefined` where none came in time */
export async function awaitAlert(
  { gateway, authority, apiKey }: Reader, of: { readonly key: string; readonly kind: AlertView['kind'] }, withinMs: number,
): Promise<AlertView | undefined> {
  for (let waitedMs = 0; ; waitedMs += lookEveryMs) {
    const answer = await ask(gateway, authority, { method: 'GET', path: `/v1/alerts?key=${of.key}`, apiKey })
    const page = answer.status === 200 ? alertPageSchema.safeParse(JSON.parse(answer.text)) : undefined
    if (page?.success !== true) throw new NotReached(`the alerts are answered with ${answer.status}`)
    const alert = page.data.data.find(({ kind, key }) => kind === of.kind && key === of.key)
    if (alert !== undefined || waitedMs >= withinMs) return alert
    await sleep(Math.min(lookEveryMs, withinMs))
  }
}
