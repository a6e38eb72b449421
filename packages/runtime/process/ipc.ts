import { Server } from 'node:net'

/** What a process tells the launcher. */
export type ProcessMessage = { readonly type: 'ready' } | { readonly type: 'drained' }
/** What the launcher tells a process; `listen` comes with the listening socket. */
export type LauncherMessage = { readonly type: 'listen' } | { readonly type: 'drain' }

/** The part of `process` that this needs; `send` is there only where a launcher is. */
export type IpcHost = {
  readonly connected?: boolean
  send?(message: ProcessMessage): unknown
  on(event: 'message', listener: (message: unknown, handle: unknown) => void): unknown
}

/** The line to the launcher. Where there is none, nothing is sent and nothing comes. */
export type LauncherChannel = {
  readonly isConnected: boolean
  tell(message: ProcessMessage): void
  onDrain(listener: () => void): void
  onListen(listener: (handle: Server) => void): void
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
      if (isConnected && host.connected === true) host.send?.(message)
    },
    onDrain: (listener) => onMessage((message) => {
      if (message.type === 'drain') listener()
    }),
    onListen: (listener) => onMessage((message, handle) => {
      if (message.type === 'listen' && handle instanceof Server) listener(handle)
    }),
  }
}

/** @returns the message, or `undefined` where it is none of the launcher's. */
export function parseLauncherMessage(message: unknown): LauncherMessage | undefined {
  const type = typeOf(message)
  return type === 'listen' || type === 'drain' ? { type } : undefined
}

/** @returns the message, or `undefined` where it is none of a process's. */
export function parseProcessMessage(message: unknown): ProcessMessage | undefined {
  const type = typeOf(message)
  return type === 'ready' || type === 'drained' ? { type } : undefined
}

function typeOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'type' in message ? message.type : undefined
}
