import { forwardTokens, sealedForwardSchema, suffixBelow, type SealedForward } from '@ngome/contracts'
import { parseStrictJson, type VaultTokenId } from '@ngome/kernel'
import type { ProvenDestination } from '@ngome/signatures'
import type { SealedForwardRow } from '@ngome/store'
import type { Dispatcher } from '../dispatcher.ts'

export type OpenedTemplate = { readonly template: SealedForward; readonly tokens: readonly VaultTokenId[] }
export type TemplateOpening =
  | { readonly kind: 'opened'; readonly opened: OpenedTemplate }
  /** What was sealed is not what the row says, or no template. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'later'; readonly reason: string }

/** A template nests one deeper than the body in it. */
const templateBounds = { depthMax: 10, nodesMax: 2_048 }

/**
 * Opens a forward's template and decides again what the gateway decided: that it goes below this address, by a method
 * that is allowed there, and is whole.
 * @throws Fault `custodian/unavailable`
 */
export async function openTemplate(
  { openSealed }: Pick<Dispatcher, 'openSealed'>, row: SealedForwardRow, destination: ProvenDestination, signal: AbortSignal,
): Promise<TemplateOpening> {
  if (row.sealed === null) return { kind: 'refused', reason: 'no template' }
  const opening = await openSealed('forward-template', {
    dataKey: row.dataKey,
    context: { tenant: row.tenant, table: 'forwards', recordId: row.id, dataClass: 'restricted', version: 1 },
    blob: row.sealed,
  }, signal)
  if (opening.kind === 'later') return opening
  if (opening.kind === 'unopenable') return { kind: 'refused', reason: opening.reason }
  const json = parseStrictJson(opening.plaintext, templateBounds)
  opening.plaintext.fill(0)
  const parsed = sealedForwardSchema.safeParse(json.ok ? json.value : undefined)
  if (!parsed.success) return { kind: 'refused', reason: 'what was sealed is no template' }
  const template = parsed.data
  if (template.destination !== destination.id) return { kind: 'refused', reason: 'the row names another address than was sealed' }
  const isAllowed = destination.methods.includes(template.method) && suffixBelow(destination.url, template.url) !== undefined
  if (!isAllowed) return { kind: 'refused', reason: 'a template that is not below its address' }
  const { url, headers, json: body, form } = template
  const found = forwardTokens({ url, headers, json: body ?? undefined, form: form ?? undefined })
  return found.ok
    ? { kind: 'opened', opened: { template, tokens: found.tokens } } : { kind: 'refused', reason: 'a template with tokens that are none' }
}
