import { request } from 'node:https'
import type { Identity } from '@ngome/runtime'

export type InternalAnswer = { readonly status: number; readonly body: unknown; readonly text: string }

/** Calls a process's internal port with a certificate, as the operator's commands do. */
export function callInternal(identity: Identity, port: number, path: string, body?: unknown): Promise<InternalAnswer> {
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...identity.secureContext(), agent: false, host: '127.0.0.1', servername: 'localhost', port, path,
      method: bytes === undefined ? 'GET' : 'POST',
      headers: bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': bytes.length },
    }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.once('error', reject)
      incoming.once('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        const isJson = /json/.test(incoming.headers['content-type'] ?? '')
        resolve({ status: incoming.statusCode ?? 0, text, body: isJson ? JSON.parse(text) as unknown : undefined })
      })
    })
    outgoing.once('error', reject)
    outgoing.end(bytes)
  })
}
