/** Says no (RFC 8555 §6.7). */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly type: string
  readonly retryAfter: string | undefined

  constructor(status: number, type: string, detail: string, retryAfter?: string) {
    super(detail)
    this.status = status
    this.type = type.includes(':') ? type : `urn:ietf:params:acme:error:${type}`
    this.retryAfter = retryAfter
  }
}
