import { readFile } from 'node:fs/promises'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'

/** Networks call back once and wait for nobody. */
const callbackTimeoutMs = 10_000

export type CallBackSettings = {
  readonly method: 'PUT' | 'POST'
  /** A PEM file with the authority that receivers' certificates come from, read at each call, since it may appear late. */
  readonly authorityPath: string | undefined
}

/**
 * Calls a receiver once.
 * @returns the status that it answered
 */
export async function callBack(settings: CallBackSettings, url: URL, body: string): Promise<number> {
  const authority = url.protocol === 'https:' && settings.authorityPath !== undefined
    ? { ca: await readFile(settings.authorityPath) }
    : {}
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? requestHttps : requestHttp
    const call = request(url, {
      ...authority,
      method: settings.method,
      agent: false,
      signal: AbortSignal.timeout(callbackTimeoutMs),
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    }, (response) => {
      response.resume()
      response.once('end', () => { resolve(response.statusCode ?? 0) })
      response.once('error', reject)
    })
    call.once('error', reject)
    call.end(body)
  })
}
