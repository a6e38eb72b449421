import { Fault, systemClock, systemRandom } from '@ngome/kernel'
import {
  createLogger, createMetrics, launcherChannel, loadConfig, onShutdown, processFolder, type Config, type Logger,
} from '@ngome/runtime'
import { ownIdentity } from './authority/own-identity.ts'
import { listen } from './calls/listen.ts'
import type { Settings } from './custodian.ts'
import { awaitSuccessor } from './key-life/await-successor.ts'
import { keepWorkingOnKeys } from './key-life/work-on-keys.ts'
import { watchCheckpoints } from './log/watch-checkpoints.ts'
import { watchLog } from './log/watch-log.ts'
import { openCustodian } from './open-custodian.ts'
import { keyLifeMs } from './openings/data-key-cache.ts'
import { sweepBudgets } from './openings/sweep-budgets.ts'
import { waitForShares } from './root-keys/shares/wait-for-shares.ts'
import { watchRootKey } from './root-keys/watch-root-key.ts'

/** Calls that run are answered; then nothing is left to wait for. */
const closeDeadlineMs = 5_000
const shutdownMaxMs = 10_000

const config = loadConfig(process.env)
const logger = createLogger({ process: 'custodian', level: config.log.level })
const waiting = waitForShares(logger)
try {
  await start(config, logger)
} catch (error) {
  if (!(error instanceof Fault)) throw error
  if (waiting.signal.aborted) logger.info({ err: error }, 'shut down while it waited')
  else logger.fatal({ err: error }, 'the custodian cannot start')
  // Whoever listened for the end of the wait holds the process.
  process.exit(waiting.signal.aborted ? 0 : 1)
}

async function start(config: Config, logger: Logger): Promise<void> {
  const custodian = await openCustodian({
    folder: processFolder(config, 'custodian'),
    database: config.custodian.database,
    enrolmentKeyPath: config.custodian.enrolmentKeyPath,
    rootKey: config.custodian.rootKey,
    previousRootKey: config.custodian.previousRootKey,
    settings: settingsOf(config),
    clock: systemClock,
    random: systemRandom,
    alarm: (alarm) => logger.error({ alarm }, 'somebody should look at this now'),
    waiting,
  })
  const { name, isProtected } = custodian.root.describe()
  if (!isProtected) logger.warn({ root: name }, 'the root key is a file: a copy of this disk is a copy of every key')
  const identity = await ownIdentity(custodian, logger)
  const { host, port, enrolmentPort } = config.custodian
  const server = await listen(custodian, {
    identity, host, port, enrolmentPort, logger, metrics: createMetrics({ process: 'custodian' }),
  })
  identity.startRenewal()
  const endWatch = watchRootKey(custodian, logger)
  const endKeyWork = keepWorkingOnKeys(custodian, logger)
  const endCeremonies = awaitSuccessor(custodian, logger)
  const endCheckpoints = watchCheckpoints(custodian, logger)
  const endLogWatch = watchLog(custodian, logger)
  const sweep = setInterval(() => {
    custodian.dataKeys.sweep()
    sweepBudgets(custodian).catch((err: unknown) => logger.warn({ err }, 'ended budgets were not cleared away'))
  }, keyLifeMs)
  onShutdown({
    totalMs: shutdownMaxMs,
    logger,
    steps: [
      { name: 'servers', deadlineMs: closeDeadlineMs, run: () => server.close() },
      { name: 'identity', deadlineMs: closeDeadlineMs, run: () => identity.stop() },
      { name: 'store', deadlineMs: closeDeadlineMs, run: async () => {
        endWatch()
        await endCeremonies()
        await endKeyWork()
        await endLogWatch()
        clearInterval(sweep)
        endCheckpoints()
        custodian.dataKeys.clear()
        await custodian.store.close()
      } },
      { name: 'root key', deadlineMs: closeDeadlineMs, run: () => custodian.root.close() },
    ],
  })
  logger.info({ port: server.port, enrolmentPort: server.enrolmentPort }, 'the custodian listens')
  launcherChannel().tell({ type: 'ready' })
}

function settingsOf({ custodian, dispatcher, gateway, keys }: Config): Settings {
  return {
    certificateLifeMs: keys.certificateLifeS * 1000,
    merchantKeyPeriodMs: keys.merchantKeyPeriodS * 1000,
    merchantKeySuite: keys.suite,
    keyPolicy: {
      rootAgeMsMax: keys.policy.rootAgeS * 1000, authorityAgeMsMax: keys.policy.authorityAgeS * 1000,
      pepperAgeMsMax: keys.policy.pepperAgeS * 1000,
      pepperKeptMs: keys.policy.pepperKeptS * 1000,
      indexAgeMsMax: keys.policy.indexAgeS * 1000,
      destructionWaitMs: keys.policy.destructionWaitS * 1000,
    },
    ownKeyPolicy: { scopes: keys.policy.merchantKeyScopes, lifeMsMax: keys.policy.merchantApiKeyLifeS * 1000 },
    publicNames: gateway.certificateNames,
    internalNames: {
      custodian: [custodian.host], gateway: [gateway.internalHost], dispatcher: [dispatcher.internalHost], operator: [], auditor: [],
    },
  }
}
