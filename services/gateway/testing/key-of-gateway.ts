import { createHash, X509Certificate } from 'node:crypto'
import { connect } from 'node:tls'
import type { TestGateway } from './test-gateway.ts'

/** What the gateway shows itself with, for a browser that knows none of our authorities: SHA-256 of its public key, base64. */
export function keyOfGateway({ port, custody }: TestGateway): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca: custody.authority.pem, servername: 'localhost' }, () => {
      const { publicKey } = new X509Certificate(socket.getPeerX509Certificate()?.raw ?? '')
      socket.destroy()
      resolve(createHash('sha256').update(publicKey.export({ format: 'der', type: 'spki' })).digest('base64'))
    })
    socket.on('error', reject)
  })
}
