import type { Operations } from '../api/operations.ts'
import type { GetStatementAnswer } from '../api/report-answers.ts'
import type { CallOptions, Caller } from '../caller.ts'
import { pagesOf, type Pages } from '../pages.ts'

/** Your account, by closed days. */
export class Statements {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** The entries in the order in which they were posted; each page carries the balances of the whole. */
  get(query: Operations['getStatement']['query'], options?: CallOptions): Pages<GetStatementAnswer['data'][number], GetStatementAnswer> {
    return pagesOf((cursor) => this.#caller.call('getStatement', { query: { ...query, cursor: cursor ?? query.cursor } }, options))
  }
}
