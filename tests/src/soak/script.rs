//! Random scripts of faults and calls.

use std::time::Duration;

use blaxel_core::Plane;
use blaxel_transport::{HyperTransport, TimeLimits};

use super::promise::{Broken, Promise, Tally, check_outcome};
use crate::fault::calls::{Kind, call};
use crate::fault::{Code, Fault, FaultServer, Protocol, Wait, quick_policy};
use crate::random::Random;

/// Time after which a call counts as hanging, on a machine that is busy with other things.
const HANGING: Duration = Duration::from_secs(60);

/// Every fault; the slow ones once, and some of the others several times.
pub const FAULTS: &[Fault] = &[
    Fault::Refuse,
    Fault::Refuse,
    Fault::ResetOnAccept,
    Fault::AcceptAndClose,
    Fault::CloseAfterHead,
    Fault::CloseAfterHead,
    Fault::CloseAfterRequest,
    Fault::CloseAfterRequest,
    Fault::ResetAfterRequest,
    Fault::CloseAfterResponseHead,
    Fault::CloseMidBody,
    Fault::LengthTooLong,
    Fault::LengthTooShort,
    Fault::TruncatedChunks,
    Fault::GzipBomb,
    Fault::NoResponse,
    Fault::Trickle(1),
    Fault::Interim,
    Fault::NoContent,
    Fault::RefusedStream,
    Fault::RefusedStream,
    Fault::StreamReset(Code::Internal),
    Fault::StreamReset(Code::Calm),
    Fault::GoAwayBefore(Code::NoError),
    Fault::GoAwayBefore(Code::NoError),
    Fault::GoAwayBefore(Code::Calm),
    Fault::GoAwayAfter(Code::NoError),
    Fault::GoAwayAfter(Code::Internal),
    Fault::GoAwayAfter(Code::Calm),
    Fault::IdleClose,
    Fault::IdleClose,
    Fault::IdleLost,
    Fault::IdleLost,
    Fault::Status(404),
    Fault::Status(408),
    Fault::Status(409),
    Fault::Status(425),
    Fault::Status(500),
    Fault::Status(502),
    Fault::Status(503),
    Fault::Html(502),
    Fault::Html(504),
    Fault::TooManyRequests(Wait::NoHeader),
    Fault::TooManyRequests(Wait::Millis(3)),
    Fault::TooManyRequests(Wait::Seconds(0)),
    Fault::TooManyRequests(Wait::Date(0)),
    Fault::TooManyRequests(Wait::TooLarge),
    Fault::TooManyRequests(Wait::Malformed),
    Fault::GatewayUnavailable,
    Fault::Gateway(500, true),
    Fault::Gateway(503, false),
    Fault::AppError(404),
    Fault::AppError(429),
    Fault::AppError(503),
    Fault::ShouldRetry(500, true),
    Fault::ShouldRetry(503, false),
    Fault::Echo(401),
    Fault::Echo(500),
];

/// The faults of a server, and the calls that are made one after the other.
#[derive(Clone, Debug)]
pub struct Script {
    protocol: Protocol,
    /// The faults, in the order in which they apply.
    pub faults: Vec<Fault>,
    calls: Vec<(Kind, Plane)>,
}

impl Script {
    /// Returns script `number` of a seed: the same one every time.
    pub fn generate(seed: u64, number: u64) -> Self {
        let mut random = Random(seed ^ number.wrapping_mul(0xD605_BBB5_8C8A_BBFD));
        let protocol = random.choose(&Protocol::ALL);
        let calls = 1 + random.below(3);
        let faults = 1 + random.below(5);
        Self {
            protocol,
            faults: (0..faults)
                .map(|_| {
                    loop {
                        let fault = random.choose(FAULTS);
                        if fault.exists_in(protocol) {
                            break fault;
                        }
                    }
                })
                .collect(),
            calls: (0..calls)
                .map(|_| {
                    (
                        random.choose(&Kind::ALL),
                        random.choose(&[Plane::Control, Plane::Run]),
                    )
                })
                .collect(),
        }
    }

    /// Runs the script, and counts what it did.
    pub(super) async fn run(
        &self,
        transport: &Transports,
        tally: &mut Tally,
    ) -> Result<(), Broken> {
        let transport = transport.speaking(self.protocol);
        let server = FaultServer::start(self.protocol, &self.faults).await;
        let mut limits = TimeLimits::default();
        limits.response_headers = Duration::from_millis(250);
        limits.idle = Duration::from_millis(250);
        let client = server.client_with(transport.clone(), quick_policy(), limits);
        let mut outcomes = Vec::new();
        for (number, (kind, plane)) in self.calls.iter().enumerate() {
            let id = format!("c{number}");
            let call = call(&client, *kind, *plane, &id);
            let outcome = tokio::time::timeout(HANGING, call).await;
            let outcome = outcome.map_err(|_| Promise::End.broken(format!("call {number}")))?;
            tally.calls += 1;
            tally.failed += u64::from(outcome.is_err());
            outcomes.push((id, *kind, outcome));
        }
        tally.scripts += 1;
        tally.faults += (self.faults.len() - server.remaining_faults()) as u64;
        // Whatever happened before, this call succeeds: no dead connection is left in the pool. The
        // limits are the defaults, so that a slow machine does not look like a failing client.
        server.clear_script();
        let client = server.client_with(transport, quick_policy(), TimeLimits::default());
        let after = call(&client, Kind::Get, Plane::Control, "after");
        let after = tokio::time::timeout(HANGING, after).await;
        after
            .map_err(|_| Promise::End.broken("the call after the script".to_owned()))?
            .map_err(|error| Promise::Recovery.broken(error.to_string()))?;
        let journal = server.journal();
        for (id, kind, outcome) in outcomes {
            check_outcome(&format!("/{id}"), kind, &outcome, &journal).map_err(|broken| {
                let text = format!("call {id}: {}; its outcome: {outcome:?}", broken.text);
                broken.promise.broken(text)
            })?;
        }
        Ok(())
    }

    /// Returns the smallest script that still breaks a promise, and the promise that it breaks.
    pub(super) async fn shrink(
        mut self,
        mut broken: Broken,
        transport: &Transports,
    ) -> (Self, Broken) {
        'smaller: loop {
            let without_fault = (0..self.faults.len()).map(|at| {
                let mut script = self.clone();
                script.faults.remove(at);
                script
            });
            let without_call = (0..self.calls.len()).map(|at| {
                let mut script = self.clone();
                script.calls.remove(at);
                script
            });
            for script in without_fault.chain(without_call).collect::<Vec<_>>() {
                // Some faults are races, so each script is tried a few times.
                for _ in 0..5 {
                    if let Err(found) = script.run(transport, &mut Tally::default()).await {
                        (self, broken) = (script, found);
                        continue 'smaller;
                    }
                }
            }
            return (self, broken);
        }
    }
}

/// The transports that all scripts share. Each script has its own origin, and so shares no
/// connection with another.
#[derive(Clone)]
pub(super) struct Transports([HyperTransport; 2]);

impl Transports {
    pub(super) fn new() -> Self {
        Self(Protocol::ALL.map(Protocol::transport))
    }

    fn speaking(&self, protocol: Protocol) -> HyperTransport {
        let [http1, http2] = &self.0;
        match protocol {
            Protocol::Http1 => http1.clone(),
            Protocol::Http2 => http2.clone(),
        }
    }
}
