import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'

/** What the bare server is told: which bytes to answer, and the gateway's own TLS settings. */
export type BareServerOrder = {
  readonly tls: ServerOptions
  readonly headers: readonly string[]
  readonly body: string
}

/** A Node HTTPS server that knows nothing and answers every request with the same bytes: what HTTP and TLS cost here. */
process.once('message', ({ tls, headers, body }: BareServerOrder) => {
  const server = createServer({ ...tls }, (request, response) => {
    const answer = (): void => {
      response.writeHead(200, [...headers])
      response.end(body)
    }
    // A body is received to its end, and looked at by nobody.
    if (request.method === 'POST') request.resume().once('end', answer)
    else answer()
  })
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
})
process.once('disconnect', () => process.exit())
