import type { Clock, Random, Secret, Tenant } from '@ngome/kernel'
import { configuredApprovals, type Config, type CustodianClient, type Identity, type Logger } from '@ngome/runtime'
import { findPinSet, postgresEvents, postgresPayments, type Database } from '@ngome/store'
import { findEncryptionKey } from './access/find-encryption-key.ts'
import { createApiKey } from './api-keys/create-api-key.ts'
import { getApiKey } from './api-keys/get-api-key.ts'
import { listApiKeys } from './api-keys/list-api-keys.ts'
import { revokeApiKey, revokeThisApiKey } from './api-keys/revoke-api-key.ts'
import { rollApiKey } from './api-keys/roll-api-key.ts'
import { openApiDocument } from './api/openapi.ts'
import { referencePage } from './api/reference-page.ts'
import { receiveCallback } from './callbacks/receive-callback.ts'
import { checkoutHandlers } from './checkout/checkout-handlers.ts'
import { getEvent } from './events/get-event.ts'
import { listEvents } from './events/list-events.ts'
import { createForward } from './forwards/create-forward.ts'
import { getForward } from './forwards/get-forward.ts'
import { jsonType, pageHeaders, type Answer } from './http/answer.ts'
import type { Handlers } from './http/call.ts'
import { formlessAlarm, type ListPorts } from './http/shown-rows.ts'
import type { GatewaySecrets } from './keys/custodian-secrets.ts'
import type { DataKeys } from './keys/data-keys.ts'
import type { MerchantStatements } from './keys/merchant-statements.ts'
import { getLimits } from './limits/get-limits.ts'
import type { Limits } from './limits/compose-limits.ts'
import { listNetworks } from './networks/list-networks.ts'
import type { NetworkBoard } from './networks/network-board.ts'
import { moneyHandlers } from './payments/money-handlers.ts'
import { reportHandlers } from './statements/report-handlers.ts'
import { getPins } from './transport/get-pins.ts'
import { PinSets } from './transport/pin-sets.ts'
import { exportRequests } from './usage/export-requests.ts'
import { listAlerts } from './usage/list-alerts.ts'
import { listRequests } from './usage/list-requests.ts'
import { listUsage } from './usage/list-usage.ts'
import { createVaultToken } from './vault/create-vault-token.ts'
import { createVaultTokens } from './vault/create-vault-tokens.ts'
import { deleteVaultToken } from './vault/delete-vault-token.ts'
import { getVaultToken } from './vault/get-vault-token.ts'
import { listVaultKeys } from './vault/list-vault-keys.ts'
import { listVaultTokens } from './vault/list-vault-tokens.ts'
import { changeWebhookEndpoint } from './webhook-endpoints/change-webhook-endpoint.ts'
import { createWebhookEndpoint, type CreateWebhookEndpointPorts } from './webhook-endpoints/create-webhook-endpoint.ts'
import { deleteWebhookEndpoint } from './webhook-endpoints/delete-webhook-endpoint.ts'
import { enableWebhookEndpoint } from './webhook-endpoints/enable-webhook-endpoint.ts'
import { listWebhookDeliveries } from './webhook-endpoints/list-webhook-deliveries.ts'
import { listWebhookEndpoints } from './webhook-endpoints/list-webhook-endpoints.ts'
import { replaceWebhookSecret } from './webhook-endpoints/replace-webhook-secret.ts'
import { replayWebhookDelivery } from './webhook-endpoints/replay-webhook-delivery.ts'
import { replayWebhookEndpoint } from './webhook-endpoints/replay-webhook-endpoint.ts'
import type { StateTermsPorts } from './webhook-endpoints/state-terms.ts'

/** How long a browser may keep the documentation; it changes with a release. */
const documentCacheS = 300

export type HandlerPorts = {
  readonly config: Pick<Config, 'gateway' | 'networks' | 'egress' | 'keys' | 'payouts'>
  readonly custodian: CustodianClient
  readonly version: string
  readonly secrets: GatewaySecrets
  readonly database: Database
  readonly dataKeys: DataKeys
  readonly statements: MerchantStatements
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly monotonicMs: () => number
  readonly identity: Pick<Identity, 'statementKey'>
  readonly limits: Pick<Limits, 'view'>
  readonly board: NetworkBoard
}

/** Gives each operation of the table its handler. */
export function createHandlers(from: HandlerPorts): Handlers {
  const { config, secrets, database, board, dataKeys, statements, clock, random, identity: { statementKey } } = from
  const payments = postgresPayments(database)
  const lists: ListPorts = { cursorSecret: secrets.idempotency, onFormless: formlessAlarm(from) }
  const writing = { database, payments, dataKeys, clock, random, idempotencySecret: secrets.idempotency, eventSecret: secrets.callback }
  const providers = new Set(Object.values(config.networks).map((network) => network.connector))
  const callbacks = { payments, dataKeys, clock, random, providers, callbackSecret: secrets.callback }
  const stating = {
    allowedAddresses: config.egress.allowPrivate, termsSecret: secrets.callback,
    findEncryptionKey: (tenant: Tenant) => findEncryptionKey({ database, clock, statementKey }, tenant),
  }
  const forwarding = { ...writing, statementKey, answerSecret: secrets.idempotency, waiting: { count: 0 } }
  const pinSets = new PinSets({ ...from, find: () => findPinSet(database), statementKey })
  const { policy } = config.keys
  const keys = {
    ...from, ...lists, statementKey, idempotencySecret: secrets.idempotency,
    policy: { scopes: policy.merchantKeyScopes, lifeMsMax: policy.merchantApiKeyLifeS * 1_000 },
    reminders: { ageMs: policy.apiKeyAgeS * 1_000, unusedMs: policy.apiKeyUnusedS * 1_000 },
  }
  const [openApi, reference] = documents(from.version)
  return {
    getLimits: (call) => getLimits(from, call),
    ...moneyHandlers({ ...writing, networks: config.networks, board, approvals: configuredApprovals(config.payouts), ...lists }),
    listNetworks: (call) => listNetworks({ networks: config.networks, board }, call),
    ...checkoutHandlers(from, writing),
    ...webhookHandlers({ ...writing, ...lists }, stating),
    createVaultToken: (call) => createVaultToken({ ...writing, statements }, call),
    createVaultTokens: (call) => createVaultTokens({ ...writing, statements }, call),
    listVaultKeys: (call) => listVaultKeys({ statements }, call),
    getVaultToken: (call) => getVaultToken({ database, clock }, call),
    listVaultTokens: (call) => listVaultTokens({ database, clock, ...lists }, call),
    deleteVaultToken: (call) => deleteVaultToken({ database, clock, random }, call),
    createForward: (call) => createForward(forwarding, call),
    getForward: (call) => getForward(forwarding, call),
    listApiKeys: (call) => listApiKeys(keys, call),
    getApiKey: (call) => getApiKey(keys, call),
    createApiKey: (call) => createApiKey(keys, call),
    rollApiKey: (call) => rollApiKey(keys, call),
    revokeApiKey: (call) => revokeApiKey(keys, call),
    revokeThisApiKey: (call) => revokeThisApiKey(keys, call),
    ...reportHandlers({ database, payments, ...lists }),
    listUsage: (call) => listUsage({ database, clock }, call),
    listRequests: (call) => listRequests({ database, ...lists }, call),
    exportRequests: (call) => exportRequests({ database }, call),
    listAlerts: (call) => listAlerts({ database, ...lists }, call),
    receiveCallback: (call) => receiveCallback(callbacks, call),
    receiveCallbackByPut: (call) => receiveCallback(callbacks, call),
    getPins: () => getPins({ pinSets, clock }),
    getOpenApi: () => openApi,
    getReference: () => reference,
  }
}

function webhookHandlers(
  writing: ListPorts & Omit<CreateWebhookEndpointPorts, keyof StateTermsPorts> & { readonly eventSecret: Secret<Uint8Array> }, stating: StateTermsPorts,
) {
  const reading = { ...writing, events: postgresEvents(writing.database) }
  return {
    listEvents: (call) => listEvents(reading, call),
    getEvent: (call) => getEvent(reading, call),
    createWebhookEndpoint: (call) => createWebhookEndpoint({ ...writing, ...stating }, call),
    changeWebhookEndpoint: (call) => changeWebhookEndpoint({ ...writing, ...stating }, call),
    listWebhookEndpoints: (call) => listWebhookEndpoints(reading, call),
    listWebhookDeliveries: (call) => listWebhookDeliveries(reading, call),
    deleteWebhookEndpoint: (call) => deleteWebhookEndpoint(writing, call),
    replaceWebhookSecret: (call) => replaceWebhookSecret(writing, call),
    enableWebhookEndpoint: (call) => enableWebhookEndpoint(writing, call),
    replayWebhookEndpoint: (call) => replayWebhookEndpoint(reading, call),
    replayWebhookDelivery: (call) => replayWebhookDelivery(writing, call),
  } satisfies Partial<Handlers>
}

/** Made once: they say the same for as long as the process lives. */
function documents(version: string): readonly [Answer, Answer] {
  const document = openApiDocument(version)
  const { html, contentSecurityPolicy } = referencePage(document)
  return [
    { status: 200, contentType: jsonType, body: JSON.stringify(document), headers: pageHeaders, cacheS: documentCacheS },
    { status: 200, contentType: 'text/html; charset=utf-8', body: html, headers: pageHeaders, contentSecurityPolicy, cacheS: documentCacheS },
  ]
}
