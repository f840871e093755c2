//! Deviations of sandboxes.

use super::{Area, assumed, differs, left_out};

pub(super) static CREATION: Area = Area {
    name: "Sandboxes: creation and life",
    deviations: &[
        differs(
            &["CreateSandbox"],
            "The image of a sandbox is fetched from its registry.",
            "No registry is asked: a name with a registry is accepted, one of the platform's images has to be a known one, and any other has to be built in the workspace. Images and volumes are checked at creation only.",
        ),
        assumed(
            &["CreateSandbox"],
            "It is not known how `X-Blaxel-Creation-Timeout` acts together with `createIfNotExist` on an existing sandbox.",
            "The existing sandbox is returned when it is deployed. Without the header a creation is answered at once.",
        ),
        assumed(
            &["CreateSandbox"],
            "The rules for a sandbox of the same name in another state are known in part.",
            "A new sandbox replaces one that is `FAILED` or `TERMINATED`, but not one that is `DELETING` or `DEACTIVATING`.",
        ),
        assumed(
            &["GetSandbox"],
            "It is not known whether `dockerConfig` and `snapshotEnabled` are returned by a `GET`.",
            "`dockerConfig` is returned as a masked secret, and `snapshotEnabled` as it was sent.",
        ),
        assumed(
            &["GetSandbox", "ListSandboxes"],
            "The use of a sandbox that was never called is not documented.",
            "A sandbox that was never called counts as used when it was created. A duration has a single unit. A process with `keepAlive` counts as a use for `ttl-idle` too.",
        ),
        differs(
            &["UpdateSandbox"],
            "A change of a sandbox's runtime may or may not need another machine.",
            "Another image, memory, environment, region or set of ports or volumes needs another machine, and the files on the old one are lost.",
        ),
        assumed(
            &["CreateSandbox"],
            "The keys of `extraArgs` and which of them go together are known from one client.",
            "`iptables`, `nfs`, `tun`, `android`, `landlock` and `kernelExtensions` can be enabled or disabled; `nfs` does not go together with `iptables`, `android` and `landlock`. None of them has an effect.",
        ),
        left_out(
            &["WakeSandbox"],
            "A sandbox on standby keeps its memory, and takes some milliseconds to wake up.",
            "Memory is not emulated: processes stand still and go on. Waking up takes no time unless it is set. `standbyGracePeriodSeconds` is stored, and the time until standby is a setting of the emulator.",
        ),
    ],
};

pub(super) static MACHINES: Area = Area {
    name: "Sandboxes: machines",
    deviations: &[
        differs(
            &["ExecuteProcess"],
            "A sandbox is a microVM that runs any program of its image.",
            "By default its machine is simulated: a POSIX shell with about 65 of the usual programs, written for the emulator. Any other program needs a script. Real commands of this machine can be run instead.",
        ),
        differs(
            &["ExecuteProcess"],
            "The sandbox has the files of its image.",
            "A simulated machine has a few directories and files of a usual system, and those of an app for `blaxel/nextjs` and `blaxel/vite`. It serves a page in place of Next.js and Vite.",
        ),
        differs(
            &["ExecuteProcess"],
            "Memory and processors are those of the spec.",
            "Neither memory nor processors are limited. A simulated disk has 512 MiB.",
        ),
        left_out(
            &["ExecuteProcess", "CallSandbox"],
            "A sandbox has a network, and addresses of its own.",
            "Simulated machines have ports and no network. Local guests have the network of this machine, so two of them cannot listen on the same port.",
        ),
        differs(
            &["ExecuteProcess"],
            "A sandbox isolates hostile code.",
            "Local guests are isolated by bubblewrap for tests of one's own code, or not at all, on request. They are no security boundary.",
        ),
        differs(
            &["ExecuteProcess"],
            "Time in a sandbox passes by itself.",
            "Time in a simulated machine is the emulator's clock, which stands still in tests until it is moved. Processes of local guests take real time; on standby their own timers go on.",
        ),
        left_out(
            &["MountDrive"],
            "A drive is mounted by a file system driver, and reachable by S3.",
            "Drives are directories in memory, or of this machine for local guests, where commands that already run do not see them. There is no S3.",
        ),
    ],
};

pub(super) static DATA_PLANE: Area = Area {
    name: "Sandboxes: their own API",
    deviations: &[
        differs(
            &[],
            "Messages about malformed JSON are those of Go's library.",
            "They are other ones. Members must have the right case, lone surrogates are refused, and `<`, `>` and `&` are not escaped.",
        ),
        differs(
            &["ReadFile", "StatFile"],
            "A 416 has no headers against caching, and `HEAD` of a directory no `Content-Length`.",
            "A 416 keeps these headers, and the `Content-Length` of a directory is 0.",
        ),
        differs(
            &["InitiateUpload"],
            "Ids of uploads and names of processes are random.",
            "They are the same in each run.",
        ),
        assumed(
            &["WaitProcess"],
            "The server's own text of the long poll is not known, only one client's use of it.",
            "It waits up to the requested time, and returns the process whether it has ended or not.",
        ),
        assumed(
            &["CopyFile"],
            "The server's text of the copy without overwriting is not known.",
            "A copy without `noOverwrite` is refused with 400.",
        ),
        assumed(
            &["SearchPaths"],
            "The response to a search without `query` is not known.",
            "It is refused with 400. The tree with all levels leaves out the same names as a search does by default.",
        ),
        left_out(
            &["ConnectTunnel"],
            "A tunnel connects the sandbox to a network of the user.",
            "A tunnel is checked and stored, but not opened.",
        ),
        left_out(
            &["ApplyEdit", "RankFiles"],
            "The tools for code call the model of a provider.",
            "No provider is ever called. The tools are listed only if a key of a provider is set.",
        ),
        differs(
            &["CallSandboxMcp"],
            "An unknown MCP method is a 400, there is logging, and a list of tools has `ttlMs` and `cacheScope`.",
            "An unknown method is a JSON-RPC error, malformed messages have the status 415, and these members are missing. Messages and descriptions of some tools are other ones. A range of lines that ends before it starts is an error; the platform's server crashes.",
        ),
        assumed(
            &["Upgrade"],
            "The time of an upgrade, and which sandboxes have which server, are not documented.",
            "A sandbox has the server of today, or that of August 2026 on request. An upgrade takes half a second on the clock.",
        ),
        assumed(
            &["ExportArchive", "ResumeArchive", "GetArchiveStatus"],
            "Of the format of an export only the names of its members are known.",
            "An archive is one of the emulator's own format, which is uploaded to, and restored from, `http://` addresses on this machine only. A second export needs a resume before (409). The content of a file counts as changed if its size or its time differ.",
        ),
    ],
};

pub(super) static INTERPRETER: Area = Area {
    name: "Sandboxes: code interpreter",
    deviations: &[
        differs(
            &["CallSandbox"],
            "Code runs in Jupyter kernels of several languages.",
            "Simulated machines answer by scripts, and code without one fails with a `NoScriptError`. Local guests run Python itself, not IPython.",
        ),
        differs(
            &["CallSandbox"],
            "Values are displayed as IPython does it, and plots by themselves.",
            "Values are displayed by `repr`, tracebacks have Python's format, of the magic functions there are `%cd`, `%pip` and `!`, and plots are not displayed by themselves.",
        ),
        differs(
            &["CallSandbox"],
            "Ids of contexts are random, and code starts in `/app`.",
            "Ids of contexts are the same in each run. Without a directory `/app`, code starts in the server's. The messages of refusals and of lost programs are other ones.",
        ),
    ],
};

pub(super) static CONTENTS: Area = Area {
    name: "Snapshots, forks, archives and volumes",
    deviations: &[
        differs(
            &[
                "CreateSnapshot",
                "CreateSandboxSnapshot",
                "RestoreSandboxSnapshot",
            ],
            "A snapshot has the memory of a sandbox, and its processes go on.",
            "A snapshot has the files and the settings of the processes, which start again from the beginning.",
        ),
        assumed(
            &[
                "CreateSnapshot",
                "CreateSandboxSnapshot",
                "DeleteSandboxSnapshot",
            ],
            "The rules for names of snapshots are not documented.",
            "A name is unique among the snapshots of its sandbox, and an id counts before a name. A sandbox that is created again does not have the snapshots of its predecessor.",
        ),
        assumed(
            &[
                "RestoreSandboxSnapshot",
                "ForkSnapshot",
                "ForkSandbox",
                "UpdateSandbox",
            ],
            "The states in which these are refused are not documented in full.",
            "A snapshot that is `pending` or `failed` is neither restored nor forked, and a sandbox that is archived or being restored is not changed, forked or snapshotted: 409. Nor is one copied whose machine starts again meanwhile.",
        ),
        assumed(
            &["ForkSandbox", "ForkSnapshot"],
            "A fork into an application with a `lifecycle` is not documented.",
            "It is refused with 400. Its share of traffic is shown, and calls are not divided: applications cannot be called.",
        ),
        assumed(
            &["ArchiveSandbox", "UnarchiveSandbox"],
            "The progress and the failures of an archive are not documented.",
            "Progress is computed from the clock. A failure leads back to the earlier status. A sandbox that is archived still ends by its `ttl` and its policies. Its disk is read-only while it is archived or restored, except that of unconfined local guests.",
        ),
        assumed(
            &["UnarchiveSandbox"],
            "It is not documented if the drives of a sandbox are mounted again when it is restored.",
            "They are not: a mount belongs to the machine, which ends. Volumes are part of the settings, and attached again.",
        ),
        differs(
            &["CreateVolume", "UpdateVolume"],
            "A volume is a block device.",
            "A volume counts the bytes of its files, and refuses more than its size; the commands of local guests are limited by the disk of this machine only.",
        ),
        left_out(
            &["CreateVolume"],
            "A volume of a template starts with the files of the template.",
            "It starts empty. The archive of a template is accepted, and not unpacked.",
        ),
        assumed(
            &["CreateDrive"],
            "The size of a drive is not documented.",
            "A drive has room for 1 TiB.",
        ),
    ],
};

pub(super) static PREVIEWS: Area = Area {
    name: "Previews and sessions",
    deviations: &[
        differs(
            &["CreateSandboxPreview", "CallPreview"],
            "A preview has a host below `preview.bl.run`, with TLS.",
            "A preview has a path of the emulator, and with a prefix hosts below `localhost` and `preview.bl.run`. A custom domain leads to it by its `Host` only, without a certificate.",
        ),
        differs(
            &["CallPreview"],
            "A page of a preview has the origin of its host.",
            "A page that is shown by the path of its preview has no origin: its response has the policy `sandbox` too. At a host name it has one.",
        ),
        assumed(
            &["CallPreview"],
            "The answers of a preview whose program does not listen, or whose token is wrong, are known in part.",
            "They are errors in the format of the gateway.",
        ),
        assumed(
            &["CallPreview"],
            "Preflights of browsers (CORS) are not documented.",
            "A preflight that the preview's `responseHeaders` allow is answered with 204, without a token and without asking the program.",
        ),
        assumed(
            &[
                "CreateSandboxPreviewToken",
                "DeleteSandboxPreviewToken",
                "ListSandboxPreviewTokens",
            ],
            "The names of tokens, and the validity of one without an end, are not documented.",
            "A token without a name gets one; two may have the same name, by which the newer one is deleted. Without `expiresAt` it is valid for a day on the clock.",
        ),
        assumed(
            &["CallPreview"],
            "The operations that a session allows are known from the text of one client.",
            "A session may use files, directories and processes. Anything else needs the credential of the workspace besides the token, and is refused with 401 without it.",
        ),
    ],
};

pub(super) static SCHEDULES: Area = Area {
    name: "Schedules of sandboxes",
    deviations: &[
        differs(
            &["CreateSandboxSchedule", "ListScheduleExecutions"],
            "A schedule wakes its sandbox up and calls it.",
            "Executions are computed from the clock when they are read, with the status 200 if the sandbox was deployed at that time and 0 if not. Nothing is called, and nothing wakes up.",
        ),
        assumed(
            &["CreateSandboxSchedule", "UpdateSandboxSchedule"],
            "Schedules in the past, and those of type `sleep` as they are shown, are not documented.",
            "A schedule `at` a past time does nothing. One of type `sleep` is stored as `at`, and the filter `type=sleep` is ignored. `cron` has five fields in UTC.",
        ),
        assumed(
            &["ListScheduleExecutions", "ListSandboxScheduleExecutions"],
            "It is not documented what becomes of executions whose schedule is deleted.",
            "They stay listed.",
        ),
    ],
};
