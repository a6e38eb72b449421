import { setTimeout as sleep } from 'node:timers/promises'
import { createdWebhookEndpointSchema, objectEventPageSchema, type ObjectEventView } from '@ngome/contracts'
import { Secret, type Clock, type PaymentId, type Random } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import { parseWebhookSecret, verifyWebhook } from '@ngome/signatures'
import type { Probe } from '../probe.ts'
import { fails, holds, partial, type Verdict } from '../verdict.ts'
import { newMerchantPair } from '../wire/merchant-pair.ts'
import { signed, type SigningOwner } from '../wire/signed-call.ts'
import { withWebhookListener, type CameWebhook, type WebhookListener } from '../wire/webhook-listener.ts'
import type { MerchantSignerAdder } from './merchants-roll-their-own-keys.ts'
import type { WebhooksOfProbes } from './webhooks-are-encrypted.ts'

type Target = Omit<WebhooksOfProbes, 'addToldMerchantKey'> & MerchantSignerAdder & {
  readonly gateway: Endpoint
  readonly authority: string
  readonly clock: Clock
  readonly random: Random
  /** How long each webhook, and the list, may take after the payment's end. */
  readonly webhookMsMax?: number
}

const endpoints = '/v1/webhook_endpoints'
const ends: readonly string[] = ['payment.succeeded', 'payment.failed']
const chosen = ['payment.accepted', 'payment.processing', ...ends]
const webhookMsMaxDefault = 20_000
const pollMs = 50

export const eventsAreComplete: Probe<Target> = {
  id: 'events-are-complete',
  source: import.meta.filename,
  does: 'Adds, as a merchant of the probes, a webhook endpoint that is told of every change of a payment; takes a payment; and compares what came by webhook with what GET /v1/events lists of it: the same bytes, signed, numbered from 1 without a gap, the first change first.',
  timeMsMax: 120_000,
  run: async (target) => {
    const { webhookAddress } = target
    if (webhookAddress === undefined) return partial('egress.allowPrivate allows no localhost:PORT to receive webhooks on: none was looked at')
    const pair = newMerchantPair()
    const owner = { ...await target.addMerchantSigner(pair.publicKey), pair }
    return withWebhookListener(webhookAddress, async (listener) => {
      const made = await signed(target, owner, 'POST', endpoints, { url: listener.url, event_types: chosen })
      if (made.status !== 201) return fails(`an endpoint that is to be told of every change was answered ${made.status}`)
      const { id, secret } = createdWebhookEndpointSchema.parse(JSON.parse(made.text))
      try {
        const payment = await target.pay(owner)
        return await compare(target, owner, listener, payment.id, secret ?? '')
      } finally {
        await signed(target, owner, 'DELETE', `${endpoints}/${id}`)
      }
    })
  },
}

async function compare(target: Target, owner: SigningOwner, { next }: WebhookListener, payment: PaymentId, secretText: string): Promise<Verdict> {
  const withinMs = target.webhookMsMax ?? webhookMsMaxDefault
  const secret = parseWebhookSecret(new Secret(secretText))
  const told: CameWebhook[] = []
  for (let type = ''; !ends.includes(type);) {
    const sequence = told.length + 1
    const webhook = await next((one) => eventIn(one)?.data.id === payment && eventIn(one)?.sequence === sequence, withinMs)
    if (webhook === undefined) return fails(`no webhook came of change ${sequence} of a payment, which has not ended in what came before`)
    if (secret === undefined || verifyWebhook([secret], webhook.headers, webhook.body, target.clock) === undefined) return fails('a webhook is not signed as it was sent')
    told.push(webhook)
    type = eventIn(webhook)?.type ?? ''
  }
  const first = await next((one) => eventIn(one)?.data.id === payment, 0)
  if (first !== told[0]) return fails('the first change of a payment was not told first')
  const listed = await listUntil(target, owner, payment, told.length, withinMs)
  if (typeof listed === 'number') return fails(`the list of events was answered ${listed}`)
  if (listed.length !== told.length) return fails(`${told.length} changes of a payment were told, and ${listed.length} are listed`)
  for (const [at, webhook] of told.entries()) {
    if (webhook.body.toString('utf8') !== JSON.stringify(listed[at])) return fails(`change ${at + 1} of a payment is listed otherwise than it was told`)
  }
  return holds(`${told.length} changes of a payment came by webhook, signed and numbered without a gap, the first first; the list of events has the same, to the byte`)
}

/** An event is listed when all that began before it has ended, which may take a moment. */
async function listUntil(target: Target, owner: SigningOwner, payment: PaymentId, count: number, withinMs: number): Promise<readonly ObjectEventView[] | number> {
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const answer = await signed(target, owner, 'GET', `/v1/events?object=${payment}`)
    if (answer.status !== 200) return answer.status
    const { data } = objectEventPageSchema.parse(JSON.parse(answer.text))
    if (data.length >= count || waitedMs >= withinMs) return data
    await sleep(pollMs)
  }
}

function eventIn({ body }: CameWebhook): { readonly type: string; readonly sequence: number; readonly data: { readonly id: string } } | undefined {
  try {
    return JSON.parse(body.toString('utf8')) as ReturnType<typeof eventIn>
  } catch {
    return undefined
  }
}
