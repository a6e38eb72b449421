import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { getCACertificates } from 'node:tls'
import { Secret, systemClock as clock, systemRandom as random } from '@ngome/kernel'
import {
  configuredApprovals, configuredMaintenance, createLogger, createMetrics, custodianClient, enrol, internalServer, isWordOf, launcherChannel, loadConfig, onShutdown,
  processFolder, publicRoots, untilItStands, type ReadinessCheck,
} from '@ngome/runtime'
import { openDatabase, postgresPayments, type Workers } from '@ngome/store'
import { AccountKeeper } from './acme/account.ts'
import { watchOrders } from './acme/watch-orders.ts'
import { alarmOnSpentBudget } from './custodian/alarm-on-spent-budget.ts'
import { fingerprintComputer } from './custodian/compute-fingerprint.ts'
import { fetchSecrets } from './custodian/fetch-secrets.ts'
import { merchantKeyStates } from './custodian/standing-keys.ts'
import { opener } from './custodian/open-sealed.ts'
import type { Dispatcher } from './dispatcher.ts'
import { createEgressGuard } from './egress/egress-guard.ts'
import { nameServerResolver, systemResolver } from './egress/resolver.ts'
import { networkChecksRoute } from './networks/check-networks.ts'
import { connectNetworks } from './networks/connect-networks.ts'
import { NetworkWatch } from './networks/network-watch.ts'
import { readCredentials } from './networks/read-credentials.ts'
import { SendingWitness } from './payments/sending-witness.ts'
import { followCustodianLog } from './process/follow-custodian-log.ts'
import { keepHouseHourly } from './process/housekeeping.ts'
import { runEvery } from './process/run-every.ts'
import { selfTests } from './process/self-tests.ts'
import { startJobs } from './process/start-jobs.ts'
import { followStaples } from './transport/follow-staples.ts'
import { watchPublicTls } from './transport/watch-public-tls.ts'
import { watchKeys } from './usage/watch-keys.ts'
import { openVaultToken } from './vault/open-vault-token.ts'

/** Jobs hold one for milliseconds, and none while they wait for others; two dispatchers stay below the role's limit. */
const databaseConnections = 10
/** Jobs in hand get this long to end; one that is cut off runs again elsewhere, and is made to. */
const jobsGraceMs = 8_000
/** How soon others hear that a network is away, and we that one is closed. */
const networkWatchMs = 2_000

const config = loadConfig(process.env)
const token = new Secret(process.env['NGOME_ENROLMENT_TOKEN'] ?? '')
const logger = createLogger({ process: 'dispatcher', level: config.log.level })
const channel = launcherChannel()
const base = { clock, random, logger }
const folder = processFolder(config, 'dispatcher')

const { acme } = config.gateway.tls
const egress = createEgressGuard({
  providers: config.networks, allowPrivate: config.egress.allowPrivate, ownAddresses: config.gateway.tls.watched,
  resolve: nameServerResolver(), resolveOperators: systemResolver,
  ...(acme === undefined ? {} : { certificateAuthority: { directoryUrl: acme.directoryUrl, trust: readTrust(acme.authorityPath) } }),
})
const networkWatch = new NetworkWatch({ clock, random }, configuredMaintenance(config.networks))
const networks = networkWatch.guard(connectNetworks(config.networks, readCredentials(join(folder, 'providers.json')), egress, clock, random))

const identity = await enrol({
  ...base, config, token, role: 'dispatcher', onExpired: () => void shutdown.begin('the certificate expired'),
})
identity.startRenewal()
const custodian = custodianClient(identity, config)
const { host, port, name, tls } = config.database
const database = openDatabase({
  host, port, database: name, user: 'ngome_dispatcher',
  password: new Secret(readFileSync(join(folder, 'db-password'), 'utf8').trim()),
  applicationName: 'dispatcher', poolMax: databaseConnections,
  ...(tls ? { tlsAuthority: getCACertificates('default').join('\n') } : {}),
  onIdleError: (error) => logger.warn({ err: error }, 'a database connection broke'),
})
const metrics = createMetrics({ process: 'dispatcher' })
networkWatch.measure(metrics)
const stopping = new AbortController()
/** Empty until the work begins. */
const running: { workers?: Workers } = {}

const readiness: Record<string, ReadinessCheck> = {
  started: () => (running.workers === undefined ? 'starting' : null),
  database: async () => database.ping().then(() => null),
}
const internal = await internalServer({
  ...base, identity, metrics, readiness,
  host: config.dispatcher.internalHost,
  port: config.dispatcher.internalPort,
  routes: [networkChecksRoute(networks, clock)],
  selfTests: selfTests({ custodian, egress, clock, random }),
})

const shutdown = onShutdown({
  logger,
  totalMs: 2 * jobsGraceMs + 6_000,
  steps: [
    { name: 'housekeeping', deadlineMs: 100, run: () => stopping.abort() },
    { name: 'jobs', deadlineMs: 2 * jobsGraceMs + 1_000, run: () => running.workers?.stop(jobsGraceMs) },
    { name: 'word to the launcher', deadlineMs: 100, run: () => channel.tell({ type: 'drained' }) },
    { name: 'internal server', deadlineMs: 1_000, run: () => internal.close() },
    { name: 'egress', deadlineMs: 100, run: () => egress.close() },
    { name: 'database', deadlineMs: 2_000, run: () => database.close() },
    { name: 'identity', deadlineMs: 100, run: () => [custodian.close(), identity.stop()] },
  ],
})
channel.onDrain(() => void shutdown.begin('drain'))

const secrets = await untilItStands('the custodian', logger, () => fetchSecrets(custodian))
await untilItStands('the database', logger, () => database.ping())
const openSealed = alarmOnSpentBudget(opener(custodian, identity.statementKey, random), { ...base, db: database })
const dispatcher: Dispatcher = {
  ...base,
  db: database,
  payments: postgresPayments(database),
  monotonicMs: () => performance.now(),
  witness: new SendingWitness(() => performance.now()),
  sleep,
  openSealed,
  openCard: (tenant, token, signal) => openVaultToken({ db: database, openSealed, clock }, 'charge', tenant, token, signal),
  computeFingerprint: fingerprintComputer(custodian, secrets.indexOuter),
  statementKey: identity.statementKey,
  merchantKeyState: merchantKeyStates({ custodian, clock }),
  approvals: configuredApprovals(config.payouts),
  egress,
  networks,
  isOperatorsWord: (subject, word, atMs) => isWordOf('operator', word, subject, { authority: identity.authority, atMs }),
  callbacks: { baseUrl: config.dispatcher.callbackBaseUrl, secret: secrets.callback },
  webhooks: {
    attemptsMax: config.webhooks.attemptsMax,
    firstRetryMs: config.webhooks.firstRetryS * 1_000,
    retryMaxMs: config.webhooks.retryMaxS * 1_000,
    retryForMs: config.webhooks.retryForS * 1_000,
    timeoutMs: config.webhooks.timeoutMs,
    warnAfterMs: config.webhooks.warnAfterS * 1_000,
    disableAfterMs: config.webhooks.disableAfterS * 1_000,
    disableAfterTries: config.webhooks.disableAfterTries,
  },
}
// What is closed is known before anything is sent.
await untilItStands('the standing of networks', logger, () => networkWatch.look(database))
runEvery(networkWatchMs, 'the watch over networks', logger, stopping.signal, () => networkWatch.look(database))
running.workers = startJobs(dispatcher, metrics, config.payouts.batchRowsAtOnce)
keepHouseHourly(dispatcher, custodian, {
  webhookSecretAgeMs: config.keys.policy.webhookSecretAgeS * 1_000,
  apiKeyAgeMs: config.keys.policy.apiKeyAgeS * 1_000,
  apiKeyUnusedMs: config.keys.policy.apiKeyUnusedS * 1_000,
  usage: config.usage,
  timeZone: config.ledger.timeZone,
  settlement: config.settlement,
}, stopping.signal)
watchKeys({ ...base, db: database, onAnomaly: config.usage.onAnomaly }, stopping.signal)
followCustodianLog({ ...base, custodian, db: database }, stopping.signal)
watchPublicTls({
  ...base, db: database, egress, statementKey: identity.statementKey,
  roots: () => publicRoots(config.gateway.tls, identity.authority),
  isRenewedByItself: config.gateway.tls.certificatePath === undefined,
  plannedRootChange: config.gateway.tls.plannedRootChange,
}, { addresses: config.gateway.tls.watched, intervalMs: config.gateway.tls.checkEveryS * 1_000 }, stopping.signal)
followStaples({
  ...base, db: database, egress, roots: () => publicRoots(config.gateway.tls, identity.authority), names: config.gateway.certificateNames,
}, stopping.signal)
if (acme !== undefined) {
  watchOrders({ ...base, db: database, egress, settings: acme, accounts: new AccountKeeper(folder, acme, random) }, stopping.signal)
}
logger.info({ networks: [...networks.keys()] }, 'working')
channel.tell({ type: 'ready' })

/** Whom the authority's own HTTPS is trusted by. */
function readTrust(path: string | undefined): { readonly authorities?: readonly string[] } {
  return path === undefined ? {} : { authorities: [readFileSync(path, 'utf8')] }
}
