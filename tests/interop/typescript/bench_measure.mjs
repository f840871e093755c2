// The base of the benchmarks: a measurement.

import fs from "node:fs";

/**
 * Does the work until `isOver` says so of the seconds of all repetitions, and at least once. Returns
 * the seconds of each repetition, those of the processor for all of them, and the peaks of memory
 * after the first and after the last one, in KiB.
 */
export async function measure(work, isOver) {
  const seconds = [];
  const peaks = [];
  const before = process.cpuUsage();
  do {
    const begin = performance.now();
    await work();
    seconds.push((performance.now() - begin) / 1000);
    if (seconds.length === 1) peaks.push(peak());
  } while (!isOver(seconds));
  const { user, system } = process.cpuUsage(before);
  peaks.push(peak());
  return { seconds, cpu: (user + system) / 1e6, peaks };
}

/** Prints what the benchmark reads, a line of JSON, and ends the process. */
export function finish(report) {
  console.log(JSON.stringify(report));
  process.exit(0);
}

function peak() {
  const status = fs.existsSync("/proc/self/status") ? fs.readFileSync("/proc/self/status", "utf8") : "";
  return Number(status.match(/VmHWM:\s*(\d+)/)?.[1] ?? 0);
}
