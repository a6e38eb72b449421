import type { SendHandle } from 'node:child_process'
import * as net from 'node:net'
import { Fault } from '@ngome/kernel'

/**
 * A bound socket on which each gateway in turn listens. The launcher never accepts: it only keeps the socket open, so
 * that connections wait in its queue while no gateway runs, and two gateways can share it during a replacement.
 */
export type ListeningSocket = { readonly handle: SendHandle; readonly port: number; close(): void }

/** Node's own socket handle, as `subprocess.send` takes it. */
type TcpHandle = SendHandle & {
  getsockname(into: { port?: number }): number
  close(): void
}

// `net.Server` accepts from the moment that it listens, and `net.BoundSocket` cannot be sent to another process. What
// Node's cluster module is built on is exported, though not documented; the launcher's tests hold it in place.
const { _createServerHandle: createServerHandle } = net as unknown as {
  _createServerHandle(host: string, port: number, family: 4 | 6): TcpHandle | number
}

/** @throws Fault `launcher/failed` where the address cannot be taken */
export function openListeningSocket(host: string, port: number): ListeningSocket {
  const handle = createServerHandle(host, port, host.includes(':') ? 6 : 4)
  if (typeof handle === 'number') {
    throw new Fault('launcher/failed', `cannot listen on ${host}, port ${port} (error ${handle})`)
  }
  const name: { port?: number } = {}
  handle.getsockname(name)
  return { handle, port: name.port ?? port, close: () => handle.close() }
}
