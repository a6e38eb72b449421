import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { OcspAuthority, OcspIssued, OcspIssueOptions } from './ocsp-authority.ts'
import { readOcspQuestion } from './ocsp-question.ts'
import { makeOcspResponse, type OcspAnswerOptions } from './ocsp-response.ts'

/** What the responder does with a question; good manners are `{}`. */
export type OcspManners = {
  readonly httpStatus?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly contentType?: string
  /** In the place of an answer. */
  readonly body?: Uint8Array
  /** What the answer says, where it is one. */
  readonly says?: Partial<OcspAnswerOptions>
  /** Methods that it has never heard of. */
  readonly refuses?: 'GET' | 'POST'
}

export type OcspQuestionSeen = Pick<IncomingMessage, 'method' | 'url' | 'headers'> & { readonly request: Buffer }

/** A responder that speaks OCSP over HTTP (RFC 6960 appendix A) on this machine, as well or as badly as it is told. */
export class OcspServer {
  readonly authority: OcspAuthority
  /** `host:port`, for the operator to allow by name. */
  readonly address: string
  manners: OcspManners = {}
  readonly questions: OcspQuestionSeen[] = []
  readonly #server: Server
  readonly #leaves: OcspIssued[] = []

  static async start(authority: OcspAuthority): Promise<OcspServer> {
    const server = createServer()
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    return new OcspServer(authority, server)
  }

  private constructor(authority: OcspAuthority, server: Server) {
    this.authority = authority
    this.#server = server
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => {
      void readOcspQuestion(request).then((question) => {
        const { method = '', url = '', headers: sent } = request
        this.questions.push({ method, url, headers: sent, request: question })
        const { httpStatus = 200, headers = {}, contentType = 'application/ocsp-response', refuses } = this.manners
        const body = refuses === method ? undefined : this.#answer(question)
        response.writeHead(body === undefined ? 405 : httpStatus, { ...headers, 'content-type': contentType }).end(body)
      }, () => response.destroy())
    })
  }

  /** Methods of the questions, in their order. */
  get asked(): readonly string[] {
    return this.questions.map(({ method }) => method ?? '')
  }

  /** Issues a certificate that names this responder. */
  async issue(options: OcspIssueOptions = {}): Promise<OcspIssued> {
    const leaf = await this.authority.issue({ responder: `http://${this.address}/`, ...options })
    this.#leaves.push(leaf)
    return leaf
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  #answer(question: Buffer): Uint8Array | undefined {
    const leaf = this.#leaves.find(({ certificate }) => question.includes(Buffer.from(certificate.serialNumber, 'hex')))
    if (leaf === undefined) return undefined
    const { root } = this.authority
    return this.manners.body ?? makeOcspResponse({ leaf: leaf.certificate, issuer: root.certificate, signer: root, ...this.manners.says })
  }
}
