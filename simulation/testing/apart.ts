import { parentPort, workerData } from 'node:worker_threads'
import { runSeeded } from './run-seeded.ts'

const { operations, repetitions } = workerData as { readonly operations: number; readonly repetitions?: number }
parentPort?.postMessage(await runSeeded(operations, repetitions === undefined ? {} : { repetitions }))
