import type { IncomingMessage } from 'node:http'

/** What a responder is asked (DER): the body of a POST, or the end of a GET's path (RFC 6960 appendix A.1). */
export async function readOcspQuestion(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const { method, url = '' } = request
  return method === 'POST' ? Buffer.concat(chunks) : Buffer.from(decodeURIComponent(url.split('/').at(-1) ?? ''), 'base64')
}
