import { spawnSync } from 'node:child_process'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

let mounting: { readonly missing: string | undefined } | undefined

/** Why file systems cannot be mounted here, if they cannot. Root of a container may not. */
export function mountMissing(): string | undefined {
  mounting ??= { missing: whyNotMounted() }
  return mounting.missing
}

function whyNotMounted(): string | undefined {
  if (process.platform !== 'linux') return 'mounts need Linux'
  if (process.getuid?.() !== 0) return 'mounts need root'
  const directory = temporaryDirectory()
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', directory], { encoding: 'utf8' })
  if (status !== 0) return `nothing can be mounted here: ${stderr?.trim()}`
  spawnSync('umount', ['-l', directory])
  return undefined
}

/** Why a program cannot be used here, if it cannot. */
export function programMissing(name: string, ...probe: string[]): string | undefined {
  return spawnSync(name, probe, { stdio: 'ignore' }).status === 0 ? undefined : `${name} is not usable here`
}
