//! The walkers of the list: our own stream of items, and a hand-written loop.

use std::time::Duration;

use blaxel_core::{Cursor, ListParams, Page, response};
use blaxel_management::Management;
use blaxel_management::agents::Agent;
use blaxel_transport::{Client, HttpVersion, in_background};

use super::consumer::Consumer;
use super::hyper_client::HyperClient;
use super::list::{List, PAGE};
use super::stack;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A loop over the pages on plain hyper-util, which decodes into our types.
    Loop,
    Items,
    ReadAhead,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Loop, Self::Items, Self::ReadAhead];

    /// Returns the name used in figures and arguments.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loop => "hand-written",
            Self::Items => "items",
            Self::ReadAhead => "read-ahead",
        }
    }

    /// Creates a walker of this kind without a connection.
    pub fn over(self, list: List) -> Walker {
        let management = || {
            let client = stack::builder(&list.url(), HttpVersion::Http1).build();
            Management::new(client.expect("a client"))
        };
        let mode = match self {
            Self::Loop => Mode::Loop(Box::new(HyperClient::new(list.server, HttpVersion::Http1))),
            Self::Items => Mode::Items(management()),
            Self::ReadAhead => Mode::ReadAhead(management()),
        };
        Walker { mode, list }
    }
}

pub struct Walker {
    mode: Mode,
    list: List,
}

enum Mode {
    Loop(Box<HyperClient>),
    Items(Management<Client>),
    ReadAhead(Management<Client>),
}

impl Walker {
    /// Walks the whole list with a consumer that takes `each_page` for each page.
    pub async fn walk(&self, each_page: Duration) {
        let mut consumer = Consumer::new(each_page);
        match &self.mode {
            Mode::Loop(client) => by_hand(client, &self.list, &mut consumer).await,
            Mode::Items(management) => {
                let mut agents = management
                    .agents()
                    .items_with(&ListParams::new().limit(PAGE));
                while let Some(agent) = agents.try_next().await.expect("a page") {
                    consumer.take(agent).await;
                }
            }
            Mode::ReadAhead(management) => {
                let agents = management
                    .agents()
                    .items_with(&ListParams::new().limit(PAGE));
                let mut agents = agents.read_ahead(in_background);
                while let Some(agent) = agents.try_next().await.expect("a page") {
                    consumer.take(agent).await;
                }
            }
        }
        assert_eq!(consumer.taken(), self.list.items());
    }
}

async fn by_hand(client: &HyperClient, list: &List, consumer: &mut Consumer) {
    let mut cursor: Option<Cursor> = None;
    loop {
        let mut target = format!("{}/agents?limit={PAGE}", list.path());
        if let Some(cursor) = &cursor {
            target.push_str("&cursor=");
            target.push_str(cursor.as_str());
        }
        let page: Page<Agent> = response::json(&client.get(target).await).expect("a page");
        cursor = page.meta.next_cursor().cloned();
        for agent in page {
            consumer.take(agent).await;
        }
        if cursor.is_none() {
            return;
        }
    }
}
