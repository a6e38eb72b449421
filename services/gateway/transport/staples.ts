import { createHash, X509Certificate } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SecureContextOptions } from 'node:tls'
import { emit, type StapleFailure } from '@ngome/contracts'
import type { Clock, Random } from '@ngome/kernel'
import { mustStaple, ocspResponder, proveOcspResponse, x509, type Logger } from '@ngome/runtime'
import { appendPlatformEvent, findStaple, wantStaple, type Database } from '@ngome/store'
import { tlsContext, type PublicCertificate } from '../http/public-server.ts'

type Ports = {
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly monotonicMs: () => number
}
type Listener = (certificate: Buffer, issuer: Buffer, callback: (error: Error | null, response: Buffer | null) => void) => void
/** Of a TLS server. */
type Server = {
  on(event: 'OCSPRequest', listener: Listener): unknown
  off(event: 'OCSPRequest', listener: Listener): unknown
  setSecureContext(options: SecureContextOptions): void
}
/** A certificate whose authority can be asked about it, and what it said. */
type Stapled = {
  readonly leaf: X509Certificate
  readonly issuer: X509Certificate
  readonly digest: Uint8Array
  readonly chain: string
  readonly isDemanded: boolean
  /** Proven, and stapled until its end. */
  kept: { readonly response: Buffer; readonly untilMs: number } | undefined
  /** Judged already. */
  seen: Uint8Array | undefined
  wantedAtMs: number | undefined
}

const everyMs = 10_000
const wantEveryMs = 3_600_000
/** A certificate that demands a stapled answer is taken up with it, or without it after this: one that ends is worse. */
const waitMsMax = 60_000
const waitEveryMs = 1_000

/**
 * What authorities say of the served certificate (OCSP), for handshakes of clients that ask for it (RFC 6066 §8). The
 * dispatcher fetches it, the database keeps it for all gateways and the next start; each proves what it reads.
 */
export class Staples {
  readonly #ports: Ports
  readonly #server: Server
  #served: Stapled | undefined
  #next: Stapled | undefined
  #isListening = false
  #isTold = false
  readonly #answer: Listener = (certificate, _, callback) => { callback(null, this.find(certificate)) }

  constructor(ports: Ports, server: Server) {
    this.#ports = ports
    this.#server = server
  }

  /** Begins with what is kept about the certificate that the server has. */
  async begin(certificate: PublicCertificate): Promise<void> {
    this.#served = this.#adopt(certificate)
    await this.look()
  }

  /** Has the server serve another certificate; one that demands a stapled answer waits for it, for a minute at most. */
  async change(certificate: PublicCertificate): Promise<void> {
    const next = this.#next = this.#adopt(certificate)
    for (let waitedMs = 0; next !== undefined; waitedMs += waitEveryMs) {
      await this.#lookAt(next)
      if (this.#next !== next) return
      if (!next.isDemanded || next.kept !== undefined || waitedMs >= waitMsMax) break
      await sleep(waitEveryMs, undefined, { ref: false })
    }
    this.#server.setSecureContext(tlsContext(certificate))
    this.#served = next
    this.#next = undefined
    this.#listenWhileStapling()
  }

  /** Looks for a newer answer about what is served. */
  async look(): Promise<void> {
    if (this.#served !== undefined) await this.#lookAt(this.#served)
    this.#listenWhileStapling()
  }

  /** Looks again and again until it is stopped. @returns what stops it */
  keepLooking(): () => void {
    const timer = setInterval(() => void this.look(), everyMs)
    timer.unref()
    return () => clearInterval(timer)
  }

  /** @returns what to staple to this certificate (DER); `null` where nothing is proven that counts now */
  find(certificate: Uint8Array): Buffer | null {
    const served = this.#served
    // A handshake that began before a change shows the certificate before it.
    if (served?.kept === undefined || !served.leaf.raw.equals(certificate)) return null
    return served.kept.untilMs > this.#ports.clock.nowMs() ? served.kept.response : null
  }

  #adopt({ cert: chain }: PublicCertificate): Stapled | undefined {
    const [leaf, issuer] = x509.PemConverter.decode(chain).slice(0, 2).map((raw) => new X509Certificate(Buffer.from(raw)))
    if (leaf === undefined || issuer === undefined || ocspResponder(leaf) === undefined) return undefined
    const digest = createHash('sha256').update(leaf.raw).digest()
    return { leaf, issuer, digest, chain, isDemanded: mustStaple(leaf), kept: undefined, seen: undefined, wantedAtMs: undefined }
  }

  /** Whoever listens has each handshake wait for a call: nobody does while there is nothing to staple. */
  #listenWhileStapling(): void {
    const kept = this.#served?.kept
    const isListening = kept !== undefined && kept.untilMs > this.#ports.clock.nowMs()
    if (isListening === this.#isListening) return
    this.#isListening = isListening
    if (isListening) this.#server.on('OCSPRequest', this.#answer)
    else this.#server.off('OCSPRequest', this.#answer)
  }

  async #lookAt(stapled: Stapled): Promise<void> {
    const { database, logger, monotonicMs } = this.#ports
    try {
      if (stapled.wantedAtMs === undefined || monotonicMs() - stapled.wantedAtMs >= wantEveryMs) {
        const isWanted = await wantStaple(database, stapled.digest, stapled.chain)
        if (!isWanted) logger.error({ alarm: true }, 'answers about too many certificates are wanted; this one is asked about when there is room')
        stapled.wantedAtMs = monotonicMs()
      }
      const response = await findStaple(database, stapled.digest)
      if (response !== undefined) this.#judge(stapled, response)
      this.#isTold = false
    } catch (error) {
      if (!this.#isTold) logger.warn({ err: error }, 'the answer about the served certificate cannot be read; the one before is stapled while it counts')
      this.#isTold = true
    }
  }

  #judge(stapled: Stapled, response: Uint8Array): void {
    if (stapled.seen !== undefined && Buffer.from(stapled.seen).equals(response)) return
    stapled.seen = response
    const proof = proveOcspResponse(response, { ...stapled, nowMs: this.#ports.clock.nowMs() })
    if (proof.kind === 'good') stapled.kept = { response: Buffer.from(response), untilMs: proof.nextUpdateMs }
    if (proof.kind === 'revoked') stapled.kept = undefined
    // One that ended was proven once; the dispatcher tells that there is no newer one.
    if (proof.kind === 'refused' && proof.reason !== 'over') this.#raiseAlarm(stapled, proof.reason)
  }

  #raiseAlarm({ leaf: { serialNumber: serial } }: Stapled, reason: StapleFailure): void {
    const { database, clock, random, logger } = this.#ports
    logger.error({ serial, reason, alarm: true }, 'what is kept about the served certificate is not what its authority signed; the one before is stapled while it counts')
    const event = emit({ clock, random, process: 'gateway' }, 'tls.staple_unproven', null, { serial, reason })
    void appendPlatformEvent(database, event).catch((err: unknown) => logger.error({ err }, 'the event of an unproven staple could not be kept'))
  }
}
