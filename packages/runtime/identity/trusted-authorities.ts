import type { X509Certificate } from 'node:crypto'
import { Fault } from '@ngome/kernel'
import { authorityMark, parseAuthorities } from './authority-bundle.ts'

/**
 * The authorities that this process trusts. They are replaced by what the custodian answers, and only step by step: a
 * bundle that shares none with the present one is refused, and an authority that was dropped never comes back, so that
 * whoever has an old one's key leads nobody back to it.
 */
export class TrustedAuthorities {
  readonly #dropped = new Set<string>()
  #pem: string
  #mark: string
  #present: readonly X509Certificate[]

  /** @throws Fault `custodian/enrolment_refused` where the text is no bundle */
  constructor(pem: string) {
    this.#present = parsed(pem)
    this.#pem = pem
    this.#mark = authorityMark(pem)
  }

  get pem(): string {
    return this.#pem
  }

  /** Names them, in their order. */
  get mark(): string {
    return this.#mark
  }

  get present(): readonly X509Certificate[] {
    return this.#present
  }

  /**
   * Checks what would take the place of the present bundle; nothing changes yet.
   * @returns makes it the present one
   * @throws Fault `custodian/enrolment_refused`
   */
  check(pem: string): { readonly authorities: readonly X509Certificate[]; readonly take: () => void } {
    const authorities = parsed(pem)
    const next = new Set(authorities.map((one) => one.fingerprint256))
    const left = this.#present.map((one) => one.fingerprint256).filter((one) => !next.has(one))
    if (left.length === this.#present.length) throw refused('no authority is one that was trusted before')
    if (authorities.some((one) => this.#dropped.has(one.fingerprint256))) throw refused('an authority comes back that was dropped')
    return {
      authorities,
      take: () => {
        for (const one of left) this.#dropped.add(one)
        this.#present = authorities
        this.#pem = pem
        this.#mark = authorityMark(pem)
      },
    }
  }
}

function parsed(pem: string): readonly X509Certificate[] {
  const authorities = parseAuthorities(pem)
  if (authorities === undefined) throw refused('what should be authorities is not')
  return authorities
}

function refused(why: string): Fault {
  return new Fault('custodian/enrolment_refused', why)
}
