//! Clients of an emulator, and the requests that it received from them.

use blaxel::{Client, Credentials};
use blaxel_emulator::Emulator;
use blaxel_transport::{HyperTransport, Roots};

/// A client over sockets, with the kind of credential that is renewed.
pub fn client(emulator: &Emulator) -> Client {
    let secret = emulator.client_secret();
    Client::builder()
        .credentials(Credentials::client_credentials(emulator.client_id(), secret).unwrap())
        .workspace(emulator.workspace())
        .api_url(emulator.url())
        .run_url(emulator.run_url())
        .build()
        .unwrap()
}

/// A client over TLS, for an emulator that has it: it trusts the emulator's authority only.
pub fn secure_client(emulator: &Emulator) -> Client {
    let transport = HyperTransport::builder()
        .roots(Roots::Added)
        .add_root_certificate(emulator.certificate_authority().unwrap())
        .unwrap();
    let client = Client::builder()
        .api_key(emulator.api_key())
        .workspace(emulator.workspace())
        .api_url(emulator.url())
        .run_url(emulator.run_url())
        .transport(transport.build());
    client.build().unwrap()
}

/// A client without sockets, with an API key.
pub fn offline_client(emulator: &Emulator) -> Client {
    let client = Client::builder()
        .api_key(emulator.api_key())
        .workspace(emulator.workspace())
        .api_url(emulator.url())
        .run_url(emulator.run_url())
        .transport(emulator.service());
    client.build().unwrap()
}

/// Returns the number of requests of an operation that the emulator received.
pub fn requests_of(emulator: &Emulator, operation: &str) -> usize {
    let journal = emulator.journal();
    let of = journal
        .iter()
        .filter(|entry| entry.operation.as_deref() == Some(operation));
    of.count()
}
