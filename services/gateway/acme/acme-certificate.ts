import type { X509Certificate } from 'node:crypto'
import { emit, type CertificateRefusal } from '@ngome/contracts'
import { newId, type AcmeOrderId, type Clock, type Random } from '@ngome/kernel'
import { certificateNames, newPublicCertificateRequest, sameNames, type Logger } from '@ngome/runtime'
import { endAcmeOrder, findAcmeOrders, insertAcmeOrder, type AcmeOrderRow, type Database } from '@ngome/store'
import type { PublicCertificate } from '../http/public-server.ts'
import { tellLoaded, tellRefused } from '../transport/tell-certificate.ts'
import type { AcmeFolder, KeptCertificate } from './acme-folder.ts'
import { judgeIssued } from './judge-issued.ts'
import { renewalTimeMs } from './renewal-time.ts'

export type AcmeCertificatePorts = {
  readonly folder: AcmeFolder
  /** Names that are ordered, and those of them under which this gateway answers. */
  readonly names: readonly string[]
  readonly publicNames: readonly string[]
  /** What clients trust, PEM; asked at each look. */
  readonly roots: () => readonly string[]
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}
type OnLoaded = (certificate: PublicCertificate) => void

/** Asked often while an order is open, and else now and then: a certificate lives for weeks. */
const openEveryMs = 2_000
const everyMs = 15_000
/** After an order that came to nothing; what an authority issued wrongly once it will issue wrongly again soon. */
const refusedPauseMs = 6 * 3_600_000
const failedPauseMs = 3_600_000

/** The certificate that this gateway orders by ACME: kept in its folder, renewed in time, taken up when it is good. */
export class AcmeCertificate {
  readonly #ports: AcmeCertificatePorts
  #served: { readonly order: AcmeOrderId; readonly leaf: X509Certificate } | undefined
  #toldRefused: AcmeOrderId | undefined

  constructor(ports: AcmeCertificatePorts) {
    this.#ports = ports
  }

  /** What the folder has from before; `undefined` where that may not be served. */
  first(): PublicCertificate | undefined {
    return this.#takeCurrent()
  }

  /** Looks after orders until it is stopped. @returns what stops it */
  watch(onLoaded: OnLoaded): () => void {
    let timer: NodeJS.Timeout | undefined
    let isStopped = false
    const look = async (): Promise<void> => {
      let isOpen = false
      try {
        isOpen = await this.look(onLoaded)
      } catch (error) {
        this.#ports.logger.warn({ err: error }, 'orders of certificates could not be looked after; trying again')
      }
      if (!isStopped) timer = setTimeout(() => void look(), isOpen ? openEveryMs : everyMs).unref()
    }
    void look()
    return () => {
      isStopped = true
      clearTimeout(timer)
    }
  }

  /** One look. @returns whether an order is open @throws Fault `store/unavailable` */
  async look(onLoaded: OnLoaded): Promise<boolean> {
    const { folder, database } = this.#ports
    const orders = await findAcmeOrders(database, folder.instance)
    // Another process of this folder may have taken up another one. It writes the folder before the row, and we look in the
    // other order: else what it installed in between would be a row that is over, and we order another.
    const current = this.#takeCurrent()
    if (current !== undefined) onLoaded(current)
    const open = orders.find(({ state }) => state === 'requested' || state === 'ordered' || state === 'issued')
    if (open !== undefined) return this.#follow(open, onLoaded)
    return this.#isDue(orders) && await this.#order()
  }

  async #follow(open: AcmeOrderRow, onLoaded: OnLoaded): Promise<boolean> {
    const { folder, database, clock, names, logger } = this.#ports
    const key = folder.keyOf(open.id)
    if (key === undefined || !sameNames(open.names, names)) {
      logger.warn({ order: open.id, hasKey: key !== undefined }, 'an order that is of no use here is withdrawn')
      await endAcmeOrder(database, open.id, { state: 'withdrawn' }, clock.nowMs())
      return true
    }
    if (open.state !== 'issued' || open.chain === null) return true
    const verdict = this.#judge({ order: open.id, chain: open.chain, key })
    if (verdict.ok) {
      // The folder first: who dies in between finds the row still open, and says the same again.
      folder.install(open.id, open.chain)
      this.#served = { order: open.id, leaf: verdict.leaf }
      onLoaded(verdict.certificate)
      if (await endAcmeOrder(database, open.id, { state: 'installed' }, clock.nowMs())) tellLoaded(this.#ports, verdict.leaf)
      folder.keepOnly([open.id])
    } else if (await endAcmeOrder(database, open.id, { state: 'refused', refusal: verdict.reason }, clock.nowMs())) {
      tellRefused(this.#ports, verdict.reason)
    }
    return false
  }

  #isDue([newest, ...others]: readonly AcmeOrderRow[]): boolean {
    const nowMs = this.#ports.clock.nowMs()
    const { endedAtMs, renewalAskedAtMs, state } = newest ?? { endedAtMs: null, renewalAskedAtMs: null, state: undefined }
    if (renewalAskedAtMs !== null && endedAtMs !== null && renewalAskedAtMs > endedAtMs) return true
    const pauseMs = state === 'refused' ? refusedPauseMs : state === 'failed' ? failedPauseMs : 0
    if (endedAtMs !== null && nowMs < endedAtMs + pauseMs) return false
    if (this.#served === undefined) return true
    const { order, leaf } = this.#served
    const row = [...newest === undefined ? [] : [newest], ...others].find(({ id }) => id === order)
    return !sameNames(certificateNames(leaf), this.#ports.names) || nowMs >= renewalTimeMs(leaf, row?.renewAtMs ?? null)
  }

  /** @returns whether an order is open now */
  async #order(): Promise<boolean> {
    const { folder, database, clock, random, names, logger } = this.#ports
    const id = newId('acmeOrder', { clock, random })
    const { csr, privateKey } = await newPublicCertificateRequest(names)
    folder.keepKey(id, privateKey)
    const event = emit({ clock, random, process: 'gateway' }, 'tls.acme_ordered', null, { order: id, names: [...names] })
    const came = await insertAcmeOrder(database, { id, instance: folder.instance, names, csr, requestedAtMs: clock.nowMs() }, event)
    if (came === 'too_many') {
      logger.error({ alarm: true }, 'no certificate is ordered: all gateways together ordered as many as a day may have')
      folder.keepOnly(this.#served === undefined ? [] : [this.#served.order])
    }
    return came !== 'too_many'
  }

  /** @returns the certificate of the folder where it is another than the one that is served, and good */
  #takeCurrent(): PublicCertificate | undefined {
    const kept = this.#ports.folder.current()
    if (kept === undefined || kept.order === this.#served?.order || kept.order === this.#toldRefused) return undefined
    const verdict = this.#judge(kept)
    if (verdict.ok) {
      this.#served = { order: kept.order, leaf: verdict.leaf }
      return verdict.certificate
    }
    this.#toldRefused = kept.order
    tellRefused(this.#ports, verdict.reason satisfies CertificateRefusal)
    return undefined
  }

  #judge({ chain, key }: KeptCertificate): ReturnType<typeof judgeIssued> {
    const { names, publicNames, roots, clock } = this.#ports
    return judgeIssued({ chain, key }, { names, publicNames, roots: roots(), nowMs: clock.nowMs() })
  }
}
