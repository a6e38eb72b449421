/** What a signature may cover of an HTTP message. */
export type HttpMessage = {
  /** Of a request; as it stands on the wire. */
  readonly method?: string
  /** Of a request: the target in origin form, with its query where it has one. */
  readonly target?: string
  /** Of a request: the Host field's value. */
  readonly host?: string
  /** Of a response. */
  readonly status?: number
  /** A field's value by its name in lower case, its lines joined with a comma and a space; `undefined` where it is absent. */
  readonly field: (name: string) => string | undefined
  /** Of a response whose signature says what it answers: that request. */
  readonly request?: HttpMessage
}

/** RFC 9421 §2.2.3: in lower case, without the port that https has by itself. */
export function authorityOf(host: string): string {
  return host.toLowerCase().replace(/:443$/, '')
}
