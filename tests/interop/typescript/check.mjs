// The official TypeScript SDK tests a running emulator. See ../README.md.
//
// Required environment variables: those that an emulator with `--tls` prints, also as comments, and
// HOME, a writable directory.

import { finish, sdk, useKey } from "./checks/harness.mjs";

import access from "./checks/access.mjs";
import agents from "./checks/agents.mjs";
import chat from "./checks/chat.mjs";
import dataPlane from "./checks/data_plane.mjs";
import errors from "./checks/errors.mjs";
import forks from "./checks/forks.mjs";
import governance from "./checks/governance.mjs";
import http2 from "./checks/http2.mjs";
import images from "./checks/images.mjs";
import jobs from "./checks/jobs.mjs";
import kinds from "./checks/kinds.mjs";
import lists from "./checks/lists.mjs";
import previews from "./checks/previews.mjs";
import sandboxes from "./checks/sandboxes.mjs";
import schedules from "./checks/schedules.mjs";
import signIn from "./checks/sign_in.mjs";
import storage from "./checks/storage.mjs";

await signIn();
// All others use the API key.
const topics = [
  lists,
  kinds,
  errors,
  agents,
  chat,
  jobs,
  sandboxes,
  dataPlane,
  http2,
  previews,
  schedules,
  forks,
  storage,
  images,
  governance,
  access,
];
for (const topic of topics) {
  useKey();
  await topic();
}
await sdk.closeConnections();
finish();
