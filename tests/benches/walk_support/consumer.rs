//! Who takes the agents.

use std::hint::black_box;
use std::time::Duration;

use blaxel_management::agents::Agent;

use super::list::PAGE;

/// Takes agents one by one, and needs some time for each page of them, as one does who stores them
/// somewhere. It waits at the first one of a page, so that all others are held meanwhile.
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
