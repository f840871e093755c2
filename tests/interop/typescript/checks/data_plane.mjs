// Inside of a sandbox, with the SDK's helpers: commands, files, ports, previews, sessions and drives.
// The checks pass on simulated and on local machines.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { PREFIX, REGION, check, sdk, send, thrown } from "./harness.mjs";

const NAME = `${PREFIX}-machine`;
const { SandboxInstance } = sdk;
const image = "blaxel/base-image:latest";

/** Waits until a function returns something that is not false. */
async function until(body) {
  for (;;) {
    const found = await body();
    if (found) return found;
    await sleep(50);
  }
}

export default async function dataPlane() {
  let sandbox;

  await check("command: output, errors and exit code", async () => {
    const envs = [{ name: "COLOUR", value: "grün" }];
    sandbox = await SandboxInstance.create({ name: NAME, region: REGION, image, envs });
    const done = await sandbox.process.exec({
      command: "echo $COLOUR $SIZE; pwd; echo wrong >&2; exit 3",
      env: { SIZE: "ünder" },
      workingDir: "/tmp",
      waitForCompletion: true,
    });
    assert.equal(done.exitCode, 3);
    assert.equal(done.status, "failed");
    assert.equal(done.stdout, "grün ünder\n/tmp\n");
    assert.equal(done.stderr, "wrong\n");
  });

  await check("command: output is streamed by what it was written to", async () => {
    const seen = { stdout: "", stderr: "" };
    const done = await sandbox.process.exec({
      command: "for i in 1 2 3; do echo out $i; echo err $i >&2; sleep 0.1; done",
      waitForCompletion: true,
      onStdout: (text) => (seen.stdout += `${text}|`),
      onStderr: (text) => (seen.stderr += `${text}|`),
    });
    assert.equal(done.exitCode, 0);
    assert.deepEqual(seen.stdout.match(/out \d/g), ["out 1", "out 2", "out 3"]);
    assert.deepEqual(seen.stderr.match(/err \d/g), ["err 1", "err 2", "err 3"]);
  });

  await check("command: one in the background is found, waited for, and its logs are kept", async () => {
    const name = "background";
    const started = await sandbox.process.exec({ name, command: "echo a; sleep 0.3; echo b" });
    assert.equal(started.status, "running");
    const listed = await sandbox.process.list();
    assert.ok(listed.some((process) => process.name === name));
    const ended = await sandbox.process.wait(name, { interval: 50 });
    assert.equal(ended.exitCode, 0);
    assert.equal(await sandbox.process.logs(name, "stdout"), "a\nb\n");
    const lines = [];
    const stream = sandbox.process.streamLogs(name, { onStdout: (line) => lines.push(line) });
    await stream.wait();
    assert.deepEqual(lines, ["a", "b"]);
  });

  await check("command: a running one is stopped and killed; a missing one is a 404", async () => {
    for (const end of ["stop", "kill"]) {
      await sandbox.process.exec({ name: end, command: "sleep 100" });
      await sandbox.process[end](end);
      const ended = await until(async () => {
        const found = await sandbox.process.get(end);
        return found.status !== "running" && found;
      });
      assert.ok(["stopped", "killed", "failed"].includes(ended.status), ended.status);
    }
    const error = await thrown(sandbox.process.get("nobody-knows-me"));
    assert.equal(error.response?.status ?? error.status, 404);
  });

  await check("command: standard input arrives and ends", async () => {
    await sandbox.process.exec({ name: "input", command: "cat", stdin: true });
    await sandbox.process.writeStdin("input", Buffer.from("first\n"));
    await sandbox.process.writeStdin("input", Buffer.from("second\n"));
    await sandbox.process.closeStdin("input");
    const ended = await sandbox.process.wait("input", { interval: 50 });
    assert.equal(ended.stdout, "first\nsecond\n");
  });

  await check("files: text is written, read, listed, copied and removed", async () => {
    const { fs } = sandbox;
    await fs.mkdir("/tmp/files/deep");
    await fs.write("/tmp/files/ä b.txt", "tüte\n");
    assert.equal(await fs.read("/tmp/files/ä b.txt"), "tüte\n");
    const done = await sandbox.process.exec({ command: "cat '/tmp/files/ä b.txt'", waitForCompletion: true });
    assert.equal(done.stdout, "tüte\n");
    await fs.cp("/tmp/files/ä b.txt", "/tmp/files/deep/copy.txt");
    const { files, subdirectories } = await fs.ls("/tmp/files");
    assert.deepEqual(
      [files.map((file) => file.name), subdirectories.map((directory) => directory.name)],
      [["ä b.txt"], ["deep"]],
    );
    assert.equal(files[0].size, 6);
    await fs.rm("/tmp/files/deep", true);
    await thrown(fs.read("/tmp/files/deep/copy.txt"));
  });

  await check("files: bytes stay the same, also above the size of a part", async () => {
    for (const size of [0, 1000, 6 * 1024 * 1024]) {
      const bytes = Buffer.alloc(size, "0123456789\0\xff", "latin1");
      await sandbox.fs.writeBinary("/tmp/bytes", bytes);
      const read = Buffer.from(await (await sandbox.fs.readBinary("/tmp/bytes")).arrayBuffer());
      assert.ok(read.equals(bytes), `${read.length} of ${size}`);
    }
  });

  await check("files: a tree is written, searched and watched", async () => {
    const { fs } = sandbox;
    const events = [];
    await fs.writeTree([{ path: "a/one.txt", content: "needle" }, { path: "b/two.md", content: "hay" }], "/tmp/tree");
    const found = await fs.find("/tmp/tree", { patterns: ["*.md"] });
    assert.deepEqual(
      found.matches.map((match) => match.path.split("/").at(-1)),
      ["two.md"],
    );
    const matches = (await fs.grep("needle", "/tmp/tree")).matches;
    assert.deepEqual([matches.length, matches[0].line, matches[0].text], [1, 1, "needle"]);
    const watch = fs.watch("/tmp/tree/a", (event) => events.push(event));
    await until(async () => {
      await fs.write("/tmp/tree/a/new.txt", "x");
      return events.find((event) => event.name === "new.txt");
    });
    watch.close();
  });

  await check("ports: a server of the sandbox is waited for and called", async () => {
    await sandbox.fs.write("/tmp/site/index.html", "<h1>hello</h1>");
    await sandbox.process.exec({
      name: "server",
      command: "python3 -m http.server 39123",
      workingDir: "/tmp/site",
      waitForPorts: [39123],
    });
    const page = await sandbox.fetch(39123, "/index.html");
    assert.deepEqual([page.status, await page.text()], [200, "<h1>hello</h1>"]);
    assert.equal((await sandbox.fetch(39123, "/missing")).status, 404);
  });

  await check("ports: a preview shows it to everybody, or to those with a token", async () => {
    const open = await sandbox.previews.create({
      metadata: { name: "open" },
      spec: { port: 39123, public: true, responseHeaders: { "X-Shown-By": "preview" } },
    });
    const page = await send(`${open.spec.url}/index.html`);
    assert.equal(await page.text(), "<h1>hello</h1>");
    assert.equal(page.headers.get("x-shown-by"), "preview");
    const closed = await sandbox.previews.create({
      metadata: { name: "closed" },
      spec: { port: 39123, public: false },
    });
    const url = `${closed.spec.url}/index.html`;
    assert.equal((await send(url)).status, 401);
    const token = await closed.tokens.create(new Date(Date.now() + 60_000));
    assert.equal((await send(`${url}?bl_preview_token=${token.value}`)).status, 200);
    assert.equal((await send(url, { headers: { "X-Blaxel-Preview-Token": token.value } })).status, 200);
    assert.equal((await send(`${url}?bl_preview_token=other`)).status, 401);
    await sandbox.process.kill("server");
  });

  await check("session: it works with nothing but its token", async () => {
    const session = await sandbox.sessions.create({ expiresAt: new Date(Date.now() + 60_000) });
    const visitor = await SandboxInstance.fromSession(session);
    const done = await visitor.process.exec({ command: "echo visited", waitForCompletion: true });
    assert.equal(done.stdout, "visited\n");
    await visitor.fs.write("/tmp/visit", "yes");
    assert.equal(await sandbox.fs.read("/tmp/visit"), "yes");
    await sandbox.sessions.delete(session.name);
    await thrown(visitor.process.list());
  });

  await check("the sandbox ends with all that runs in it", async () => {
    await sandbox.process.exec({ command: "sleep 100" });
    await sandbox.delete();
    await thrown(sandbox.process.list());
  });
}
