//! People who send fresh requests, all at once.

use std::io::Result;
use std::time::{Duration, Instant};

use super::person::Person;
use super::process::Process;

/// What one round of load cost.
pub(crate) struct Cost {
    /// CPU time of the server for one request.
    pub(crate) cpu: Duration,
    /// Requests answered in a second.
    pub(crate) rate: f64,
    /// How long each request took, shortest first.
    pub(crate) waits: Vec<Duration>,
}

/// Lets every person send so many requests, one after the other; all people at once, by one thread.
/// The requests are made beforehand, so that the client takes little of the machine meanwhile.
pub(crate) async fn run(server: &Process, people: &mut Vec<Person>, each: usize) -> Result<Cost> {
    let requests: Vec<_> = people.iter().map(|person| person.requests(each)).collect();
    let (before, began) = (server.cpu_time()?, Instant::now());
    let sending = people.drain(..).zip(requests);
    let sending: Vec<_> = sending
        .map(|(person, requests)| tokio::spawn(send(person, requests)))
        .collect();
    let mut waits = Vec::new();
    for one in sending {
        let (person, waited) = one.await??;
        people.push(person);
        waits.extend(waited);
    }
    let (took, cpu) = (began.elapsed(), server.cpu_time()?.since(&before));
    waits.sort_unstable();
    // One Response for each is looked into; the others only have to be pages with a Response.
    for person in people {
        let request = person.requests(1).concat();
        person.check(&request).await?;
    }
    let count = u32::try_from(waits.len()).unwrap_or(u32::MAX);
    Ok(Cost {
        cpu: cpu / count,
        rate: f64::from(count) / took.as_secs_f64(),
        waits,
    })
}

async fn send(mut person: Person, requests: Vec<Vec<u8>>) -> Result<(Person, Vec<Duration>)> {
    let mut waits = Vec::with_capacity(requests.len());
    for request in requests {
        let began = Instant::now();
        person.send(&request).await?;
        waits.push(began.elapsed());
    }
    Ok((person, waits))
}
