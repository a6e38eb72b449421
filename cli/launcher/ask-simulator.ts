import { request } from 'node:http'
import { Fault } from '@ngome/kernel'

/** The simulator answers from memory. */
const answerMsMax = 5_000

/**
 * Asks a simulator for what a network's portal would give.
 * @throws Fault `launcher/failed` where it does not answer
 */
export function askSimulator(
  baseUrl: string, method: 'GET' | 'POST', path: string, headers: Readonly<Record<string, string>>, body?: object,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const text = body === undefined ? '' : JSON.stringify(body)
  const contentType = body === undefined ? {} : { 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => reject(new Fault('launcher/failed', `the simulator did not answer ${path}`, { cause }))
    const outgoing = request(new URL(path, baseUrl), {
      method, agent: false, timeout: answerMsMax,
      headers: { ...headers, ...contentType, 'content-length': Buffer.byteLength(text) },
    }, (incoming) => {
      let answer = ''
      incoming.setEncoding('utf8').on('data', (chunk: string) => { answer += chunk }).on('error', fail)
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: answer === '' ? undefined : JSON.parse(answer) }))
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time'))).on('error', fail)
    outgoing.end(text)
  })
}
