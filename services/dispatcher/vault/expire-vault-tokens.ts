import { emit } from '@ngome/contracts'
import { endVaultToken, findExpiredVaultTokens } from '@ngome/store'
import { eventSource, type Dispatcher } from '../dispatcher.ts'

/** Looked for at once; a run goes on while there are more. */
const pageMax = 500

/**
 * Removes the sealed values of tokens whose time is over. Nobody could read them since that moment: this is when they
 * are gone.
 * @throws Fault `store/unavailable`
 */
export async function expireVaultTokens(
  dispatcher: Pick<Dispatcher, 'db' | 'clock' | 'random'>, signal: AbortSignal,
): Promise<void> {
  const { db, clock } = dispatcher
  for (;;) {
    const atMs = clock.nowMs()
    const due = await findExpiredVaultTokens(db, atMs, pageMax)
    let endedCount = 0
    for (const { tenant, id } of due) {
      if (signal.aborted) return
      const event = emit(eventSource(dispatcher), 'vault.token_expired', tenant, { token: id })
      if (await endVaultToken(db, tenant, id, { as: 'expired', atMs, event }) === 'ended') endedCount++
    }
    // Where another dispatcher ended all of a page, it is at the next one already.
    if (due.length < pageMax || endedCount === 0) return
  }
}
