import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { answerKeyLifeMs } from '@ngome/contracts'
import { Fault, type Clock } from '@ngome/kernel'
import { readAnswerKey, type CustodianClient, type Logger } from '@ngome/runtime'
import type { AnswerKey } from '@ngome/signatures'

/** Each statement is replaced long before its end: the custodian may be away for an hour and a half. */
const renewalMs = answerKeyLifeMs / 4
const retryMs = 30_000

type Ports = {
  readonly custodian: Pick<CustodianClient, 'call'>
  readonly statementKey: KeyObject
  readonly clock: Clock
  readonly logger: Logger
}

/** The key that this process signs answers with: made here, never written, gone with the process; the custodian states it. */
export class AnswerKeys {
  readonly #ports: Ports
  readonly #pair = generateKeyPairSync('ed25519')
  readonly #id = this.#pair.publicKey.export({ format: 'jwk' }).x ?? ''
  #stated: { readonly key: AnswerKey; readonly expiresAtMs: number } | undefined

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /** Has the key stated anew. @throws Fault `custodian/unavailable` also where what came back is not what was asked for */
  async fetch(): Promise<void> {
    const { custodian, statementKey, clock } = this.#ports
    const { statement } = await custodian.call('/v1/answer-key', { key: this.#id })
    const stated = readAnswerKey(statement, statementKey)
    const expiresAtMs = Date.parse(stated?.expires_at ?? '')
    // Readers would refuse it, and answers with it: better to know before one leaves.
    if (stated?.key !== this.#id || !(expiresAtMs > clock.nowMs())) throw new Fault('custodian/unavailable', 'a statement of an answer key that does not count')
    this.#stated = { key: { id: this.#id, privateKey: this.#pair.privateKey, statement }, expiresAtMs }
  }

  /** The key while its statement counts. @throws Fault `custodian/unavailable` */
  get current(): AnswerKey {
    if (this.#stated === undefined || this.#stated.expiresAtMs <= this.#ports.clock.nowMs()) {
      throw new Fault('custodian/unavailable', 'no statement of the answer key counts now')
    }
    return this.#stated.key
  }

  /** Renews the statement while the process runs. @returns what stops it */
  keepRenewing(): () => void {
    let timer: NodeJS.Timeout | undefined
    let isStopped = false
    const schedule = (delayMs: number): void => {
      if (isStopped) return
      timer = setTimeout(() => void renew(), delayMs)
      timer.unref()
    }
    const renew = (): Promise<void> => this.fetch().then(() => schedule(renewalMs), (error: unknown) => {
      this.#ports.logger.warn({ err: error }, 'the answer key could not be stated anew; the statement at hand is used until its end')
      schedule(retryMs)
    })
    schedule(renewalMs)
    return () => {
      isStopped = true
      clearTimeout(timer)
    }
  }
}
