//! Random walks through everything that may change who enters where, held against a small model of
//! the promise: after each step the product answers what the model says, and nothing else.
//!
//! Twenty walks of 500 steps (`DOORWARD_TEST_WALKS` changes how many); one that goes wrong is
//! shortened as far as it still does. One answer in 200 is verified by xmlsec1 and the schemas.

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

use model::Step;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

const STEPS: usize = 500;

#[test]
fn the_product_does_what_the_model_says_at_every_step() {
    let walks =
        std::env::var("DOORWARD_TEST_WALKS").map_or(20, |count| count.parse().expect("a number"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut runner = TestRunner::default();
    let goes_wrong = |steps: &[Step]| runtime.block_on(walker::walk(steps)).err();
    for _ in 0..walks {
        let tree = model::walk(STEPS).new_tree(&mut runner).expect("a walk");
        let steps = tree.current();
        if goes_wrong(&steps).is_some() {
            let steps = shortened(steps, |steps| goes_wrong(steps).is_some());
            panic!("{:?}, on this walk:\n{steps:#?}", goes_wrong(&steps));
        }
    }
    let [steps, assertions, refusals] = [&walker::STEPS, &walker::ASSERTIONS, &walker::REFUSALS]
        .map(|count| count.load(Ordering::Relaxed));
    println!("{steps} steps, {assertions} assertions, {refusals} refusals");
    assert_eq!(steps, walks * STEPS);
    assert!(
        assertions > steps / 20 && refusals > steps / 20,
        "the walk goes where nothing happens"
    );
}

/// Leaves out ever smaller stretches, as long as what is left still goes wrong.
fn shortened(mut steps: Vec<Step>, goes_wrong: impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut stretch = steps.len() / 2;
    while stretch > 0 {
        let mut start = 0;
        while start < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(start..(start + stretch).min(steps.len()));
            if goes_wrong(&fewer) {
                steps = fewer;
            } else {
                start += stretch;
            }
        }
        stretch /= 2;
    }
    steps
}
