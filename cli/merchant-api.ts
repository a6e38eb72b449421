import { Agent, request } from 'node:https'
import type { Secret } from '@ngome/kernel'

export type ApiAnswer = { readonly status: number; readonly body: unknown; readonly tookMs: number }

/** A merchant's view of the API: HTTPS that trusts the platform's authority and nothing else, and one key. */
export type MerchantApi = {
  send(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object, idempotencyKey?: string): Promise<ApiAnswer>
  close(): void
}

const answerMsMax = 20_000

export function merchantApi(to: { readonly port: number; readonly authority: string; readonly key: Secret<string> }): MerchantApi {
  const agent = new Agent({ ca: to.authority, keepAlive: true })
  return {
    send: (method, path, body, idempotencyKey) => new Promise((resolve, reject) => {
      const startedAtMs = performance.now()
      const text = body === undefined ? '' : JSON.stringify(body)
      const outgoing = request({
        agent, method, path, host: 'localhost', port: to.port, timeout: answerMsMax,
        headers: {
          authorization: `Bearer ${to.key.expose((key) => key)}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        },
      }, (incoming) => {
        let answer = ''
        incoming.setEncoding('utf8').on('data', (chunk: string) => { answer += chunk }).on('error', reject)
        incoming.on('end', () => resolve({
          status: incoming.statusCode ?? 0,
          body: answer === '' ? undefined : JSON.parse(answer) as unknown,
          tookMs: performance.now() - startedAtMs,
        }))
      })
      outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time'))).on('error', reject)
      outgoing.end(text)
    }),
    close: () => agent.destroy(),
  }
}
