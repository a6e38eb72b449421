import assert from 'node:assert/strict'
import { createdCheckoutSessionSchema } from '@ngome/contracts'
import { rawRequest, type RawAnswer } from './raw-request.ts'
import type { TestGateway, TestMerchant } from './test-gateway.ts'

export const checkoutHost = 'checkout.localhost:8443'
let serial = 0

/** Makes a session. @returns its id and the token of its link */
export async function makeSession(as: TestMerchant, changes: object = {}): Promise<{ readonly id: string; readonly token: string; readonly url: string }> {
  const answer = await as.client.call({
    method: 'POST', path: '/v1/checkout_sessions', idempotencyKey: `session-${++serial}`,
    body: { amount: '5.00', currency: 'EUR', reference: 'order-42', ...changes },
  })
  assert.equal(answer.status, 201, answer.text)
  const { id, url } = createdCheckoutSessionSchema.parse(JSON.parse(answer.text))
  assert.ok(url !== null)
  return { id, url, token: url.slice(url.lastIndexOf('/') + 1) }
}

export type Page = RawAnswer & { readonly text: string }

/** Somebody with a link, in a browser that says nothing of itself where `headers` do not. */
export class Payer {
  readonly #at: { readonly port: number; readonly ca: string }

  constructor(gateway: TestGateway) {
    this.#at = { port: gateway.port, ca: gateway.custody.authority.pem }
  }

  get(path: string, ...headers: readonly string[]): Promise<Page> {
    return this.send(`GET ${path}`, headers)
  }

  /** Sends the form of a page as a browser does. */
  pay(token: string, fields: Readonly<Record<string, string>> = {}, ...headers: readonly string[]): Promise<Page> {
    const form = new URLSearchParams({ try: '1', lang: 'en', network: 'mtn-sandbox', phone: '+46733123499', ...fields }).toString()
    return this.send(`POST /c/${token}`, ['Content-Type: application/x-www-form-urlencoded', `Content-Length: ${form.length}`, ...headers], form)
  }

  async send(line: string, headers: readonly string[] = [], body = '', host = checkoutHost): Promise<Page> {
    const answer = await rawRequest(this.#at, [`${line} HTTP/1.1`, `Host: ${host}`, ...headers, '', body].join('\r\n'))
    return { ...answer, text: Buffer.from(answer.body, 'latin1').toString('utf8') }
  }
}

/** Where things stand, as the page says it to its script. */
export const stateIn = (page: Page): string | undefined => /<body data-state="([a-z]+)">/.exec(page.text)?.[1]
