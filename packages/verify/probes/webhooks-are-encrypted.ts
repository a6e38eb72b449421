import { createdWebhookEndpointSchema } from '@ngome/contracts'
import { Secret, type Clock, type PaymentId, type Random } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import { parseWebhookSecret, verifyWebhook } from '@ngome/signatures'
import type { Probe } from '../probe.ts'
import type { ProbeMerchant } from '../probe-merchant.ts'
import { fails, holds, partial, type Verdict } from '../verdict.ts'
import { newMerchantPair, openJwe, strangersPair } from '../wire/merchant-pair.ts'
import { signed, type SigningOwner } from '../wire/signed-call.ts'
import { withWebhookListener, type CameWebhook, type WebhookAddress } from '../wire/webhook-listener.ts'
import type { MerchantKeyAdder } from './signed-requests-are-verified.ts'

export type WebhooksOfProbes = {
  /** As `addMerchantKey`, for a merchant whose webhooks nobody else waits for and whose newest key is ours. */
  readonly addToldMerchantKey: MerchantKeyAdder['addMerchantKey']
  /** Where webhooks may come to on this machine; `undefined` where the operator allows no such place. */
  readonly webhookAddress: WebhookAddress | undefined
  /** Takes a payment for a merchant of the probes, and waits for its end. */
  readonly pay: (merchant: ProbeMerchant) => Promise<{ readonly id: PaymentId }>
}

type Target = WebhooksOfProbes & {
  readonly gateway: Endpoint
  readonly authority: string
  readonly clock: Clock
  readonly random: Random
  /** How long the webhook may take after that. */
  readonly webhookMsMax?: number
}

const endpoints = '/v1/webhook_endpoints'
const webhookMsMaxDefault = 20_000

export const webhooksAreEncrypted: Probe<Target> = {
  id: 'webhooks-are-encrypted',
  source: import.meta.filename,
  does: 'Adds an RSA key for a merchant of the probes and, in a signed request, a webhook endpoint that is to be told encrypted; takes a payment; and waits for its webhook at an address of its own. That must be a JWE, signed as a webhook, that opens with the merchant\'s private key and no other, and must not have the payment in clear.',
  timeMsMax: 90_000,
  run: async (target) => {
    const { webhookAddress } = target
    if (webhookAddress === undefined) return partial('egress.allowPrivate allows no localhost:PORT to receive webhooks on: none was looked at')
    const pair = newMerchantPair()
    const owner = { ...await target.addToldMerchantKey(pair.publicKey), pair }
    return withWebhookListener(webhookAddress, async ({ url, next }) => {
      const made = await signed(target, owner, 'POST', endpoints, { url, encryption: 'required' })
      if (made.status !== 201) return fails(`an endpoint that is to be told encrypted was answered ${made.status}`)
      const { id, secret } = createdWebhookEndpointSchema.parse(JSON.parse(made.text))
      try {
        const payment = await target.pay(owner)
        const withinMs = target.webhookMsMax ?? webhookMsMaxDefault
        const webhook = await next((one) => isAbout(payment.id, one, owner), withinMs)
        if (webhook !== undefined) return look(webhook, owner, secret ?? '', payment.id, target.clock)
        return await next(() => true, 0) === undefined
          ? fails(`no webhook came within ${withinMs / 1_000} s of the payment's end`)
          : fails('what came does not open with the merchant\'s private key')
      } finally {
        await signed(target, owner, 'DELETE', `${endpoints}/${id}`)
      }
    })
  },
}

/** Also what came in clear is about it: other payments of this merchant may end meanwhile. */
function isAbout(payment: PaymentId, { body }: CameWebhook, { pair }: SigningOwner): boolean {
  return body.includes(payment) || openJwe(body.toString('latin1'), pair.privateKey)?.includes(payment) === true
}

function look({ headers, body }: CameWebhook, { keyId }: SigningOwner, secretText: string, payment: PaymentId, clock: Clock): Verdict {
  const [header = ''] = body.toString('latin1').split('.')
  const hidden = Buffer.from(payment)
  if (body.includes(hidden) || body.includes(hidden.toString('base64url').slice(2, -2))) return fails('a webhook that is to be encrypted says its payment in clear')
  if (headers['content-type'] !== 'application/jose') return fails(`an encrypted webhook is called ${headers['content-type'] ?? 'nothing'}`)
  const stated = Buffer.from(header, 'base64url').toString('utf8')
  for (const part of ['"alg":"RSA-OAEP-256"', '"enc":"A256GCM"', `"kid":"${keyId}"`]) {
    if (!stated.includes(part)) return fails(`an encrypted webhook does not say ${part}`)
  }
  if (openJwe(body.toString('latin1'), strangersPair().privateKey) !== undefined) return fails('an encrypted webhook opens with another key')
  const secret = parseWebhookSecret(new Secret(secretText))
  if (secret === undefined || verifyWebhook([secret], headers, body, clock) === undefined) return fails('an encrypted webhook is not signed as it was sent')
  return holds('the webhook of a payment came as a JWE that its merchant\'s private key alone opens, signed as it was sent, with nothing of the payment in clear')
}
