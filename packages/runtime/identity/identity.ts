import type { KeyObject } from 'node:crypto'
import { Fault, type Clock, type ProcessRole, type Random, type Secret, type SignerId } from '@ngome/kernel'
import type { Logger } from '../logs/create-logger.ts'
import { newCertificateRequest, type CertificateRequest } from './certificate-request.ts'
import { checkCertificate } from './check-certificate.ts'
import { TrustedAuthorities } from './trusted-authorities.ts'

/** A certificate is renewed when this part of its life is over: a third is left to try again in. */
const renewAfterPart = 2 / 3
const retryMaxMs = 30_000
const retryMinMs = 100
/** All processes hear of other authorities at about the same time. */
const toldSpreadMs = 2_000

/** What a TLS endpoint of this process shows and trusts, for servers, `setSecureContext` and agents alike. */
export type IdentityContext = {
  readonly key: string
  readonly cert: string
  readonly ca: string
  readonly minVersion: 'TLSv1.3'
}

/** Who this process is: its certificate, renewed while it runs, and what it trusts. */
export type Identity = {
  readonly role: ProcessRole
  readonly signerId: SignerId | null
  /** The custodian's key (Ed25519) for statements, refusals and checkpoints. */
  readonly statementKey: KeyObject
  /** The certificates of the authorities that are trusted now, PEM, the one that issues first. */
  readonly authority: string
  /** When the present certificate ends. */
  notAfterMs(): number
  isExpired(): boolean
  /** @throws Fault `identity/expired`: an expired identity neither serves nor calls */
  secureContext(): IdentityContext
  /** Calls the listener after each renewal; the answer stops that. */
  onRenewal(listener: () => void): () => void
  startRenewal(): void
  /**
   * Hears which authorities the custodian gives out now (`authorityMark`): where they are others than ours, the certificate
   * is renewed soon, and the answer brings them.
   */
  hearAuthorities(mark: string): void
  stop(): void
}

export type Credentials = { readonly privateKey: Secret<string>; readonly certificate: string }

export type IdentityParts = {
  readonly role: ProcessRole
  readonly signerId: SignerId | null
  readonly statementKey: KeyObject
  /** PEM, as `parseAuthorities` reads it. */
  readonly authority: string
  readonly first: CertificateRequest & { readonly certificate: string }
  /** Asks for a certificate for this request, and the authorities of now; `present` is what proves who asks. */
  readonly renew: (csr: string, present: IdentityContext) => Promise<{ readonly certificate: string; readonly authority: string }>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** The certificate ended before it could be renewed: the process has to end and enrol anew. */
  readonly onExpired?: () => void
}

/**
 * Makes the identity from a first certificate.
 * @throws Fault `custodian/enrolment_refused` where the certificate is not what this process asked for
 */
export function createIdentity(parts: IdentityParts): Identity {
  return new RenewedIdentity(parts)
}

class RenewedIdentity implements Identity {
  readonly role: ProcessRole
  readonly signerId: SignerId | null
  readonly statementKey: KeyObject
  readonly #parts: IdentityParts
  readonly #trusted: TrustedAuthorities
  readonly #listeners = new Set<() => void>()
  #present: Present
  #timer: NodeJS.Timeout | undefined
  #isStopped = false
  #isRenewing = false
  /** The certificate with which other authorities were heard of: one renewal early for each. */
  #told: Present | undefined

  constructor(parts: IdentityParts) {
    this.role = parts.role
    this.signerId = parts.signerId
    this.statementKey = parts.statementKey
    this.#parts = parts
    this.#trusted = new TrustedAuthorities(parts.authority)
    this.#present = accept(parts, this.#trusted, parts.first, { certificate: parts.first.certificate, authority: parts.authority })
  }

  get authority(): string {
    return this.#trusted.pem
  }

  notAfterMs(): number {
    return this.#present.notAfterMs
  }

  isExpired(): boolean {
    return this.#leftMs() <= 0
  }

  secureContext(): IdentityContext {
    if (this.isExpired()) throw new Fault('identity/expired', `the certificate of ${this.role} has expired`)
    return this.#present.context
  }

  onRenewal(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  startRenewal(): void {
    if (this.#timer === undefined) this.#schedule(this.#leftMs() * renewAfterPart)
  }

  hearAuthorities(mark: string): void {
    if (this.#timer === undefined || this.#isRenewing || this.#told === this.#present || mark === this.#trusted.mark) return
    this.#told = this.#present
    clearTimeout(this.#timer)
    this.#schedule(toldSpreadMs * (this.#parts.random.bytes(1)[0] ?? 0) / 256)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  #leftMs(): number {
    return this.#present.notAfterMs - this.#parts.clock.nowMs()
  }

  #schedule(delayMs: number): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(() => void this.#renew(), Math.max(0, delayMs))
    // The process lives for its servers; a renewal alone keeps nobody waiting.
    this.#timer.unref()
  }

  async #renew(): Promise<void> {
    this.#isRenewing = true
    try {
      const request = await newCertificateRequest(this.role)
      this.#present = accept(this.#parts, this.#trusted, request, await this.#parts.renew(request.csr, this.secureContext()))
    } catch (error) {
      this.#tryAgain(error)
      return
    } finally {
      this.#isRenewing = false
    }
    this.#parts.logger.info({ notAfter: new Date(this.notAfterMs()).toISOString() }, 'certificate renewed')
    this.#schedule(this.#leftMs() * renewAfterPart)
    for (const listener of this.#listeners) listener()
  }

  #tryAgain(error: unknown): void {
    if (this.#isStopped) return
    const { logger, onExpired, random } = this.#parts
    if (this.isExpired()) {
      logger.fatal({ err: error }, 'the certificate has expired and was not renewed: enrol anew')
      onExpired?.()
    } else {
      logger.warn({ err: error }, 'the certificate was not renewed; trying again')
      this.#schedule(Math.min(retryDelayMs(this.#leftMs(), random), this.#leftMs()))
    }
  }
}

type Present = { readonly context: IdentityContext; readonly notAfterMs: number }

function accept(
  { role, clock }: IdentityParts, trusted: TrustedAuthorities, request: CertificateRequest,
  { certificate, authority }: { readonly certificate: string; readonly authority: string },
): Present {
  const { authorities, take } = trusted.check(authority)
  const leaf = checkCertificate({ certificate, authorities, publicKey: request.publicKey, role, clock })
  take()
  return {
    notAfterMs: leaf.validToDate.getTime(),
    context: {
      key: request.privateKey.expose((pem) => pem), cert: certificate, ca: authority, minVersion: 'TLSv1.3',
    },
  }
}

/** Eight tries at least in the time that is left, apart enough not to be a flood. */
function retryDelayMs(leftMs: number, random: Random): number {
  const spread = 0.5 + (random.bytes(1)[0] ?? 0) / 512
  return Math.max(retryMinMs, Math.min(retryMaxMs, leftMs / 8) * spread)
}
