import type { ListAlertsAnswer, ListRequestsAnswer, ListUsageAnswer } from '../api/answers.ts'
import type { Operations } from '../api/operations.ts'
import type { CallOptions, Caller } from '../caller.ts'
import { pagesOf, type Pages } from '../pages.ts'

/** How your keys are used. */
export class Usage {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** Counts by key and minute or hour, the earliest first. */
  async list(query: Operations['listUsage']['query'] = {}, options?: CallOptions): Promise<ListUsageAnswer> {
    return this.#caller.call('listUsage', { query }, options)
  }

  /** Your own request log, newest first. */
  requests(query: Operations['listRequests']['query'] = {}, options?: CallOptions): Pages<ListRequestsAnswer['data'][number], ListRequestsAnswer> {
    return pagesOf((cursor) => this.#caller.call('listRequests', { query: { ...query, cursor: cursor ?? query.cursor } }, options))
  }

  /** What was unusual about the use of your keys, newest first. */
  alerts(query: Operations['listAlerts']['query'] = {}, options?: CallOptions): Pages<ListAlertsAnswer['data'][number], ListAlertsAnswer> {
    return pagesOf((cursor) => this.#caller.call('listAlerts', { query: { ...query, cursor: cursor ?? query.cursor } }, options))
  }
}
