import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A script of ours, compiled, in a process of its own, which does not outlive this one. */
export class Child {
  readonly process: ChildProcess
  #output = ''
  #errors = ''
  readonly #ended: Promise<number | null>

  /** @param script its path below the folder of compiled files, without extension */
  constructor(script: string, values: readonly string[]) {
    const file = fileURLToPath(new URL(`../../${script}.js`, import.meta.url))
    this.process = spawn(process.execPath, [file, ...values], { stdio: ['ignore', 'pipe', 'pipe'] })
    const kill = () => this.process.kill('SIGKILL')
    process.once('exit', kill)
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
    })
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text
    })
    this.#ended = once(this.process, 'close').then(([code]) => {
      process.off('exit', kill)
      return code as number | null
    })
  }

  /** Its exit code and what it has printed, when it has ended. */
  async end(): Promise<{ readonly code: number | null; readonly output: string; readonly errors: string }> {
    const code = await this.#ended
    return { code, output: this.#output, errors: this.#errors }
  }

  /** What a pattern finds in the output, as soon as it does. */
  async printed(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.#output)?.[0]
      if (found !== undefined) return found
      const code = await Promise.race([once(this.process.stdout ?? this.process, 'data'), this.#ended])
      if (!Array.isArray(code)) throw new Error(`ended with ${code}: ${this.#output}${this.#errors}`)
    }
  }
}
