import type { KeyObject } from 'node:crypto'
import type { Secret } from '@ngome/kernel'
import type { ApprovalRules } from '@ngome/payments'
import { createLogger } from '@ngome/runtime'
import type { Network, PaymentDispatcher, WebhookDispatcher, WebhookSettings } from '../services/dispatcher/dispatcher.ts'
import { dispatchPart } from '../services/dispatcher/payments/dispatch-part.ts'
import { dispatchPayment } from '../services/dispatcher/payments/dispatch-payment.ts'
import { enquirePayment } from '../services/dispatcher/payments/enquire-payment.ts'
import { expireApprovals } from '../services/dispatcher/payments/expire-approvals.ts'
import { SendingWitness } from '../services/dispatcher/payments/sending-witness.ts'
import { deliverWebhook } from '../services/dispatcher/webhooks/deliver-webhook.ts'
import type { Chance } from './chance.ts'
import { isPassing, type Worker } from './job-queue.ts'
import type { Machine } from './machine.ts'
import type { ModelCustodian } from './model-custodian.ts'
import type { ModelEndpoint } from './model-endpoint.ts'
import type { GatewayStores } from './model-gateway.ts'
import type { Life, Scheduler } from './scheduler.ts'

const logger = createLogger({ process: 'dispatcher', level: 'silent' as 'fatal' })
const signal = new AbortController().signal

/** As its housekeeping has it. */
const everyMs = 60_000

/** Tried for some minutes; an endpoint is never so bad that it is warned of. */
const webhooks: WebhookSettings = {
  attemptsMax: 7, firstRetryMs: 1_000, retryMaxMs: 120_000, retryForMs: 3 * 86_400_000, timeoutMs: 10_000,
  warnAfterMs: Infinity, disableAfterMs: Infinity, disableAfterTries: Infinity,
}

export type DispatcherSettings = {
  readonly scheduler: Scheduler
  readonly chance: Chance
  readonly custodian: ModelCustodian
  readonly statementKey: KeyObject
  readonly secret: Secret<Uint8Array>
  readonly approvals: ApprovalRules
  readonly endpointAt: (url: string) => ModelEndpoint
  readonly networksFor: (machine: Machine) => ReadonlyMap<string, Network>
}

/** The dispatcher's own jobs, in the present life of a process. */
export function modelDispatcher(machine: Machine, { payments, batches, events }: GatewayStores, settings: DispatcherSettings): Worker {
  const { scheduler, chance, custodian, statementKey, secret, approvals, endpointAt, networksFor } = settings
  const { life } = machine
  const dispatcher: PaymentDispatcher = {
    payments: machine.reach(payments), openSealed: custodian.openerFor(machine), statementKey, approvals, merchantKeyState: async () => 'stands',
    networks: networksFor(machine), callbacks: { baseUrl: 'https://pay.example', secret }, clock: machine.clock, random: chance.random,
    monotonicMs: machine.monotonicMs, witness: new SendingWitness(machine.monotonicMs), sleep: (ms) => scheduler.pause(ms, life), logger,
  }
  const telling: WebhookDispatcher = {
    ...dispatcher, events: machine.reach(events), isOperatorsWord: () => false, webhooks, egress: {
      toWebhook: async (url, outgoing) => {
        await machine.travel()
        const transmission = await endpointAt(url).receive(outgoing, life)
        await machine.travel()
        return transmission
      },
    },
  }
  const far = machine.reach(batches)
  // What is kept open of a part is kept for one job here: a task of a run waits for none of another's promises.
  const alone = (): PaymentDispatcher => ({ ...dispatcher, openSealed: custodian.openerFor(machine) })
  keepDoing(() => expireApprovals(dispatcher, signal), settings, life)
  keepDoing(() => dispatcher.payments.repayDebts(dispatcher, signal), settings, life)
  return {
    life,
    work: (job) => {
      switch (job.queue) {
        case 'payment-dispatch': return dispatchPayment(alone(), job.data, signal)
        case 'payment-enquire': return enquirePayment(alone(), job.data, signal)
        case 'payout-part': return dispatchPart({ ...alone(), batches: far, rowsAtOnce: 1 }, job.data, signal)
        case 'webhook-deliver': return deliverWebhook(telling, job.data, signal)
        default: return job satisfies never
      }
    },
  }
}

/** Every minute until its process dies, as housekeeping does it. */
function keepDoing(look: () => Promise<unknown>, { scheduler, chance }: DispatcherSettings, life: Life): void {
  scheduler.start(chance.between(0, everyMs), life, async () => {
    for (;;) {
      await look().catch((error: unknown) => {
        if (!isPassing(error)) throw error
      })
      await scheduler.pause(everyMs, life)
    }
  })
}
