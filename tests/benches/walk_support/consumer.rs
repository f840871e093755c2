//! The consumer of the agents.

use std::hint::black_box;
use std::time::Duration;

use blaxel_management::agents::Agent;

use super::list::PAGE;

/// A consumer that takes agents one at a time and waits at the first agent of each page, like a
/// program that stores them. The other agents of the page are held in memory meanwhile.
pub struct Consumer {
    each_page: Duration,
    taken: u32,
}

impl Consumer {
    pub fn new(each_page: Duration) -> Self {
        Self {
            each_page,
            taken: 0,
        }
    }

    pub async fn take(&mut self, agent: Agent) {
        if self.taken.is_multiple_of(PAGE) && !self.each_page.is_zero() {
            tokio::time::sleep(self.each_page).await;
        }
        drop(black_box(agent));
        self.taken += 1;
    }

    pub fn taken(&self) -> u32 {
        self.taken
    }
}
