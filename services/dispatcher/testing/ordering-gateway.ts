import { KeyObject } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isIP } from 'node:net'
import { emit } from '@ngome/contracts'
import { newId, systemRandom, type AcmeOrderId, type Clock, type GatewayInstanceId } from '@ngome/kernel'
import { x509 } from '@ngome/runtime'
import { findAcmeOrders, insertAcmeOrder, listAcmeChallenges, type AcmeOrderRow, type Database } from '@ngome/store'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** What a gateway does for an order, from its side of the tables: orders, and answers what an authority asks. */
export class OrderingGateway {
  readonly port: number
  readonly instance: GatewayInstanceId
  /** What was asked for at the plain port, paths. */
  readonly asked: string[] = []
  readonly #server: Server
  readonly #db: Database
  readonly #clock: Clock

  private constructor(server: Server, db: Database, clock: Clock) {
    this.#server = server
    this.#db = db
    this.#clock = clock
    this.port = (server.address() as AddressInfo).port
    this.instance = newId('gatewayInstance', { clock, random: systemRandom })
  }

  static async start(db: Database, clock: Clock): Promise<OrderingGateway> {
    const server = createServer((request, response) => {
      gateway.asked.push(request.url ?? '')
      void listAcmeChallenges(db).then((all) => {
        const found = all.find(({ token }) => request.url === `/.well-known/acme-challenge/${token}`)
        response.writeHead(found === undefined ? 404 : 200).end(found?.keyAuthorization)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const gateway = new OrderingGateway(server, db, clock)
    return gateway
  }

  /** @param csrNames names in the request, where they are others than the row's */
  async order(names: readonly string[], { csrNames = names, csr, instance = this.instance }: {
    readonly csrNames?: readonly string[]; readonly csr?: string; readonly instance?: GatewayInstanceId
  } = {}): Promise<AcmeOrderId> {
    const from = { clock: this.#clock, random: systemRandom }
    const id = newId('acmeOrder', from)
    const came = await insertAcmeOrder(this.#db, { id, instance, names, csr: csr ?? (await newRequest(csrNames)).csr, requestedAtMs: this.#clock.nowMs() },
      emit({ ...from, process: 'gateway' }, 'tls.acme_ordered', null, { order: id, names: [...names] }))
    if (came !== 'ordered') throw new Error(came)
    return id
  }

  async row(id: AcmeOrderId): Promise<AcmeOrderRow> {
    const row = (await findAcmeOrders(this.#db)).find((one) => one.id === id)
    if (row === undefined) throw new Error('no such order')
    return row
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

/** A certificate request (PKCS #10, PEM), with a key on P-256 unless another is given. */
export async function newRequest(names: readonly string[], more: { readonly keys?: { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey } } = {}) {
  const keys = more.keys ?? await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: '', keys, signingAlgorithm: keys.privateKey.algorithm.name === 'ECDSA' ? algorithm : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    extensions: [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) === 0 ? 'dns' as const : 'ip' as const, value })))],
  })
  return { csr: request.toString('pem'), key: KeyObject.from(keys.privateKey) }
}
