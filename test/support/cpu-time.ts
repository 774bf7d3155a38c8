/** Milliseconds of processor time that this process has used, which other processes do not add to. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
