import { KeyObject, X509Certificate } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { x509 } from '@ngome/runtime'
import type { AcmeSimulator } from './acme-simulator.ts'
import type { OcspIssued } from './ocsp-authority.ts'
import { readOcspQuestion } from './ocsp-question.ts'
import { declinedOcspResponse, makeOcspResponse, type OcspAnswerOptions } from './ocsp-response.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Who answers OCSP for the ACME simulator's authority, by a certificate of its own, as large authorities have it (RFC 6960 §4.2.2.2). */
export class AcmeResponder {
  /** `host:port`, for the operator to allow by name. */
  readonly address: string
  says: Partial<OcspAnswerOptions> = {}
  /** How often it was asked. */
  asked = 0
  readonly #server: Server
  #signer: OcspIssued | undefined
  #simulator: AcmeSimulator | undefined

  /** Listens; it says nothing before it is certified, since the simulator must know its address first. */
  static async start(): Promise<AcmeResponder> {
    const server = createServer()
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    return new AcmeResponder(server)
  }

  private constructor(server: Server) {
    this.#server = server
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => {
      void readOcspQuestion(request).then((question) => this.#answer(question))
        .then((body) => response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(body), () => response.destroy())
    })
  }

  /** Answers for this authority from now on. */
  async certifyBy(simulator: AcmeSimulator): Promise<void> {
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
    const csr = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=responder', keys, signingAlgorithm: algorithm })
    const cert = await simulator.certifyResponder(csr.toString('pem'))
    const privateKey = KeyObject.from(keys.privateKey)
    this.#signer = { certificate: new X509Certificate(cert), cert, privateKey, key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) }
    this.#simulator = simulator
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  async #answer(question: Buffer): Promise<Uint8Array> {
    this.asked++
    const orders = await this.#simulator?.books()
    const chains = (orders?.orders ?? []).map(({ chain }) => x509.PemConverter.decode(chain ?? '').map((raw) => new X509Certificate(Buffer.from(raw))))
    const [leaf, issuer] = chains.find(([first]) => first !== undefined && question.includes(Buffer.from(first.serialNumber, 'hex'))) ?? []
    if (leaf === undefined || issuer === undefined || this.#signer === undefined) return declinedOcspResponse(3)
    return makeOcspResponse({ leaf, issuer, signer: this.#signer, ...this.says })
  }
}
