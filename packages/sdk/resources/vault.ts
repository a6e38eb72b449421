import type { CreateVaultTokensAnswer, ListVaultKeysAnswer, VaultToken, VaultTokenPage } from '../api/answers.ts'
import type { Operations } from '../api/operations.ts'
import type { CreateVaultToken } from '../api/requests.ts'
import type { CallOptions, Caller } from '../caller.ts'
import { assertId } from '../check-input.ts'
import { pagesOf, type Pages } from '../pages.ts'

export class VaultTokens {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** A value, or what a client sealed (`@ngome/sealer`): all that a publishable key may hand in. */
  async create(token: CreateVaultToken, options?: CallOptions): Promise<VaultToken> {
    return this.#caller.call('createVaultToken', { body: token }, options)
  }

  /** Up to 500 in one transaction; each has its own result. */
  async createBatch(tokens: readonly CreateVaultToken[], options?: CallOptions): Promise<CreateVaultTokensAnswer> {
    return this.#caller.call('createVaultTokens', { body: { tokens } }, options)
  }

  async get(id: string, options?: CallOptions): Promise<VaultToken> {
    assertId(id, 'tok')
    return this.#caller.call('getVaultToken', { params: { id } }, options)
  }

  /** Newest first. */
  list(query: Operations['listVaultTokens']['query'] = {}, options?: CallOptions): Pages<VaultToken, VaultTokenPage> {
    return pagesOf((cursor) => this.#caller.call('listVaultTokens', { query: { ...query, cursor: cursor ?? query.cursor } }, options))
  }

  async delete(id: string, options?: CallOptions): Promise<void> {
    assertId(id, 'tok')
    await this.#caller.call('deleteVaultToken', { params: { id } }, options)
  }
}

export class Vault {
  readonly tokens: VaultTokens
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
    this.tokens = new VaultTokens(caller)
  }

  /** The keys to seal values to, each as the custodian signed it; `@ngome/sealer` checks that. */
  async keys(options?: CallOptions): Promise<ListVaultKeysAnswer> {
    return this.#caller.call('listVaultKeys', {}, options)
  }
}
