import { spawnSync } from 'node:child_process'

/** Why file systems cannot be mounted here, if they cannot. */
export function mountMissing(): string | undefined {
  if (process.platform !== 'linux') return 'mounts need Linux'
  return process.getuid?.() === 0 ? undefined : 'mounts need root'
}

/** Why a program cannot be used here, if it cannot. */
export function programMissing(name: string, ...probe: string[]): string | undefined {
  return spawnSync(name, probe, { stdio: 'ignore' }).status === 0 ? undefined : `${name} is not usable here`
}
