import { Fault, type Clock, type Random } from '@ngome/kernel'
import type { Pkcs11Uri } from '@ngome/runtime'
import { ckf, type Cryptoki } from './cryptoki.ts'
import { closeToken, openToken, type OpenToken } from './open-token.ts'
import type { PinGuard } from './pin-guard.ts'
import { decryptInToken, encryptInToken } from './token-cipher.ts'
import { findFamily, findTokenKey, makeTokenKey, type Place, type TokenKey } from './token-key.ts'

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

type Probe = { readonly nonce: Uint8Array; readonly bytes: Uint8Array; readonly token: OpenToken }
type Live = OpenToken & {
  /** The roots of the family that were asked for. */
  readonly keys: Map<string, TokenKey>
  /** Under the root that was taken up last. */
  probe: Probe
}

/**
 * One session on the token for all roots of a family, used by one caller at a time since PKCS#11 keeps its state in the
 * session. A token that does not answer is closed and, at a later use, opened from the beginning.
 */
export class TokenConnection {
  readonly #options: TokenConnectionOptions
  #live: Live | undefined
  /** The roots that somebody holds, the one that was taken up last at the end. */
  #held: string[] = []
  #failure: Fault | undefined
  #failedAtMs = 0
  #isStuck = false
  #isClosed = false
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(options: TokenConnectionOptions) {
    this.#options = options
  }

  /** @throws Fault `custodian/unavailable` or `custodian/start_refused`, as `openToken` does */
  static async open(
    options: TokenConnectionOptions, which: { readonly wanted: string | undefined; readonly mayCreate: boolean },
  ): Promise<TokenConnection> {
    const connection = new TokenConnection(options)
    connection.#live = await connection.#openLive(which)
    connection.#held = [connection.#live.key.rootId]
    return connection
  }

  /** The root that was taken up last. */
  get rootId(): string {
    return this.#held.at(-1) ?? ''
  }

  /**
   * Runs one operation with one root on the token.
   * @throws Fault `custodian/unavailable` where the token is away, `custodian/key_unusable` where the root is not in it;
   * otherwise what the operation threw, once the token has shown that it is not the one at fault
   */
  use<T>(rootId: string, act: (token: OpenToken) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      const live = this.#live ?? await this.#reopen()
      return this.#attempt(live, async () => act({ ...live, key: keyOf(live, this.#options.uri, rootId) }))
    })
  }

  /** @throws Fault `custodian/unavailable` */
  check(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#prove(this.#live ?? await this.#reopen())
    })
  }

  /**
   * Takes up another root of the family: the token shows its signs of life with it from now on.
   * @returns whether it is there
   * @throws Fault `custodian/start_refused` where it is not as it must be
   */
  hold(rootId: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const live = this.#live ?? await this.#reopen()
      const place = { ...live, uri: this.#options.uri }
      return this.#attempt(live, async () => {
        if (!findFamily(place).some((key) => key.rootId === rootId)) return false
        live.probe = await this.#newProbe({ ...live, key: keyOf(live, place.uri, rootId) })
        this.#held.push(rootId)
        return true
      })
    })
  }

  /** Makes a root of the family. What the token throws where it makes none is the caller's to understand. */
  make(id: Uint8Array): Promise<string> {
    return this.#inWritableSession(async (place) => (await makeTokenKey(place, id)).rootId)
  }

  /**
   * Destroys a root of the family, and looks for it afterwards. One that is not there is gone already.
   * @returns whether it is gone
   */
  destroy(rootId: string): Promise<boolean> {
    if (this.#held.includes(rootId)) throw new TypeError('a root that is in use is not destroyed')
    return this.#inWritableSession(async (place) => {
      const isMeant = (key: TokenKey): boolean => key.rootId === rootId
      for (const { handle } of findFamily(place).filter(isMeant)) place.cryptoki.C_DestroyObject(place.session, handle)
      this.#live?.keys.delete(rootId)
      return !findFamily(place).some(isMeant)
    })
  }

  /** One holder of a root lets go of it; with the last the token is closed. */
  release(rootId: string): Promise<void> {
    this.#held.splice(this.#held.lastIndexOf(rootId), 1)
    if (this.#held.length === 0) this.#isClosed = true
    return this.#inTurn(async () => {
      const live = this.#live
      if (live === undefined) return
      if (this.#isClosed) {
        closeToken(live.cryptoki)
        this.#live = undefined
      } else if (!this.#held.includes(live.probe.token.key.rootId)) {
        await this.#turnTo(live)
      }
    })
  }

  /** Signs of life come from a root that stays. */
  async #turnTo(live: Live): Promise<void> {
    try {
      live.probe = await this.#inTime(this.#newProbe({ ...live, key: keyOf(live, this.#options.uri, this.rootId) }))
    } catch (failure) {
      this.#lose(live, failure)
    }
  }

  /** Only who makes or destroys a key writes, and only as long. */
  #inWritableSession<T>(act: (place: Place) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      const live = this.#live ?? await this.#reopen()
      const { cryptoki, slot } = live
      return this.#attempt(live, async () => {
        const session = cryptoki.C_OpenSession(slot, ckf.serialSession | ckf.rwSession)
        try {
          return await act({ cryptoki, session, uri: this.#options.uri })
        } finally {
          if (!this.#isStuck) cryptoki.C_CloseSession(session)
        }
      })
    })
  }

  async #attempt<T>(live: Live, act: () => Promise<T>): Promise<T> {
    try {
      return await this.#inTime(act())
    } catch (failure) {
      if (this.#isStuck) throw this.#lose(live, failure)
      await this.#prove(live)
      throw failure
    }
  }

  /** Decrypts what this opening encrypted: a session that is merely open proves nothing. */
  async #prove(live: Live): Promise<void> {
    try {
      const { token, nonce, bytes } = live.probe
      await this.#inTime(decryptInToken(token, nonce, probeContext, bytes))
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
      const live = await this.#openLive({ wanted: this.rootId, mayCreate: false })
      this.#live = live
      return live
    } catch (failure) {
      const message = failure instanceof Error ? failure.message : 'the token cannot be opened'
      throw this.#fail(new Fault('custodian/unavailable', message, { cause: failure }))
    }
  }

  async #openLive(which: { readonly wanted: string | undefined; readonly mayCreate: boolean }): Promise<Live> {
    const token = await openToken(this.#options, which)
    try {
      return { ...token, keys: new Map([[token.key.rootId, token.key]]), probe: await this.#newProbe(token) }
    } catch (cause) {
      closeToken(token.cryptoki)
      throw new Fault('custodian/start_refused', 'the token does not encrypt with AES-GCM: it may need a newer firmware', { cause })
    }
  }

  async #newProbe(token: OpenToken): Promise<Probe> {
    const nonce = this.#options.random.bytes(nonceBytes)
    return { token, nonce, bytes: await encryptInToken(token, nonce, probeContext, new Uint8Array(nonceBytes)) }
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

function keyOf(live: Live, uri: Pkcs11Uri, rootId: string): TokenKey {
  const known = live.keys.get(rootId)
  if (known !== undefined) return known
  const place = { ...live, uri }
  const found = findFamily(place).some((key) => key.rootId === rootId) ? findTokenKey(place, rootId) : undefined
  if (found === undefined) throw new Fault('custodian/key_unusable', `the root key ${uri.object} ${rootId} is not in the token`)
  live.keys.set(rootId, found)
  return found
}
