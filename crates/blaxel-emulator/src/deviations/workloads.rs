//! Deviations of agents, functions, models, jobs and images.

use super::{Area, assumed, differs, left_out};

pub(super) static CALLS: Area = Area {
    name: "Agents, functions and applications",
    deviations: &[
        differs(
            &["InvokeAgent"],
            "An agent is a program of its image.",
            "An agent echoes its input, or answers as its script says, or its calls are forwarded to a server on this machine.",
        ),
        differs(
            &["CallFunction", "CallMcpServer"],
            "A function is a program of its image, which may serve MCP.",
            "Each function is an MCP server with seven tools, seven resources and four prompts, by streamable HTTP and by WebSocket.",
        ),
        left_out(
            &["CreateApplication"],
            "Applications can be called.",
            "Applications are stored, forked and deployed, but cannot be called.",
        ),
        left_out(
            &["InvokeAgent", "CallModel"],
            "A program may upgrade a connection, as for WebSockets.",
            "Connections of agents and models are not upgraded, and neither are those that are forwarded.",
        ),
        assumed(
            &["InvokeAgent", "CallFunction"],
            "The ticket of an asynchronous call, its retries and its failures are documented in part.",
            "A call returns 202 and runs for at most 15 minutes of real time. A response that ended early is reported as 502, one that took too long as 504. A callback without a response, or with a 429 or 5xx, is repeated `retry` times, at most ten, after 100 ms and then twice as long each time, up to 5 seconds.",
        ),
        assumed(
            &["InvokeAgent", "CallFunction"],
            "The number of asynchronous calls that run at the same time is not documented.",
            "At most 256 run; further ones get `WORKLOAD_UNAVAILABLE`. Without the path of a trigger the first one with a `callbackUrl` is used.",
        ),
        left_out(
            &["InvokeAgent", "CallFunction"],
            "Callbacks go to any address.",
            "Callbacks go to `http://` on this machine only, unless other hosts are allowed, and never by TLS.",
        ),
        left_out(
            &["CallFunction"],
            "Cron triggers of functions fire, and a trigger may have a path that is not below its workload's.",
            "Cron triggers fire for agents and jobs only. A trigger's path is served below that of its workload.",
        ),
        differs(
            &["InvokeAgent", "CreateJobExecution"],
            "A cron trigger fires at each of its times.",
            "If the clock is moved over many times at once, the last hundred of them fire.",
        ),
        assumed(
            &["InvokeAgent"],
            "The headers that the gateway adds for a program are known in part.",
            "A program gets `X-Blaxel-Subject-Id`, `X-Blaxel-Subject-Type`, `X-Blaxel-Auth-Method` and `X-Request-Id`. A caller with an access token or an API key of a service account is a `service_account`, any other a `user`; the method is `oauth` or `api_key`. A program cannot set `X-Blaxel-Source` and `X-Blaxel-Error-Code`.",
        ),
        assumed(
            &["InvokeAgent", "CallFunction", "CallModel"],
            "The codes of the gateway and when it uses which are known from lists of clients.",
            "A workload that exists and is not `DEPLOYED` gets 404 with `WORKLOAD_UNAVAILABLE`, which is retryable, unless it is a sandbox that is archived. `dispatch_state` and `safe_to_retry_request` are not sent.",
        ),
        left_out(
            &["InvokeAgent", "CallFunction", "CallModel"],
            "Policies decide on places and on numbers of tokens, and their limits refuse calls with 429.",
            "Policies are stored, and restrict nothing.",
        ),
    ],
};

pub(super) static MODELS: Area = Area {
    name: "Models",
    deviations: &[
        differs(
            &["CreateChatCompletion", "CreateEmbedding", "CallModel"],
            "A model answers.",
            "Equal requests get equal responses, which are made up. The usage counts a word as a token.",
        ),
        left_out(
            &["CallModel"],
            "All endpoints of a provider are passed on.",
            "There are chat completions and embeddings of OpenAI, messages of Anthropic, chat of Cohere and `generateContent` of Gemini. Other endpoints are a 404 of the model.",
        ),
        left_out(
            &["CreateChatCompletion", "CallModel"],
            "Models read images, obey sampling settings, and decide on tools.",
            "Images and sampling settings are accepted and ignored, and tools are called only by a script.",
        ),
        assumed(
            &["CreateEmbedding"],
            "The length of the vectors depends on the model.",
            "Embeddings have 64 numbers unless `dimensions` says otherwise, and each vector has the length 1.",
        ),
    ],
};

pub(super) static JOBS: Area = Area {
    name: "Jobs",
    deviations: &[
        left_out(
            &["CreateJobExecution"],
            "Tasks are programs of the job's image.",
            "No program runs: executions go through their states on the clock, in a set time, and succeed unless they are asked to fail. A test can start the program with the variables of a task.",
        ),
        assumed(
            &["CreateJobExecution", "GetJobExecution"],
            "The times in which an execution is `queued`, `pending` and `running` are not documented.",
            "It is `queued` for the first eighth of its time, `pending` for the second, then `running`. Failed tasks are retried at once, up to `maxRetries`.",
        ),
        assumed(
            &["CreateJobExecution"],
            "A request with a known `executionId` or `id` is not documented.",
            "It starts nothing, and returns the known execution.",
        ),
        assumed(
            &["DeleteJobExecution"],
            "Cancelling a finished execution is not documented.",
            "It changes nothing. A cancelled execution is `cancelling` until the attempts that were running have ended.",
        ),
        assumed(
            &["ListJobExecutionTasks", "GetTasks"],
            "The order of tasks, and from which number on they are behind `tasksRef`, is not documented.",
            "Tasks are listed newest first, that is, the last one first. More than 1000 tasks are behind `tasksRef`, an address of the emulator that is valid for 7 days.",
        ),
    ],
};

pub(super) static IMAGES: Area = Area {
    name: "Images and builds",
    deviations: &[
        differs(
            &["CreateImage", "PutArchive"],
            "An upload is built into an image by its Dockerfile.",
            "Any archive of at most 64 MiB is accepted and becomes a tag after the build time. Nothing is built: the log is made up, and the sizes are those of the upload.",
        ),
        assumed(
            &["PutArchive"],
            "The name of a built image in the workload that is deployed from it is not documented.",
            "After the upload the workload names the type, its own name and the new tag, such as `sandbox/tools:1a2b3c4d5e6f`.",
        ),
        assumed(
            &["PutArchive"],
            "The validity of an upload address is not documented.",
            "It accepts one `PUT` within 15 minutes on the clock. A request with a credential is refused with 403, so that a client which sends one is noticed.",
        ),
        assumed(
            &["DeleteImage", "DeleteImageTag", "CleanupImages"],
            "It is documented in part which images cannot be deleted.",
            "An image cannot be deleted (400) while a workload of its type names it or was built as this image, or while it is shared.",
        ),
        assumed(
            &[
                "ShareImage",
                "ShareCustomDomain",
                "AcceptImageShare",
                "ListPendingImageShares",
            ],
            "The validity of offers, and the refusals of shares, are not documented.",
            "A share with another workspace of the account is active at once, one with another account is pending for a week. Sharing with a workspace that the account does not have is refused with 400, and so is a domain that is not verified.",
        ),
    ],
};
