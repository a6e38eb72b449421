import { spawn } from 'node:child_process'

export type ProgramResult = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** No system program that the launcher asks takes longer, unless it hangs. */
const programMsMax = 20_000

/** Runs a system program to its end; one that cannot be started counts as failed. */
export function runProgram(argv: readonly [string, ...string[]], input = ''): Promise<ProgramResult> {
  const [file, ...args] = argv
  return new Promise((resolve) => {
    const program = spawn(file, args, { timeout: programMsMax, killSignal: 'SIGKILL' })
    const chunks = { stdout: '', stderr: '' }
    program.stdout.setEncoding('utf8').on('data', (text: string) => { chunks.stdout += text })
    program.stderr.setEncoding('utf8').on('data', (text: string) => { chunks.stderr += text })
    // A program that does not read its input closes the pipe; its exit code says all that matters.
    program.stdin.on('error', () => undefined)
    program.stdin.end(input)
    program.once('error', (error) => resolve({ code: null, stdout: '', stderr: error.message }))
    program.once('close', (code) => resolve({ code, ...chunks }))
  })
}

/** The first line of what it complained, for a reason that people read. */
export function complaint({ code, stderr }: ProgramResult): string {
  return stderr.split('\n').map((line) => line.trim()).find((line) => line !== '') ?? `exit code ${code ?? 'none'}`
}
