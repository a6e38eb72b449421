import { execFile } from 'node:child_process'
import { join } from 'node:path'

/** A check is a tool that is silent where all is well; each counts as one test. */
export const checks = [
  { name: 'types', bin: 'tsc', args: ['-p', '.'] },
  { name: 'lint', bin: 'oxlint', args: [] },
] as const

/** The type checker and the linter take seconds; minutes mean that they hang. */
const checkMsMax = 180_000
const outputBytesMax = 8 * 1024 ** 2

export function runCheck(root: string, check: (typeof checks)[number]): Promise<{ isPassed: boolean; output: string }> {
  const bin = join(root, 'node_modules', '.bin', check.bin)
  return new Promise((resolve) => {
    execFile(bin, check.args, { cwd: root, encoding: 'utf8', timeout: checkMsMax, maxBuffer: outputBytesMax }, (error, stdout, stderr) => {
      resolve({ isPassed: error === null, output: `${stdout}${stderr}` || (error?.message ?? '') })
    })
  })
}
