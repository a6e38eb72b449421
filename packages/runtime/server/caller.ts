import type { X509Certificate } from 'node:crypto'
import type { Server } from 'node:https'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { Fault, type Clock, type ProcessRole } from '@ngome/kernel'
import type { Identity } from '../identity/identity.ts'
import { parseCertificateRole } from '../identity/spiffe.ts'

/** Who is at the other end: the role, and the serial number of the certificate that says so. */
export type Caller = { readonly role: ProcessRole; readonly serial: string }

type Connection = {
  readonly role: ProcessRole | undefined
  readonly serial: string
  readonly endsAtMs: number
  readonly ownEndsAtMs: number
}

/** Knows who is at the other end of each connection, from the certificate that TLS has verified. */
export type Callers = {
  /**
   * @throws Fault `identity/caller_refused` where the certificate names no role, or has ended since the handshake
   * @throws Fault `identity/expired` where our own has ended
   */
  callerOf(socket: Duplex): Caller
  /** Who is at the other end, where his certificate has ended since the handshake. */
  expiredCaller(socket: Duplex): Caller | undefined
  /** Whether the connection began under a former certificate of ours, so that it should end with this answer. */
  isOutdated(socket: Duplex): boolean
  /**
   * Resolves when it is known whether the connection is accepted; one that is not has ended by then, and is nobody's.
   * @returns `undefined` where it is known already
   */
  settling(socket: Duplex): Promise<void> | undefined
}

export function watchCallers(server: Server, { identity, clock, acceptsPeer }: {
  readonly identity: Identity
  readonly clock: Clock
  readonly acceptsPeer?: (certificate: X509Certificate) => Promise<boolean>
}): Callers {
  const connections = new WeakMap<Duplex, Connection>()
  const settling = new WeakMap<Duplex, Promise<void>>()
  server.on('secureConnection', (socket: TLSSocket) => {
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) return
    const accept = (): unknown => connections.set(socket, {
      role: parseCertificateRole(certificate),
      serial: certificate.serialNumber.toLowerCase(),
      endsAtMs: certificate.validToDate.getTime(),
      ownEndsAtMs: identity.notAfterMs(),
    })
    if (acceptsPeer === undefined) accept()
    // Who cannot be looked up is not let in either.
    else settling.set(socket, acceptsPeer(certificate).then((isAccepted) => isAccepted ? accept() : socket.destroy())
      .then(() => undefined, () => void socket.destroy()).finally(() => settling.delete(socket)))
  })
  return {
    callerOf(socket) {
      if (identity.isExpired()) throw new Fault('identity/expired', 'this process has no valid certificate any more')
      const connection = connections.get(socket)
      if (connection?.role === undefined) throw new Fault('identity/caller_refused', 'the certificate names no role')
      if (connection.endsAtMs <= clock.nowMs()) {
        throw new Fault('identity/caller_refused', `the certificate of ${connection.role} has expired`)
      }
      return { role: connection.role, serial: connection.serial }
    },
    expiredCaller(socket) {
      const { role, serial, endsAtMs } = connections.get(socket) ?? {}
      const isExpired = role !== undefined && serial !== undefined && endsAtMs !== undefined && endsAtMs <= clock.nowMs()
      return isExpired ? { role, serial } : undefined
    },
    settling: (socket) => settling.get(socket),
    isOutdated: (socket) => connections.get(socket)?.ownEndsAtMs !== identity.notAfterMs(),
  }
}
