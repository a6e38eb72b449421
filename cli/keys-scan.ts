import type { ApiKeyId } from '@ngome/kernel'
import { exitCodes, Misuse, type Command } from './command.ts'
import { scanFolder, type FoundInFile } from './scan/scan-folder.ts'
import { scanHistory } from './scan/scan-history.ts'

const toldEveryMs = 2_000
/** Places that are printed; past them the keys matter, and those are all named. */
const placesMax = 1_000

export const keysScan: Command = {
  name: 'keys scan',
  summary: 'Look for API keys in files, or in all of a git history; say which, never what they are.',
  operands: [{ name: 'path', about: 'a folder or a file; with --git a repository', isRequired: true }],
  options: { git: { type: 'boolean', about: 'everything that the repository keeps: each version of each file, messages, what no branch reaches' } },
  async run(context, { operands, options, isJson }) {
    const path = operands['path'] ?? ''
    const [places, keys, unread]: [FoundInFile[], Set<ApiKeyId>, string[]] = [[], new Set(), []]
    let looked = 0
    let toldAtMs = context.clock.nowMs()
    const scan = {
      onFound: (found: FoundInFile): void => {
        keys.add(found.key)
        if (places.length < placesMax) places.push(found)
        if (!isJson) context.out(`${found.place}  ${found.key}`)
      },
      onLooked: (): void => {
        looked++
        const nowMs = context.clock.nowMs()
        if (nowMs - toldAtMs < toldEveryMs) return
        toldAtMs = nowMs
        context.err(`${looked} looked at, ${keys.size} keys found`)
      },
      onUnread: (place: string): void => void unread.push(place),
    }
    if (options['git'] === true) await scanHistory(path, scan).catch((cause: unknown) => { throw new Misuse(cause instanceof Error ? cause.message : 'git failed', { cause }) })
    else await scanFolder(path, scan)
    if (isJson) context.out(JSON.stringify({ looked, keys: [...keys], places, unread }))
    for (const place of unread) context.err(`ngome: ${place} could not be read`)
    if (keys.size > 0) {
      context.err(`${keys.size} keys found. Whoever read them can use them: revoke each, then look at what it was used for (docs/runbooks/api-keys.md).`)
      for (const key of keys) context.err(`  ngome keys revoke ${key}`)
    } else if (!isJson) context.err(`${looked} looked at, no keys found`)
    return keys.size === 0 && unread.length === 0 ? exitCodes.done : exitCodes.failed
  },
}
