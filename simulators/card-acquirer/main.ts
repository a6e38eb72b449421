import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { runUntilStopped } from '../common/run-until-stopped.ts'
import { startSimulator } from './start-simulator.ts'

const settingsSchema = z.object({
  CARD_ACQUIRER_SIMULATOR_HOST: z.string().default('127.0.0.1'),
  /** 0 takes any free port; the ready message and the log name it. */
  CARD_ACQUIRER_SIMULATOR_PORT: z.coerce.number().int().min(0).max(65_535).default(8452),
  CARD_ACQUIRER_SIMULATOR_FOLDER: z.string().min(1).default(join('.ngome', 'simulators', 'card-acquirer')),
  CARD_ACQUIRER_SIMULATOR_SEED: z.coerce.number().int().min(0).max(0xffff_ffff).default(1),
  CARD_ACQUIRER_SIMULATOR_DECIDE_AFTER_MS: z.coerce.number().int().min(0).default(400),
  CARD_ACQUIRER_SIMULATOR_DELAYED_AFTER_MS: z.coerce.number().int().min(0).default(4_000),
  CARD_ACQUIRER_SIMULATOR_CHALLENGE_FOR_MS: z.coerce.number().int().min(0).default(600_000),
  CARD_ACQUIRER_SIMULATOR_CALLS_PER_SECOND_MAX: z.coerce.number().int().min(1).default(50),
  CARD_ACQUIRER_SIMULATOR_CALLBACK_CA: z.string().min(1).optional(),
})

const environment = settingsSchema.parse(process.env)
const log = (line: object): void => {
  process.stdout.write(`${JSON.stringify({ time: Date.now(), process: 'simulator-card-acquirer', ...line })}\n`)
}

const simulator = await startSimulator({
  host: environment.CARD_ACQUIRER_SIMULATOR_HOST,
  port: environment.CARD_ACQUIRER_SIMULATOR_PORT,
  folder: environment.CARD_ACQUIRER_SIMULATOR_FOLDER,
  seed: environment.CARD_ACQUIRER_SIMULATOR_SEED,
  delays: {
    soon: environment.CARD_ACQUIRER_SIMULATOR_DECIDE_AFTER_MS,
    delayed: environment.CARD_ACQUIRER_SIMULATOR_DELAYED_AFTER_MS,
    challenge: environment.CARD_ACQUIRER_SIMULATOR_CHALLENGE_FOR_MS,
  },
  callsPerSecondMax: environment.CARD_ACQUIRER_SIMULATOR_CALLS_PER_SECOND_MAX,
  callbacks: { method: 'POST', authorityPath: environment.CARD_ACQUIRER_SIMULATOR_CALLBACK_CA },
}, { nowMs: () => Date.now(), randomBytes: (length) => randomBytes(length) }, log)

runUntilStopped(simulator, log)
