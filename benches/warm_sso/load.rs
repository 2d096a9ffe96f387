//! People who send fresh requests, all at once.

use std::io::Result;
use std::thread;
use std::time::{Duration, Instant};

use super::http::odd;
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

/// Lets every person send so many requests, one after the other; all people at once. The requests
/// are made beforehand, so that the client takes little of the machine meanwhile.
pub(crate) fn run(server: &Process, people: &mut [Person], each: usize) -> Result<Cost> {
    let requests: Vec<_> = people.iter().map(|person| person.requests(each)).collect();
    let (before, began) = (server.cpu_time()?, Instant::now());
    let waits = thread::scope(|scope| {
        let each = people.iter_mut().zip(&requests);
        let sending: Vec<_> = each
            .map(|(person, requests)| scope.spawn(|| send(person, requests)))
            .collect();
        let waits = sending
            .into_iter()
            .map(|one| one.join().map_err(|_| odd("a client broke down"))?);
        waits.collect::<Result<Vec<_>>>()
    })?;
    let (took, cpu) = (began.elapsed(), server.cpu_time()?.since(&before));
    let mut waits = waits.concat();
    waits.sort_unstable();
    // Each response is looked into once a round; the others only have to be Response pages.
    for person in people {
        person
            .requests(1)
            .iter()
            .try_for_each(|request| person.check(request))?;
    }
    let count = u32::try_from(waits.len()).unwrap_or(u32::MAX);
    Ok(Cost {
        cpu: cpu / count,
        rate: f64::from(count) / took.as_secs_f64(),
        waits,
    })
}

fn send(person: &mut Person, requests: &[Vec<u8>]) -> Result<Vec<Duration>> {
    let mut waits = Vec::with_capacity(requests.len());
    for request in requests {
        let began = Instant::now();
        person.send(request)?;
        waits.push(began.elapsed());
    }
    Ok(waits)
}
