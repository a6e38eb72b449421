import { X509Certificate } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { TestAuthority, type IssueOptions } from '@ngome/testkit'
import { pinOf } from '../checked-agent.ts'

/** What the server does with a request; `count` is 1 for the first. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse, count: number) => void

/** An HTTPS server that does what a test says, however ill it behaves. */
export class HostileServer {
  readonly authority: TestAuthority
  readonly pin: string
  readonly requests: { readonly url: string; readonly headers: IncomingMessage['headers'] }[] = []
  behaviour: Behaviour = (_, response) => response.end('{}')
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(authority: TestAuthority, server: Server, pin: string) {
    this.authority = authority
    this.#server = server
    this.pin = pin
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    server.on('tlsClientError', () => undefined)
    server.on('request', (request, response) => {
      this.requests.push({ url: request.url ?? '', headers: request.headers })
      response.on('error', () => undefined)
      this.behaviour(request, response, this.requests.length)
    })
  }

  static async start(options: IssueOptions = {}): Promise<HostileServer> {
    const authority = await TestAuthority.create()
    const { key, cert } = await authority.issueWithKey('gateway', options)
    const server = createServer({ key, cert: `${cert}\n${authority.pem}`, minVersion: 'TLSv1.3' })
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    return new HostileServer(authority, server, pinOf(new X509Certificate(cert)))
  }

  get baseUrl(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }
}
