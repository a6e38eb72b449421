import { runEvery } from '../process/run-every.ts'
import { askForStaples, type StaplePorts } from './ask-for-staple.ts'

/** A gateway that serves another certificate waits this long for the answer about it, at most. */
const everyMs = 5_000

/** Asks authorities about the certificates that gateways serve, whenever it is due, until the signal. */
export function followStaples(ports: StaplePorts, signal: AbortSignal): void {
  runEvery(everyMs, 'the question about the served certificate', ports.logger, signal, () => askForStaples(ports, signal))
}
