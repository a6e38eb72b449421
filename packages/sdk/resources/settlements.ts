import type { Operations } from '../api/operations.ts'
import type { Settlement, SettlementPage } from '../api/report-answers.ts'
import type { CallOptions, Caller } from '../caller.ts'
import { assertId } from '../check-input.ts'
import { pagesOf, type Pages } from '../pages.ts'

/** What is paid to your bank. */
export class Settlements {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  async get(id: string, options?: CallOptions): Promise<Settlement> {
    assertId(id, 'stl')
    return this.#caller.call('getSettlement', { params: { id } }, options)
  }

  /** Newest first. */
  list(query: Operations['listSettlements']['query'] = {}, options?: CallOptions): Pages<Settlement, SettlementPage> {
    return pagesOf((cursor) => this.#caller.call('listSettlements', { query: { ...query, cursor: cursor ?? query.cursor } }, options))
  }
}
