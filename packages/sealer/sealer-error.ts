/**
 * `statement_refused`: the key's statement is malformed, not signed by the key that was pinned, of another merchant, world,
 * class or suite, or not valid now. Nothing may be sealed to it: somebody may be handing out a key of his own.
 * `value_refused`: nothing, or too long for its type.
 */
export type SealerErrorCode = 'statement_refused' | 'value_refused'

/** Its message never holds a value. */
export class SealerError extends Error {
  readonly code: SealerErrorCode

  constructor(code: SealerErrorCode, message: string) {
    super(message)
    this.name = 'SealerError'
    this.code = code
  }
}
