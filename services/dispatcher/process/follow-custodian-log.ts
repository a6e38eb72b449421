import { Fault, type Clock, type Random } from '@ngome/kernel'
import type { CustodianClient, Logger } from '@ngome/runtime'
import type { Database } from '@ngome/store'
import { tellCustodianLog } from '../custodian/tell-custodian-log.ts'
import { runEvery } from './run-every.ts'

/** Somebody who follows the events should see an alarm while what raised it goes on. */
const everyMs = 2_000

/** Tells what the custodian's log has to say until the signal. While it is away that is said once. */
export function followCustodianLog(ports: {
  readonly custodian: Pick<CustodianClient, 'call'>
  readonly db: Database
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}, signal: AbortSignal): void {
  let isAway = false
  runEvery(everyMs, 'the look at the custodian\'s log', ports.logger, signal, async () => {
    try {
      await tellCustodianLog(ports, signal)
      isAway = false
    } catch (failure) {
      if (isAway && failure instanceof Fault) return
      isAway = true
      throw failure
    }
  })
}
