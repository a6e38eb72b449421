import { emit } from '@ngome/contracts'
import type { Clock, Random } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'
import {
  findAcmeOrders, findAcmeRenewals, recordAcmeProgress, recordAcmeRenewal, takeDueAcmeOrders, type AcmeOrderRow, type AcmeProgress, type Database,
} from '@ngome/store'
import { eventSource } from '../dispatcher.ts'
import type { EgressGuard } from '../egress/egress-guard.ts'
import { runEvery } from '../process/run-every.ts'
import type { AccountKeeper, AcmeSettings } from './account.ts'
import { AcmeFailure, own } from './acme-failure.ts'
import { AcmeSession } from './acme-session.ts'
import { isProblem } from './answers.ts'
import { checkOrder } from './check-order.ts'
import { askRenewal, renewalId } from './renewal-info.ts'
import { leaseMs, workOnOrder } from './work-on-order.ts'

export type AcmePorts = {
  readonly db: Database
  readonly egress: Pick<EgressGuard, 'toCertificateAuthority'>
  readonly settings: AcmeSettings & { readonly names: readonly string[] }
  readonly accounts: AccountKeeper
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** How often it is asked whether an order is due. */
const everyMs = 2_000
/** How often it is asked whether an authority is to be asked about a renewal. */
const renewalsEveryMs = 60_000
const ordersAtOnce = 4
/** The pause after a failure: authorities allow five failed validations of a name in an hour. */
const pausesMs = [60_000, 240_000, 960_000, 3_840_000, 21_600_000] as const
const renewalAgainMs = 3_600_000

/** Fills the gateways' orders and asks when to renew, until the signal. */
export function watchOrders(ports: AcmePorts, signal: AbortSignal): void {
  runEvery(everyMs, 'the work on orders of certificates', ports.logger, signal, () => workOnDueOrders(ports, signal))
  runEvery(renewalsEveryMs, 'the question when to renew', ports.logger, signal, () => askDueRenewals(ports, signal))
}

/** Takes each order that is due as far as it goes. @throws Fault `store/unavailable` */
export async function workOnDueOrders(ports: AcmePorts, signal?: AbortSignal): Promise<void> {
  const { db, clock } = ports
  for (let count = 0; count < ordersAtOnce && signal?.aborted !== true; count++) {
    // One by one, so that the lease of the last is not over before its turn.
    const [row] = await takeDueAcmeOrders(db, { nowMs: clock.nowMs(), leaseMs, limit: 1 })
    if (row === undefined) return
    await workOn(ports, row, signal)
  }
}

async function workOn(ports: AcmePorts, row: AcmeOrderRow, signal: AbortSignal | undefined): Promise<void> {
  const { db, clock, settings, accounts } = ports
  try {
    const request = await checkOrder(row, settings.names)
    const session = await AcmeSession.open({ ...ports, egress: holding(ports, row) }, settings.directoryUrl)
    const account = await accounts.open(session)
    const served = (await findAcmeOrders(db, row.instance)).find(({ state }) => state === 'installed')
    const replaces = served?.chain === undefined || served.chain === null ? undefined : renewalId(served.chain)
    await workOnOrder({ db, clock, session, account, replaces }, row, request)
  } catch (error) {
    if (!(error instanceof AcmeFailure)) throw error
    // It is we who end: nobody failed, and whoever comes next goes on at once.
    if (signal?.aborted === true) return void await recordAcmeProgress(db, row.id, { dueAtMs: clock.nowMs() })
    if (isProblem(error, 'accountDoesNotExist')) accounts.forgetAddress()
    await recordFailure(ports, row, error)
  }
}

/** The way to the authority, by which the order stays this turn's: it is let go of by dying, and soon. */
function holding({ db, clock, egress }: AcmePorts, { id }: AcmeOrderRow): AcmePorts['egress'] {
  return {
    toCertificateAuthority: async (url, outgoing) => {
      await recordAcmeProgress(db, id, { dueAtMs: clock.nowMs() + leaseMs })
      return egress.toCertificateAuthority(url, outgoing)
    },
  }
}

async function recordFailure(ports: AcmePorts, { id, names, tries }: AcmeOrderRow, failure: AcmeFailure): Promise<void> {
  const { db, clock, logger } = ports
  const { problem, detail, retryAfterMs = 0, isOrderLost } = failure
  const nowMs = clock.nowMs()
  const dueAtMs = nowMs + Math.max(pausesMs[Math.min(tries, pausesMs.length - 1)] ?? 0, retryAfterMs)
  // An order that no authority may hear of is the gateway's to make anew, or the operator's to look into.
  const isOver = problem === own('order_refused')
  const progress: AcmeProgress = {
    dueAtMs, tries: tries + 1, failure: { problem, detail },
    ...isOver ? { state: 'failed', endedAtMs: nowMs } as const : isOrderLost ? { state: 'requested', orderUrl: null } as const : {},
  }
  const retryAt = isOver ? null : new Date(dueAtMs).toISOString()
  logger.error({ order: id, names, problem, detail, tries: tries + 1, retryAt, alarm: true }, 'a certificate was not issued; the one before stays')
  await recordAcmeProgress(db, id, progress, emit(eventSource(ports), 'tls.acme_failed', null, {
    order: id, names: [...names], problem, detail, tries: tries + 1, retry_at: retryAt,
  }))
}

/** Asks the authority about each certificate that is served, where it is time to. @throws Fault `store/unavailable` */
export async function askDueRenewals(ports: AcmePorts, signal?: AbortSignal): Promise<void> {
  const { db, clock, settings, logger } = ports
  const due = await findAcmeRenewals(db, clock.nowMs())
  if (due.length === 0) return
  const session = await AcmeSession.open(ports, settings.directoryUrl)
  for (const { id, chain, renewAtMs: before } of due) {
    if (signal?.aborted === true || chain === null) return
    const answer = await askRenewal(session, { ...ports, chain, before }).catch((error: unknown) => {
      if (!(error instanceof AcmeFailure)) throw error
      logger.warn({ problem: error.problem, detail: error.detail }, 'the authority did not say when to renew')
      return { renewAtMs: before, againAtMs: clock.nowMs() + renewalAgainMs }
    })
    await recordAcmeRenewal(db, id, answer)
  }
}
