import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { tlsContext, type PublicCertificate } from '../../services/gateway/http/public-server.ts'

/** `null`: one that nobody listens to. */
export type StaplingOrder = { readonly certificate: PublicCertificate; readonly staple: string | null }
export type StaplingServers = { readonly none: number; readonly listening: number; readonly stapling: number }

/** TLS servers in one process that differ in what they do about OCSP alone; asked again, the CPU time it used so far. */
process.on('message', (order: StaplingOrder | 'cpu') => {
  if (order === 'cpu') {
    const { user, system } = process.cpuUsage()
    process.send?.(user + system)
    return
  }
  void serve(order)
})
process.once('disconnect', () => process.exit(0))

async function serve({ certificate, staple }: StaplingOrder): Promise<void> {
  const listen = (answer: Buffer | null | undefined): Promise<number> => new Promise((resolve) => {
    const server = createServer(tlsContext(certificate), (socket) => socket.on('error', () => undefined).end())
    if (answer !== undefined) server.on('OCSPRequest', (_leaf: Buffer, _issuer: Buffer, callback: (error: null, response: Buffer | null) => void) => { callback(null, answer) })
    server.listen(0, '127.0.0.1', () => { resolve((server.address() as AddressInfo).port) })
  })
  const [none, listening, stapling] = [await listen(undefined), await listen(null), await listen(Buffer.from(staple ?? '', 'base64'))]
  process.send?.({ none, listening, stapling } satisfies StaplingServers)
}
