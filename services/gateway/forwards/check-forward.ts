import { forwardTokens, type CreateForward } from '@ngome/contracts'
import { Fault, type FieldFault, type VaultTokenId } from '@ngome/kernel'

/**
 * Checks what a schema cannot, and finds the tokens.
 * @throws Fault `request/invalid` that names the fields, and never what stood in them
 */
export function checkForward(body: CreateForward): readonly VaultTokenId[] {
  const found = forwardTokens(body)
  const fields: FieldFault[] = found.ok ? [] : [...found.fields]
  if (body.json !== undefined && body.form !== undefined) {
    fields.push({ pointer: '/form', detail: 'Send json or form, not both.' })
  }
  if (body.method === 'GET' && (body.json !== undefined || body.form !== undefined)) {
    fields.push({ pointer: '/method', detail: 'A GET has no body.' })
  }
  if (fields.length > 0 || !found.ok) throw new Fault('request/invalid', fields.map(({ pointer }) => pointer).join(' '), { fields })
  return found.tokens
}
