import type { CeremonyState } from '@ngome/contracts'
import { launcherChannel, type IpcHost, type LauncherChannel, type Logger } from '@ngome/runtime'
import type { Waiting } from './open-shares-root.ts'

type Host = IpcHost & Pick<NodeJS.Process, 'once'>

/**
 * Tells log and launcher how the wait for shares goes, and gives it up when the process is to end: then what was entered
 * is wiped, and nobody waits any more.
 */
export function waitForShares(logger: Logger, host: Host = process): Waiting {
  const channel: LauncherChannel = launcherChannel(host)
  const over = new AbortController()
  const giveUp = (): void => over.abort()
  let isListening = false
  return {
    signal: over.signal,
    progress: (state) => {
      // Before, a signal ends the process by itself; after, the shutdown in order listens as well.
      if (!isListening) for (const event of ['SIGTERM', 'SIGINT', 'disconnect']) host.once(event, giveUp)
      isListening = true
      const isQuorum = state.phase === 'collecting' && state.have === state.need
      logger.info(state, isQuorum ? 'a quorum of shares is here' : 'waiting for shares')
      channel.tell(isQuorum ? { type: 'starting' } : { type: 'waiting', reason: waitedFor(state) })
    },
    refused: (reason) => logger.warn({ reason }, 'refused at the ceremony'),
    failed: (failure) => logger.error({ err: failure }, 'the ceremony failed'),
  }
}

/** As the launcher and `ngome status` say it. */
function waitedFor({ phase, have, need }: CeremonyState): string {
  if (phase === 'collecting') return `shares ${have} of ${need}: each holder enters his own with "ngome keys ceremony"`
  if (phase === 'making') return 'its shares, which are being handed out'
  return 'its root key: make it with "ngome keys ceremony --init --shares 3 --threshold 2"'
}
