//! The rows of the benchmark, their sizes, and the local files.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::scratch::Scratch;

/// The rows, in the order in which a client runs them: downloads need what was uploaded, and the more
/// processes there are, the less the server keeps of the output of each.
pub const ROWS: [&str; 6] = [
    "output",
    "start",
    "upload",
    "download",
    "upload-many",
    "download-many",
];

/// The size of the output of one `produce`. The server keeps 32 MiB of a stream, and drops the rest if a
/// client reads more slowly than the process writes; so the output comes in pieces.
pub const OUTPUT: usize = 25_000_000;
/// The size of each of many files.
const SMALL: usize = 2048;
/// The number of files of a directory.
const PER_DIRECTORY: usize = 100;

/// The sizes of the rows.
pub struct Effort {
    pub rounds: usize,
    starts: usize,
    outputs: usize,
    pub file: usize,
    pub files: usize,
}

impl Effort {
    pub fn full() -> Self {
        Self {
            rounds: 5,
            starts: 1000,
            outputs: 4,
            file: 1 << 30,
            files: 5000,
        }
    }

    pub fn short() -> Self {
        Self {
            rounds: 1,
            starts: 3,
            outputs: 1,
            file: 11 << 20,
            files: 150,
        }
    }

    /// Returns how often a client does the same in a row.
    pub fn repetitions(&self, row: &str) -> usize {
        match row {
            "start" => self.starts,
            "output" => self.outputs,
            _ => 1,
        }
    }

    /// Returns the bytes of a row in megabytes, or the number of its files.
    pub fn amount(&self, row: &str) -> f64 {
        let amount = match row {
            "output" => self.outputs * OUTPUT,
            "upload" | "download" => self.file,
            _ => return self.files as f64,
        };
        amount as f64 / 1e6
    }
}

/// The work of a client: a row, the number of repetitions, and the directory of the local files.
pub struct Task {
    pub row: String,
    pub repetitions: usize,
    pub directory: PathBuf,
}

impl Task {
    pub fn new(row: &str, repetitions: usize, local: &Local) -> Self {
        Self {
            row: row.to_owned(),
            repetitions,
            directory: local.path().to_owned(),
        }
    }

    /// Reads the arguments of a client.
    pub fn parse(words: &[&str]) -> Self {
        let [row, repetitions, directory] = words else {
            panic!("expected a row, a number and a directory");
        };
        Self {
            row: (*row).to_owned(),
            repetitions: repetitions.parse().expect("a number"),
            directory: PathBuf::from(directory),
        }
    }

    /// Returns the arguments of a client.
    pub fn arguments(&self) -> [String; 3] {
        let directory = self.directory.display().to_string();
        [self.row.clone(), self.repetitions.to_string(), directory]
    }
}

/// The local files: `file` and the directory `files`, which are uploaded, and their copies `file.copy`
/// and `files.copy`, which are downloaded. They are removed when this value is dropped.
pub struct Local(Scratch);

impl Local {
    pub fn create(effort: &Effort) -> io::Result<Self> {
        let local = Self(Scratch::create()?);
        let mut random = Random(1);
        let mut block = vec![0; 1 << 20];
        let mut file = File::create(local.path().join("file"))?;
        for start in (0..effort.file).step_by(block.len()) {
            random.fill(&mut block);
            file.write_all(&block[..block.len().min(effort.file - start)])?;
        }
        for number in 0..effort.files {
            let directory = format!("files/{:02}", number / PER_DIRECTORY);
            let directory = local.path().join(directory);
            fs::create_dir_all(&directory)?;
            random.fill(&mut block[..SMALL]);
            // Text, since that is all that an SDK's `write` takes.
            let text: Vec<u8> = block[..SMALL].iter().map(|byte| b' ' + byte % 95).collect();
            fs::write(directory.join(format!("{number:04}.txt")), text)?;
        }
        Ok(local)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fails if a download of this row was not exact. Removes the copies.
    pub fn check(&self, row: &str) -> io::Result<()> {
        match row {
            "download" => {
                let copy = self.path().join("file.copy");
                require(is_same(&self.path().join("file"), &copy)?, &copy)?;
                fs::remove_file(copy)
            }
            "download-many" => {
                let copies = self.path().join("files.copy");
                for directory in fs::read_dir(self.path().join("files"))? {
                    let directory = directory?;
                    for file in fs::read_dir(directory.path())? {
                        let file = file?;
                        let copy = copies.join(directory.file_name()).join(file.file_name());
                        require(fs::read(file.path())? == fs::read(&copy)?, &copy)?;
                    }
                }
                fs::remove_dir_all(copies)
            }
            _ => Ok(()),
        }
    }
}

fn require(is_exact: bool, copy: &Path) -> io::Result<()> {
    match is_exact {
        true => Ok(()),
        false => Err(io::Error::other(format!("{} differs", copy.display()))),
    }
}

fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    if fs::metadata(one)?.len() != fs::metadata(other)?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    let (mut left, mut right) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let length = one.read(&mut left)?;
        if length == 0 {
            return Ok(true);
        }
        other.read_exact(&mut right[..length])?;
        if left[..length] != right[..length] {
            return Ok(false);
        }
    }
}

/// Numbers that nothing compresses, the same in each run.
struct Random(u64);

impl Random {
    fn fill(&mut self, block: &mut [u8]) {
        for chunk in block.chunks_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            chunk.copy_from_slice(&self.0.to_le_bytes()[..chunk.len()]);
        }
    }
}
