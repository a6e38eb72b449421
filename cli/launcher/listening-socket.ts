import { BoundSocket, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '@ngome/kernel'

/**
 * A bound socket on which each gateway in turn listens. The launcher itself never listens, so that it accepts nothing:
 * it only keeps the socket open, so that connections wait in its queue while no gateway runs, and two gateways can share
 * it during a replacement.
 */
export type ListeningSocket = {
  /** The descriptor in this process, for children to inherit. */
  readonly fd: number
  readonly port: number
  /** Resolves once some gateway listens; from then on the kernel takes connections until the socket is closed. */
  untilAccepting(): Promise<void>
  close(): void
}

/** Between `listen` being sent and the kernel taking connections lies one turn of the gateway's loop. */
const acceptingMsMax = 10_000

/**
 * @param host an address, not a name
 * @throws Fault `launcher/failed` where the address cannot be taken
 */
export function openListeningSocket(host: string, port: number): ListeningSocket {
  let socket: BoundSocket
  try {
    socket = new BoundSocket({ host, port })
  } catch (cause) {
    throw new Fault('launcher/failed', `cannot listen on ${host}, port ${port}`, { cause })
  }
  const bound = socket.address().port
  return {
    fd: socket.fd(),
    port: bound,
    untilAccepting: async () => {
      for (let waitedMs = 0; !await isAccepting(reachable(host), bound); waitedMs += 20) {
        if (waitedMs > acceptingMsMax) throw new Fault('launcher/failed', `nobody listens on port ${bound}`)
        await sleep(20)
      }
    },
    close: () => socket.close(),
  }
}

/** An address under which a socket that is bound to all addresses is reached from here. */
function reachable(host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
}

function isAccepting(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ host, port })
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}
