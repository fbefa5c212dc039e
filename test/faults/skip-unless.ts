import { spawnSync } from 'node:child_process'
import type { uvu } from 'uvu'

/** A test's body. */
type Body = () => void | Promise<void>

/** Registers a test that needs something of the machine; where it is missing, it is skipped and says why. */
export function testUnlessMissing<Context>(
  test: uvu.Test<Context>,
  title: string,
  missing: string | undefined,
  body: Body,
): void {
  if (missing === undefined) {
    test(title, async () => {
      await body()
    })
    return
  }
  console.log(`skipped: ${title}: ${missing}`)
  test.skip(title, () => undefined)
}

/** Why file systems cannot be mounted here, if they cannot. */
export function mountMissing(): string | undefined {
  if (process.platform !== 'linux') return 'mounts need Linux'
  return process.getuid?.() === 0 ? undefined : 'mounts need root'
}

/** Why a program cannot be used here, if it cannot. */
export function programMissing(name: string, ...probe: string[]): string | undefined {
  return spawnSync(name, probe, { stdio: 'ignore' }).status === 0 ? undefined : `${name} is not usable here`
}
