import { createHmac } from 'node:crypto'
import { callBack, type CallBackSettings } from '../common/call-back.ts'
import { messageOf } from './answers.ts'
import type { Application, Step, Transaction } from './books.ts'

export type Claim = Pick<Step, 'status' | 'code'>
export type SendCallback = (application: Application, transaction: Transaction, claim: Claim, manner?: 'forge') => Promise<void>

/** Makes the sender of callbacks: each is tried once, and a failure is nobody's business but the receiver's. */
export function callbackSender(settings: CallBackSettings, log: (line: object) => void): SendCallback {
  return async (application, transaction, claim, manner) => {
    if (transaction.callbackUrl === null) return
    try {
      const key = manner === 'forge' ? `${application.callbackKey}x` : application.callbackKey
      const status = await callBack(settings, new URL(transaction.callbackUrl), callbackBody(key, transaction, claim))
      log({ msg: 'called back', id: transaction.id, status })
    } catch (error) {
      log({ msg: 'callback lost', id: transaction.id, reason: error instanceof Error ? error.message : 'unknown' })
    }
  }
}

/** The body with its hash, which is over the bytes of the member `transaction` as they are sent. */
export function callbackBody(key: string, { id, airtelMoneyId }: Transaction, { status, code }: Claim): string {
  const transaction = JSON.stringify({ id, message: messageOf(code), status_code: status, airtel_money_id: airtelMoneyId })
  const hash = createHmac('sha256', key).update(transaction, 'utf8').digest('base64')
  return `{"transaction":${transaction},"hash":${JSON.stringify(hash)}}`
}

/** What a lying callback says. */
export function oppositeOf({ product }: Transaction, { status }: Claim): Claim {
  const digits = product === 'collection' ? '8' : '9'
  return status === 'TS' ? { status: 'TF', code: `DP00${digits}00001007` } : { status: 'TS', code: `DP00${digits}00001001` }
}
