import { Fault, type Clock, type Random } from '@ngome/kernel'
import type { Pkcs11Uri } from '@ngome/runtime'
import type { Cryptoki } from './cryptoki.ts'
import { closeToken, openToken, type OpenToken } from './open-token.ts'
import type { PinGuard } from './pin-guard.ts'
import { decryptInToken, encryptInToken } from './token-cipher.ts'

/** A network HSM answers in milliseconds; what takes longer is taken for away. */
const answerMsMax = 5_000
/** Between two attempts at a token that is away: openings that wait meanwhile fail at once. Below a check's interval. */
const reopenGapMs = 1_000
const nonceBytes = 12
const probeContext = Buffer.from('ngome/root-probe/v1')

export type TokenConnectionOptions = {
  readonly cryptoki: Cryptoki
  readonly uri: Pkcs11Uri
  readonly pins: PinGuard
  readonly random: Random
  readonly clock: Clock
  readonly answerMs?: number
}

type Live = OpenToken & { readonly probe: { readonly nonce: Uint8Array; readonly bytes: Uint8Array } }

/**
 * One session on the token, used by one caller at a time since PKCS#11 keeps its state in the session. A token that
 * does not answer is closed and, at a later use, opened from the beginning.
 */
export class TokenConnection {
  readonly #options: TokenConnectionOptions
  #live: Live | undefined
  #rootId = ''
  #failure: Fault | undefined
  #failedAtMs = 0
  #isStuck = false
  #isClosed = false
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(options: TokenConnectionOptions) {
    this.#options = options
  }

  /** @throws Fault `custodian/unavailable` or `custodian/start_refused`, as `openToken` does */
  static async open(options: TokenConnectionOptions, mayCreate: boolean): Promise<TokenConnection> {
    const connection = new TokenConnection(options)
    connection.#live = await connection.#openLive(mayCreate)
    connection.#rootId = connection.#live.key.rootId
    return connection
  }

  get rootId(): string {
    return this.#rootId
  }

  /**
   * Runs one operation on the token.
   * @throws Fault `custodian/unavailable` where the token is away; otherwise what the operation threw, once the token
   * has shown that it is not the one at fault
   */
  use<T>(act: (token: OpenToken) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      const live = this.#live ?? await this.#reopen()
      try {
        return await this.#inTime(act(live))
      } catch (failure) {
        if (this.#isStuck) throw this.#lose(live, failure)
        await this.#prove(live)
        throw failure
      }
    })
  }

  /** @throws Fault `custodian/unavailable` */
  check(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#prove(this.#live ?? await this.#reopen())
    })
  }

  close(): Promise<void> {
    this.#isClosed = true
    return this.#inTurn(async () => {
      if (this.#live !== undefined) closeToken(this.#live.cryptoki)
      this.#live = undefined
    })
  }

  /** Decrypts what this opening encrypted: a session that is merely open proves nothing. */
  async #prove(live: Live): Promise<void> {
    try {
      await this.#inTime(decryptInToken(live, live.probe.nonce, probeContext, live.probe.bytes))
    } catch (failure) {
      throw this.#lose(live, failure)
    }
  }

  #lose({ cryptoki }: Live, cause: unknown): Fault {
    this.#live = undefined
    // A module that hangs is not touched: C_Finalize while a call runs is undefined (PKCS#11 §5.4).
    if (!this.#isStuck) closeToken(cryptoki)
    const message = 'the token has stopped answering: plug it in, or bring the HSM back; it is taken up again by itself'
    return this.#fail(new Fault('custodian/unavailable', message, { cause }))
  }

  async #reopen(): Promise<Live> {
    const { clock } = this.#options
    if (this.#isClosed) throw new Fault('custodian/unavailable', 'the custodian is stopping')
    if (this.#isStuck) throw new Fault('custodian/unavailable', 'a call to the HSM\'s module hangs: restart the custodian if it stays so')
    if (this.#failure !== undefined && clock.nowMs() - this.#failedAtMs < reopenGapMs) throw this.#failure
    try {
      const live = await this.#openLive(false)
      this.#live = live
      return live
    } catch (failure) {
      const message = failure instanceof Error ? failure.message : 'the token cannot be opened'
      throw this.#fail(new Fault('custodian/unavailable', message, { cause: failure }))
    }
  }

  async #openLive(mayCreate: boolean): Promise<Live> {
    const token = await openToken(this.#options, mayCreate)
    if (this.#rootId !== '' && token.key.rootId !== this.#rootId) {
      closeToken(token.cryptoki)
      throw new Fault('custodian/unavailable', 'the token that came back holds another root key: bring the right one')
    }
    const nonce = this.#options.random.bytes(nonceBytes)
    try {
      return { ...token, probe: { nonce, bytes: await encryptInToken(token, nonce, probeContext, new Uint8Array(nonceBytes)) } }
    } catch (cause) {
      closeToken(token.cryptoki)
      throw new Fault('custodian/start_refused', 'the token does not encrypt with AES-GCM: it may need a newer firmware', { cause })
    }
  }

  /** The call has returned after all. Nothing was opened meanwhile, so that the module can begin anew. */
  #unstick(): void {
    closeToken(this.#options.cryptoki)
    this.#isStuck = false
  }

  #fail(fault: Fault): Fault {
    this.#failure = fault
    this.#failedAtMs = this.#options.clock.nowMs()
    return fault
  }

  /** A call into the module cannot be called back; where it does not return, nothing else may be asked of the module. */
  async #inTime<T>(call: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        this.#isStuck = true
        void call.catch(() => undefined).then(() => this.#unstick())
        reject(new Fault('custodian/unavailable', 'the HSM\'s module does not return'))
      }, this.#options.answerMs ?? answerMsMax)
    })
    try {
      return await Promise.race([call, late])
    } finally {
      clearTimeout(timer)
    }
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(act)
    this.#turn = done.catch(() => undefined)
    return done
  }
}
