import type { ForwardAnswer } from '@ngome/contracts'
import type { Secret } from '@ngome/kernel'
import type { Transmission } from '../egress/transmit.ts'
import { holdsValue } from './holds-value.ts'
import { redact } from './redact.ts'

type Answered = Extract<Transmission, { kind: 'answered' }>

/** What a merchant may need of an answer's head; all else stays here. */
const headersKept = ['content-type', 'content-language', 'date', 'etag', 'request-id', 'retry-after', 'x-request-id'] as const
const headerLengthMax = 256
/** So that the answer with its head fits into one sealed record. */
const jsonBytesMax = 49_152
/** Text that can be searched; of anything else no byte goes on. */
const searchable = /^(?:application\/(?:[a-z0-9.-]+\+)?(?:json|xml)|application\/x-www-form-urlencoded|text\/[a-z0-9.+-]+)(?: ?; ?charset="?(?:utf-8|us-ascii)"?)?$/i
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Makes of a destination's answer what its merchant may see: without any form of the values that were sent, or without
 * its body where that cannot be said.
 */
export function readAnswer({ status, headers, body }: Answered, values: readonly Secret<string>[]): ForwardAnswer {
  const kept = Object.fromEntries(headersKept.flatMap((name) => {
    const value = headers[name]
    const text = typeof value === 'string' ? redact(value.slice(0, headerLengthMax), values) : undefined
    return text === undefined || holdsValue(text, values) ? [] : [[name, text]]
  }))
  const answer = { status, headers: kept, body: null, body_withheld: null }
  if (body.length === 0) return { ...answer, body: '' }
  const { 'content-encoding': encoding = 'identity', 'content-type': mediaType = '' } = headers
  if (encoding.toLowerCase() !== 'identity') return { ...answer, body_withheld: 'encoding' }
  if (!searchable.test(mediaType)) return { ...answer, body_withheld: 'media_type' }
  const text = textOf(body)
  if (text === undefined) return { ...answer, body_withheld: 'not_text' }
  const redacted = redact(text, values)
  if (Buffer.byteLength(JSON.stringify(redacted)) > jsonBytesMax) return { ...answer, body_withheld: 'too_large' }
  return holdsValue(redacted, values) ? { ...answer, body_withheld: 'values_in_it' } : { ...answer, body: redacted }
}

function textOf(body: Uint8Array): string | undefined {
  try {
    const text = utf8.decode(body)
    // Text of two bytes a character that goes for UTF-8 is full of these.
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}
