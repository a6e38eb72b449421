import { scryptSync, timingSafeEqual } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Fault, Secret, type Random } from '@ngome/kernel'
import { createPrivateFile, readPrivateFile } from '../../store/private-file.ts'

const saltBytes = 16
const digestBytes = 32
const fileName = 'root-key.refused-pin'

/**
 * Hands out the PIN, but never again one that the token has refused: tokens lock themselves after a few wrong ones, and
 * a process that is started again and again would spend them all. What was refused is remembered on the disk, salted
 * and stretched, since a wrong PIN is often nearly the right one.
 */
export class PinGuard {
  readonly #path: string
  readonly #pinPath: string
  readonly #random: Random

  constructor({ folder, pinPath, random }: {
    readonly folder: string; readonly pinPath: string; readonly random: Random
  }) {
    this.#path = join(folder, fileName)
    this.#pinPath = pinPath
    this.#random = random
  }

  /**
   * Reads the PIN, without the line end that editors add.
   * @throws Fault `custodian/start_refused` where its file is missing, empty or open to others, or was refused before
   */
  read(): Secret<string> {
    const bytes = readPrivateFile(this.#pinPath)
    try {
      const pin = new Secret(Buffer.from(bytes).toString('utf8').replace(/\r?\n$/, ''))
      if (pin.expose((text) => text === '')) throw new Fault('custodian/start_refused', `${this.#pinPath} holds no PIN`)
      if (this.#wasRefused(pin)) throw this.#refusal()
      return pin
    } finally {
      bytes.fill(0)
    }
  }

  /** The token took the PIN; what was refused before is forgotten. */
  accepted(): void {
    rmSync(this.#path, { force: true })
  }

  /** The token refused the PIN. @returns what to throw */
  refused(pin: Secret<string>, cause: unknown): Fault {
    rmSync(this.#path, { force: true })
    const salt = this.#random.bytes(saltBytes)
    createPrivateFile(this.#path, Buffer.concat([salt, digestOf(pin, salt)]), this.#random)
    return this.#refusal(cause)
  }

  #wasRefused(pin: Secret<string>): boolean {
    if (!existsSync(this.#path)) return false
    const kept = readPrivateFile(this.#path)
    // A file that says nothing is still a sign that a PIN was refused.
    if (kept.length !== saltBytes + digestBytes) return true
    return timingSafeEqual(kept.subarray(saltBytes), digestOf(pin, kept.subarray(0, saltBytes)))
  }

  #refusal(cause?: unknown): Fault {
    return new Fault('custodian/start_refused', `the token refused the PIN in ${this.#pinPath}; it is not tried again, so `
      + `that the token does not lock: correct the file, or remove ${this.#path} where the token was what was wrong`, { cause })
  }
}

function digestOf(pin: Secret<string>, salt: Uint8Array): Uint8Array {
  return pin.expose((text) => scryptSync(text, salt, digestBytes))
}
