import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import {
  deriveClientSealedKey, openClientSealed, parseClientSealed, signStatement, type MerchantKeyStatement, type SuiteName,
} from '@ngome/envelope'
import { Secret, toBase64Url } from '@ngome/kernel'
import { newSealingParties, type SealingParties } from './sealing-parties.ts'

/** What stands at the other end of what a client seals: the custodian's word for a key, and its half of opening. */
export class VaultReader {
  readonly #parties: SealingParties

  private constructor(parties: SealingParties) {
    this.#parties = parties
  }

  static async create(suite: SuiteName): Promise<VaultReader> {
    return new VaultReader(await newSealingParties(suite))
  }

  get key(): MerchantKeyStatement {
    return { ...this.#parties.statement, retention: 'vault' }
  }

  /** The custodian's statement key, as clients pin it. */
  get pin(): string {
    return this.#parties.custodian.publicKey.export({ format: 'jwk' }).x ?? ''
  }

  /** @returns base64url */
  statement(changes: Partial<MerchantKeyStatement> = {}, signer: KeyObject = this.#parties.custodian.privateKey): string {
    return toBase64Url(signStatement({ ...this.key, ...changes }, signer))
  }

  /** A statement that says the same, by somebody else's key. */
  forgedStatement(): string {
    return this.statement({}, generateKeyPairSync('ed25519').privateKey)
  }

  /**
   * Opens what a client sealed.
   * @param changes as which other key's it is opened
   * @throws Fault `envelope/open_refused`
   */
  async open(text: string, type: string, changes: Partial<MerchantKeyStatement> = {}): Promise<string> {
    const parts = parseClientSealed(Buffer.from(text, 'base64url'))
    if (parts === undefined) throw new TypeError('this is not what a client seals')
    const { privateKey } = this.#parties.merchantKey
    const secret = await deriveClientSealedKey({ key: { ...this.key, ...changes }, type, enc: parts.enc, privateKey })
    return Buffer.from(openClientSealed(new Secret(secret), parts)).toString('utf8')
  }
}
