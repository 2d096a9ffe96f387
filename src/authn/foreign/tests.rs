use super::*;

/// Each of them was made by the library or the program that it is named after, not by this one.
const OF_CORRECT_HORSE: &[&str] = &[
    // Python's hashlib, by RFC 2307 and the drafts that followed it.
    "{SSHA}NSZEu/ZzEMKdBO5ESNEYml3qKRYBAgMEBQYHCA==",
    "{ssha}NSZEu/ZzEMKdBO5ESNEYml3qKRYBAgMEBQYHCA==",
    "{SSHA256}CFsq5JPfiBQ0W3uR5Dnao+9mknEq9a739V+FPkJ6yjABAgMEBQYHCA==",
    "{SSHA512}ggObOJHDWCqgI5uFv/j9yDNYMvdTgt+Toj8d6cGrSG/e+E9GbH4DkQ8y5jY3NblhoGens+zNVX1mZaFy0qwRwwECAwQFBgcI",
    "{SMD5}vPjZQdkpEUFwnJ1WNg63FAECAwQFBgcI",
    "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=",
    // Python's hashlib, as Django, the PHC's string format and passlib write it.
    "pbkdf2_sha256$1000$seasalt$mQnueSakb748zqBAC1tmWVZsZbi2zPGZarEzTGdfmso=",
    "$pbkdf2-sha512$i=1000,l=64$MDEyMzQ1Njc4OWFiY2RlZg$OM0FAoIqCVK1sWtxDiffVlBejtLa+ks4TP71JiecwuSZCG8iLbnlIEPOMoVX+i2B2wkSxjQ8CRGR9OkNGuIPMQ",
    "$pbkdf2-sha512$i=1000$MDEyMzQ1Njc4OWFiY2RlZg==$OM0FAoIqCVK1sWtxDiffVlBejtLa+ks4TP71JiecwuSZCG8iLbnlIEPOMoVX+i2B2wkSxjQ8CRGR9OkNGuIPMQ==",
    "$pbkdf2-sha256$1000$././MzQ1Njc4$ZPBebINueymRSrLRXXkFsGjGv1gnEtAaNj3j.bBvL3w",
    // libcrypt and OpenSSL's command line.
    "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
    "{CRYPT}$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
    "$5$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqEC",
    "$6$saltstring$.r0X7ub5wGR2v4Xz7svCIozfnlorFh19V89t8KC9Umd81uGhFgsyTRNyzQDXDIm17fFcR9z3z7oBNdsyYBbtm/",
    "{crypt}$6$rounds=1000$saltstring$YiR6NSM0LQXmu7vAhkMXfkdYk7qtFouVx1Mdr3HmzXspT8kONjlpU3CsV7ezCB62uXJoAdaagsH4ck7/tB9js.",
];

/// Made by the formula of WSO2's user store, which its own test vectors of PBKDF2 confirm.
const OF_WSO2: &[(&str, &str)] = &[
    (
        "admin",
        "$wso2$sha256$s=GzgyTT0M0TSvgMaXZEbD1Q==$JZXxIOnJGJvkFpkCAp7NPU/GiOioNskcldGa0+hqVRE=",
    ),
    (
        "admin",
        "$wso2$sha256$jGl25bVBBBW96Qi9Te4V37Fnqchz/Eu4qB9vKrRIqRg=",
    ),
    (
        "admin",
        "$wso2$sha512$s=GzgyTT0M0TSvgMaXZEbD1Q==$V0uWv/HkIyNGPM03G02bwCgOHTaLjKI28uzF+S936OfEL1xNARBq3RBAOkaAKKQiZpVgdA7UvxNnUBn4zKRSxQ==",
    ),
    (
        "admin",
        "$wso2$sha1$s=GzgyTT0M0TSvgMaXZEbD1Q==$+z/vhrSyuI9dKAekNjrkfENzv5s=",
    ),
    (
        "admin",
        "$wso2$md5$s=GzgyTT0M0TSvgMaXZEbD1Q==$F9diUf4R5OTJEcP4q5jrgQ==",
    ),
    (
        "pässwörd",
        "$wso2$sha256$s=GzgyTT0M0TSvgMaXZEbD1Q==$b7ZhTQYvJBxN2oee0s1wRRDfgEJsDZv1M52tAyKzIuA=",
    ),
    (
        "pässwörd",
        "$wso2$sha256$s=GzgyTT0M0TSvgMaXZEbD1Q==$YR2GsFJH2S7K46bHKoLTKZZ9+kSMF3gpWXWWUYMenKs=",
    ),
    (
        "admin",
        "$wso2$pbkdf2-sha256$i=10000,l=32,s=GzgyTT0M0TSvgMaXZEbD1Q==$zJ8iJPyJ18CIdFYW35AUTvqnvnZ4J05g7PpE669YZio=",
    ),
];

fn fits(password: &str, text: &str) -> bool {
    let stored = take_over(text).unwrap_or_else(|why| panic!("{text}: {why}"));
    Foreign::read(&stored).unwrap().fits(password).unwrap()
}

#[test]
fn hashes_of_other_systems_fit_their_password_and_no_other() {
    let known = OF_CORRECT_HORSE.iter().map(|text| ("correct horse", *text));
    for (password, text) in known.chain(OF_WSO2.iter().copied()) {
        assert!(fits(password, text), "{text}");
        for wrong in ["", "correct horsf", "Admin", "correct horse "] {
            assert!(!fits(wrong, text), "{wrong:?} fits {text}");
        }
    }
}

#[test]
fn argon2_is_taken_over_as_it_is() {
    let hash = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzYWx0$RdescudvJCsgt3ub+b6bZ0ZV2Lq3W6ZR1Vq4yCnMz3A";
    assert_eq!(take_over(hash).as_deref(), Ok(hash));
    assert_eq!(take_over(&format!(" argon2{hash}\n")).as_deref(), Ok(hash));
    let dear = hash.replace("m=65536", "m=1048576");
    assert_eq!(take_over(&dear), Err(Refusal::TooDear));
    let old = hash.replace("v=19$", "");
    assert_eq!(take_over(&old), Err(Refusal::Malformed));
}

#[test]
fn what_is_of_no_known_scheme_is_refused() {
    for text in [
        "",
        "correct horse",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/",
        "$2x$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
        "$y$j9T$abc$def",
        "{CLEARTEXT}secret",
        "{CRYPT}ab01FAX.bQRSU",
        "!unusable",
    ] {
        assert_eq!(take_over(text), Err(Refusal::Unknown), "{text}");
    }
}

#[test]
fn what_is_damaged_or_too_dear_is_refused() {
    for text in [
        "{SSHA}L55TUjtiq8FBorTWAZ0jy6g129A=",
        "{SHA}NSZEu/ZzEMKdBO5ESNEYml3qKRYBAgMEBQYHCA==",
        "{SSHA}AAAA",
        "$wso2$sha256$s=GzgyTT0M0TSvgMaXZEbD1Q==$F9diUf4R5OTJEcP4q5jrgQ==",
        "$wso2$sha3$jGl25bVBBBW96Qi9Te4V37Fnqchz/Eu4qB9vKrRIqRg=",
        "$wso2$pbkdf2-sha256$i=10000,l=16,s=GzgyTT0M0TSvgMaXZEbD1Q==$zJ8iJPyJ18CIdFYW35AUTvqnvnZ4J05g7PpE669YZio=",
        "$wso2$pbkdf2-sha256$i=10000,l=32,s=$zJ8iJPyJ18CIdFYW35AUTvqnvnZ4J05g7PpE669YZio=",
        "pbkdf2_sha256$0$seasalt$mQnueSakb748zqBAC1tmWVZsZbi2zPGZarEzTGdfmso=",
        "pbkdf2_sha256$1000$seasalt$mQnu",
        "$2b$03$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
        "$2b$04$abcdefghijklmnopqrstuujydOTSfIH",
        "$6$saltstring$short",
        "$6$rounds=10$saltstring$YiR6NSM0LQXmu7vAhkMXfkdYk7qtFouVx1Mdr3HmzXspT8kONjlpU3CsV7ezCB62uXJoAdaagsH4ck7/tB9js.",
        "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzYWx0",
    ] {
        assert_eq!(take_over(text), Err(Refusal::Malformed), "{text}");
    }
    for text in [
        "$2b$15$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
        "pbkdf2_sha256$99999999$seasalt$mQnueSakb748zqBAC1tmWVZsZbi2zPGZarEzTGdfmso=",
        "$6$rounds=999999999$saltstring$YiR6NSM0LQXmu7vAhkMXfkdYk7qtFouVx1Mdr3HmzXspT8kONjlpU3CsV7ezCB62uXJoAdaagsH4ck7/tB9js.",
    ] {
        assert_eq!(take_over(text), Err(Refusal::TooDear), "{text}");
    }
    assert_eq!(take_over(&"x".repeat(256)), Err(Refusal::TooLong));
}

#[test]
fn no_hash_is_shown_by_debug() {
    for text in OF_CORRECT_HORSE {
        let shown = format!("{:?}", Foreign::read(text).unwrap());
        assert!(shown.contains(".."), "{shown}");
        assert!(!shown.contains(&text[text.len() - 12..]), "{shown}");
    }
}
