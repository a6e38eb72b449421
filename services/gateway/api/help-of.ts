import type { FaultCode } from '@ngome/kernel'
import { commonFaults, operationNames, operations } from './operations.ts'

/** Every code that the API's document promises to explain. */
export const explainedCodes: ReadonlySet<FaultCode> = new Set([...commonFaults, ...operationNames.flatMap((name) => operations[name].faults)])

/** What a code's heading in the reference is named. */
export function anchorOf(code: string): string {
  return code.replaceAll('/', '-')
}

/** Where a code is explained, on the API's own origin: its line of the reference, or that of all errors where it has none. */
export function helpOf(code: FaultCode): string {
  return `/reference#${explainedCodes.has(code) ? anchorOf(code) : 'errors'}`
}
