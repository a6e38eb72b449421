import type { AddressInfo, Socket } from 'node:net'
import { newId, requestIds, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import { newCertificateRequest } from '@ngome/runtime'
import { TestAuthority } from '@ngome/testkit'
import { operationNames, type OperationName } from '../api/operations.ts'
import { jsonType } from '../http/answer.ts'
import type { AuthenticatedCaller, Call, Handlers } from '../http/call.ts'
import { inOrder } from '../http/guards.ts'
import { createPublicApi } from '../http/public-api.ts'
import { noDefence } from './no-defence.ts'

const from = { clock: systemClock, random: systemRandom }

/** The public API whole, from TLS to schemas, in front of handlers that say what they were asked. */
export class EchoApi {
  readonly port: number
  readonly ca: string
  readonly certificate: { readonly key: string; readonly cert: string }
  /** The operations that came as far as their handler, in order. */
  readonly handled: OperationName[]
  /** How many connections came. */
  readonly connections: { count: number }
  readonly close: () => void

  private constructor(parts: Omit<EchoApi, never>) {
    this.port = parts.port
    this.ca = parts.ca
    this.certificate = parts.certificate
    this.handled = parts.handled
    this.connections = parts.connections
    this.close = parts.close
  }

  static async start(): Promise<EchoApi> {
    const authority = await TestAuthority.create()
    const request = await newCertificateRequest('gateway')
    const certificate = { key: request.privateKey.expose((pem) => pem), cert: await authority.issue(request.csr, 'gateway') }
    const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
    const caller = { tenant, apiKey: newId('apiKey', from), isVaultPlaintextAllowed: true } as unknown as AuthenticatedCaller
    const handled: OperationName[] = []
    const answer = (name: OperationName) => (call: Call) => {
      handled.push(name)
      return { status: 200, contentType: jsonType, body: JSON.stringify({ operation: name, query: call.query, params: call.params }) }
    }
    const server = await createPublicApi(certificate, {
      hosts: ['localhost'], newRequestId: requestIds(from), monotonicMs: () => performance.now(), isDraining: () => false,
      guards: { admit: inOrder(), authenticate: () => caller, authorize: inOrder(), verify: inOrder() },
      defence: noDefence, onHandled: () => undefined, onAnswer: () => undefined, onFailure: () => undefined,
    }, Object.fromEntries(operationNames.map((name) => [name, answer(name)])) as unknown as Handlers)
    const connections = { count: 0 }
    server.on('connection', (_socket: Socket) => connections.count++)
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    return new EchoApi({
      port: (server.address() as AddressInfo).port, ca: authority.pem, certificate, handled, connections,
      close: () => {
        server.closeAllConnections()
        server.close()
      },
    })
  }
}
