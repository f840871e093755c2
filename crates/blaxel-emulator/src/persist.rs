//! Saving the state of an emulator, and restoring it.

use crate::data::{Data, Document, InvalidData, SavedSettings, Span};
use crate::engine::{Config, Engine};
use crate::incident::Incident;
use crate::state::{Problem, SavedRecord};

/// Saves the whole state.
pub(crate) fn save(engine: &Engine) -> Result<Data, InvalidData> {
    let mut document = Document::complete();
    document.settings = settings(&engine.config);
    document.requests = engine.last_number();
    document.used_device_codes = engine.used_device_codes();
    document.faults = engine.faults.save();
    let store = engine.store.open();
    document.clock = Some(store.now());
    document.counters = store.save_counters();
    let saved = store.save(|store, sandbox| engine.guests.contents_of(store, sandbox).shared());
    document.resources = saved.map_err(|Problem(problem)| InvalidData::new(problem))?;
    Ok(Data::new(document))
}

/// Restores data in a new or cleared emulator whose settings are those of the data.
pub(crate) fn load(engine: &Engine, data: &Data) -> Result<(), InvalidData> {
    let document = data.document();
    let mut store = engine.store.open();
    let restored: Result<(), Problem> = document
        .resources
        .iter()
        .try_for_each(|record: &SavedRecord| store.restore(record))
        .and_then(|()| store.restore_counters(&document.counters));
    drop(store);
    restored.map_err(|Problem(problem)| InvalidData::new(problem))?;
    for saved in &document.faults {
        let (fault, times) = (saved.fault.clone(), saved.times);
        // An incident that is not known any more leaves its faults alone.
        let incident: Option<Incident> =
            saved.incident.as_deref().and_then(|name| name.parse().ok());
        let incident = incident.map(Incident::name);
        engine
            .faults
            .add_of(incident, &saved.operation, fault, times);
    }
    engine.continue_from(document.requests, &document.used_device_codes);
    Ok(())
}

/// Returns an error that names the first setting in which data differs from an emulator.
fn check_settings(config: &Config, data: &Data) -> Result<(), InvalidData> {
    let own = serde_json::to_value(settings(config)).unwrap_or_default();
    let given = serde_json::to_value(&data.document().settings).unwrap_or_default();
    let mut given = given.as_object().into_iter().flatten();
    match given.find(|(name, value)| own.get(name.as_str()) != Some(value)) {
        None => Ok(()),
        Some((name, _)) => Err(InvalidData::new(format!(
            "settings.{name}: it is not that of this emulator, and cannot change while it runs; start \
             one with the data instead"
        ))),
    }
}

/// Returns the settings that belong to the state.
fn settings(config: &Config) -> SavedSettings {
    let number = |number: usize| (number != usize::MAX).then_some(number);
    SavedSettings {
        workspace: Some(config.workspace.clone()),
        client_id: Some(config.client_id.clone()),
        client_secret: Some(config.client_secret.clone()),
        api_key: Some(config.api_key.clone()),
        seed: Some(config.seed),
        account_admin: Some(config.account_admin),
        features: Some(config.features.clone()),
        deploy_time: Some(Span(config.deploy_time)),
        build_time: Some(Span(config.build_time)),
        delete_time: Some(Span(config.delete_time)),
        standby_after: Some(Span(config.standby_after)),
        snapshot_time: Some(Span(config.snapshot_time)),
        archive_time: Some(Span(config.archive_time)),
        wake_time: Some(Span(config.wake_time)),
        execution_time: Some(Span(config.execution_time)),
        total_limit: number(config.total_limit),
        job_parallelism: number(config.job_parallelism),
        job_capacity: number(config.job_capacity),
    }
}

/// Sets the settings that data has.
pub(crate) fn apply_settings(config: &mut Config, data: &Data) {
    let given = data.document().settings.clone();
    set(&mut config.workspace, given.workspace);
    set(&mut config.client_id, given.client_id);
    set(&mut config.client_secret, given.client_secret);
    set(&mut config.api_key, given.api_key);
    set(&mut config.seed, given.seed);
    set(&mut config.account_admin, given.account_admin);
    set(&mut config.features, given.features);
    set(&mut config.total_limit, given.total_limit);
    set(&mut config.job_parallelism, given.job_parallelism);
    set(&mut config.job_capacity, given.job_capacity);
    for (own, given) in [
        (&mut config.deploy_time, given.deploy_time),
        (&mut config.build_time, given.build_time),
        (&mut config.delete_time, given.delete_time),
        (&mut config.standby_after, given.standby_after),
        (&mut config.snapshot_time, given.snapshot_time),
        (&mut config.archive_time, given.archive_time),
        (&mut config.wake_time, given.wake_time),
        (&mut config.execution_time, given.execution_time),
    ] {
        set(own, given.map(|span| span.0));
    }
}

fn set<T>(own: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *own = given;
    }
}

/// Restores data in an emulator that runs.
pub(crate) fn restore(engine: &Engine, data: &Data) -> Result<(), InvalidData> {
    check_settings(&engine.config, data)?;
    let document = data.document();
    if document.complete {
        engine.clear();
        // Those of before would be taken for the restored ones, whose numbers are the same.
        engine.guests.end_all();
        engine.store.open().forget_serials();
    }
    if let Some(clock) = document.clock {
        engine.clock.set(clock);
    }
    load(engine, data)
}
