//! The code interpreter, which answers with the scripts of the simulated machine.

use blaxel_emulator::blaxel_guest::{CodeScript, SimulatedGuest};
use blaxel_sandbox::interpreter::ContextOptions;

use crate::support::{Age, World};

pub fn prepare(guest: &SimulatedGuest) {
    let script = CodeScript::new().stdout("hi\n").result_text("42");
    guest.on_code("print('hi'); 6 * 7", script);
}

pub fn unsent(_: Age) -> &'static [&'static str] {
    &[]
}

pub async fn perform(world: &World) {
    let interpreter = world.sandbox().interpreter();
    assert!(interpreter.health().await.unwrap());
    world.expect(&["GetInterpreterHealth"]);

    let options = ContextOptions::new().language("python").cwd("/tmp");
    let context = interpreter.create_context(&options).await.unwrap();
    assert_eq!(context.language.as_deref(), Some("python"));
    assert_eq!(context.cwd.as_deref(), Some("/tmp"));
    world.expect(&["CreateContext"]);
    let listed = interpreter.contexts().await.unwrap();
    assert!(
        listed.iter().any(|other| other.id == context.id),
        "{listed:?}"
    );
    world.expect(&["ListContexts"]);

    let run = interpreter.run("print('hi'); 6 * 7").context(&context.id);
    let run = run.env("COLOUR", "green").output().await.unwrap();
    assert_eq!((run.stdout.as_str(), run.text()), ("hi\n", Some("42")));
    world.expect(&["ExecuteCode"]);

    interpreter.restart_context(&context.id).await.unwrap();
    interpreter.delete_context(&context.id).await.unwrap();
    world.expect(&["RestartContext", "DeleteContext"]);
    let listed = interpreter.contexts().await.unwrap();
    assert!(
        listed.iter().all(|other| other.id != context.id),
        "{listed:?}"
    );
    world.expect(&["ListContexts"]);
}
