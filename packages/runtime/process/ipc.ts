import { Socket } from 'node:net'

/** What a process tells the launcher. */
export type ProcessMessage = { readonly type: 'ready' | 'drained' | 'starting' } | WaitingMessage
/**
 * The process waits for people, for however long, and says for what; `starting` says that it waits no more. The launcher
 * prints the reason, so it is one line of plain text.
 */
export type WaitingMessage = { readonly type: 'waiting'; readonly reason: string }
/** What the launcher tells a process. */
export type LauncherMessage = ListenMessage | { readonly type: 'drain' | 'bans' }

/**
 * The launcher's bound socket, which the process inherited at its start, to be given to `server.listen`. It may listen
 * from now on; a gateway that is being replaced still does (docs/adr/0005).
 */
export type ListeningSocket = {
  readonly fd: number
  /** The inherited pipe to the ban helper, where there is one. */
  readonly bansFd?: number
  /** The inherited plain socket for challenges of certificate authorities, where they are answered. */
  readonly challengesFd?: number
}
type ListenMessage = ListeningSocket & { readonly type: 'listen' }

/** The part of `process` that this needs; `send` is there only where a launcher is. */
export type IpcHost = {
  readonly connected?: boolean
  send?(message: ProcessMessage): unknown
  on(event: 'message', listener: (message: unknown, handle?: unknown) => void): unknown
}

/** The line to the launcher. Where there is none, nothing is sent and nothing comes. */
export type LauncherChannel = {
  readonly isConnected: boolean
  tell(message: ProcessMessage): void
  onDrain(listener: () => void): void
  onListen(listener: (socket: ListeningSocket) => void): void
  /** The pipe to a ban helper that was started again comes with the message; the one that was inherited leads nowhere any more. */
  onBans(listener: (pipe: Socket) => void): void
}

export function launcherChannel(host: IpcHost = process): LauncherChannel {
  const isConnected = host.send !== undefined && host.connected === true
  const onMessage = (listener: (message: LauncherMessage, handle: unknown) => void) => {
    if (!isConnected) return
    host.on('message', (message, handle) => {
      const parsed = parseLauncherMessage(message)
      if (parsed !== undefined) listener(parsed, handle)
    })
  }
  return {
    isConnected,
    tell(message) {
      // The launcher may have gone in between; then there is nobody to tell.
      if (isConnected && host.connected) host.send?.(message)
    },
    onDrain: (listener) => onMessage((message) => {
      if (message.type === 'drain') listener()
    }),
    onListen: (listener) => onMessage((message) => {
      if (message.type !== 'listen') return
      const { fd, bansFd, challengesFd } = message
      listener({ fd, ...(bansFd === undefined ? {} : { bansFd }), ...(challengesFd === undefined ? {} : { challengesFd }) })
    }),
    onBans: (listener) => onMessage((message, handle) => {
      if (message.type === 'bans' && handle instanceof Socket) listener(handle)
    }),
  }
}

/** The first descriptor behind standard input, output and error. */
const inheritedFdMin = 3

/** @returns the message, or `undefined` where it is none of the launcher's. */
export function parseLauncherMessage(message: unknown): LauncherMessage | undefined {
  const type = typeOf(message)
  if (type === 'drain' || type === 'bans') return { type }
  if (type !== 'listen' || typeof message !== 'object' || message === null || !('fd' in message)) return undefined
  const { fd } = message
  const bansFd = 'bansFd' in message ? message.bansFd : undefined
  const challengesFd = 'challengesFd' in message ? message.challengesFd : undefined
  if (!isInherited(fd)) return undefined
  return { type, fd, ...isInherited(bansFd) ? { bansFd } : {}, ...isInherited(challengesFd) ? { challengesFd } : {} }
}

function isInherited(fd: unknown): fd is number {
  return typeof fd === 'number' && Number.isInteger(fd) && fd >= inheritedFdMin
}

/** What may go to a terminal: no control characters, no long story. */
const reasonPattern = /^[\x20-\x7e]{1,200}$/

/** @returns the message, or `undefined` where it is none of a process's. */
export function parseProcessMessage(message: unknown): ProcessMessage | undefined {
  const type = typeOf(message)
  if (type === 'ready' || type === 'drained' || type === 'starting') return { type }
  if (type !== 'waiting' || typeof message !== 'object' || message === null || !('reason' in message)) return undefined
  const { reason } = message
  return typeof reason === 'string' && reasonPattern.test(reason) ? { type, reason } : undefined
}

function typeOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'type' in message ? message.type : undefined
}
