import { createHash, type X509Certificate } from 'node:crypto'
import { Agent } from 'node:https'
import type { Duplex } from 'node:stream'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { PeerError } from './errors.ts'

type Trust = { readonly ca: readonly string[] | undefined; readonly pins: readonly string[] | undefined }

const socketsMax = 64
/** How many certificates of a chain are looked at; real ones have four. */
const chainLengthMax = 10

/**
 * Keeps connections, and hands one out only after its peer was checked: chain and name by Node, then the pins. Until
 * then no byte of a request, its key included, has left.
 */
export class CheckedAgent extends Agent {
  readonly #pins: readonly string[] | undefined

  constructor({ ca, pins }: Trust) {
    super({
      keepAlive: true, maxSockets: socketsMax, minVersion: 'TLSv1.3', ...(ca === undefined ? {} : { ca: [...ca] }),
      // A resumed session shows no chain to hold pins to.
      ...(pins === undefined ? {} : { maxCachedSessions: 0 }),
    })
    this.#pins = pins
  }

  override createConnection(options: object, callback?: (error: Error | null, stream: Duplex) => void): undefined {
    const socket = connect(options as ConnectionOptions)
    const fail = (error: Error): void => callback?.(error, socket)
    socket.once('error', fail)
    socket.once('secureConnect', () => {
      socket.off('error', fail)
      if (this.#pins !== undefined && !hasPin(socket, this.#pins)) {
        socket.destroy()
        return fail(new PeerError({ code: 'sdk/pin_refused', message: 'no key of the peer\'s chain is pinned: nothing was sent' }))
      }
      callback?.(null, socket)
    })
    return undefined
  }
}

function hasPin(socket: TLSSocket, pins: readonly string[]): boolean {
  let certificate = socket.getPeerX509Certificate()
  for (let depth = 0; certificate !== undefined && depth < chainLengthMax; depth++) {
    if (pins.includes(pinOf(certificate))) return true
    certificate = certificate.issuerCertificate
  }
  return false
}

/** RFC 7469 §2.4: SHA-256 of the SubjectPublicKeyInfo, base64. */
export function pinOf(certificate: X509Certificate): string {
  return createHash('sha256').update(certificate.publicKey.export({ type: 'spki', format: 'der' })).digest('base64')
}
