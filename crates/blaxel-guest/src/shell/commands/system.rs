//! Facts about the machine: `id`, `whoami`, `uname`, `hostname`, `ps`, `nproc`, `stty`.

use super::{Done, quoted};
use crate::files::Files as _;
use crate::shell::Shell;

pub(super) async fn id(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("user", 'u'),
        ("group", 'g'),
        ("groups", 'G'),
        ("name", 'n'),
    ];
    let given = shell.arguments("id", arguments, "ugGnr", &long).await?;
    let (mut user, mut group) = shell.disk.user();
    if let Some(name) = given.operands.first() {
        let users = shell.disk.read("/etc/passwd").unwrap_or_default();
        let users = String::from_utf8_lossy(&users).into_owned();
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(name));
        let ids = line.and_then(|line| {
            let mut parts = line.split(':').skip(2);
            Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
        });
        match ids {
            Some(ids) => (user, group) = ids,
            None => {
                shell
                    .report_of("id", format!("{}: no such user", quoted(name)))
                    .await;
                return Err(1);
            }
        }
    }
    let user_name = shell.owner_name("/etc/passwd", user);
    let group_name = shell.owner_name("/etc/group", group);
    let line = match (given.last("ugG"), given.has('n')) {
        (Some('u'), true) => user_name,
        (Some('u'), false) => user.to_string(),
        (Some(_), true) => group_name,
        (Some(_), false) => group.to_string(),
        (None, true) => {
            shell
                .report_of(
                    "id",
                    "cannot print only names or real IDs in default format",
                )
                .await;
            return Err(1);
        }
        (None, false) => {
            let with_name = |id: u32, name: &str| match name == id.to_string() {
                true => id.to_string(),
                false => format!("{id}({name})"),
            };
            let group = with_name(group, &group_name);
            format!(
                "uid={} gid={group} groups={group}",
                with_name(user, &user_name)
            )
        }
    };
    shell.write_of("id", format!("{line}\n")).await?;
    Ok(0)
}

pub(super) async fn whoami(shell: &mut Shell, arguments: &[String]) -> Done {
    shell.arguments("whoami", arguments, "", &[]).await?;
    let (user, _) = shell.disk.user();
    let name = shell.owner_name("/etc/passwd", user);
    if name == user.to_string() {
        shell
            .report_of("whoami", format!("cannot find name for user ID {user}"))
            .await;
        return Err(1);
    }
    shell.write_of("whoami", format!("{name}\n")).await?;
    Ok(0)
}

impl Shell {
    fn host_name(&self) -> String {
        let name = self.disk.read("/etc/hostname").unwrap_or_default();
        let name = String::from_utf8_lossy(&name).trim().to_owned();
        if name.is_empty() {
            "localhost".to_owned()
        } else {
            name
        }
    }
}

pub(super) async fn hostname(shell: &mut Shell, _: &[String]) -> Done {
    let name = shell.host_name();
    shell.write_of("hostname", format!("{name}\n")).await?;
    Ok(0)
}

pub(super) async fn uname(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("all", 'a'),
        ("kernel-name", 's'),
        ("nodename", 'n'),
        ("kernel-release", 'r'),
        ("kernel-version", 'v'),
        ("machine", 'm'),
        ("operating-system", 'o'),
    ];
    let given = shell
        .arguments("uname", arguments, "asnrvmpio", &long)
        .await?;
    if let Some(extra) = given.operands.first() {
        return Err(shell
            .usage("uname", &format!("extra operand {}", quoted(extra)))
            .await);
    }
    let host = shell.host_name();
    let facts = [
        ('s', "Linux"),
        ('n', host.as_str()),
        ('r', "6.1.0"),
        ('v', "#1 SMP"),
        ('m', "x86_64"),
        ('o', "GNU/Linux"),
    ];
    let is_default = given.options.is_empty();
    let shown = facts.iter().filter(|(option, _)| {
        given.has('a') || given.has(*option) || (is_default && *option == 's')
    });
    let shown: Vec<&str> = shown.map(|(_, fact)| *fact).collect();
    shell
        .write_of("uname", format!("{}\n", shown.join(" ")))
        .await?;
    Ok(0)
}

pub(super) async fn nproc(shell: &mut Shell, _: &[String]) -> Done {
    shell.write_of("nproc", "2\n").await?;
    Ok(0)
}

pub(super) async fn ps(shell: &mut Shell, _: &[String]) -> Done {
    let mut output = "    PID TTY          TIME CMD\n".to_owned();
    for group in shell.kernel.groups() {
        let name = group
            .command
            .split_whitespace()
            .next()
            .unwrap_or("sh")
            .to_owned();
        output.push_str(&format!("{:>7} ?        00:00:00 {name}\n", group.pid()));
        for job in group.running_jobs() {
            output.push_str(&format!("{job:>7} ?        00:00:00 sh\n"));
        }
    }
    shell.write_of("ps", output).await?;
    Ok(0)
}

/// Prints the size of the terminal, and changes nothing.
pub(super) async fn stty(shell: &mut Shell, arguments: &[String]) -> Done {
    let Some(size) = shell.group.terminal() else {
        let message = "'standard input': Inappropriate ioctl for device";
        shell.report_of("stty", message).await;
        return Err(1);
    };
    if arguments != ["size"] {
        let message = "this machine has only `stty size`";
        shell.report_of("stty", message).await;
        return Err(1);
    }
    let line = format!("{} {}\n", size.rows, size.columns);
    shell.write_of("stty", line).await?;
    Ok(0)
}
