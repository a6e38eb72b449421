/**
 * Runs one test file in this process and reports to file descriptor 3, one JSON line a message. The runner starts one
 * such process a file, so that it can bound and kill it with everything that it started.
 */
import { writeSync } from 'node:fs'
import { run } from 'node:test'
import type { FileMessage } from './messages.ts'

const [file = '', coverage = ''] = process.argv.slice(2)
const reportDescriptor = 3

function report(message: FileMessage): void {
  writeSync(reportDescriptor, `${JSON.stringify(message)}\n`)
}

function reasonOf(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error
  const lines = (cause.stack ?? cause.message).split('\n')
  // Frames inside Node and its test runner are the same in every failure.
  return lines.filter((line) => !/^\s+at .*\(?node:/.test(line)).join('\n')
}

const stream = run({
  files: [file],
  isolation: 'none',
  coverage: coverage === 'coverage',
  coverageExcludeGlobs: ['**/*.test.ts', 'scripts/**', 'packages/testkit/**'],
})
/** Node counts a file without a test as one that passed; it gives it the file's name and the file's first character. */
let placeholders = 0
stream.on('test:pass', (test) => {
  if (test.name === file && test.line === 1 && test.column === 1) placeholders++
  if (test.skip === undefined && test.todo === undefined) return
  const reason = test.skip ?? test.todo
  report({ kind: 'skip', name: test.name, reason: typeof reason === 'string' ? reason : 'no reason given' })
})
stream.on('test:fail', (test) => {
  if (test.details.type !== 'suite') report({ kind: 'fail', name: test.name, reason: reasonOf(test.details.error) })
})
stream.on('test:coverage', ({ summary }) => {
  report({ kind: 'coverage', files: summary.files.map(({ path, lines }) => ({ path, lines })) })
})
stream.on('test:summary', ({ counts, file: ofFile }) => {
  // The summary without a file is the whole run's; a process that runs one file sends no other.
  if (ofFile !== undefined) return
  report({
    kind: 'summary',
    passed: counts.passed - placeholders,
    failed: counts.tests - counts.passed - counts.skipped - counts.todo,
    skipped: counts.skipped + counts.todo,
  })
})
stream.resume()
