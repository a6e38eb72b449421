import type { AddressInfo, Socket } from 'node:net'
import { newId, requestIds, type Fault, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import { newCertificateRequest } from '@ngome/runtime'
import { TestAuthority } from '@ngome/testkit'
import { operationNames, type OperationName } from '../api/operations.ts'
import { jsonType } from '../http/answer.ts'
import type { AuthenticatedCaller, Call, Handlers } from '../http/call.ts'
import type { Defence } from '../http/defence.ts'
import { inOrder, type Guards } from '../http/guards.ts'
import { createPublicApi } from '../http/public-api.ts'
import type { Shedding } from '../overload/shedding.ts'
import { noDefence } from './no-defence.ts'

const from = { clock: systemClock, random: systemRandom }

/** An answer that no socket's buffer takes at once. */
const largeBytes = 16_777_216

export type EchoOptions = {
  /** What each handler waits for. */
  readonly work?: (name: OperationName) => Promise<void>
  readonly shedding?: Shedding
  /** Why a request is refused before its key; `undefined` lets it in. */
  readonly refusal?: (address: string | undefined) => Fault | undefined
  readonly defence?: Defence
}

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

  static async start({ work, shedding, refusal, defence = noDefence }: EchoOptions = {}): Promise<EchoApi> {
    const authority = await TestAuthority.create()
    const request = await newCertificateRequest('gateway')
    const certificate = { key: request.privateKey.expose((pem) => pem), cert: await authority.issue(request.csr, 'gateway') }
    const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
    const caller = { tenant, apiKey: newId('apiKey', from), isVaultPlaintextAllowed: true } as unknown as AuthenticatedCaller
    const handled: OperationName[] = []
    const answer = (name: OperationName) => async (call: Call) => {
      handled.push(name)
      await work?.(name)
      const body = JSON.stringify({ operation: name, query: call.query, params: call.params })
      return { status: 200, contentType: jsonType, body: name === 'getOpenApi' ? body.padEnd(largeBytes) : body }
    }
    const server = await createPublicApi(certificate, {
      hosts: ['localhost', '127.0.0.1'], newRequestId: requestIds(from), monotonicMs: () => performance.now(), isDraining: () => false,
      guards: {
        admit: inOrder<Parameters<Guards['admit']>>(({ socket }) => refuse(refusal?.(socket.remoteAddress)), ...shedding === undefined ? [] : [shedding.admit.bind(shedding)]),
        authenticate: () => caller,
        authorize: inOrder(),
        verify: inOrder((_call, request, name) => shedding?.begin(request, name)),
      },
      defence, onHandled: (request, name) => shedding?.end(request, name), onAnswer: () => undefined, onFailure: () => undefined,
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

function refuse(fault: Fault | undefined): void {
  if (fault !== undefined) throw fault
}
