import type { Random } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'
import type { MerchantStatements } from './merchant-statements.ts'

/** Statements come two periods ahead; looking this often in a period leaves seven tries before they run out. */
const looksPerPeriod = 4
const retryMaxMs = 30_000
/** A period may be a month; a merchant who is added must not wait for a quarter of it to be known after a failover. */
const pauseMaxMs = 3_600_000

/** Fetches statements again and again while the process runs. @returns what stops it */
export function refreshStatements(from: {
  readonly statements: Pick<MerchantStatements, 'fetchAll'>
  readonly logger: Logger
  readonly random: Random
  readonly periodMs: number
}): () => void {
  const pauseMs = Math.min(pauseMaxMs, from.periodMs / looksPerPeriod)
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  const schedule = (delayMs: number): void => {
    if (isStopped) return
    // Spread, so that gateways that started together do not ask together for ever.
    timer = setTimeout(() => void refresh(), delayMs * (0.75 + (from.random.bytes(1)[0] ?? 0) / 512))
    timer.unref()
  }
  const refresh = async (): Promise<void> => {
    try {
      await from.statements.fetchAll()
      schedule(pauseMs)
    } catch (error) {
      from.logger.warn({ err: error }, 'merchant keys could not be fetched; those at hand are used until then')
      schedule(Math.min(retryMaxMs, pauseMs))
    }
  }
  schedule(pauseMs)
  return () => {
    isStopped = true
    clearTimeout(timer)
  }
}
