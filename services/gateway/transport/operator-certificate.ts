import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { Fault, type Clock, type Random } from '@ngome/kernel'
import type { Logger } from '@ngome/runtime'
import type { Database } from '@ngome/store'
import type { PublicCertificate } from '../http/public-server.ts'
import { judgeCertificate, type CertificateFiles, type CertificateVerdict } from './judge-certificate.ts'
import { tellLoaded, tellRefused } from './tell-certificate.ts'

/** Files are asked rather than watched: a rename, a link that changes its target and a network file system look alike. */
const everyMs = 2_000

type Ports = {
  readonly paths: { readonly certificatePath: string; readonly keyPath: string }
  readonly names: readonly string[]
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}
type Look = { readonly mark: string; readonly files: CertificateFiles | undefined }

/**
 * The operator's certificate and key, taken up again whenever the files are others. A pair is judged once both have stood
 * still for two looks, since two files are not written at once; one that is refused is told, and the pair before stays.
 */
export class OperatorCertificate {
  readonly #ports: Ports
  #seen = ''
  #judged = ''

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /** The pair to begin with. @throws Fault `config/invalid` where it may not be served: there is none before it to stay */
  first(): PublicCertificate {
    const look = this.#look()
    const verdict = this.#judge(look)
    this.#seen = this.#judged = look.mark
    if (verdict.ok) return verdict.certificate
    const { certificatePath, keyPath } = this.#ports.paths
    // As root each process has a user of its own, which at the first start nobody has heard of yet.
    const user = process.getuid?.()
    const whom = verdict.reason === 'unreadable' && user !== undefined ? ` by this process, which is user ${user}` : ''
    throw new Fault('config/invalid', `${certificatePath} and ${keyPath} cannot be served: ${verdict.reason}${whom}`)
  }

  /** Looks at the files until it is stopped. @returns what stops it */
  watch(onLoaded: (certificate: PublicCertificate) => void): () => void {
    const timer = setInterval(() => this.look(onLoaded), everyMs)
    timer.unref()
    return () => clearInterval(timer)
  }

  /** One look. */
  look(onLoaded: (certificate: PublicCertificate) => void): void {
    const look = this.#look()
    const isStanding = look.mark === this.#seen
    this.#seen = look.mark
    if (!isStanding || look.mark === this.#judged) return
    this.#judged = look.mark
    const verdict = this.#judge(look)
    if (verdict.ok) {
      onLoaded(verdict.certificate)
      tellLoaded(this.#ports, verdict.leaf)
    } else tellRefused(this.#ports, verdict.reason)
  }

  #judge({ files }: Look): CertificateVerdict {
    if (files === undefined) return { ok: false, reason: 'unreadable' }
    return judgeCertificate(files, { names: this.#ports.names, nowMs: this.#ports.clock.nowMs() })
  }

  #look(): Look {
    const { certificatePath, keyPath } = this.#ports.paths
    try {
      const chain = readFileSync(certificatePath, 'utf8')
      const { text: key, mode: keyMode } = readWithMode(keyPath)
      return { mark: createHash('sha256').update(`${keyMode}\n${chain}\n${key}`).digest('base64'), files: { chain, key, keyMode } }
    } catch {
      return { mark: 'unreadable', files: undefined }
    }
  }
}

/** Mode and text of the same file, whatever is moved into its place meanwhile. */
function readWithMode(path: string): { readonly text: string; readonly mode: number } {
  const fd = openSync(path, 'r')
  try {
    return { mode: fstatSync(fd).mode & 0o777, text: readFileSync(fd, 'utf8') }
  } finally {
    closeSync(fd)
  }
}
