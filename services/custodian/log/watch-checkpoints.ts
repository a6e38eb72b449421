import type { Logger } from '@ngome/runtime'
import type { Custodian } from '../custodian.ts'
import { checkpointIntervalMs, keepCheckpoint, rowsPerCheckpoint } from './keep-checkpoint.ts'

/**
 * Keeps a checkpoint now and then, also where nobody asks for one. A log that does not go on from the last one is logged
 * each time, and gets no checkpoint any more.
 * @returns ends it
 */
export function watchCheckpoints(custodian: Custodian, logger: Logger, everyMs: number = checkpointIntervalMs): () => void {
  const look = async (): Promise<void> => {
    try {
      await keepCheckpoint(custodian, { rowsMin: rowsPerCheckpoint })
    } catch (err) {
      logger.error({ err }, 'no checkpoint of the log was kept')
    }
  }
  const timer = setInterval(() => void look(), everyMs)
  timer.unref()
  return () => clearInterval(timer)
}
