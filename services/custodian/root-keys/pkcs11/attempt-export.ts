import { cka, ckrOf, exportRefusals } from './cryptoki.ts'
import type { OpenToken } from './open-token.ts'

/** Asks the token for the key's value, as a thief in this process would; what comes is dropped. */
export async function attemptExport(
  { cryptoki, session, key, model }: OpenToken,
): Promise<{ readonly isRefused: boolean; readonly by: string }> {
  try {
    const [found] = cryptoki.C_GetAttributeValue(session, key.handle, [{ type: cka.value }])
    const { value } = found ?? {}
    const isEmpty = !Buffer.isBuffer(value) || value.length === 0
    if (Buffer.isBuffer(value)) value.fill(0)
    return { isRefused: isEmpty, by: `${model}, ${isEmpty ? 'no value' : 'CKA_VALUE was readable'}` }
  } catch (failure) {
    const name = exportRefusals.get(ckrOf(failure) ?? 0)
    if (name === undefined) throw failure
    return { isRefused: true, by: `${model}, ${name}` }
  }
}
