//! A process inside a job reads the arguments of its own task, and outside of a job there is none.

use blaxel_core::{Body, Error, HttpService, Plane};
use blaxel_inference::Inference;
use serde_json::{Value, json};

const URL: &str = "https://storage.example/tasks.json?X-Signature=a%2Fb%20c&x=canary";

/// Creates a storage that returns three tasks for the presigned address, and accepts no other request.
fn storage() -> impl HttpService {
    tower::service_fn(async |request: http::Request<Body>| {
        let operation = blaxel_core::operation(&request).unwrap();
        assert_eq!(operation.plane(), Plane::Presigned);
        assert_eq!(request.uri().to_string(), URL);
        let tasks = json!({"tasks": [{"city": "Oslo"}, {"city": "Rome"}, null]});
        Ok::<_, Error>(http::Response::new(Body::from(tasks.to_string())))
    })
}

fn variables(set: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    move |name| {
        let found = set.iter().find(|(variable, _)| *variable == name)?;
        Some(found.1.to_owned())
    }
}

#[tokio::test]
async fn a_task_reads_its_own_arguments() {
    let inference = Inference::new(storage());
    for (set, index, city) in [
        (
            &[("BL_EXECUTION_DATA_URL", URL), ("TASK_INDEX", "0")][..],
            0,
            "Oslo",
        ),
        (
            &[
                ("BL_EXECUTION_DATA_URL", URL),
                ("BL_TASK_KEY", "CLOUD_TASK"),
                ("CLOUD_TASK", "task-1"),
                ("BL_TASK_PREFIX", "task-"),
                ("TASK_INDEX", "0"),
            ],
            1,
            "Rome",
        ),
    ] {
        let task = inference.task(variables(set)).unwrap().unwrap();
        assert_eq!(task.index(), index);
        let arguments: Value = task.arguments().await.unwrap();
        assert_eq!(arguments["city"], city);
    }
}

#[tokio::test]
async fn outside_a_job_there_is_no_task() {
    let inference = Inference::new(storage());
    assert!(inference.task(|_| None).unwrap().is_none());
    let empty = variables(&[("BL_EXECUTION_DATA_URL", ""), ("TASK_INDEX", "0")]);
    assert!(inference.task(empty).unwrap().is_none());
}

#[tokio::test]
async fn line_ends_around_the_variables_do_not_matter_and_inside_they_are_refused() {
    let inference = Inference::new(storage());
    let index = |text: &'static str| {
        inference.task(move |name| match name {
            "BL_EXECUTION_DATA_URL" => Some("\u{feff}https://storage.example/tasks\r\n".to_owned()),
            "TASK_INDEX" => Some(text.to_owned()),
            _ => None,
        })
    };
    for text in ["1", "1\r", "\u{feff}1\n"] {
        assert_eq!(index(text).unwrap().unwrap().index(), 1);
    }
    let error = index("1\n2").unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("TASK_INDEX"),
        "{error}"
    );
}

#[tokio::test]
async fn a_bad_index_is_an_error_that_names_the_variable() {
    let inference = Inference::new(storage());
    for set in [
        &[("BL_EXECUTION_DATA_URL", URL)][..],
        &[("BL_EXECUTION_DATA_URL", URL), ("TASK_INDEX", "one")],
        &[("BL_EXECUTION_DATA_URL", URL), ("TASK_INDEX", "-1")],
    ] {
        let error = inference.task(variables(set)).unwrap_err();
        assert!(error.is_input(), "{error}");
        assert!(error.to_string().contains("TASK_INDEX"), "{error}");
    }
}

#[tokio::test]
async fn a_missing_task_or_unexpected_arguments_are_an_error() {
    let inference = Inference::new(storage());
    let task = |set| inference.task(variables(set)).unwrap().unwrap();
    let beyond = task(&[("BL_EXECUTION_DATA_URL", URL), ("TASK_INDEX", "3")]);
    let error = beyond.arguments::<Value>().await.unwrap_err();
    assert!(
        error.is_decode() && error.to_string().contains("no task 3"),
        "{error}"
    );
    let other = task(&[("BL_EXECUTION_DATA_URL", URL), ("TASK_INDEX", "0")]);
    let error = other.arguments::<Vec<u32>>().await.unwrap_err();
    assert!(error.is_decode(), "{error}");
}

/// The address grants access to the tasks.
#[tokio::test]
async fn the_presigned_address_is_never_shown() {
    let inference = Inference::new(storage());
    let found = inference.task(variables(&[
        ("BL_EXECUTION_DATA_URL", URL),
        ("TASK_INDEX", "9"),
        ("BL_EXECUTION_ID", "e-1"),
    ]));
    let task = found.unwrap().unwrap();
    assert_eq!(task.execution(), Some("e-1"));
    assert!(!format!("{task:?}").contains("canary"));
    let error = task.arguments::<Value>().await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"));
    let bad = inference.task(variables(&[
        ("BL_EXECUTION_DATA_URL", "http://storage.example/t?canary"),
        ("TASK_INDEX", "0"),
    ]));
    let error = bad
        .unwrap()
        .unwrap()
        .arguments::<Value>()
        .await
        .unwrap_err();
    assert!(error.is_input(), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
}
