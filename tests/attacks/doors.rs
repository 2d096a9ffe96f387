//! Messages at the doors beside the usual ones: enhanced clients, `/samlsso`, LogoutResponses, encrypted
//! names, a federation's aggregate. A good one is taken, and one vector of each family is refused.

use crate::kinds::{By, Kind, MORE};
use crate::message::Message;
use crate::signature::{Vectors, led_elsewhere, misshapen, transformed, weak_or_foreign, wrapped};
use crate::support::sp::Sp;
use crate::target::Target;
use crate::xml::{MALFORMED, malformed};

/// One of each family, by the names of [`MALFORMED`].
const FAMILIES: [&str; 12] = [
    "T-NS-1 root in another namespace",
    "T-NS-2 Issuer elsewhere",
    "T-NS-4 foreign ID instead of ID",
    "T-C14N-VOID relative namespace",
    "T-DIFF-1 two roots",
    "T-DIFF-2 missing end tag",
    "T-XXE-1 external DTD",
    "T-TXT-COMMENT in a value",
    "T-TXT-PI in a value",
    "T-ABSENT Issuer",
    "T-TYPE an Assertion",
    "C-R1 unknown issuer",
];

#[tokio::test]
async fn t_ns_t_diff_t_xxe_t_txt_t_absent_at_the_other_doors_too_malformed_documents_are_refused() {
    let mut target = Target::with_more_doors().await;
    for kind in MORE {
        target.good_one_is_accepted(kind).await;
        for family in FAMILIES {
            let (_, from, to) = MALFORMED
                .iter()
                .find(|(vector, ..)| *vector == family)
                .expect("a vector of that name");
            if let Some(spoilt) = malformed(&target, kind, (from, to)) {
                target.attack(kind, family, &spoilt).await;
            }
        }
    }
    insta::assert_snapshot!(target.table());
}

#[tokio::test]
async fn t_xsw_t_sig_t_alg_t_key_at_the_other_doors_too_bad_signatures_are_refused() {
    let mut target = Target::with_more_doors().await;
    let canary = target.canary.local_addr().expect("it listens").to_string();
    let enveloped = |kind: &&Kind| matches!(kind.by, By::Post(_) | By::Soap);
    for kind in MORE.iter().filter(enveloped) {
        let sp = kind.sp(&target);
        let draft = (kind.draft)(&target, &sp).message();
        for (vector, xml) in of_each_family(&draft, &sp, &canary) {
            target.attack(kind, &vector, xml.as_bytes()).await;
        }
    }
    insta::assert_snapshot!(target.table());
}

/// All ways to wrap, and the first of each other family.
fn of_each_family(draft: &Message, sp: &Sp, canary: &str) -> Vectors {
    let mut vectors = wrapped(draft.clone(), sp);
    for make in [misshapen, led_elsewhere, transformed] {
        vectors.extend(make(draft.clone(), sp, canary).into_iter().take(1));
    }
    let keys = weak_or_foreign(draft.clone(), sp, canary);
    let is_key = |(vector, _): &(String, String)| vector.starts_with("T-KEY");
    vectors.extend(keys.into_iter().filter(is_key));
    vectors
}
