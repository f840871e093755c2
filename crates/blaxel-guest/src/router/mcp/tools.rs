//! The tools: their names, their descriptions and their schemas.

use std::sync::Arc;

use rmcp::model::Tool;

use super::schema::Kind::{Flag, Integer, List, MaybeObject, Number, Object, Text, Texts};
use super::schema::{Member, object};
use crate::version::ServerVersion;

/// A tool that clients can call.
pub(super) struct Definition {
    pub(super) name: &'static str,
    description: &'static str,
    pub(super) takes: &'static [Member],
    gives: &'static [Member],
    /// `true` if only a server with a provider of code models has it.
    pub(super) needs_provider: bool,
}

impl Definition {
    const fn new(
        name: &'static str,
        description: &'static str,
        takes: &'static [Member],
        gives: &'static [Member],
    ) -> Self {
        Self {
            name,
            description,
            takes,
            gives,
            needs_provider: false,
        }
    }

    const fn with_provider(mut self) -> Self {
        self.needs_provider = true;
        self
    }

    /// Returns the tool as a list of tools shows it.
    pub(super) fn describe(&self, version: ServerVersion) -> Tool {
        let takes = Arc::new(object(self.takes, version));
        let gives = Arc::new(object(self.gives, version));
        Tool::new(self.name, self.description, takes).with_raw_output_schema(gives)
    }
}

/// All tools, in the order in which they are listed.
pub(super) const TOOLS: &[Definition] = &[
    Definition::new(
        "codegenCodebaseSearch",
        "Searches the code for what a query means. This server finds nothing.",
        &[
            Member::new("query", Text, "The question or the topic to search for"),
            Member::new(
                "targetDirectories",
                List(&Text),
                "The directories to search, as glob patterns",
            )
            .optional(),
        ],
        &[SUCCESS, Member::new("results", List(&Text), ""), QUERY],
    ),
    Definition::new(
        "codegenEditFile",
        "Edits or creates a file from a sketch of the change, which a model merges with the file.",
        &[
            Member::new(
                "targetFile",
                Text,
                "The file, relative to the working directory",
            ),
            Member::new("instructions", Text, "One sentence about the change"),
            Member::new(
                "codeEdit",
                Text,
                "The changed lines, with a comment in place of each unchanged part",
            ),
        ],
        &[
            SUCCESS,
            MESSAGE.optional(),
            Member::new("filePath", Text, "").optional(),
            Member::new("changesApplied", Text, "").optional(),
        ],
    )
    .with_provider(),
    Definition::new(
        "codegenFileSearch",
        "Finds files whose names have the characters of a query in this order. Returns at most ten.",
        &[
            Member::new("query", Text, "The characters of the name"),
            Member::new(
                "directory",
                Text,
                "The directory to search, relative to the working directory, which is the default",
            )
            .optional()
            .nullable(),
        ],
        &[SUCCESS, Member::new("matches", List(&Text), ""), QUERY],
    ),
    Definition::new(
        "codegenGrepSearch",
        "Searches the lines of files for a regular expression, with the program `rg`.",
        &[
            Member::new("query", Text, "The regular expression"),
            Member::new("caseSensitive", Flag, "Makes upper and lower case differ")
                .optional()
                .nullable(),
            Member::new(
                "includePattern",
                Text,
                "A glob pattern of the files to search",
            )
            .optional()
            .nullable(),
            Member::new(
                "excludePattern",
                Text,
                "A glob pattern of the files to skip",
            )
            .optional()
            .nullable(),
        ],
        &[SUCCESS, Member::new("results", Text, "")],
    ),
    Definition::new(
        "codegenListDir",
        "Lists the files and the directories in a directory.",
        &[Member::new(
            "relativeWorkspacePath",
            Text,
            "The directory, relative to the working directory",
        )],
        &[
            SUCCESS,
            Member::new("directory", MaybeObject(DIRECTORY), "").optional(),
        ],
    ),
    Definition::new(
        "codegenParallelApply",
        "Makes similar edits in several places. This server does not support it.",
        &[
            Member::new("editPlan", Text, "The edits to make"),
            Member::new("editRegions", List(&Object(REGION)), "The places to edit"),
        ],
        &[SUCCESS, MESSAGE.optional()],
    ),
    Definition::new(
        "codegenReadFileRange",
        "Reads some lines of a file.",
        &[
            Member::new("targetFile", Text, "The file"),
            Member::new(
                "startLineOneIndexed",
                Integer,
                "The number of the first line, from 1",
            ),
            Member::new(
                "endLineOneIndexedInclusive",
                Integer,
                "The number of the last line",
            ),
        ],
        &[
            SUCCESS,
            Member::new("content", Text, ""),
            Member::new("file", Text, ""),
        ],
    ),
    Definition::new(
        "codegenReapply",
        "Repeats the last edit of a file with a stronger model. This server does not support it.",
        &[Member::new(
            "targetFile",
            Text,
            "The file, relative to the working directory",
        )],
        &[SUCCESS, MESSAGE.optional()],
    ),
    Definition::new(
        "codegenRerank",
        "Returns the files below a directory that matter most for a query, as a model ranks them.",
        &[
            Member::new(
                "path",
                Text,
                "The directory, relative to the working directory",
            ),
            Member::new("query", Text, "The question or the topic"),
            Member::new(
                "scoreThreshold",
                Number,
                "The smallest score of a result; 0.5 by default",
            )
            .optional()
            .nullable(),
            Member::new(
                "tokenLimit",
                Integer,
                "The largest number of tokens; 30000 by default",
            )
            .optional()
            .nullable(),
            Member::new(
                "filePattern",
                Text,
                "A regular expression for the paths of files",
            )
            .optional()
            .nullable(),
        ],
        &[
            SUCCESS,
            MESSAGE.optional(),
            Member::new("files", List(&Object(RANKED)), ""),
        ],
    )
    .with_provider(),
    Definition::new(
        "fsDeleteFileOrDirectory",
        "Deletes a file or a directory.",
        &[
            PATH,
            Member::new(
                "isDirectory",
                Flag,
                "Tells that the path is a directory's, or that it is not",
            )
            .optional()
            .nullable(),
            Member::new("recursive", Flag, "Deletes what is in the directory too")
                .optional()
                .nullable(),
        ],
        DONE,
    ),
    Definition::new(
        "fsEditFile",
        "Replaces a text in a file by another one. The text must be there exactly once, unless all \
         places are to be replaced.",
        &[
            Member::new("path", Text, "The path of the file"),
            Member::new(
                "oldString",
                Text,
                "The text to replace, with enough around it to be unique",
            ),
            Member::new(
                "newString",
                Text,
                "The new text; an empty one deletes the old one",
            ),
            Member::new("replaceAll", Flag, "Replaces the text in all places")
                .optional()
                .nullable(),
        ],
        &[
            Member::new("path", Text, ""),
            Member::new("occurrencesReplaced", Integer, ""),
        ],
    ),
    Definition::new(
        "fsGetWorkingDirectory",
        "Returns the directory that relative paths start from.",
        &[],
        &[Member::new("path", Text, "")],
    ),
    Definition::new(
        "fsListDirectory",
        "Lists the files and the directories in a directory.",
        &[PATH],
        &[Member::new("directory", MaybeObject(DIRECTORY), "")],
    ),
    Definition::new(
        "fsReadFile",
        "Reads a file as text.",
        &[Member::new("path", Text, "The path of the file")],
        READ_FILE,
    ),
    Definition::new(
        "fsWriteFile",
        "Creates a directory or a file, or replaces the content of a file.",
        &[
            PATH,
            Member::new("content", Text, "The content of the file")
                .optional()
                .nullable(),
            Member::new("permissions", Text, "The permissions in octal digits")
                .optional()
                .nullable(),
            Member::new("isDirectory", Flag, "Creates a directory")
                .optional()
                .nullable(),
        ],
        DONE,
    ),
    Definition::new(
        "processExecute",
        "Runs a command, and waits for its end if it is to.",
        EXECUTE,
        &[
            Member::new("pid", Text, ""),
            Member::new("name", Text, ""),
            Member::new("status", Text, ""),
            Member::new("exitCode", Integer, ""),
            Member::new("logs", Text, "").optional(),
            MESSAGE.optional(),
            Member::new("pollRequired", Flag, "").optional(),
        ],
    ),
    Definition::new(
        "processGet",
        "Returns the state of a process and the end of its output.",
        &[IDENTIFIER],
        PROCESS,
    ),
    Definition::new(
        "processGetLogs",
        "Returns the output of a process.",
        &[IDENTIFIER],
        &[Member::new("logs", Text, "")],
    ),
    Definition::new(
        "processKill",
        "Ends a process with SIGKILL.",
        &[IDENTIFIER],
        &[Member::new("status", Text, "")],
    ),
    Definition::new(
        "processStop",
        "Asks a process to end, with SIGTERM.",
        &[IDENTIFIER],
        &[Member::new("status", Text, "")],
    ),
    Definition::new(
        "processesList",
        "Lists the processes, also those that have ended.",
        &[],
        &[Member::new("processes", List(&Object(PROCESS)), "")],
    ),
];

const SUCCESS: Member = Member::new("success", Flag, "");
const MESSAGE: Member = Member::new("message", Text, "");
const QUERY: Member = Member::new("query", Text, "");
const PATH: Member = Member::new("path", Text, "The path of the file or directory");
const IDENTIFIER: Member = Member::new("identifier", Text, "The name or the id of the process");

const DONE: &[Member] = &[Member::new("path", Text, ""), MESSAGE];

const EXECUTE: &[Member] = &[
    Member::new("command", Text, "The command"),
    Member::new("name", Text, "A name for the process")
        .optional()
        .nullable(),
    Member::new(
        "workingDir",
        Text,
        "The directory to start in; `/` by default",
    )
    .optional()
    .nullable(),
    Member::new("env", Texts, "Further environment variables").optional(),
    Member::new(
        "waitForCompletion",
        Flag,
        "Waits for the end of the process",
    )
    .optional()
    .nullable(),
    Member::new(
        "timeout",
        Integer,
        "The limit of the wait in seconds, 30 by default; of the whole run with keepAlive, 600 by \
         default. 0 stands for none",
    )
    .optional()
    .nullable(),
    Member::new("waitForPorts", List(&Integer), "The ports to wait for").optional(),
    Member::new("restartOnFailure", Flag, "Restarts the process if it fails")
        .optional()
        .nullable(),
    Member::new(
        "maxRestarts",
        Integer,
        "The largest number of restarts; 0 by default",
    )
    .optional()
    .nullable(),
    Member::new(
        "keepAlive",
        Flag,
        "Keeps the sandbox awake while the process runs",
    )
    .optional()
    .nullable(),
];

const PROCESS: &[Member] = &[
    Member::new("pid", Text, ""),
    Member::new("name", Text, ""),
    Member::new("command", Text, ""),
    Member::new("status", Text, ""),
    Member::new("startedAt", Text, ""),
    Member::new("completedAt", Text, "").nullable(),
    Member::new("exitCode", Integer, ""),
    Member::new("workingDir", Text, ""),
    Member::new("logs", Text, "").nullable(),
    Member::new("stdout", Text, "").nullable(),
    Member::new("stderr", Text, "").nullable(),
    Member::new("restartOnFailure", Flag, ""),
    Member::new("maxRestarts", Integer, ""),
    Member::new("restartCount", Integer, ""),
    Member::new("keepAlive", Flag, ""),
    Member::new("stdin", Flag, "").optional().new_in_current(),
];

const FILE: &[Member] = &[
    Member::new("path", Text, ""),
    Member::new("name", Text, ""),
    Member::new("permissions", Text, ""),
    Member::new("size", Integer, ""),
    Member::new("lastModified", Text, ""),
    Member::new("owner", Text, ""),
    Member::new("group", Text, ""),
];

const READ_FILE: &[Member] = &[
    Member::new("path", Text, ""),
    Member::new("name", Text, ""),
    Member::new("permissions", Text, ""),
    Member::new("size", Integer, ""),
    Member::new("lastModified", Text, ""),
    Member::new("owner", Text, ""),
    Member::new("group", Text, ""),
    Member::new("content", Text, ""),
];

const SUBDIRECTORY: &[Member] = &[Member::new("path", Text, ""), Member::new("name", Text, "")];

const DIRECTORY: &[Member] = &[
    Member::new("path", Text, ""),
    Member::new("name", Text, ""),
    Member::new("files", List(&MaybeObject(FILE)), ""),
    Member::new("subdirectories", List(&MaybeObject(SUBDIRECTORY)), ""),
];

const REGION: &[Member] = &[
    Member::new(
        "relativeWorkspacePath",
        Text,
        "The file, relative to the working directory",
    ),
    Member::new("startLine", Integer, "The number of the first line, from 1")
        .optional()
        .nullable(),
    Member::new("endLine", Integer, "The number of the last line")
        .optional()
        .nullable(),
];

const RANKED: &[Member] = &[
    Member::new("path", Text, ""),
    Member::new("content", Text, ""),
    Member::new("score", Number, ""),
];
