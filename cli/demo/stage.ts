import { styleText } from 'node:util'

/** Where the demonstration is told: to people in colours, or to nobody where JSON was asked for. */
export type Stage = {
  say(text: string): void
  title(text: string): void
  /** One thing that happened, and where; without a name it belongs to the station before. */
  station(name: string, text: string): void
  end(isAsExpected: boolean, text: string): void
}

const stationWidth = 11

export function stage(write: (line: string) => void, hasColours: boolean): Stage {
  const style = (format: Parameters<typeof styleText>[0], text: string): string => (
    hasColours ? styleText(format, text, { validateStream: false }) : text
  )
  return {
    say: (text) => write(style('dim', text)),
    title: (text) => write(`\n${style('bold', text)}`),
    station: (name, text) => write(`  ${style('cyan', name.padEnd(stationWidth))} ${text}`),
    end: (isAsExpected, text) => write(isAsExpected
      ? `  ${style('green', '✓')} ${' '.repeat(stationWidth - 2)} ${text}, as expected`
      : `  ${style('red', '✗')} ${' '.repeat(stationWidth - 2)} ${text}, which was not expected`),
  }
}
