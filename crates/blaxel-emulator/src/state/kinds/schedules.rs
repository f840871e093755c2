//! Schedules of sandboxes.

use super::workloads::SANDBOXES;
use crate::state::Pages;
use crate::state::kind::{Kind, Listing, Naming, Operations, Stamps};

pub(crate) static SANDBOX_SCHEDULES: Kind = Kind {
    path: "sandboxes/{sandboxName}/schedules",
    parameter: "scheduleId",
    noun: "Schedule",
    parent: Some(&SANDBOXES),
    operations: Operations {
        list: Some("ListSandboxSchedules"),
        create: Some("CreateSandboxSchedule"),
        get: Some("GetSandboxSchedule"),
        update: Some("UpdateSandboxSchedule"),
        delete: Some("DeleteSandboxSchedule"),
    },
    naming: Naming::GivenOrMade("sch"),
    stamps: Stamps {
        created_at: Some("createdAt"),
        ..Stamps::NONE
    },
    listing: Listing::Paged(Pages {
        default: 20,
        max: 100,
        anchor: false,
        types: &["cron", "at"],
        ..Pages::PLAIN
    }),
    ..Kind::FLAT
};
