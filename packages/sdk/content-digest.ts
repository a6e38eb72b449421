import { toBase64, type Bytes } from './bytes.ts'

/** The digest of a body, as its field has it (RFC 9530 §2). */
export async function digestOf(body: Bytes): Promise<string> {
  return `sha-256=:${toBase64(new Uint8Array(await crypto.subtle.digest('SHA-256', body)))}:`
}
