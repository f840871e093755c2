// The rows of `cargo xtask bench sandbox` with this SDK: see `tests/benches/sandbox.rs`, which starts
// this program for each row, and `bench_measure.mjs` for what it prints.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

import { SandboxInstance } from "@blaxel/core";

import { finish, measure } from "./bench_measure.mjs";

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

for (let warm = 0; row === "start" && warm < 20; warm += 1) await start();
finish(await measure(rows[row], (seconds) => seconds.length === Number(repetitions)));
