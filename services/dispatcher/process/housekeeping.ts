import { emit } from '@ngome/contracts'
import { hasEnded } from '@ngome/payments'
import type { CustodianClient } from '@ngome/runtime'
import { addUpAccounts, closeLedgerDays, findOpenPayments, findPayment, keepHouse, keepPaymentPartitions, type UsageRetention } from '@ngome/store'
import { remindOfKeys, remindOfShortKeys } from '../access/remind-of-keys.ts'
import { eventSource, type Dispatcher } from '../dispatcher.ts'
import { lookAfterForwards } from '../forwards/look-after-forwards.ts'
import { dispatchPayment } from '../payments/dispatch-payment.ts'
import { expireApprovals } from '../payments/expire-approvals.ts'
import { settlePayment } from '../payments/settle-payment.ts'
import { settleDaily, type SettlementSchedule } from '../settlements/settle-daily.ts'
import { advanceFingerprints } from '../vault/advance-fingerprints.ts'
import { expireVaultTokens } from '../vault/expire-vault-tokens.ts'
import { remindOfOldSecrets } from '../webhooks/remind-of-old-secrets.ts'
import { runEvery } from './run-every.ts'

const everyMs = 3_600_000
const expiryEveryMs = 60_000
/** A key's own period can be short; one look is one range of an index. */
const shortKeysEveryMs = 10_000
/** A payment that is open for this long has lost its job, or has an unhappy network; a look does no harm. */
const leftBehindAfterMs = 2 * 3_600_000
const lookedAtMax = 1_000

/**
 * Runs at the start and every hour until the signal: partitions, old answers and secrets, and one look at each payment that was
 * left behind. It gives no payment a second job, so that jobs do not multiply. Every minute tokens that expired go, and payouts fail that nobody
 * approved in time, and what merchants owe is repaid of what came; keys whose own period ends are told of within seconds. Days of the ledger that are over are closed, and settled where the
 * configuration says so.
 */
export function keepHouseHourly(
  dispatcher: Dispatcher, custodian: Pick<CustodianClient, 'call'>,
  policy: { readonly webhookSecretAgeMs: number; readonly apiKeyAgeMs: number; readonly apiKeyUnusedMs: number; readonly usage: UsageRetention
    readonly timeZone: string; readonly settlement: SettlementSchedule },
  signal: AbortSignal,
): void {
  const { logger, db } = dispatcher
  runEvery(everyMs, 'housekeeping', logger, signal, async () => {
    await keepHouse(db, policy.usage)
    await keepPaymentPartitions(db, (days) => emit(eventSource(dispatcher), 'store.partitions_missing', null, { days }))
    await remindOfOldSecrets(dispatcher, policy.webhookSecretAgeMs, signal)
    await remindOfKeys(dispatcher, { ageMs: policy.apiKeyAgeMs, unusedMs: policy.apiKeyUnusedMs }, signal)
    await lookAfterLeftBehind(dispatcher, signal)
  })
  runEvery(shortKeysEveryMs, 'the look for keys whose time is over', logger, signal, () => remindOfShortKeys(dispatcher, signal))
  runEvery(expiryEveryMs, 'the removal of expired tokens', logger, signal, () => expireVaultTokens(dispatcher, signal))
  runEvery(expiryEveryMs, 'the end of what nobody approved', logger, signal, () => expireApprovals(dispatcher, signal))
  runEvery(expiryEveryMs, 'the adding up of accounts', logger, signal, () => addUpAccounts(db))
  runEvery(expiryEveryMs, 'the repayment of debts', logger, signal, async () => {
    const repaid = await dispatcher.payments.repayDebts(dispatcher, signal)
    if (repaid > 0) logger.info({ repaid }, 'debts repaid')
  })
  runEvery(expiryEveryMs, 'the closing of days', logger, signal, () => closeLedgerDays(dispatcher, policy.timeZone, signal))
  const settle = settleDaily(dispatcher, policy.settlement)
  runEvery(expiryEveryMs, 'the settling of closed days', logger, signal, () => settle(signal))
  runEvery(expiryEveryMs, 'the replacement of index keys', logger, signal, () => advanceFingerprints({ db, custodian }, signal))
  runEvery(expiryEveryMs, 'the look after forwards', logger, signal, () => lookAfterForwards(dispatcher, signal))
}

async function lookAfterLeftBehind(dispatcher: Dispatcher, signal: AbortSignal): Promise<void> {
  const left = await findOpenPayments(dispatcher.db, { olderThanMs: leftBehindAfterMs, limit: lookedAtMax })
  for (const { tenant, payment } of left) {
    if (signal.aborted) return
    try {
      await settlePayment(dispatcher, tenant, payment, signal)
      const row = await findPayment(dispatcher.db, tenant, payment)
      if (row !== undefined && !hasEnded(row.status)) dispatcher.logger.warn({ payment, status: row.status }, 'payment open for long')
      if (row?.status === 'accepted') await dispatchPayment(dispatcher, { ...tenant, payment }, signal)
    } catch (error) {
      dispatcher.logger.warn({ payment, err: error }, 'a payment that was left behind could not be looked after')
    }
  }
}
