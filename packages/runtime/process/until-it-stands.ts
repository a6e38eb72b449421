import { setTimeout as sleep } from 'node:timers/promises'
import { Fault, type FaultCode } from '@ngome/kernel'
import type { Logger } from '../logs/create-logger.ts'

const firstPauseMs = 100
const pauseMaxMs = 2_000
const passing = new Set<FaultCode>(['custodian/unavailable', 'store/unavailable'])

/**
 * Tries until it works while what it needs is away; until then a process is not ready. Any other failure is thrown.
 * @param what is waited for, for the log
 */
export async function untilItStands<T>(what: string, logger: Logger, attempt: () => Promise<T>): Promise<T> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, pauseMaxMs)) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof Fault) || !passing.has(error.code)) throw error
      logger.warn({ err: error }, `waiting for ${what}`)
      await sleep(pauseMs)
    }
  }
}
