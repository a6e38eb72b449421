import type { Event } from '@ngome/contracts'
import type { Tenant, WebhookEndpointId } from '@ngome/kernel'
import { sql, type Transaction } from 'kysely'
import { appendEvent } from '../events/append-event.ts'
import { proveLastEvent } from '../events/object-events.ts'
import type { Tables } from '../tables.ts'

/** When an endpoint that never answers is told of, and when nothing goes to it any more. */
export type EndpointHealthRules = {
  readonly warnAfterMs: number
  readonly disableAfterMs: number
  /** It takes as many failed tries at least, however long they took. */
  readonly disableAfterTries: number
  /** For the operator. */
  readonly event: (kind: 'failing' | 'disabled') => Event
  /** For the merchant. */
  readonly prove: Parameters<typeof proveLastEvent>[3]
}

/** What a try says of the endpoint: `gone` is its own word that it will never answer again (RFC 9110 §15.5.11). */
export type EndpointSign = 'answers' | 'fails' | 'gone'

/** Keeps count of an endpoint's failures since it last answered, warns, and disables it. */
export async function noteEndpointHealth(
  tx: Transaction<Tables>, tenant: Tenant, endpoint: WebhookEndpointId, sign: EndpointSign, atMs: number, rules: EndpointHealthRules,
): Promise<void> {
  const at = new Date(atMs)
  const row = () => tx.updateTable('webhook_endpoints')
    .where('merchant', '=', tenant.merchant).where('world', '=', tenant.world).where('id', '=', endpoint).where('disabled_at', 'is', null)
  if (sign === 'answers') {
    await row().set({ failing_since: null, failures: 0, warned_at: null }).where('failing_since', 'is not', null).execute()
    return
  }
  const health = await row()
    .set({ failing_since: sql<Date>`coalesce(failing_since, ${at})`, failures: sql<number>`failures + 1` })
    .returning(['failing_since', 'failures', 'warned_at']).executeTakeFirst()
  // Deleted, or disabled by a try that ended before this one.
  if (health === undefined) return
  const failingMs = atMs - (health.failing_since?.getTime() ?? atMs)
  const isPastHope = failingMs >= rules.disableAfterMs && health.failures >= rules.disableAfterTries
  if (sign === 'gone' || isPastHope) {
    await row().set({ disabled_at: at, disabled_because: sign === 'gone' ? 'gone' : 'failing' }).execute()
    await tell('disabled')
  } else if (failingMs >= rules.warnAfterMs && health.warned_at === null) {
    await row().set({ warned_at: at }).execute()
    await tell('failing')
  }

  async function tell(kind: 'failing' | 'disabled'): Promise<void> {
    await appendEvent(tx, rules.event(kind))
    await proveLastEvent(tx, tenant, endpoint, rules.prove)
  }
}
