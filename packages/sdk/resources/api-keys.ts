import type { ApiKey, ApiKeyPage, CreatedApiKey, RolledApiKey } from '../api/answers.ts'
import type { Operations } from '../api/operations.ts'
import type { CreateApiKey, RollApiKey } from '../api/requests.ts'
import type { CallOptions, Caller } from '../caller.ts'
import { assertId } from '../check-input.ts'
import { pagesOf, type Pages } from '../pages.ts'

/** Your own API keys. Whatever changes them has to be signed: give the client a `signingKey`. */
export class ApiKeys {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** Newest first: what each may do, when it was used last, and whether it should be rolled. */
  list(query: Operations['listApiKeys']['query'] = {}, options?: CallOptions): Pages<ApiKey, ApiKeyPage> {
    return pagesOf((cursor) => this.#caller.call('listApiKeys', { query: { ...query, cursor: cursor ?? query.cursor } }, options))
  }

  async get(id: string, options?: CallOptions): Promise<ApiKey> {
    assertId(id, 'key')
    return this.#caller.call('getApiKey', { params: { id } }, options)
  }

  /** Its text is in this answer, once; `null` where a retry got the answer again: then `roll` gives another. */
  async create(key: CreateApiKey, options?: CallOptions): Promise<CreatedApiKey> {
    return this.#caller.call('createApiKey', { body: key }, options)
  }

  /** A successor that may do the same, its text in this answer, once; the old key works until `old_key_works_until`. */
  async roll(id: string, overlap: RollApiKey = {}, options?: CallOptions): Promise<RolledApiKey> {
    assertId(id, 'key')
    return this.#caller.call('rollApiKey', { params: { id }, body: overlap }, options)
  }

  async revoke(id: string, options?: CallOptions): Promise<ApiKey> {
    assertId(id, 'key')
    return this.#caller.call('revokeApiKey', { params: { id } }, options)
  }

  /** Ends the key of this client, which needs no signature: for one that leaked. */
  async revokeThis(options?: CallOptions): Promise<ApiKey> {
    return this.#caller.call('revokeThisApiKey', {}, options)
  }
}
