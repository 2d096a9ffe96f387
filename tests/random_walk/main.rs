//! Random walks through everything that may change who enters where, held against a small model of
//! the promise: after each step the product answers what the model says, and nothing else.
//!
//! Twenty walks of 500 steps by default (`PROPTEST_CASES` changes how many); a walk that fails is
//! shrunk to a short one that fails too. One answer in 200 is verified by xmlsec1 and the schemas.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod model;
#[cfg(test)]
mod walker;
#[cfg(test)]
mod world;

use std::sync::atomic::Ordering;

use proptest::test_runner::{Config, TestRunner};

const STEPS: usize = 500;

#[test]
fn the_product_does_what_the_model_says_at_every_step() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let config = Config {
        cases: cases.unwrap_or(20),
        max_shrink_iters: 300,
        failure_persistence: None,
        ..Config::default()
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let walk = |steps| runtime.block_on(walker::walk(steps));
    TestRunner::new(config).run(&model::walk(STEPS), walk).unwrap_or_else(|failed| panic!("{failed}"));
    let [steps, assertions, refusals] = [&walker::STEPS, &walker::ASSERTIONS, &walker::REFUSALS]
        .map(|count| count.load(Ordering::Relaxed));
    eprintln!("{steps} steps, {assertions} assertions, {refusals} refusals");
    assert!(cases.is_some() || steps >= 10_000);
    assert!(assertions > steps / 20 && refusals > steps / 20, "the walk goes where nothing happens");
}
