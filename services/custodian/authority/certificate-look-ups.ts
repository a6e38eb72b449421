import type { Reading, Row } from '../store/store.ts'

/**
 * Looks certificates up for callers. Calls that arrive in one turn of the event loop share a look, which begins after all of
 * them came: nobody is told what was true before he asked, and a busy caller costs one statement a turn.
 */
export class CertificateLookUps {
  readonly #store: Reading
  /** Looks that have not begun. */
  readonly #waiting = new Map<string, Promise<Row | undefined>>()

  constructor(store: Reading) {
    this.#store = store
  }

  /** @returns kind, role, end, revocation and person of the certificate with this serial number */
  find(serial: string): Promise<Row | undefined> {
    const waiting = this.#waiting.get(serial)
    if (waiting !== undefined) return waiting
    const { promise, resolve } = Promise.withResolvers<Row | undefined>()
    this.#waiting.set(serial, promise)
    setImmediate(() => {
      this.#waiting.delete(serial)
      resolve(this.#store.get(certificateSql, serial))
    })
    return promise
  }
}

const certificateSql = `SELECT c.kind, c.role, c.not_after_ms, c.revoked_at_ms, s.staff FROM certificates c
  LEFT JOIN staff_certificates s ON s.serial = c.serial WHERE c.serial = ?`
