import { sealedPartSchema, type SealedPart } from '@ngome/contracts'
import { parseStrictJson } from '@ngome/kernel'
import type { z } from 'zod'

/** What a merchant signed, as it was sealed: nothing of it is proven by having been opened. */
export type SealedWord<T> = { readonly word: SealedPart; readonly body: Uint8Array; readonly order: T }

const wordBounds = { depthMax: 1, nodesMax: 8 }
const lineEnd = 0x0a

/** Reads a record of one line of who signed it and how, then the body to the byte. @param plaintext may be overwritten after it */
export function readSealedWord<T>(
  plaintext: Uint8Array, schema: z.ZodType<T>, bodyBounds: { readonly depthMax: number; readonly nodesMax: number },
): SealedWord<T> | undefined {
  const at = plaintext.indexOf(lineEnd)
  if (at === -1) return undefined
  const word = parseStrictJson(plaintext.subarray(0, at), wordBounds)
  const body = new Uint8Array(plaintext.subarray(at + 1))
  const order = parseStrictJson(body, bodyBounds)
  if (!word.ok || !order.ok) return undefined
  const [readWord, readOrder] = [sealedPartSchema.safeParse(word.value), schema.safeParse(order.value)]
  return readWord.success && readOrder.success ? { word: readWord.data, body, order: readOrder.data } : undefined
}
