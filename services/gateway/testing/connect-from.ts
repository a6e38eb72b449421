import { connect as connectPlain } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'

/** Opens TLS from another address of loopback, as if it came from another machine. Errors are left to whoever looks at `close`. */
export function connectFrom(at: { readonly port: number; readonly ca: string }, localAddress: string): TLSSocket {
  const socket = connectPlain({ host: '127.0.0.1', port: at.port, localAddress })
  // Who is refused before the handshake sees it here first.
  socket.on('error', () => undefined)
  return connect({ socket, ca: at.ca, servername: 'localhost', minVersion: 'TLSv1.3' }).on('error', () => undefined)
}
