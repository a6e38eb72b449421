import type { FailureCode, PaymentStatus } from '@ngome/contracts'

/** One payment of the demonstration, and how it must end. */
export type Scene = {
  readonly title: string
  readonly phone: string
  readonly amount: string
  readonly status: PaymentStatus
  readonly failure: FailureCode | null
}

/** MTN's own sandbox numbers. */
export const scenes: readonly Scene[] = [
  { title: 'the payer approves', phone: '+46733123499', amount: '5.00', status: 'succeeded', failure: null },
  { title: 'the payer refuses', phone: '+46733123451', amount: '12.50', status: 'failed', failure: 'payer_refused' },
  { title: 'the payer does not answer in time', phone: '+46733123452', amount: '0.75', status: 'failed', failure: 'payer_timed_out' },
]
