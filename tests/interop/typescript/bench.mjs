// The rows of `cargo xtask bench sandbox` with this SDK: see `tests/benches/sandbox.rs`, which starts
// this program for each row. It prints a line of JSON: the seconds of each repetition, those of the
// processor, and the peaks of memory after the first and after the last repetition, in KiB.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

import { SandboxInstance } from "@blaxel/core";

const [row, repetitions, directory] = process.argv.slice(2);
const local = (name) => path.join(directory, name);
/** The size of the output of `produce`, and the number of small files on their way at once. */
const OUTPUT = 25_000_000;
const AT_ONCE = 8;

const sandbox = await SandboxInstance.get(process.env.BENCH_SANDBOX);

async function start() {
  const result = await sandbox.process.exec({ command: "true", waitForCompletion: true });
  assert.equal(result.exitCode, 0);
}

async function output() {
  let size = 0;
  const onStdout = (text) => {
    size += Buffer.byteLength(text);
  };
  const result = await sandbox.process.exec({ command: "produce", waitForCompletion: true, onStdout });
  assert.deepEqual([result.exitCode, size], [0, OUTPUT]);
}

/** Runs `work` for each item, some at once. */
async function each(items, work) {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function uploadMany() {
  const names = fs.readdirSync(local("files"), { recursive: true }).filter((name) => name.endsWith(".txt"));
  await each(names, async (name) => {
    const text = await fs.promises.readFile(path.join(local("files"), name), "utf8");
    await sandbox.fs.write(`/data/files/${name}`, text);
  });
}

async function downloadMany() {
  const top = await sandbox.fs.ls("/data/files");
  const paths = [];
  await each(top.subdirectories, async ({ path: below }) => {
    fs.mkdirSync(path.join(local("files.copy"), path.basename(below)), { recursive: true });
    const { files } = await sandbox.fs.ls(below);
    paths.push(...files.map((file) => file.path));
  });
  await each(paths, async (from) => {
    const name = path.relative("/data/files", from);
    await fs.promises.writeFile(path.join(local("files.copy"), name), await sandbox.fs.read(from));
  });
}

const rows = {
  start,
  output,
  upload: () => sandbox.fs.writeBinary("/data/file", local("file")),
  download: () => sandbox.fs.download("/data/file", local("file.copy")),
  "upload-many": uploadMany,
  "download-many": downloadMany,
};

function peak() {
  const status = fs.existsSync("/proc/self/status") ? fs.readFileSync("/proc/self/status", "utf8") : "";
  return Number(status.match(/VmHWM:\s*(\d+)/)?.[1] ?? 0);
}

for (let warm = 0; row === "start" && warm < 20; warm += 1) await start();
const seconds = [];
const peaks = [];
const before = process.cpuUsage();
for (let round = 0; round < Number(repetitions); round += 1) {
  const begin = performance.now();
  await rows[row]();
  seconds.push((performance.now() - begin) / 1000);
  if (round === 0) peaks.push(peak());
}
const { user, system } = process.cpuUsage(before);
peaks.push(peak());
console.log(JSON.stringify({ seconds, cpu: (user + system) / 1e6, peaks }));
process.exit(0);
