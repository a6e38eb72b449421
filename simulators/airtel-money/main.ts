import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { runUntilStopped } from '../common/run-until-stopped.ts'
import { tokenLifeSDefault } from './callers.ts'
import { startSimulator } from './start-simulator.ts'

const settingsSchema = z.object({
  AIRTEL_MONEY_SIMULATOR_HOST: z.string().default('127.0.0.1'),
  /** 0 takes any free port; the ready message and the log name it. */
  AIRTEL_MONEY_SIMULATOR_PORT: z.coerce.number().int().min(0).max(65_535).default(8450),
  AIRTEL_MONEY_SIMULATOR_FOLDER: z.string().min(1).default(join('.ngome', 'simulators', 'airtel-money')),
  AIRTEL_MONEY_SIMULATOR_SEED: z.coerce.number().int().min(0).max(0xffff_ffff).default(1),
  AIRTEL_MONEY_SIMULATOR_DECIDE_AFTER_MS: z.coerce.number().int().min(0).default(400),
  AIRTEL_MONEY_SIMULATOR_DELAYED_AFTER_MS: z.coerce.number().int().min(0).default(4_000),
  AIRTEL_MONEY_SIMULATOR_EXPIRE_AFTER_MS: z.coerce.number().int().min(0).default(180_000),
  AIRTEL_MONEY_SIMULATOR_TOKEN_LIFE_S: z.coerce.number().int().min(1).max(3_600).default(tokenLifeSDefault),
  AIRTEL_MONEY_SIMULATOR_CALLS_PER_SECOND_MAX: z.coerce.number().int().min(1).default(20),
  AIRTEL_MONEY_SIMULATOR_CALLBACK_CA: z.string().min(1).optional(),
})

const environment = settingsSchema.parse(process.env)
const log = (line: object): void => {
  process.stdout.write(`${JSON.stringify({ time: Date.now(), process: 'simulator-airtel-money', ...line })}\n`)
}

const simulator = await startSimulator({
  host: environment.AIRTEL_MONEY_SIMULATOR_HOST,
  port: environment.AIRTEL_MONEY_SIMULATOR_PORT,
  folder: environment.AIRTEL_MONEY_SIMULATOR_FOLDER,
  seed: environment.AIRTEL_MONEY_SIMULATOR_SEED,
  delays: {
    soon: environment.AIRTEL_MONEY_SIMULATOR_DECIDE_AFTER_MS,
    delayed: environment.AIRTEL_MONEY_SIMULATOR_DELAYED_AFTER_MS,
    expiry: environment.AIRTEL_MONEY_SIMULATOR_EXPIRE_AFTER_MS,
  },
  tokenLifeS: environment.AIRTEL_MONEY_SIMULATOR_TOKEN_LIFE_S,
  callsPerSecondMax: environment.AIRTEL_MONEY_SIMULATOR_CALLS_PER_SECOND_MAX,
  callbacks: { method: 'POST', authorityPath: environment.AIRTEL_MONEY_SIMULATOR_CALLBACK_CA },
}, { nowMs: () => Date.now(), randomBytes: (length) => randomBytes(length) }, log)

runUntilStopped(simulator, log)
