import type { SendHandle } from 'node:child_process'
import * as net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '@ngome/kernel'

/**
 * A bound socket on which each gateway in turn listens. The launcher never accepts: it only keeps the socket open, so
 * that connections wait in its queue while no gateway runs, and two gateways can share it during a replacement.
 */
export type ListeningSocket = {
  readonly handle: SendHandle
  readonly port: number
  /** Resolves once some gateway listens; from then on the kernel takes connections until the socket is closed. */
  untilAccepting(): Promise<void>
  close(): void
}

/** Node's own socket handle, as `subprocess.send` takes it. */
type TcpHandle = SendHandle & {
  getsockname(into: { port?: number }): number
  close(): void
}
type CreateServerHandle = (this: void, host: string, port: number, family: 4 | 6) => TcpHandle | number

// `net.Server` accepts from the moment that it listens, and `net.BoundSocket` cannot be sent to another process. What
// Node's cluster module is built on is exported, though not documented; the launcher's tests hold it in place.
const { _createServerHandle: createServerHandle } = net as unknown as { readonly _createServerHandle: CreateServerHandle }

/** Between `listen` being sent and the kernel taking connections lies one turn of the gateway's loop. */
const acceptingMsMax = 10_000

/** @throws Fault `launcher/failed` where the address cannot be taken */
export function openListeningSocket(host: string, port: number): ListeningSocket {
  const handle = createServerHandle(host, port, host.includes(':') ? 6 : 4)
  if (typeof handle === 'number') {
    throw new Fault('launcher/failed', `cannot listen on ${host}, port ${port} (error ${handle})`)
  }
  const name: { port?: number } = {}
  handle.getsockname(name)
  const bound = name.port ?? port
  return {
    handle,
    port: bound,
    untilAccepting: async () => {
      for (let waitedMs = 0; !await isAccepting(reachable(host), bound); waitedMs += 20) {
        if (waitedMs > acceptingMsMax) throw new Fault('launcher/failed', `nobody listens on port ${bound}`)
        await sleep(20)
      }
    },
    close: () => handle.close(),
  }
}

/** An address under which a socket that is bound to all addresses is reached from here. */
function reachable(host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
}

function isAccepting(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect({ host, port })
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}
