//! Dockerfiles are read back by an independent parser: exactly what was put in comes out.

use blaxel_management::image_builder::{Destination, ImageDefinition, Template};
use parse_dockerfile::{Command, Instruction};
use proptest::prelude::*;

/// A step of a definition, as it is put in and as it is read back.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// A command line, which a shell gets.
    Run(String),
    Program(Vec<String>),
    Env(String, String),
    Arg(String, String),
    Label(String, String),
    Workdir(String),
    User(String),
    Expose(u16),
    CopyFrom(String, Place),
    CopyBytes(Place),
    Entrypoint(Vec<String>),
    Cmd(Vec<String>),
}

/// A path with an owner and permissions.
type Place = (String, Option<String>, Option<u32>);

fn destination((path, owner, mode): Place) -> Destination {
    let destination = Destination::new(path);
    let destination = owner.into_iter().fold(destination, Destination::owner);
    mode.into_iter().fold(destination, Destination::mode)
}

impl Step {
    fn add(&self, image: ImageDefinition) -> ImageDefinition {
        match self.clone() {
            Self::Run(command) => image.run(command),
            Self::Program(arguments) => image.run_program(arguments),
            Self::Env(name, value) => image.env(name, value),
            Self::Arg(name, value) => image.arg_or(name, value),
            Self::Label(name, value) => image.label(name, value),
            Self::Workdir(path) => image.workdir(path),
            Self::User(user) => image.user(user),
            Self::Expose(port) => image.expose(port),
            Self::CopyFrom(source, destination) => {
                image.copy_from("a/b:1", source, self::destination(destination))
            }
            Self::CopyBytes(destination) => {
                image.copy_bytes("contents", self::destination(destination))
            }
            Self::Entrypoint(arguments) => image.entrypoint(arguments),
            Self::Cmd(arguments) => image.cmd(arguments),
        }
    }
}

/// Reads a word as builders do, without variables in it.
fn word(text: &str) -> String {
    let mut characters = text.chars();
    let mut quote = None;
    let mut read = String::new();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\'', Some('\'')) | ('"', Some('"')) => quote = None,
            (other, Some('\'')) => read.push(other),
            ('\\', Some(_)) => match characters.next().unwrap() {
                escaped @ ('"' | '\\' | '$') => read.push(escaped),
                other => read.extend(['\\', other]),
            },
            ('\\', None) => read.push(characters.next().unwrap()),
            ('\'' | '"', None) => quote = Some(character),
            ('$', _) => panic!("a variable in {text}"),
            (other, _) => read.push(other),
        }
    }
    assert_eq!(quote, None, "an open quote in {text}");
    read
}

fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap();
    (word(name), word(value))
}

fn array(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap()
}

/// Reads a Dockerfile.
fn read(text: &str) -> Vec<Step> {
    let file = parse_dockerfile::parse(text).unwrap();
    assert!(matches!(file.instructions[0], Instruction::From(_)));
    assert_eq!(file.instructions.len(), text.lines().count(), "{text}");
    let steps = file.instructions[1..]
        .iter()
        .map(|instruction| match instruction {
            Instruction::Run(run) => {
                assert!(run.options.is_empty() && run.here_docs.is_empty(), "{text}");
                match &run.arguments {
                    Command::Shell(command) => Step::Run(command.value.to_owned()),
                    Command::Exec(arguments) => {
                        let arguments = array(&text[arguments.span.clone()]);
                        match arguments.as_slice() {
                            [shell, option, command] if shell == "/bin/sh" && option == "-c" => {
                                Step::Run(command.clone())
                            }
                            _ => Step::Program(arguments),
                        }
                    }
                    other => panic!("{other:?}"),
                }
            }
            Instruction::Env(env) => {
                let (name, value) = pair(&text[env.arguments.span.clone()]);
                Step::Env(name, value)
            }
            Instruction::Arg(arg) => {
                let (name, value) = pair(&text[arg.arguments.span.clone()]);
                Step::Arg(name, value)
            }
            Instruction::Label(label) => {
                let (name, value) = pair(&text[label.arguments.span.clone()]);
                Step::Label(name, value)
            }
            Instruction::Workdir(path) => Step::Workdir(word(&text[path.arguments.span.clone()])),
            Instruction::User(user) => Step::User(word(&text[user.arguments.span.clone()])),
            Instruction::Expose(ports) => Step::Expose(ports.arguments[0].value.parse().unwrap()),
            Instruction::Copy(copy) => {
                // Its paths are words within an array.
                let line = &text[copy.copy.span.start..].lines().next().unwrap();
                let paths = array(&line[line.find('[').unwrap()..]);
                let [source, destination] = paths.as_slice() else {
                    panic!("{line}")
                };
                let option = |name: &str| {
                    let mut options = copy.options.iter();
                    let found = options.find(|option| option.name.value == name)?;
                    Some(found.value.as_ref().unwrap().value.to_string())
                };
                let mode = option("chmod").map(|mode| u32::from_str_radix(&mode, 8).unwrap());
                let place = (word(destination), option("chown"), mode);
                match option("from") {
                    None => Step::CopyBytes(place),
                    Some(_) => Step::CopyFrom(word(source), place),
                }
            }
            Instruction::Cmd(cmd) => match &cmd.arguments {
                Command::Exec(arguments) => Step::Cmd(array(&text[arguments.span.clone()])),
                other => panic!("{other:?}"),
            },
            Instruction::Entrypoint(entrypoint) => match &entrypoint.arguments {
                Command::Exec(arguments) => Step::Entrypoint(array(&text[arguments.span.clone()])),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        });
    steps.collect()
}

/// Texts without line breaks, full of what has a meaning in a Dockerfile or a shell.
fn text() -> impl Strategy<Value = String> {
    "([ -~]|[\t'\"$`\\\\#<>{}!*é\u{1F600}\u{7f}\u{85}\u{a0}\u{2028}]|\\PC){1,14}"
        .prop_filter("not empty", |text| !text.trim().is_empty())
}

/// Texts that may have several lines.
fn lines() -> impl Strategy<Value = String> {
    prop_oneof![
        text(),
        prop::collection::vec("([ -~]|[\t\\\\<#\r]){0,10}", 1..4)
            .prop_map(|lines| lines.join("\n"))
            .prop_filter("not empty", |text| !text.trim().is_empty()),
        Just("cat <<EOF\nRUN evil\nEOF".to_owned()),
        Just("[ -f a ] && echo \"b\"".to_owned()),
        Just("[\"a\", \"b\"]".to_owned()),
        Just("--mount=type=cache x".to_owned()),
        Just("echo a \\".to_owned()),
        Just("echo $((1<<2))".to_owned()),
        Just("# comment".to_owned()),
    ]
}

fn program() -> impl Strategy<Value = Vec<String>> {
    (text(), prop::collection::vec(lines(), 0..3)).prop_map(|(program, mut rest)| {
        rest.insert(0, program);
        rest
    })
}

fn path() -> impl Strategy<Value = String> {
    text().prop_map(|text| format!("/{}x", text.trim_matches('/')))
}

fn place() -> impl Strategy<Value = Place> {
    let owner = "[a-z0-9_][a-zA-Z0-9_.-]{0,5}(:[a-z0-9][a-z0-9-]{0,4})?";
    let mode = prop::option::of(0..=0o7777u32);
    (path(), prop::option::of(owner), mode)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        lines().prop_map(Step::Run),
        program().prop_map(Step::Program),
        ("[A-Za-z_][A-Za-z0-9_]{0,5}", text()).prop_map(|(name, value)| Step::Env(name, value)),
        ("[A-Z_][A-Z0-9_]{0,5}", text()).prop_map(|(name, value)| Step::Arg(name, value)),
        ("[a-z][a-z0-9./-]{0,8}", text()).prop_map(|(name, value)| Step::Label(name, value)),
        path().prop_map(Step::Workdir),
        text().prop_map(Step::User),
        any::<u16>().prop_map(Step::Expose),
        (path(), place()).prop_map(|(from, to)| Step::CopyFrom(from, to)),
        place().prop_map(Step::CopyBytes),
    ]
}

proptest! {
    #[test]
    fn a_dockerfile_is_read_back_as_it_was_declared(
        mut steps in prop::collection::vec(step(), 0..6),
        entrypoint in prop::option::of(program()),
        cmd in prop::option::of(program()),
    ) {
        steps.extend(entrypoint.map(Step::Entrypoint));
        steps.extend(cmd.map(Step::Cmd));
        let start = ImageDefinition::from_registry("python:3.12-slim");
        let image = steps.iter().fold(start, |image, step| step.add(image));
        let text = image.dockerfile().unwrap();
        prop_assert_eq!(read(&text), steps, "{}", text);
    }

    #[test]
    fn nothing_but_a_run_step_accepts_a_line_break(
        before in "[ -~]{0,6}",
        after in "[ -~]{0,6}",
        broken in prop_oneof![Just("\n"), Just("\r"), Just("\r\n"), Just("\0")],
    ) {
        let evil = format!("{before}{broken}{after}x");
        let image = || ImageDefinition::from_registry("python:3.12-slim");
        for image in [
            ImageDefinition::from_registry(evil.clone()),
            image().env("A", evil.clone()),
            image().env(&evil, "a"),
            image().arg(&evil),
            image().arg_or("A", evil.clone()),
            image().label("a", evil.clone()),
            image().label(&evil, "a"),
            image().workdir(evil.clone()),
            image().user(evil.clone()),
            image().copy_from(&evil, "/a", "/b"),
            image().copy_from("a", &evil, "/b"),
            image().copy_from("a", "/a", evil.clone()),
            image().copy_bytes("a", evil.clone()),
            image().copy_bytes("a", Destination::new("/a").owner(evil.clone())),
            image().with_sandbox_api(&evil),
            image().env("A", Template::new("").variable(evil.clone())),
        ] {
            prop_assert!(image.dockerfile().unwrap_err().is_input());
        }
    }
}

#[test]
fn commands_stay_readable_where_they_can() {
    let image = ImageDefinition::from_registry("debian:bookworm-slim")
        .run("echo \"$HOME\" | tee a > b; exit 0")
        .run("echo a\necho b")
        .shell(["/bin/bash", "-c"])
        .run("cat <<< a");
    assert_eq!(
        image.dockerfile().unwrap(),
        "FROM debian:bookworm-slim\n\
         RUN echo \"$HOME\" | tee a > b; exit 0\n\
         RUN [\"/bin/sh\",\"-c\",\"echo a\\necho b\"]\n\
         SHELL [\"/bin/bash\",\"-c\"]\n\
         RUN [\"/bin/bash\",\"-c\",\"cat <<< a\"]\n"
    );
}

#[test]
fn the_first_invalid_step_is_reported() {
    let image = ImageDefinition::from_registry("python:3.12-slim")
        .run(" ")
        .env("1", "a");
    let error = image.dockerfile().unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("command"),
        "{error}"
    );
    for reference in ["", "-a", "a b", "a\tb", "a AS b", "$BASE", "é"] {
        let image = ImageDefinition::from_registry(reference);
        assert!(image.dockerfile().unwrap_err().is_input(), "{reference}");
    }
    let long = ImageDefinition::from_registry("a").run("a".repeat(70_000));
    assert!(long.dockerfile().unwrap_err().to_string().contains("65535"));
}

#[test]
fn an_empty_path_is_refused() {
    let image = || ImageDefinition::from_registry("a");
    for image in [
        image().copy_bytes("a", ""),
        image().copy_bytes("a", Template::default()),
        image().copy_dir(".", " "),
        image().copy_from("b", "", "/a"),
        image().copy_from("b", "/a", ""),
        image().workdir(""),
        image().user("\t"),
        image().cmd(["a\0"]),
        image().entrypoint([""]),
    ] {
        assert!(image.dockerfile().unwrap_err().is_input(), "{image:?}");
    }
    assert!(
        image()
            .cmd::<String>([])
            .dockerfile()
            .unwrap()
            .ends_with("CMD []\n")
    );
}

#[test]
fn an_owner_or_permissions_that_builders_misread_are_refused() {
    let image = |to: Destination| ImageDefinition::from_registry("a").copy_bytes("a", to);
    let to = || Destination::new("/a");
    for owner in [
        "",
        ":",
        "a:",
        ":a",
        "a:b:c",
        "a b",
        "$USER",
        "-a",
        "a --chmod=777",
        "a\"b",
    ] {
        let error = image(to().owner(owner)).dockerfile().unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains("owner"),
            "{owner}: {error}"
        );
    }
    for (mode, text) in [(0, "000"), (0o7, "007"), (0o644, "644"), (0o7777, "7777")] {
        let expected = format!("FROM a\nCOPY --chmod={text} [\"local/0\",\"/a\"]\n");
        assert_eq!(image(to().mode(mode)).dockerfile().unwrap(), expected);
    }
    for mode in [0o10000, u32::MAX] {
        assert!(image(to().mode(mode)).dockerfile().unwrap_err().is_input());
    }
}

#[test]
fn a_sandbox_image_runs_the_server_and_the_program() {
    let base = || ImageDefinition::from_registry("debian:bookworm-slim");
    let entrypoint = |image: ImageDefinition| {
        let text = image.with_sandbox_api("1.2").dockerfile().unwrap();
        (
            text.contains("COPY --from=ghcr.io/blaxel-ai/sandbox:1.2"),
            text.lines().last().unwrap().to_owned(),
        )
    };
    let server = "ENTRYPOINT [\"/usr/local/bin/sandbox-api\"]";
    assert_eq!(entrypoint(base()), (true, server.to_owned()));
    // A mention of the server is no server.
    let mention = base().label("about", "sandbox-api of blaxel-ai/sandbox");
    assert_eq!(entrypoint(mention), (true, server.to_owned()));
    let (copies, line) = entrypoint(base().entrypoint(["python", "it's"]));
    assert!(copies);
    let Step::Entrypoint(arguments) = &read(&format!("FROM a\n{line}\n"))[0] else {
        panic!("{line}")
    };
    let expected = [
        "/bin/sh",
        "-c",
        "\"$@\" & exec /usr/local/bin/sandbox-api",
        "sh",
        "python",
        "it's",
    ];
    assert_eq!(arguments, &expected);
    // The arguments of `CMD` follow, also if they are the whole program.
    for (image, start) in [
        (
            base().cmd(["-v"]).entrypoint(["python"]),
            r#""sh","python"]"#,
        ),
        (base().cmd(["python", "-v"]), r#""sh"]"#),
    ] {
        let text = image.with_sandbox_api("1").dockerfile().unwrap();
        let lines: Vec<&str> = text.lines().rev().take(2).collect();
        assert!(
            lines[0].starts_with("CMD [") && lines[0].ends_with("\"-v\"]"),
            "{text}"
        );
        assert!(lines[1].starts_with("ENTRYPOINT [\"/bin/sh\""), "{text}");
        assert!(lines[1].ends_with(start), "{text}");
    }
    assert!(!entrypoint(base().cmd(["/sandbox-api"])).0);
    // What starts the server already is left alone.
    let own = "ENTRYPOINT [\"/opt/sandbox-api\",\"-p\",\"80\"]".to_owned();
    assert_eq!(
        entrypoint(base().entrypoint(["/opt/sandbox-api", "-p", "80"])),
        (false, own)
    );
    for reference in [
        "blaxel/base-image:latest",
        "ghcr.io/blaxel-ai/sandbox:latest",
        "ghcr.io/blaxel-ai/sandbox/py",
    ] {
        let image = ImageDefinition::from_registry(reference);
        assert_eq!(entrypoint(image), (false, format!("FROM {reference}")));
    }
    let (copies, _) = entrypoint(ImageDefinition::from_registry(
        "ghcr.io/blaxel-ai/sandboxed",
    ));
    assert!(copies);
}
