//! Each call with our facades.

use blaxel_core::ListParams;
use blaxel_inference::{AgentCall, Inference};
use blaxel_management::agents::Agent;
use blaxel_management::{Collection, Management, Megabytes};
use blaxel_transport::Client;
use serde_json::{Value, json};

use super::measure::Measure;
use super::work::{AGENT, Caller, IMAGE, PAGE, QUESTION, Row, Task};

/// Runs a task and measures it.
pub async fn run(task: &Task) -> Measure {
    let client = Client::from_env().expect("a client");
    let own = Own {
        agents: Management::new(client.clone()).agents(),
        agent: Inference::new(client).agent(AGENT),
    };
    task.measure(own).await
}

#[derive(Clone)]
struct Own {
    agents: Collection<Agent, Client>,
    agent: AgentCall<Client>,
}

impl Caller for Own {
    async fn call(&self, row: Row) {
        match row {
            Row::Get | Row::GetAtOnce => {
                let agent = self.agents.get(AGENT).await.expect("an agent");
                assert_eq!(agent.metadata.name, AGENT);
            }
            Row::List => {
                let params = ListParams::new().limit(PAGE);
                let page = self.agents.list_with(&params).await.expect("a page");
                assert_eq!(page.len(), PAGE as usize);
            }
            Row::Create => {
                let agent = self.agents.create(&draft()).await.expect("an agent");
                assert_eq!(agent.metadata.name, AGENT);
            }
            Row::Invoke => {
                let input = json!({ "inputs": QUESTION });
                let reply: Value = self.agent.invoke(&input).await.expect("a reply");
                assert!(reply["output"].is_string());
            }
        }
    }
}

/// Returns the agent that is created.
pub fn draft() -> Agent {
    let memory = Megabytes::gigabytes(4);
    Agent::new(AGENT).image(IMAGE).memory(memory)
}
