import { faults } from './faults.ts'

export type FaultCode = keyof typeof faults

/** What the outside may know of a failure: a status and a sentence from the table, nothing of the moment. */
export type PublicFault = { readonly code: FaultCode; readonly status: number; readonly public: string }

/**
 * An expected failure with a code from the one fault table. The message is for the operator's log and never leaves
 * the process; what the caller reads is the table's public sentence.
 */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: FaultCode
  /** Where in the caller's input the fault lies; names of fields only, never their values. */
  readonly fields: readonly FieldFault[]
  /** When the same may be asked again, where that is known. */
  readonly retryAfterS: number | undefined

  constructor(code: FaultCode, message: string, options: { cause?: unknown; fields?: readonly FieldFault[]; retryAfterS?: number } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.fields = options.fields ?? []
    this.retryAfterS = options.retryAfterS
  }

  /** The table's row for this fault. */
  get row(): PublicFault {
    return publicFault(this.code)
  }
}

/** One field that was refused: its JSON pointer (RFC 6901) and why, without its value. */
export type FieldFault = {
  readonly pointer: string
  readonly detail: string
  /** Of one of many rows: the code that it would have been refused with alone. */
  readonly code?: FaultCode
}

export function publicFault(code: FaultCode): PublicFault {
  return { code, ...faults[code] }
}
