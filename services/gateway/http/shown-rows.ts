import { emit, shownIdPattern } from '@ngome/contracts'
import type { Clock, IdKind, Random, Secret, Tenant } from '@ngome/kernel'
import { isFormless } from '@ngome/payments'
import type { Logger } from '@ngome/runtime'
import { appendEvent, inTenant, type Database } from '@ngome/store'

/** Tells the operator of a row that has no form that its merchant could be shown. */
export type OnFormless = (tenant: Tenant, kind: IdKind, id: string) => void

/** What every list of the API needs. */
export type ListPorts = { readonly cursorSecret: Secret<Uint8Array>; readonly onFormless: OnFormless }

/** Rows that an alarm was raised for; one who plants more has been noticed. */
const toldMax = 1_000

/**
 * Shows each row alone. Who owns the tables can write rows of no form: one is left out and told to the operator, and takes nothing away
 * of what stands beside it.
 */
export function shownRows<Row extends { readonly id: string }>(
  { onFormless }: Pick<ListPorts, 'onFormless'>, tenant: Tenant, kind: IdKind, rows: readonly Row[], view: (row: Row) => object,
): readonly object[] {
  return rows.flatMap((row) => {
    try {
      return [view(row)]
    } catch (error) {
      if (!isFormless(error)) throw error
      onFormless(tenant, kind, row.id)
      return []
    }
  })
}

/** An alarm for each row, once while the process lives, however often it is read. */
export function formlessAlarm(
  { database, clock, random, logger }: { readonly database: Database; readonly clock: Clock; readonly random: Random; readonly logger: Logger },
): OnFormless {
  const told = new Set<string>()
  return (tenant, kind, id) => {
    const key = `${tenant.merchant} ${tenant.world} ${kind} ${id}`
    if (told.has(key) || told.size >= toldMax) return
    told.add(key)
    // What stands in the place of an id may be anything.
    const row = shownIdPattern.test(id) ? id : null
    logger.error({ kind, row, merchant: tenant.merchant, alarm: true }, 'a row has no form that its merchant could be shown')
    const event = emit({ clock, random, process: 'gateway' }, 'row.formless', tenant, { kind, row })
    void inTenant(database, tenant, (tx) => appendEvent(tx, event))
      .catch((err: unknown) => logger.error({ err }, 'the event of a formless row could not be kept'))
  }
}
