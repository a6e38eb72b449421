import { createHmac } from 'node:crypto'
import { callBack, type CallBackSettings } from '../common/call-back.ts'
import type { Account, Order, State, Step } from './books.ts'

export type Claim = Pick<State, 'code'> & { readonly status: Step['status'] | 'processing' | 'reversed' }
export type SendCallback = (account: Account, order: Order, claim: Claim, manner?: 'forge' | 'garbage') => Promise<void>

/** What a page for people looks like to a program. */
export const garbage = '<!doctype html><title>Maintenance</title>'

/** Makes the sender of callbacks: each is tried once, and a failure is nobody's business but the receiver's. */
export function callbackSender(settings: CallBackSettings, log: (line: object) => void): SendCallback {
  return async (account, order, claim, manner) => {
    if (order.callbackUrl === null) return
    try {
      const secret = manner === 'forge' ? `${account.secret}x` : account.secret
      const body = manner === 'garbage' ? garbage : callbackBody(secret, order, claim)
      const status = await callBack(settings, new URL(order.callbackUrl), body)
      log({ msg: 'called back', reference: order.reference, status })
    } catch (error) {
      log({ msg: 'callback lost', reference: order.reference, reason: error instanceof Error ? error.message : 'unknown' })
    }
  }
}

/** The claim as a text of its own, so that the signature is over these bytes and no others. */
function callbackBody(secret: string, { reference, order }: Order, { status, code }: Claim): string {
  const claim = JSON.stringify({ reference, order, status, code })
  return JSON.stringify({ claim, signature: createHmac('sha256', secret).update(`callback\n${claim}`, 'utf8').digest('hex') })
}

/** What a lying callback says. */
export function oppositeOf({ status }: Claim): Claim {
  return status === 'succeeded' ? { status: 'failed', code: '05' } : { status: 'succeeded', code: '00' }
}
