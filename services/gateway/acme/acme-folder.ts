import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { newId, parseId, type AcmeOrderId, type Clock, type GatewayInstanceId, type Random, type Secret } from '@ngome/kernel'
import { readOwnFile, writeOwnFile } from '@ngome/runtime'

export type KeptCertificate = { readonly order: AcmeOrderId; readonly chain: string; readonly key: string }

/**
 * A gateway's own folder for certificates that it ordered: each order's key (0600), the chain of what was issued, and which
 * of them is served. Processes that follow each other in it share it, and nobody else. Each file is whole or not there.
 */
export class AcmeFolder {
  readonly instance: GatewayInstanceId
  readonly #path: string
  readonly #random: Random

  /** @param own the gateway's folder */
  constructor(own: string, from: { readonly clock: Clock; readonly random: Random }) {
    this.#path = join(own, 'acme')
    this.#random = from.random
    mkdirSync(this.#path, { recursive: true, mode: 0o700 })
    const kept = parseId('gatewayInstance', this.#read('instance')?.trim() ?? '')
    this.instance = kept ?? newId('gatewayInstance', from)
    if (kept === undefined) this.#write('instance', `${this.instance}\n`)
  }

  /** Keeps a new order's key, before anybody hears of the order. */
  keepKey(order: AcmeOrderId, key: Secret<string>): void {
    key.expose((pem) => this.#write(`${order}.key`, pem))
  }

  keyOf(order: AcmeOrderId): string | undefined {
    return this.#read(`${order}.key`)
  }

  /** Keeps a chain that was found good, and has it served from now on, also by the next process. */
  install(order: AcmeOrderId, chain: string): void {
    this.#write(`${order}.pem`, chain)
    this.#write('current', `${order}\n`)
  }

  /** What is served, or is to be; `undefined` before the first. */
  current(): KeptCertificate | undefined {
    const order = parseId('acmeOrder', this.#read('current')?.trim() ?? '')
    if (order === undefined) return undefined
    const [chain, key] = [this.#read(`${order}.pem`), this.keyOf(order)]
    return chain === undefined || key === undefined ? undefined : { order, chain, key }
  }

  /** Removes keys and chains of all orders but these, and what of them a process that died had only begun to write. */
  keepOnly(orders: readonly AcmeOrderId[]): void {
    for (const name of readdirSync(this.#path)) {
      const order = parseId('acmeOrder', name.split('.')[0] ?? '')
      if (order !== undefined && !orders.includes(order)) rmSync(join(this.#path, name), { force: true })
    }
  }

  #read(name: string): string | undefined {
    return readOwnFile(join(this.#path, name))
  }

  #write(name: string, text: string): void {
    writeOwnFile(join(this.#path, name), text, { random: this.#random })
  }
}
