/**
 * `npm test`: types, lint, then every test file; the last line is `N passed, N failed, N skipped`. Arguments choose test
 * files by a part of their path, for work on one room; the coverage gate needs all of them and rests then.
 */
import { fileURLToPath } from 'node:url'
import { setUpSystem } from './setup-system.ts'
import { coverageGaps, coveragePercent, gatedRooms, LineCounts } from './testing/coverage.ts'
import { findTestFiles } from './testing/find-test-files.ts'
import { checks, runCheck } from './testing/run-check.ts'
import { makeRunFolder } from './testing/run-folder.ts'
import { runTestFile, type FileResult } from './testing/run-test-file.ts'
import { slowest, type TimeTaken } from './testing/slowest.ts'

const fileMsMax = 180_000
const platformFileMsMax = 300_000
/**
 * A run is meant to take less than fifteen minutes, which two quiet cores do. A machine that is slower, or busy, is not a
 * failure of the code, so the end comes later than that; what has not run by then has failed.
 */
const totalMsMax = 40 * 60_000

const root = fileURLToPath(new URL('..', import.meta.url))
const isCi = process.env['CI'] === 'true'
const filters = process.argv.slice(2)
const isWhole = filters.length === 0
const total = { passed: 0, failed: 0, skipped: 0 }
const counts = new LineCounts()
const took: TimeTaken[] = []

function tellCheck(name: string, problems: string): void {
  const isPassed = problems === ''
  total[isPassed ? 'passed' : 'failed']++
  console.log(`${isPassed ? 'ok  ' : 'FAIL'} ${name}`)
  if (!isPassed) console.log(problems.replace(/^/gm, '       '))
}

function tellFile(result: FileResult): void {
  total.passed += result.passed
  total.failed += result.failed
  total.skipped += result.skipped
  counts.add(result.coverage)
  const parts = [`${result.passed} passed`]
  if (result.failed > 0) parts.push(`${result.failed} failed`)
  if (result.skipped > 0) parts.push(`${result.skipped} skipped`)
  console.log(`${result.failed > 0 ? 'FAIL' : 'ok  '} ${result.file}: ${parts.join(', ')} (${(result.tookMs / 1000).toFixed(1)} s)`)
  for (const { name, reason } of result.skips) console.log(`       skipped: ${name}: ${reason}`)
  for (const { name, reason } of result.failures) console.log(`       ${name}\n${reason.replace(/^/gm, '         ')}`)
  if (result.failed > 0 && result.output !== '') console.log(`       it printed:\n${result.output.replace(/^/gm, '       | ')}`)
}

/** A gated room's lines are its own tests' to run; counting them in all others would only slow those down. */
function isGated(file: string): boolean {
  return gatedRooms.some((room) => file.startsWith(`${room}/`))
}

/** Runs files one after the other, until nothing is left of any list, and takes from the first list that has one. */
async function runLane(...lists: readonly (readonly [lane: string, files: string[], timeMsMax: number])[]): Promise<void> {
  for (;;) {
    const [lane, files, timeMsMax] = lists.find((list) => list[1].length > 0) ?? []
    const file = files?.shift()
    if (lane === undefined || file === undefined || timeMsMax === undefined) return
    const leftMs = totalMsMax - performance.now()
    if (leftMs <= 0) {
      tellCheck(file, 'did not run: the whole run is over its bound')
      continue
    }
    const result = await runTestFile(file, { root, timeMsMax: Math.min(timeMsMax, leftMs), hasCoverage: isWhole && isGated(file) })
    tellFile(result)
    took.push({ file, lane, tookMs: result.tookMs })
  }
}

// What the files of this run need alike is made by the first of them, and copied by the others.
const { folder, remove } = makeRunFolder()
process.env['TEST_RUN_FOLDER'] = folder.shared
process.env['TMPDIR'] = folder.temporary
process.once('exit', remove)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

if (isCi) setUpSystem()
const { side, platform, waiting } = findTestFiles(root, filters)
// Side by side, as the type checker keeps one core only.
await Promise.all((isWhole ? checks : []).map(async (check) => {
  const { isPassed, output } = await runCheck(root, check)
  tellCheck(check.name, isPassed ? '' : output || 'failed without a word')
}))
if (side.length + platform.length + waiting.length === 0) tellCheck('test files', 'none was found')
const others = ['side', side, fileMsMax] as const
// Two at once, as the smallest machine that we aim at has two cores, and a third: first of those that hardly need one, then
// of the others, since most of them wait now and then, for a disk, a clock or a process that starts.
await Promise.all([
  runLane(['platform', platform, platformFileMsMax], others),
  runLane(others),
  runLane(['waiting', waiting, platformFileMsMax], others),
])
if (isWhole) {
  for (const room of gatedRooms) {
    const percent = coveragePercent(root, room, counts).toFixed(1)
    tellCheck(`coverage of ${room}: ${percent} % of lines`, coverageGaps(root, room, counts).join('\n'))
  }
}
if (isWhole) console.log(slowest(took))
if (isCi && total.skipped > 0) console.log('FAIL: with CI=true a skipped test is a failure')
process.exitCode = total.failed > 0 || (isCi && total.skipped > 0) ? 1 : 0
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
