import { request, type Agent } from 'node:https'

type Where = { readonly agent: Agent; readonly host: string; readonly port: number; readonly path: string }

/** Asks a process on its internal port. @throws Error where it does not answer in time, or not at all */
export function postToProcess({ agent, host, port, path }: Where, body: unknown, timeoutMs: number): Promise<{ status: number; text: string }> {
  const bytes = Buffer.from(JSON.stringify(body))
  return new Promise((resolve, reject) => {
    const outgoing = request({
      agent, host, port, path, method: 'POST', timeout: timeoutMs,
      headers: { 'content-type': 'application/json', 'content-length': bytes.length },
    }, (incoming) => {
      let text = ''
      incoming.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('error', reject)
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }))
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')))
    outgoing.on('error', reject)
    outgoing.end(bytes)
  })
}
