import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'

/** What the bare server is told: which bytes to answer, and the gateway's own TLS settings. */
export type BareServerOrder = {
  readonly tls: ServerOptions
  readonly headers: readonly string[]
  /** What is answered; where it is missing, each request's own body is. */
  readonly body?: string
}

/** A Node HTTPS server that knows nothing and answers every request with the same bytes: what HTTP and TLS cost here. */
process.once('message', ({ tls, headers, body }: BareServerOrder) => {
  const server = createServer({ ...tls }, (request, response) => {
    if (body === undefined) {
      echo(request, response, headers)
      return
    }
    const answer = (): void => {
      response.writeHead(200, [...headers])
      response.end(body)
    }
    // A body is taken to its end, as whoever needs it has to; nothing is done with it.
    if (request.headers['content-length'] === undefined) answer()
    else request.on('data', () => undefined).once('end', answer)
  })
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
})
function echo(request: IncomingMessage, response: ServerResponse, headers: readonly string[]): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk)).once('end', () => {
    const body = Buffer.concat(chunks)
    response.writeHead(200, [...headers, 'content-length', String(body.length)])
    response.end(body)
  })
}

process.once('disconnect', () => process.exit())
