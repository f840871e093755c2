//! `df`, the space of file systems.

use super::lines::size;
use super::listing::human;
use super::{Done, quoted};
use crate::files::Files as _;
use crate::shell::Shell;
use crate::volume::Volume;

/// A column of the table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Source,
    Type,
    Inodes,
    UsedInodes,
    FreeInodes,
    InodePercent,
    Size,
    Used,
    Available,
    Percent,
    File,
    Target,
}

/// The names of the columns for `--output`, in its own order.
const NAMES: [(&str, Column); 12] = [
    ("source", Column::Source),
    ("fstype", Column::Type),
    ("itotal", Column::Inodes),
    ("iused", Column::UsedInodes),
    ("iavail", Column::FreeInodes),
    ("ipcent", Column::InodePercent),
    ("size", Column::Size),
    ("used", Column::Used),
    ("avail", Column::Available),
    ("pcent", Column::Percent),
    ("file", Column::File),
    ("target", Column::Target),
];

/// The unit of the numbers.
enum Unit {
    /// The number of bytes, and what is printed after each number.
    Bytes(u64, String),
    /// `1.5K`, with powers of 1024 or of 1000.
    Human { is_decimal: bool },
}

impl Unit {
    fn show(&self, bytes: u64) -> String {
        match self {
            Self::Bytes(unit, suffix) => format!("{}{suffix}", bytes.div_ceil(*unit)),
            Self::Human { is_decimal: false } => human(bytes),
            Self::Human { is_decimal: true } => decimal(bytes),
        }
    }

    /// Returns the header of the sizes. `is_posix` names the usual unit otherwise.
    fn header(&self, is_posix: bool) -> String {
        let Self::Bytes(unit, _) = self else {
            return "Size".to_owned();
        };
        let units = [(1_u64 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
        let whole = units.iter().find(|(size, _)| unit.is_multiple_of(*size));
        match whole {
            _ if is_posix => format!("{unit}-blocks"),
            Some((size, name)) => format!("{}{name}-blocks", unit / size),
            None => format!("{unit}B-blocks"),
        }
    }
}

/// Returns a size such as `1.5k` with powers of 1000.
fn decimal(bytes: u64) -> String {
    let (mut divisor, mut name) = (1_u64, "");
    for next in ["k", "M", "G", "T"] {
        if bytes.div_ceil(divisor) < 1000 {
            break;
        }
        (divisor, name) = (divisor * 1000, next);
    }
    let tenths = bytes.saturating_mul(10).div_ceil(divisor);
    match divisor > 1 && tenths < 100 {
        true => format!("{}.{}{name}", tenths / 10, tenths % 10),
        false => format!("{}{name}", bytes.div_ceil(divisor)),
    }
}

/// A file system of the machine.
struct Mounted {
    name: String,
    path: String,
    volume: Volume,
    /// The operand that it was asked for by.
    file: String,
}

pub(super) async fn df(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("all", 'a'),
        ("block-size", 'B'),
        ("human-readable", 'h'),
        ("inodes", 'i'),
        ("local", 'l'),
        ("output", 'O'),
        ("portability", 'P'),
        ("print-type", 'T'),
        ("si", 'H'),
    ];
    // The value of `--output` may be missing.
    let arguments: Vec<String> = arguments
        .iter()
        .map(|argument| match argument.as_str() {
            "--output" => "--output=".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    let given = shell
        .arguments("df", &arguments, "ahHiklmPTB:O:", &long)
        .await?;
    let is_posix = given.has('P');
    let unit = match given.last("hHkmB") {
        Some('h') => Unit::Human { is_decimal: false },
        Some('H') => Unit::Human { is_decimal: true },
        Some('m') => Unit::Bytes(1 << 20, String::new()),
        Some('B') => {
            let text = given.value('B').unwrap_or_default();
            let unit =
                block_size(text).ok_or_else(|| format!("invalid -B argument {}", quoted(text)));
            match unit {
                Ok(unit) => unit,
                Err(message) => {
                    shell.report_of("df", message).await;
                    return Err(1);
                }
            }
        }
        _ => Unit::Bytes(1 << 10, String::new()),
    };
    let columns = match given.value('O') {
        Some(names) => match columns(names) {
            Ok(columns) => columns,
            Err(name) => {
                let message = format!("option --output: field {} unknown", quoted(name));
                return Err(shell.usage("df", &message).await);
            }
        },
        None => usual(given.has('i'), given.has('T')),
    };
    let (mounted, status) = file_systems(shell, &given.operands).await;
    if mounted.is_empty() {
        return Err(status);
    }
    let is_listed = given.value('O').is_some();
    let header = |column: &Column| match column {
        Column::Size => unit.header(is_posix),
        Column::Available if is_listed || matches!(unit, Unit::Human { .. }) => "Avail".to_owned(),
        Column::Percent if is_posix => "Capacity".to_owned(),
        column => column.header().to_owned(),
    };
    let mut rows: Vec<Vec<String>> = vec![columns.iter().map(header).collect()];
    for file_system in &mounted {
        let cells = columns.iter().map(|column| column.cell(file_system, &unit));
        rows.push(cells.collect());
    }
    shell.write_of("df", table(&columns, &rows)).await?;
    Ok(status)
}

/// Returns the columns without `--output`.
fn usual(shows_inodes: bool, shows_type: bool) -> Vec<Column> {
    let numbers = match shows_inodes {
        true => [
            Column::Inodes,
            Column::UsedInodes,
            Column::FreeInodes,
            Column::InodePercent,
        ],
        false => [
            Column::Size,
            Column::Used,
            Column::Available,
            Column::Percent,
        ],
    };
    let before = std::iter::once(Column::Source).chain(shows_type.then_some(Column::Type));
    before.chain(numbers).chain([Column::Target]).collect()
}

/// Returns the columns of a list of names. The error is a name that is unknown.
fn columns(names: &str) -> Result<Vec<Column>, &str> {
    if names.is_empty() {
        return Ok(NAMES.iter().map(|(_, column)| *column).collect());
    }
    let column = |name| {
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, column)| *column).ok_or(name)
    };
    names.split(',').map(column).collect()
}

/// Reads a size of blocks. A unit without a number is printed after each number.
fn block_size(text: &str) -> Option<Unit> {
    let has_number = text.starts_with(|c: char| c.is_ascii_digit());
    let (bytes, suffix) = match has_number {
        true => (size(text)?, String::new()),
        false => (size(&format!("1{text}"))?, text.to_owned()),
    };
    (bytes > 0).then_some(Unit::Bytes(bytes, suffix))
}

/// Returns the file systems of the operands, or all of them. The status is 1 if one does not exist.
async fn file_systems(shell: &Shell, operands: &[String]) -> (Vec<Mounted>, i32) {
    let all = || {
        let disk = ("disk".to_owned(), "/".to_owned(), shell.disk.root().clone());
        let mounts = std::iter::once(disk).chain(shell.disk.mounts());
        mounts.map(|(name, path, volume)| Mounted {
            name,
            path,
            volume,
            file: "-".to_owned(),
        })
    };
    if operands.is_empty() {
        return (all().collect(), 0);
    }
    let mut found = Vec::new();
    let mut status = 0;
    for operand in operands {
        let path = match shell.disk.canonicalize(&shell.path(operand)) {
            Ok(path) => path,
            Err(errno) => {
                status = 1;
                let message = format!("{operand}: {}", errno.text());
                shell.report_of("df", message).await;
                continue;
            }
        };
        let holds = |mounted: &Mounted| {
            let rest = path.strip_prefix(mounted.path.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let holding = all().filter(holds).max_by_key(|mounted| mounted.path.len());
        found.extend(holding.map(|mounted| Mounted {
            file: operand.clone(),
            ..mounted
        }));
    }
    (found, status)
}

impl Column {
    fn header(self) -> &'static str {
        match self {
            Self::Source => "Filesystem",
            Self::Type => "Type",
            Self::Inodes => "Inodes",
            Self::UsedInodes => "IUsed",
            Self::FreeInodes => "IFree",
            Self::InodePercent => "IUse%",
            Self::Size => "Size",
            Self::Used => "Used",
            Self::Available => "Available",
            Self::Percent => "Use%",
            Self::File => "File",
            Self::Target => "Mounted on",
        }
    }

    fn cell(self, mounted: &Mounted, unit: &Unit) -> String {
        let space = mounted.volume.space();
        let (inodes, used_inodes) = mounted.volume.open().inodes();
        match self {
            Self::Source => mounted.name.clone(),
            Self::Type => "tmpfs".to_owned(),
            Self::Inodes => inodes.to_string(),
            Self::UsedInodes => used_inodes.to_string(),
            Self::FreeInodes => inodes.saturating_sub(used_inodes).to_string(),
            Self::InodePercent => percent(used_inodes as u64, inodes as u64),
            Self::Size => unit.show(space.total),
            Self::Used => unit.show(space.used),
            Self::Available => unit.show(space.total.saturating_sub(space.used)),
            Self::Percent => percent(space.used, space.total),
            Self::File => mounted.file.clone(),
            Self::Target => mounted.path.clone(),
        }
    }

    fn is_left(self) -> bool {
        matches!(self, Self::Source | Self::Type | Self::File | Self::Target)
    }

    /// Returns the smallest width.
    fn width(self) -> usize {
        match self {
            Self::Source => 14,
            Self::Type | Self::Percent | Self::InodePercent => 4,
            Self::File | Self::Target => 0,
            _ => 5,
        }
    }
}

fn percent(used: u64, total: u64) -> String {
    match total {
        0 => "-".to_owned(),
        total => {
            let percent = (u128::from(used) * 100).div_ceil(u128::from(total));
            format!("{percent}%")
        }
    }
}

fn table(columns: &[Column], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| {
            rows.iter()
                .filter_map(|row| Some(row.get(at)?.len()))
                .max()
                .unwrap_or(0)
        })
        .zip(columns)
        .map(|(width, column)| width.max(column.width()))
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for ((cell, column), width) in row.iter().zip(columns).zip(&widths) {
            if !line.is_empty() {
                line.push(' ');
            }
            match column.is_left() {
                true => line.push_str(&format!("{cell:<width$}")),
                false => line.push_str(&format!("{cell:>width$}")),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
