import type { Logger } from '@ngome/runtime'
import { findLastTlsChecks, type TlsCheck } from '@ngome/store'
import { runEvery } from '../process/run-every.ts'
import { checkPublicTls, type PublicTlsPorts } from './check-public-tls.ts'

/** How often it is asked whether a look is due. */
const everyMs = 15_000
/** A gateway that was not reached, which may be starting, is looked at again after this, not an interval later. */
const againMs = 15_000
/** The same for one that was not reached the time before, either. */
const awayMs = 60_000

/**
 * Looks at every public address once an interval until the signal. When the last look was stands in the database, so
 * that a restart neither repeats one nor leaves one out.
 */
export function watchPublicTls(
  ports: PublicTlsPorts & { readonly logger: Logger },
  { addresses, intervalMs }: { readonly addresses: readonly string[]; readonly intervalMs: number },
  signal: AbortSignal,
): void {
  runEvery(everyMs, 'the look at the public address', ports.logger, signal, () => checkDue(ports, addresses, intervalMs, signal))
}

/** Looks at those addresses whose last look is older than the interval. */
export async function checkDue(ports: PublicTlsPorts, addresses: readonly string[], intervalMs: number, signal: AbortSignal): Promise<void> {
  for (const address of addresses) {
    if (signal.aborted) return
    const [last, before] = await findLastTlsChecks(ports.db, address, 2)
    if (last === undefined || last.checkedAtMs + pauseMs(last, before, intervalMs) <= ports.clock.nowMs()) await checkPublicTls(ports, address)
  }
}

function pauseMs(last: TlsCheck, before: TlsCheck | undefined, intervalMs: number): number {
  if (last.verdict !== 'not_reached') return intervalMs
  return Math.min(before?.verdict === 'not_reached' ? awayMs : againMs, intervalMs)
}
