import type { z } from 'zod'
import { completeConfig } from './complete-config.ts'
import { configObject } from './fields.ts'
import { checkConfig } from './rules.ts'

/** The whole configuration: bounds, what follows from other values, and the rules across fields. */
export const configSchema = configObject.transform(completeConfig).superRefine(checkConfig)

export type Config = z.output<typeof configSchema>
