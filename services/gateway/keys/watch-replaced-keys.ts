import type { Clock, Random } from '@ngome/kernel'
import type { CustodianClient, Logger } from '@ngome/runtime'
import type { DataKeys } from './data-keys.ts'
import type { MerchantStatements } from './merchant-statements.ts'

/**
 * Two looks fit into a minute with their spread: a data key that was being made when the first one came is gone with the
 * second. That is how long new records are sealed to a key that others know, while the custodian answers.
 */
const everyMs = 20_000
/** At the start: what was replaced while the process before did not look any more. */
const firstSinceMs = 300_000

/** Asks again and again whose merchant keys were replaced before their time. @returns what stops it */
export function watchReplacedKeys(from: {
  readonly custodian: CustodianClient
  readonly statements: Pick<MerchantStatements, 'fetchAll' | 'fetch'>
  readonly dataKeys: Pick<DataKeys, 'forgetReplaced'>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly everyMs?: number
}): () => void {
  const { custodian, statements, dataKeys, logger } = from
  const pauseMs = from.everyMs ?? everyMs
  let since = new Date(from.clock.nowMs() - firstSinceMs).toISOString()
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  let isTold = false
  const schedule = (): void => {
    if (isStopped) return
    // Spread, so that gateways that started together do not ask together for ever.
    timer = setTimeout(() => void look(), pauseMs * (0.75 + (from.random.bytes(1)[0] ?? 0) / 512))
    timer.unref()
  }
  const look = async (): Promise<void> => {
    try {
      const { until, tenants, isWhole } = await custodian.call('/v1/replaced-keys', { since })
      if (isWhole) await statements.fetch(tenants)
      else await statements.fetchAll()
      const forgotten = dataKeys.forgetReplaced(isWhole ? tenants : undefined)
      if (forgotten > 0) logger.warn({ forgotten }, 'merchant keys were replaced: data keys sealed to them are used no more')
      since = until
      isTold = false
    } catch (error) {
      // The same line each time would tell nobody more.
      if (!isTold) logger.warn({ err: error }, 'it is not known whether merchant keys were replaced; asked again')
      isTold = true
    }
    schedule()
  }
  schedule()
  return () => {
    isStopped = true
    clearTimeout(timer)
  }
}
