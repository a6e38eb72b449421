import type { IncomingMessage, ServerResponse } from 'node:http'
import { Fault } from '@ngome/kernel'

/**
 * Reads the body of a request to its end, which its head has told. A client that asked first (RFC 9110 §10.1.1) is told to
 * send only now: one whose key or headers were refused keeps its body.
 * @throws Fault `request/too_large` where the head tells more than `bytesMax`, of which no byte is read; Error where the
 * client left
 */
export function readBody(request: IncomingMessage, response: ServerResponse, bytesMax: number): Promise<Uint8Array> {
  const length = Number(request.headers['content-length'])
  if (!(length <= bytesMax)) return Promise.reject(new Fault('request/too_large', `${length} bytes`))
  if (request.headers.expect !== undefined) response.writeContinue()
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    // One copy of its own, also of a single chunk: what is parsed is nobody's read buffer.
    request.on('end', () => resolve(Buffer.concat(chunks, length)))
    request.on('error', reject)
  })
}
