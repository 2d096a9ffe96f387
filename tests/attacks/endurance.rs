//! Many malformed messages, one after the other: nothing panics, nothing is kept, nobody waits
//! (T-LEAK, T-PANIC). What a single one may cost is in the other tables.

use std::time::{Duration, Instant};

use crate::kinds::{By, KINDS, Kind};
use crate::message::{Draft, enveloped};
use crate::target::Target;

/// How many of them; the numbers below are for all of them.
const MESSAGES: usize = 3_000;
const GROWTH: u64 = 12 * 1024;

/// Numbers that are the same in every run: xorshift64.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 1).unwrap_or_default()
    }
}

/// A good message with some of its bytes turned, removed, doubled or replaced.
fn broken(good: &str, numbers: &mut Numbers) -> Vec<u8> {
    const SPICE: &[&str] = &[
        "<", ">", "&", "\"", "]]>", "<!--", "\u{0}", "xmlns:", "&#x;", "\u{ff}",
    ];
    let mut bytes = good.as_bytes().to_vec();
    for _ in 0..=numbers.next() % 4 {
        let at = numbers.next() % bytes.len().max(1);
        let end = (at + 1 + numbers.next() % 24).min(bytes.len());
        match numbers.next() % 4 {
            0 => bytes[at] ^= 1 << (numbers.next() % 8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ => {
                let spice = SPICE[numbers.next() % SPICE.len()];
                bytes.splice(at..at, spice.bytes());
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

#[tokio::test]
async fn t_leak_t_panic_thousands_of_broken_messages_leave_nothing_behind() {
    let target = Target::start().await;
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let kinds: Vec<&Kind> = KINDS.iter().filter(|kind| kind.by != By::File).collect();
    let (mut slowest, mut before) = (Duration::ZERO, 0);
    for number in 0..MESSAGES {
        let kind = kinds[number % kinds.len()];
        let sp = kind.sp(&target);
        let Draft::Protocol(message) = (kind.draft)(&target, &sp) else {
            continue;
        };
        let spoilt = broken(&message.xml(), &mut numbers);
        let encoded = kind.encoded(&sp, &spoilt);
        let place = target.product.idp(kind.path);
        let started = Instant::now();
        let answer = match kind.by {
            By::Post(parameter) => client.post(place).form(&[(parameter, &encoded)]).send(),
            By::Soap => client
                .post(place)
                .header("Content-Type", "text/xml")
                .body(enveloped(&spoilt))
                .send(),
            By::Redirect(_) | By::File => client.get(format!("{place}?{encoded}")).send(),
        };
        let status = answer.await.expect("an answer").status().as_u16();
        slowest = slowest.max(started.elapsed());
        // Some are good all the same: a turned bit in an id is another id.
        // A SOAP Fault has 500 by its own rules (SOAP 1.1, 6.2).
        assert!(
            status < 500 || kind.by == By::Soap && status == 500,
            "{status} for {}",
            String::from_utf8_lossy(&spoilt)
        );
        if number == MESSAGES / 10 {
            before = target.product.resident_kib();
        }
    }
    let grown = target.product.resident_kib().saturating_sub(before);
    println!("{MESSAGES} messages: slowest {slowest:?}, grown by {grown} KiB");
    assert!(grown < GROWTH, "it grew by {grown} KiB");
    assert!(slowest < Duration::from_secs(5), "one took {slowest:?}");
    let panics = target.product.log();
    let panics: Vec<_> = panics
        .iter()
        .filter(|line| line.to_string().contains("panicked"))
        .collect();
    assert!(panics.is_empty(), "{panics:#?}");
}
