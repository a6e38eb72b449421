import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { addressOf, tlsName, type Endpoint } from './endpoint.ts'
import { NotReached } from './not-reached.ts'

/** What came of a TLS handshake: a connection whose certificate was verified, or who said no, and how. */
export type Handshake =
  | {
    readonly kind: 'connected'; readonly socket: TLSSocket
    /** The stapled OCSP response (DER, RFC 6066 §8) where one was asked for (`requestOCSP`) and sent. */
    readonly staple: Uint8Array | undefined
  }
  | { readonly kind: 'refused'; readonly code: string; readonly isAlert: boolean }

const handshakeMsMax = 5_000

/**
 * Tries a handshake. The server's certificate is always verified.
 * @throws NotReached where nobody listens, or nobody answers in time
 */
export function handshake(endpoint: Endpoint, options: ConnectionOptions): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: endpoint.host, port: endpoint.port, ...tlsName('localhost'), ...options })
    const limit = setTimeout(() => {
      socket.destroy()
      reject(new NotReached(`${addressOf(endpoint)} did not answer a handshake`))
    }, handshakeMsMax)
    let staple: Buffer | undefined
    socket.once('OCSPResponse', (response: Buffer | null) => {
      staple = response ?? undefined
    })
    socket.once('secureConnect', () => {
      clearTimeout(limit)
      // A later error is the business of whoever uses the socket; without a listener it would end the process.
      socket.on('error', () => undefined)
      resolve({ kind: 'connected', socket, staple })
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(limit)
      const code = error.code ?? error.message
      if (isAway(code)) reject(new NotReached(`${addressOf(endpoint)} is not reached (${code})`))
      else resolve({ kind: 'refused', code, isAlert: code.startsWith('ERR_SSL_') && code.includes('_ALERT_') })
    })
  })
}

export function isAway(code: string): boolean {
  return ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'ETIMEDOUT', 'EADDRNOTAVAIL'].includes(code)
}
