import type { KeyObject } from 'node:crypto'
import type { Secret } from '@ngome/kernel'
import type { ApprovalRules } from '@ngome/payments'
import { createLogger } from '@ngome/runtime'
import type { PaymentStore } from '@ngome/store'
import type { Network, PaymentDispatcher } from '../services/dispatcher/dispatcher.ts'
import { dispatchPayment } from '../services/dispatcher/payments/dispatch-payment.ts'
import { enquirePayment } from '../services/dispatcher/payments/enquire-payment.ts'
import { expireApprovals } from '../services/dispatcher/payments/expire-approvals.ts'
import { SendingWitness } from '../services/dispatcher/payments/sending-witness.ts'
import type { Chance } from './chance.ts'
import { isPassing, type Worker } from './job-queue.ts'
import type { Machine } from './machine.ts'
import type { ModelCustodian } from './model-custodian.ts'
import type { Life, Scheduler } from './scheduler.ts'

const logger = createLogger({ process: 'dispatcher', level: 'silent' as 'fatal' })
const signal = new AbortController().signal

/** As its housekeeping has it. */
const expiryEveryMs = 60_000

export type DispatcherSettings = {
  readonly scheduler: Scheduler
  readonly chance: Chance
  readonly custodian: ModelCustodian
  readonly statementKey: KeyObject
  readonly secret: Secret<Uint8Array>
  readonly approvals: ApprovalRules
  readonly networksFor: (machine: Machine) => ReadonlyMap<string, Network>
}

/** The dispatcher's own jobs, in the present life of a process. */
export function modelDispatcher(machine: Machine, store: PaymentStore, settings: DispatcherSettings): Worker {
  const { scheduler, chance, custodian, statementKey, secret, approvals, networksFor } = settings
  const { life } = machine
  const dispatcher: PaymentDispatcher = {
    payments: machine.reach(store), openSealed: custodian.openerFor(machine), statementKey, approvals, merchantKeyState: async () => 'stands',
    networks: networksFor(machine), callbacks: { baseUrl: 'https://pay.example', secret }, clock: machine.clock, random: chance.random,
    monotonicMs: machine.monotonicMs, witness: new SendingWitness(machine.monotonicMs), sleep: (ms) => scheduler.pause(ms, life), logger,
  }
  scheduler.start(chance.between(0, expiryEveryMs), life, () => keepExpiring(dispatcher, scheduler, life))
  return {
    life,
    work: (job) => job.queue === 'payment-dispatch'
      ? dispatchPayment(dispatcher, job.data, signal)
      : enquirePayment(dispatcher, job.data, signal),
  }
}

/** Every minute until its process dies, as housekeeping does it. */
async function keepExpiring(dispatcher: PaymentDispatcher, scheduler: Scheduler, life: Life): Promise<void> {
  for (;;) {
    await expireApprovals(dispatcher, signal).catch((error: unknown) => {
      if (!isPassing(error)) throw error
    })
    await scheduler.pause(expiryEveryMs, life)
  }
}
