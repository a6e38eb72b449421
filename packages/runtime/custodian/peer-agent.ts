import { X509Certificate } from 'node:crypto'
import { Agent, type RequestOptions } from 'node:https'
import { createSecureContext, TLSSocket, type PeerCertificate } from 'node:tls'
import type { Duplex } from 'node:stream'
import type { ProcessRole } from '@ngome/kernel'
import { parseCertificateRole, spiffeId } from '../identity/spiffe.ts'

/** Connections to one peer: more would not make the custodian, one process, any faster. */
const socketsMax = 8
/** Idle connections end before the server's own limit ends them, so that no request meets a closing connection. */
const idleMs = 30_000

/** What a client shows and trusts; one that enrols shows nothing. */
export type ClientContext = {
  readonly ca: string
  readonly cert?: string
  readonly key?: string
}

/**
 * An agent that talks TLS 1.3 to one peer, and only where the peer proves to be the expected process. The peer's
 * address and host name prove nothing; the role in its certificate does.
 */
export class PeerAgent extends Agent {
  readonly #endsAtMs = new WeakMap<Duplex, number>()
  #isRetired = false

  constructor(context: ClientContext, server: ProcessRole) {
    super({
      keepAlive: true,
      maxSockets: socketsMax,
      maxFreeSockets: socketsMax,
      scheduling: 'lifo',
      timeout: idleMs,
      // A resumed session skips the check of the peer's name and outlives certificates.
      maxCachedSessions: 0,
      secureContext: createSecureContext({ ...context, minVersion: 'TLSv1.3' }),
      minVersion: 'TLSv1.3',
      checkServerIdentity: (_host: string, certificate: PeerCertificate) => checkPeer(certificate, server),
    })
  }

  override createConnection(
    options: RequestOptions, callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const socket = super.createConnection(options, callback)
    if (socket instanceof TLSSocket) {
      socket.once('secureConnect', () => {
        const peer = socket.getPeerX509Certificate()
        if (peer !== undefined) this.#endsAtMs.set(socket, peer.validToDate.getTime())
      })
    }
    return socket
  }

  /** Node asks before it keeps a connection; the type in `@types/node` leaves the answer out. */
  override keepSocketAlive(socket: Duplex): boolean {
    return !this.#isRetired && (super.keepSocketAlive(socket) as unknown as boolean)
  }

  /** Ends idle connections to a peer whose certificate has ended since. */
  closeExpired(nowMs: number): void {
    for (const socket of this.#idle()) if ((this.#endsAtMs.get(socket) ?? 0) <= nowMs) socket.destroy()
  }

  /** Ends idle connections now and busy ones when their requests are answered. */
  retire(): void {
    this.#isRetired = true
    for (const socket of this.#idle()) socket.destroy()
  }

  #idle(): Duplex[] {
    return Object.values(this.freeSockets).flatMap((sockets) => sockets ?? [])
  }
}

function checkPeer(certificate: PeerCertificate, server: ProcessRole): Error | undefined {
  if (parseCertificateRole(new X509Certificate(certificate.raw)) === server) return undefined
  return new Error(`the peer did not prove to be ${spiffeId(server)}`)
}
