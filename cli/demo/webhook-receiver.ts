import { createServer, type IncomingMessage, type Server } from 'node:http'
import { Fault } from '@ngome/kernel'
import { SignatureError, verifyWebhook } from '@ngome/sdk'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'

/** What a merchant's server saw: the message, and whether the platform signed it. */
export type ReceivedWebhook = {
  readonly id: string
  readonly signature: string
  readonly isVerified: boolean
  readonly type: string
  readonly payment: string
}

export type WebhookReceiver = {
  readonly url: string
  /** The secret that the platform gave for this endpoint. */
  useSecret(secret: string): void
  /** Resolves with the webhook about this payment. */
  about(payment: string): Promise<ReceivedWebhook>
  close(): Promise<void>
}

/** Our bodies are below a kilobyte. */
const bodyBytesMax = 65_536

/**
 * A merchant's server in small. It checks signatures with the SDK as a merchant would, and with the Standard Webhooks
 * library, since our own code alone would prove nothing.
 */
export async function startWebhookReceiver(host: string, port: number): Promise<WebhookReceiver> {
  const seen = new Map<string, ReceivedWebhook>()
  const waiting = new Map<string, (webhook: ReceivedWebhook) => void>()
  let secret: string | undefined
  const server = createServer((request, response) => {
    readBody(request).then(async (body) => {
      const webhook = await read(request, body, secret)
      seen.set(webhook.payment, webhook)
      waiting.get(webhook.payment)?.(webhook)
      response.writeHead(webhook.isVerified ? 204 : 401).end()
    }).catch(() => response.writeHead(400).end())
  })
  await listen(server, host, port)
  return {
    url: `http://${host}:${port}/webhooks`,
    useSecret: (text) => { secret = text },
    about: (payment) => new Promise((resolve) => {
      const webhook = seen.get(payment)
      if (webhook === undefined) waiting.set(payment, resolve)
      else resolve(webhook)
    }),
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}

async function read(request: IncomingMessage, body: string, secret: string | undefined): Promise<ReceivedWebhook> {
  const header = (name: string): string => {
    const { [name]: value } = request.headers
    return typeof value === 'string' ? value : ''
  }
  const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const
  const headers = Object.fromEntries(names.map((name) => [name, header(name)]))
  const { type, data } = JSON.parse(body) as { readonly type: string; readonly data: { readonly id: string } }
  return { id: header('webhook-id'), signature: header('webhook-signature'), isVerified: await isSigned(secret, body, headers), type, payment: data.id }
}

async function isSigned(secret: string | undefined, body: string, headers: Record<string, string>): Promise<boolean> {
  if (secret === undefined) return false
  try {
    await verifyWebhook(body, headers, secret)
    new Webhook(secret).verify(body, headers)
    return true
  } catch (error) {
    if (error instanceof SignatureError || error instanceof WebhookVerificationError) return false
    throw error
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > bodyBytesMax) throw new RangeError('the body is larger than a webhook')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new Fault('launcher/failed', `cannot receive webhooks on ${host}:${port}: stop what listens there`, { cause }))
    })
    server.listen({ host, port }, resolve)
  })
}
