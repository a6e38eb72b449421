import type { Server } from 'node:https'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { Fault, type Clock, type ProcessRole } from '@ngome/kernel'
import type { Identity } from '../identity/identity.ts'
import { parseCertificateRole } from '../identity/spiffe.ts'

type Connection = { readonly role: ProcessRole | undefined; readonly endsAtMs: number; readonly ownEndsAtMs: number }

/** Knows who is at the other end of each connection, from the certificate that TLS has verified. */
export type Callers = {
  /**
   * @throws Fault `identity/caller_refused` where the certificate names no role, or has ended since the handshake
   * @throws Fault `identity/expired` where our own has ended
   */
  callerOf(socket: Duplex): ProcessRole
  /** Whether the connection began under a former certificate of ours, so that it should end with this answer. */
  isOutdated(socket: Duplex): boolean
}

export function watchCallers(server: Server, identity: Identity, clock: Clock): Callers {
  const connections = new WeakMap<Duplex, Connection>()
  server.on('secureConnection', (socket: TLSSocket) => {
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) return
    connections.set(socket, {
      role: parseCertificateRole(certificate),
      endsAtMs: certificate.validToDate.getTime(),
      ownEndsAtMs: identity.notAfterMs(),
    })
  })
  return {
    callerOf(socket) {
      if (identity.isExpired()) throw new Fault('identity/expired', 'this process has no valid certificate any more')
      const connection = connections.get(socket)
      if (connection?.role === undefined) throw new Fault('identity/caller_refused', 'the certificate names no role')
      if (connection.endsAtMs <= clock.nowMs()) {
        throw new Fault('identity/caller_refused', `the certificate of ${connection.role} has expired`)
      }
      return connection.role
    },
    isOutdated: (socket) => connections.get(socket)?.ownEndsAtMs !== identity.notAfterMs(),
  }
}
