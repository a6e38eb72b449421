import type { FieldFault, JsonValue } from '@ngome/kernel'
import type { z } from 'zod'

/** The most faults that one answer names; an integrator repairs a few at a time. */
const faultsMax = 16

/** What a schema did not like, as pointers and fixed sentences: neither a value nor an unknown name is echoed. */
export function schemaFaults(error: z.ZodError, input: unknown): readonly FieldFault[] {
  return error.issues.slice(0, faultsMax).map((issue) => ({
    pointer: pointerOf(issue.path),
    detail: issue.code === 'invalid_type' && isAbsent(issue.path, input) ? 'This field is required.' : sentences[issue.code],
  }))
}

const sentences: Readonly<Record<z.core.$ZodIssue['code'], string>> = {
  invalid_type: 'This has the wrong type.',
  too_big: 'This is too long or too large.',
  too_small: 'This is too short or too small.',
  invalid_format: 'This is not well formed.',
  not_multiple_of: 'This is not well formed.',
  unrecognized_keys: 'This has members that are not known here.',
  invalid_union: 'This is none of the allowed forms.',
  invalid_key: 'This has members that are not known here.',
  invalid_element: 'This has an element that is not allowed.',
  invalid_value: 'This is not one of the allowed values.',
  custom: 'This is not valid.',
}

/** RFC 6901; the names come from our schemas, never from the input. */
function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

function isAbsent(path: readonly PropertyKey[], input: unknown): boolean {
  let at = input as JsonValue | undefined
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return false
    at = (at as Readonly<Record<PropertyKey, JsonValue>>)[part]
  }
  return at === undefined
}
