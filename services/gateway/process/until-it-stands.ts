import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'

const firstPauseMs = 100
const pauseMaxMs = 2_000

/** Tries until it works while what it needs is away; until then the gateway is not ready. Any other failure is thrown. */
export async function untilItStands<T>(what: string, logger: Logger, attempt: () => Promise<T>): Promise<T> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, pauseMaxMs)) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof Fault) || !waited.has(error.code)) throw error
      logger.warn({ err: error }, `waiting for ${what}`)
      await sleep(pauseMs)
    }
  }
}

const waited = new Set<string>(['custodian/unavailable', 'store/unavailable'])
