import type { Operations } from '../api/operations.ts'
import type { ChangeWebhookEndpoint, CreateWebhookEndpoint, ReplaceWebhookSecret, ReplayEndpoint } from '../api/requests.ts'
import type { CreatedWebhookEndpoint, WebhookDelivery, WebhookDeliveryPage, WebhookEndpoint, WebhookEndpointPage, WebhookReplay } from '../api/webhook-answers.ts'
import type { CallOptions, Caller } from '../caller.ts'
import { assertId } from '../check-input.ts'
import { pagesOf, type Pages } from '../pages.ts'

export class WebhookEndpoints {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** Its secret is in this answer, once; `null` where a retry got the answer again: then `replaceSecret` gives a new one. */
  async create(endpoint: CreateWebhookEndpoint, options?: CallOptions): Promise<CreatedWebhookEndpoint> {
    return this.#caller.call('createWebhookEndpoint', { body: endpoint }, options)
  }

  /** States it anew and whole: where events go, and whether they are encrypted. Its secret stays. */
  async change(id: string, endpoint: ChangeWebhookEndpoint, options?: CallOptions): Promise<WebhookEndpoint> {
    assertId(id, 'whe')
    return this.#caller.call('changeWebhookEndpoint', { params: { id }, body: endpoint }, options)
  }

  /** All of them; there are few. */
  async list(options?: CallOptions): Promise<WebhookEndpointPage> {
    return this.#caller.call('listWebhookEndpoints', {}, options)
  }

  /** What was told to it, newest first: each event with its attempts, and when it is tried again. */
  deliveries(id: string, query: Operations['listWebhookDeliveries']['query'] = {}, options?: CallOptions): Pages<WebhookDelivery, WebhookDeliveryPage> {
    assertId(id, 'whe')
    return pagesOf((cursor) => this.#caller.call('listWebhookDeliveries', { params: { id }, query: { ...query, cursor: cursor ?? query.cursor } }, options))
  }

  /** Tells it again what it missed since a time, in order; `continue_from` is the `since` of the next call, where there is more. */
  async replay(id: string, replay: ReplayEndpoint, options?: CallOptions): Promise<WebhookReplay> {
    assertId(id, 'whe')
    return this.#caller.call('replayWebhookEndpoint', { params: { id }, body: replay }, options)
  }

  /** Tells one delivery again, under its own id. */
  async replayDelivery(id: string, options?: CallOptions): Promise<WebhookDelivery> {
    assertId(id, 'whd')
    return this.#caller.call('replayWebhookDelivery', { params: { id } }, options)
  }

  /** Lets events go to it again, where it was disabled for it did not answer. */
  async enable(id: string, options?: CallOptions): Promise<WebhookEndpoint> {
    assertId(id, 'whe')
    return this.#caller.call('enableWebhookEndpoint', { params: { id } }, options)
  }

  async delete(id: string, options?: CallOptions): Promise<void> {
    assertId(id, 'whe')
    await this.#caller.call('deleteWebhookEndpoint', { params: { id } }, options)
  }

  /** A new secret; for a time both sign, and `verifyWebhook` takes both. */
  async replaceSecret(id: string, replacement: ReplaceWebhookSecret = {}, options?: CallOptions): Promise<CreatedWebhookEndpoint> {
    assertId(id, 'whe')
    return this.#caller.call('replaceWebhookSecret', { params: { id }, body: replacement }, options)
  }
}
